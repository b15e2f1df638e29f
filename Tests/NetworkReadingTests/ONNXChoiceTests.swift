import Foundation
import Network
import ONNXFormat
import TensorGraph
import TestSupport
import Testing
import WireFormat

@testable import NetworkReading

@Suite("Comparisons and branches of ONNX models")
struct ONNXChoiceTests {
    private static let input = (0..<120).map { Float($0 % 17) / 4 - 2 }

    private func model(_ nodes: [ONNXNode], weights: [ONNXInitializer] = []) -> ONNXModel {
        let numbers: [(String, Float)] = [("half", 0.5), ("one", 1), ("two", 2), ("minusOne", -1)]
        return ONNXModel(
            operatorSets: [.init(version: 18)],
            graph: ONNXGraph(
                nodes: nodes,
                initializers: numbers.map { ONNXInitializer($0.0, Tensor([$0.1], shape: [])) } + weights,
                inputs: [ONNXValue("x", .float32, shape: [.size(1), .size(120)])],
                outputs: [ONNXValue("y", .float32, shape: nil)]))
    }

    private func node(
        _ operation: String, _ inputs: String, to output: String, _ attributes: [String: Int64] = [:]
    ) -> ONNXNode {
        ONNXNode(
            operation, inputs: inputs.split(separator: " ").map(String.init), outputs: [output],
            attributes: attributes.mapValues { .int($0) })
    }

