import Network
import TensorGraph
import TestSupport
import Testing

@testable import Inference
@testable import PortableProgram

/// What `NetworkLoweringTests` checks of plans is checked of programs too.
@Suite("Portable programs of tensors of any shape")
struct PortableTensorsTests {
    static func program(_ network: Network) throws -> [UInt8] {
        try PortablePlan(
            network, novelty: nil, preparation: PortablePlanTests.preparation, packed: PackedTensors(),
            roundsWeights: false
        ).bytes
    }

    /// Checks the first output of a network's program against numbers in double precision.
    static func check(_ network: Network, _ input: TensorReference, _ expected: TensorReference) throws {
        let machine = try #require(PortablePlanTests.Machine(try program(network)))
        let largest = expected.values.reduce(1) { max($0, abs($1)) }
        for _ in 0..<2 {
            let result = machine.run(input.values.map { Float($0) })
            #expect(result.count == expected.values.count)
            let worst = zip(result, expected.values).map { abs(Double($0) - $1) }.max() ?? 0
            #expect(worst / largest < 1e-5)
        }
    }

    typealias Builder = NetworkLoweringTests.Builder

    func check(_ shape: [Int], _ build: (inout Builder) throws -> Int) throws {
        var builder = try Builder(shape)
        var network = builder.network, output = try build(&builder)
        // Outputs are copies, so that the layer under test has an image of its own.
        output = try builder.add(.binary(.add), output, builder.scalar(0.5))
        network = builder.network
        network.outputs = [output]
        try network.verify()
        let input = TensorReference(shape, seed: 5)
        let expected = try NetworkEvaluator.run(network, input.values.map { Float($0) })[0]
        try Self.check(
            network, input, TensorReference(network.shape(output), expected.values.map { Double($0) }))
    }

    @Test(
        "apply every function of one number that a page has",
        arguments: [
            .relu, .clip(lowest: -0.5, highest: 0.25), .leakyRelu(slope: 0.1), .elu(alpha: 0.5), .selu,
            .sigmoid, .tanh, .erf, .erfc, .exp, .square, .abs, .negate, .sign, .floor, .ceil, .round,
            .softplus, .softsign, .mish, .hardSigmoid(alpha: 0.3, beta: 0.4), .hardSwish, .silu,
            .gelu(isApproximate: false), .gelu(isApproximate: true),
            .gridded(lowest: -1, highest: 1, step: 0.125),
        ] as [Network.Unary])
    func functions(_ function: Network.Unary) throws {
        try check([1, 3, 5, 6]) { try $0.add(.unary(function), $0.input) }
    }

    @Test(
        "apply functions of positive numbers",
        arguments: [.log, .sqrt, .rsqrt, .reciprocal] as [Network.Unary])
    func positive(_ function: Network.Unary) throws {
        try check([1, 3, 5, 6]) { b in
            let positive = try b.add(.binary(.add), b.add(.unary(.square), b.input), b.scalar(0.25))
            return try b.add(.unary(function), positive)
        }
    }

    @Test("apply an activation after convolutions, with and without padding", arguments: [1, 8])
    func activations(groups: Int) throws {
        try check([1, 5, 6, 8]) { b in
            let window = Network.Window(
                height: 3, width: 3, padding: .init(top: 1, left: 1, bottom: 1, right: 1))
            let filter = try b.constant([3, 3, 8 / groups, 8])
            let first = try b.add(
                .unary(.hardSwish), b.add(.convolution(window, groups: groups), b.input, filter))
            return try b.add(.convolution(window, groups: groups), first, filter)
        }
    }

    @Test("convolve in groups, joined or not, and depthwise with dilation", arguments: [2, 4, 16])
    func groups(_ groups: Int) throws {
        try check([1, 9, 8, 16]) { b in
            let window = Network.Window(
                height: 3, width: 3, strideY: 2, dilationY: groups == 16 ? 2 : 1,
                dilationX: groups == 16 ? 3 : 1, padding: .init(top: 2, left: 3, bottom: 2, right: 3))
            let filter = try b.constant([3, 3, 16 / groups, 32])
            let sum = try b.add(.convolution(window, groups: groups), b.input, filter)
            return try b.add(.binary(.add), sum, b.constant([32]))
        }
    }

    @Test(
        "combine two tensors, which are broadcast",
        arguments: [
            .add, .subtract, .multiply, .divide, .maximum, .minimum, .squaredDifference, .prelu, .equal,
            .less,
            .lessOrEqual,
        ] as [Network.Binary], [[4, 1, 6], [2, 4, 5, 1], [1, 2, 1, 5, 6]])
    func combinations(_ function: Network.Binary, _ other: [Int]) throws {
        try check([2, 4, 5, 6]) { b in
            try b.add(.binary(function), b.input, b.constant(other, around: 3))
        }
    }

    @Test(
        "reduce along axes",
        arguments: [.mean, .maximum, .minimum, .sum, .product, .sumOfSquares, .euclideanNorm, .absoluteSum]
            as [Network.Reduction], [[1], [3], [1, 2], [2, 3], [0, 1, 2, 3]])
    func reductions(_ reduction: Network.Reduction, _ axes: [Int]) throws {
        try check([1, 3, 4, 5]) {
            try $0.add(.reduction(reduction, axes: axes, keepsAxes: axes.count < 3), $0.input)
        }
    }

    @Test("choose by flags", arguments: [[1], [1, 4, 1, 6], [6]])
    func choices(_ other: [Int]) throws {
        try check([1, 4, 5, 6]) { b in
            let flags = try b.add(.binary(.less), b.input, b.scalar(0))
            return try b.add(.select, flags, b.constant(other), b.input)
        }
    }

