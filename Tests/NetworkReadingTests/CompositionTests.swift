import Foundation
import Network
import TensorGraph
import TestSupport
import Testing

@testable import NetworkReading

@Suite("Functions that exporters take apart")
struct CompositionTests {
    /// A network of one input and what `build` makes of it, before and after compositions are found.
    func compose(
        _ build: (inout Network, Int) throws -> Int
    ) throws -> (operations: [String], difference: Float) {
        var network = Network()
        let x = try network.append(.input([1, 2, 2, 8]), name: "x")
        network.outputs = [try build(&network, x)]
        let fused = Compositions.fused(network), values = (0..<32).map { Float($0) / 2 - 8 }
        try fused.verify()
        let before = try NetworkEvaluator.run(network, values)[0].values
        let after = try NetworkEvaluator.run(fused, values)[0].values
        let difference = zip(before, after).map { abs($0 - $1) }.max() ?? 0
        return (
            fused.nodes.map { "\($0.operation)" }.filter { $0 != "input" && !$0.hasPrefix("constant") },
            difference
        )
    }

    static func scalar(_ network: inout Network, _ value: Float) throws -> Int {
        try network.append(.constant(Tensor([value], shape: [])), name: "c")
    }

    static func two(
        _ function: Network.Binary, _ network: inout Network, _ a: Int, _ b: Float
    ) throws -> Int {
        try network.append(.binary(function), name: "y", [a, scalar(&network, b)])
    }

    @Test("are found whatever the order of factors and the form of constants")
    func orders() throws {
        // torch: x / √2, erf, + 1, x ·, · ½
        var made = try compose { network, x in
            let a = try Self.two(.divide, &network, x, 1.414_213_5)
            let b = try Self.two(.add, &network, network.append(.unary(.erf), name: "e", [a]), 1)
            return try Self.two(
                .multiply, &network, network.append(.binary(.multiply), name: "m", [x, b]), 0.5)
        }
        #expect(made.operations == ["gelu(isApproximate: false)"] && made.difference < 1e-5)
        // Keras: (½ x) · (1 + erf(x · √½))
        made = try compose { network, x in
            let half = try Self.two(.multiply, &network, x, 0.5)
            let a = try Self.two(.multiply, &network, x, 0.707_106_77)
            let b = try Self.two(.add, &network, network.append(.unary(.erf), name: "e", [a]), 1)
            return try network.append(.binary(.multiply), name: "y", [half, b])
        }
        #expect(made.operations == ["gelu(isApproximate: false)"] && made.difference < 1e-5)
        // Hugging Face: ½ x (1 + tanh(√(2/π) (x + 0.044715 x³)))
        made = try compose { network, x in
            let cube = try network.append(.binary(.power), name: "p", [x, Self.scalar(&network, 3)])
            let sum = try network.append(
                .binary(.add), name: "s", [x, Self.two(.multiply, &network, cube, 0.044715)])
            let bend = try network.append(
                .unary(.tanh), name: "t", [Self.two(.multiply, &network, sum, 0.797_884_6)])
            let half = try Self.two(.multiply, &network, x, 0.5)
            return try network.append(
                .binary(.multiply), name: "y", [half, Self.two(.add, &network, bend, 1)])
        }
        #expect(made.operations == ["gelu(isApproximate: true)"] && made.difference < 1e-5)
        // Keras: x · relu6(x + 3) · (1 / 6)
        made = try compose { network, x in
            let clip = try network.append(
                .unary(.clip(lowest: 0, highest: 6)), name: "r", [Self.two(.add, &network, x, 3)])
            return try network.append(
                .binary(.multiply), name: "y", [x, Self.two(.multiply, &network, clip, 1 / 6)])
        }
        #expect(made.operations == ["hardSwish"] && made.difference < 1e-5)
        made = try compose { network, x in
            try network.append(
                .binary(.multiply), name: "y", [x, network.append(.unary(.sigmoid), name: "s", [x])])
        }
        #expect(made.operations == ["silu"] && made.difference < 1e-5)
    }

    @Test("are found where constants are rounded to half precision, and only there")
    func halfPrecision() throws {
        func gelu(_ root: Float) throws -> [String] {
            try compose { network, x in
                let a = try Self.two(.divide, &network, x, root)
                let b = try Self.two(.add, &network, network.append(.unary(.erf), name: "e", [a]), 1)
                return try Self.two(
                    .multiply, &network, network.append(.binary(.multiply), name: "m", [x, b]), 0.5)
            }.operations
        }
        #expect(try gelu(1.414_062_5) == ["gelu(isApproximate: false)"])
        #expect(try gelu(1.414_063_5) == ["divide", "erf", "add", "multiply", "multiply"])
        let made = try compose { network, x in
            let cube = try network.append(.binary(.power), name: "p", [x, Self.scalar(&network, 3)])
            let sum = try network.append(
                .binary(.add), name: "s", [x, Self.two(.multiply, &network, cube, 0.044_708_252)])
            let bend = try network.append(
                .unary(.tanh), name: "t", [Self.two(.multiply, &network, sum, 0.797_851_56)])
            let half = try Self.two(.multiply, &network, x, 0.5)
            return try network.append(
                .binary(.multiply), name: "y", [half, Self.two(.add, &network, bend, 1)])
        }
        #expect(made.operations == ["gelu(isApproximate: true)"] && made.difference < 1e-4)
    }

    @Test("are left where a tensor between has other readers, and where the function is another one")
    func others() throws {
        var made = try compose { network, x in
            let gate = try network.append(.unary(.sigmoid), name: "s", [x])
            let product = try network.append(.binary(.multiply), name: "m", [x, gate])
            return try network.append(.binary(.add), name: "y", [product, gate])
        }
        #expect(made.operations == ["sigmoid", "multiply", "add"])
        // The sigmoid that CLIP takes for GELU.
        made = try compose { network, x in
            let gate = try network.append(
                .unary(.sigmoid), name: "s", [Self.two(.multiply, &network, x, 1.702)])
            return try network.append(.binary(.multiply), name: "y", [x, gate])
        }
        #expect(made.operations == ["multiply", "sigmoid", "multiply"])
    }

    @Test("of the result of another function are of that result")
    func nested() throws {
        let made = try compose { network, x in
            let inner = try network.append(.unary(.relu), name: "r", [x])
            let gate = try network.append(.unary(.sigmoid), name: "s", [inner])
            return try network.append(.binary(.multiply), name: "y", [inner, gate])
        }
        #expect(made.operations == ["relu", "silu"] && made.difference < 1e-5)
    }
}