    private func check(_ nodes: [ONNXNode], _ expected: (Float) -> Float) throws {
        let network = try ONNXReader.read(model(nodes))
        let result = try NetworkEvaluator.run(network, Self.input)[0].values
        for (x, y) in zip(Self.input, result) { #expect(abs(expected(x) - y) < 1e-6, "of \(x)") }
    }

    @Test("comparisons of computed tensors are 1 and 0")
    func comparisons() throws {
        let operations: [(String, (Float, Float) -> Bool)] = [
            ("Greater", (>)), ("GreaterOrEqual", (>=)), ("Less", (<)), ("LessOrEqual", (<=)), ("Equal", (==)),
        ]
        for (operation, holds) in operations {
            try check([
                node(operation, "x half", to: "m"), node("Cast", "m", to: "y", ["to": 1]),
            ]) { holds($0, 0.5) ? 1 : 0 }
            try check([
                node(operation, "one x", to: "m"), node("Not", "m", to: "n"),
                node("Cast", "n", to: "y", ["to": 1]),
            ]) { holds(1, $0) ? 0 : 1 }
        }
    }

    @Test("flags are combined, and choose between tensors")
    func choices() throws {
        for (operation, combine) in [
            ("And", { $0 && $1 }), ("Or", { $0 || $1 }), ("Xor", { $0 != $1 }),
        ] as [(String, (Bool, Bool) -> Bool)] {
            try check([
                node("Greater", "x minusOne", to: "a"), node("Less", "x one", to: "b"),
                node(operation, "a b", to: "c"), node("Neg", "x", to: "n"), node("Where", "c n two", to: "y"),
            ]) { combine($0 > -1, $0 < 1) ? -$0 : 2 }
        }
        // Of the two, an infinite one is not chosen.
        try check([
            node("Log", "x", to: "l"), node("IsNaN", "l", to: "a"), node("IsInf", "l", to: "b"),
            node("Or", "a b", to: "c"), node("Where", "c one l", to: "y"),
        ]) { $0 > 0 ? Foundation.log($0) : 1 }
    }

    @Test("constant flags choose, so that what is no number elsewhere does not matter")
    func constantFlags() throws {
        let bytes = Self.input.map { $0 > 0 ? UInt8(1) : 0 }
        let flags = ONNXInitializer(
            "flags", Tensor(type: .bool, shape: [120], contents: .dense(ByteRegion(bytes))))
        let all = ONNXInitializer("all", Tensor(type: .bool, shape: [1], contents: .dense(ByteRegion([1]))))
        let seven = ONNXInitializer(
            "seven",
            Tensor(type: .bool, shape: [7], contents: .dense(ByteRegion([UInt8](repeating: 1, count: 7)))))
        func result(_ nodes: [ONNXNode]) throws -> [Float] {
            let network = try ONNXReader.read(model(nodes, weights: [flags, all, seven]))
            return try NetworkEvaluator.run(network, Self.input)[0].values
        }
        // The logarithms of 0 and of negative numbers.
        let logarithms = Self.input.map { $0 > 0 ? Foundation.log($0) : 2 }
        let first = try result([node("Log", "x", to: "l"), node("Where", "flags l two", to: "y")])
        let second = try result([
            node("Log", "x", to: "l"), node("Not", "flags", to: "not"), node("Where", "not two l", to: "y"),
        ])
        for (index, expected) in logarithms.enumerated() {
            #expect(abs(first[index] - expected) < 1e-6 && abs(second[index] - expected) < 1e-6)
        }
        #expect(try result([node("Where", "all x two", to: "y")]) == Self.input)
        #expect(throws: (any Error).self) { try result([node("Where", "seven x two", to: "y")]) }
    }

    @Test("integers are divided as integers, and flags that became floats as floats")
    func integers() throws {
        let seven = ONNXInitializer("seven", Tensor(integers: [7], shape: []))
        let network = try ONNXReader.read(
            model(
                [
                    node("Mul", "x two", to: "a"), node("Cast", "a", to: "b", ["to": 7]),
                    node("Mul", "b seven", to: "c"), node("Add", "b seven", to: "d"),
                    node("Div", "c d", to: "q"), node("Cast", "q", to: "y", ["to": 1]),
                ], weights: [seven]))
        let result = try NetworkEvaluator.run(network, Self.input)[0].values
        for (x, y) in zip(Self.input, result) {
            let b = Int(x * 2)
            #expect(y == Float(7 * b / (b + 7)))
        }
        try check([
            node("Greater", "x half", to: "m"), node("Cast", "m", to: "f", ["to": 1]),
            node("Add", "f one", to: "g"), node("Div", "f g", to: "y"),
        ]) { $0 > 0.5 ? 0.5 : 0 }
    }

    // MARK: - Branches

    /// An `If` whose branches multiply and negate `h`.
    private func branches(_ condition: String) -> ONNXNode {
        func value(_ name: String) -> ONNXValue { ONNXValue(name, .float32, shape: nil) }
        let chosen = ONNXGraph(
            nodes: [
                ONNXNode("Mul", inputs: ["h", "own"], outputs: ["t"]),
                ONNXNode("Add", inputs: ["t", "one"], outputs: ["u"]),
            ], initializers: [ONNXInitializer("own", Tensor([Float(3)], shape: []))], outputs: [value("u")])
        let other = ONNXGraph(
            nodes: [ONNXNode("Neg", inputs: ["h"], outputs: ["t"])], outputs: [value("t")])
        return ONNXNode(
            "If", name: "choice", inputs: [condition], outputs: ["y"],
            attributes: ["then_branch": chosen.attribute, "else_branch": other.attribute])
    }

    @Test("the branch that sizes choose is read, with what it reads around it", arguments: [true, false])
    func branch(isTaken: Bool) throws {
        let weights = [
            ONNXInitializer("limit", Tensor(integers: [isTaken ? 100 : 200], shape: [])),
            ONNXInitializer("last", Tensor(integers: [1], shape: [])),
        ]
        let nodes = [
            node("Abs", "x", to: "h"), node("Shape", "x", to: "s"), node("Gather", "s last", to: "size"),
            node("Greater", "size limit", to: "c"), branches("c"),
        ]
        let network = try ONNXReader.read(model(nodes, weights: weights))
        let result = try NetworkEvaluator.run(network, Self.input)[0].values
        #expect(result == Self.input.map { isTaken ? abs($0) * 3 + 1 : -abs($0) })
        #expect(network[network.outputs[0]].name == "y")
    }

    @Test("a branch that the picture chooses is refused")
    func computedCondition() throws {
        let nodes = [
            node("Abs", "x", to: "h"), node("ReduceMax", "x", to: "m"), node("Greater", "m half", to: "c"),
            branches("c"),
        ]
        #expect(
            throws: ONNXReadingError.unsupported(
                operation: "If", node: "choice", .controlFlow, supported: ONNXReader.supportedOperators)
        ) { try ONNXReader.read(model(nodes)) }
    }
}

extension ONNXGraph {
    /// The graph as the attribute of a node that was read from a file.
    fileprivate var attribute: ONNXAttribute {
        .graph(self, name: "branch")
    }
}