    @Test("take positions: slices, gathers, borders of every kind and repetitions")
    func selections() throws {
        let operations: [Network.Operation] = [
            .slice([
                .init(begin: 0, count: 1), .init(begin: 1, count: 2), .init(begin: 4, count: 3, step: -2),
                .init(begin: 1, count: 5),
            ]),
            .gather(axis: 2, indices: [3, 0, 0, 4]), .gather(axis: 3, indices: [5, 1]),
            .pad([.init(0, 0), .init(1, 2), .init(2, 0), .init(0, 1)], .constant(-2)),
            .pad([.init(0, 0), .init(1, 2), .init(2, 1), .init(0, 0)], .reflect),
            .pad([.init(0, 0), .init(1, 2), .init(2, 1), .init(0, 0)], .symmetric),
            .pad([.init(0, 0), .init(1, 2), .init(2, 1), .init(0, 0)], .edge),
            .tile([1, 2, 3, 2]), .broadcast([2, 4, 5, 6]),
        ]
        for operation in operations { try check([1, 4, 5, 6]) { try $0.add(operation, $0.input) } }
    }

    @Test("join along any axis, a constant too, and permute axes", arguments: [0, 1, 2])
    func joins(axis: Int) throws {
        try check([1, 2, 3, 4, 5]) { b in
            var shape = [1, 2, 3, 4, 5]
            shape[axis] = 2
            let joined = try b.add(.concatenation(axis: axis), b.constant(shape), b.input)
            return try b.add(.transpose([4, 1, 3, 0, 2]), joined)
        }
    }

    @Test(
        "multiply computed matrices, transposed or not, with long sums", arguments: [false, true],
        [false, true])
    func products(left: Bool, right: Bool) throws {
        try check([3, 7, 300]) { b in
            let other = try b.add(.binary(.multiply), b.input, b.scalar(0.7))
            let first = left ? try b.add(.transpose([0, 2, 1]), b.input) : b.input
            let second = right ? other : try b.add(.transpose([0, 2, 1]), other)
            let product = try b.add(
                .matrixProduct(transposesLeft: left, transposesRight: right), first, second)
            return try b.add(.binary(.add), product, b.constant([1, 7, 7]))
        }
    }

    @Test("normalize along the last axis and others", arguments: [[3], [1, 2]])
    func normalizations(_ axes: [Int]) throws {
        try check([1, 4, 5, 6]) { b in
            let normalized = try b.add(.normalization(axes: axes, epsilon: 1e-3), b.input)
            let scaled = try b.add(.binary(.multiply), normalized, b.constant([6]))
            return try b.add(.softmax(axis: axes[0]), b.add(.binary(.add), scaled, b.constant([6])))
        }
    }

    @Test(
        "resize",
        arguments: [.nearest(.floor), .linear, .cubic(coefficient: -0.75)] as [Network.Resize.Method])
    func resizes(_ method: Network.Resize.Method) throws {
        try check([1, 4, 5, 6]) {
            try $0.add(
                .resize(.init(height: 7, width: 3, method: method, coordinates: .halfPixel)), $0.input)
        }
    }

    @Test("refuse the functions that a page has no library for")
    func refused() throws {
        func error(_ build: (inout Builder) throws -> Int) throws -> PortablePlanError? {
            var builder = try Builder([1, 2, 2, 4])
            let output = try build(&builder)
            builder.network.outputs = [output]
            return #expect(throws: PortablePlanError.self) { try Self.program(builder.network) }
        }
        #expect(
            try error { try $0.add(.unary(.sin), $0.input) }
                == .noInstruction(node: "node1", operation: "sine"))
        #expect(
            try error { try $0.add(.binary(.power), $0.input, $0.scalar(2.5)) }
                == .noInstruction(node: "node2", operation: "power"))
    }

    @Test("are refused, or stay within their memory, when their tables are damaged")
    func damaged() throws {
        var b = try Builder([1, 4, 6, 8])
        let turned = try b.add(.transpose([0, 2, 3, 1]), b.input)
        let rows = try b.add(.transpose([0, 2, 1, 3]), b.input)
        let product = try b.add(.matrixProduct(transposesLeft: false, transposesRight: false), turned, rows)
        let less = try b.add(.binary(.less), product, b.scalar(0))
        let chosen = try b.add(.select, less, product, b.scalar(1))
        let cut = try b.add(.gather(axis: 2, indices: [0, 3, 5]), chosen)
        let resized = try b.add(
            .resize(.init(height: 5, width: 4, method: .linear, coordinates: .halfPixel)), cut)
        b.network.outputs = [try b.add(.reduction(.maximum, axes: [2], keepsAxes: false), resized)]
        let bytes = try Self.program(b.network),
            program = try #require(PortablePlanTests.Machine(bytes)).program
        let numbers = 4 * Int(program.header.numberCount), tables = Int(program.header.codeCount)
        let random = noise(2 * 400, seed: 8)
        var refused = 0
        for trial in 0..<400 {
            var damaged = bytes
            // The low bytes of integers: larger ones are refused or make long loops.
            let word = (Int(random[2 * trial]) &+ 251 &* trial) % (tables / 4)
            damaged[bytes.count - numbers - tables + 4 * word] = random[2 * trial + 1]
            guard let machine = PortablePlanTests.Machine(damaged) else {
                refused += 1
                continue
            }
            _ = machine.run([Float](repeating: 0.5, count: 4 * 6 * 8))
        }
        #expect(refused > 40)
    }
}
