import Foundation
import Network
import TensorGraph
import Testing

@testable import Inference

/// Blocks of real networks, run by the engine and node by node in double precision.
@Suite("Networks become layers")
struct NetworkLoweringTests {
    /// A network in the making, with random constants.
    struct Builder {
        var network = Network()
        private var seed = 1
        let input: Int

        init(_ shape: [Int]) throws { input = try network.append(.input(shape), name: "in") }

        mutating func add(_ operation: Network.Operation, _ inputs: Int...) throws -> Int {
            try network.append(operation, name: "node\(network.nodes.count)", inputs)
        }
        mutating func constant(_ shape: [Int], around center: Double = 0) throws -> Int {
            seed += 1
            let numbers = TensorReference(shape, seed: seed).values.map { Float($0 / 2 + center) }
            return try add(.constant(Tensor(numbers, shape: shape)))
        }
        mutating func scalar(_ number: Float) throws -> Int {
            try add(.constant(Tensor([number], shape: [])))
        }
    }

    func check(_ builder: Builder, _ output: Int, layers: ClosedRange<Int>? = nil) throws {
        var network = builder.network
        network.outputs = [output]
        try network.verify()
        let input = TensorReference(network.shape(builder.input), seed: 77)
        let expected = NetworkReference.run(network, input)
        for set in InstructionSet.available {
            var first: [UInt32]?
            for threads in [1, 3] {
                let plan = try Plan(network, instructionSet: set, threads: threads)
                #expect(plan.outputShapes == [network.shape(output)])
                let executor = Executor(plan, pool: threads > 1 ? ThreadPool(threads: threads) : nil)
                for (index, value) in input.values.enumerated() { executor.input[index] = Float(value) }
                executor.run()
                let result = Array(executor.output(0)), bits = result.map(\.bitPattern)
                #expect(bits == first ?? bits)
                first = bits
                let largest = expected.values.reduce(1) { max($0, abs($1)) }
                let worst = zip(result, expected.values).map { abs(Double($0) - $1) }.max()!
                #expect(worst / largest < 1e-5, "\(set.name)")
            }
        }
        try PortableTensorsTests.check(network, input, expected)
        if let layers { #expect(layers.contains(try NetworkLowering.lower(network).layers.count)) }
    }

    /// Returns the kinds of a network's steps, after checking its numbers.
    func kinds(_ builder: Builder, _ output: Int) throws -> [String] {
        try check(builder, output)
        var network = builder.network
        network.outputs = [output]
        return try Plan(network).steps.map(\.kind)
    }

    @Test("a concatenation whose part is padded for a convolution is read as tokens")
    func paddedPart() throws {
        var b = try Builder([1, 7, 7, 16])
        let point = Network.Window(height: 1, width: 1)
        let first = try b.add(.convolution(point, groups: 1), b.input, b.constant([1, 1, 16, 48]))
        let window = Network.Window(
            height: 5, width: 5, padding: .init(top: 2, left: 2, bottom: 2, right: 2))
        let depthwise = try b.add(.convolution(window, groups: 48), first, b.constant([5, 5, 1, 48]))
        let grouped = try b.add(.convolution(point, groups: 3), depthwise, b.constant([1, 1, 16, 48]))
        let joined = try b.add(.concatenation(axis: 3), first, grouped)
        let tokens = try b.add(.reshape([1, 49, 96]), joined)
        let product = try b.add(
            .matrixProduct(transposesLeft: false, transposesRight: false), tokens, b.constant([96, 8]))
        try check(b, product)
    }

    @Test("a block of EfficientNet: padding, depthwise convolution, SiLU, squeeze and excitation, residual")
    func squeezeAndExcitation() throws {
        var b = try Builder([1, 9, 9, 16])
        func silu(_ x: Int) throws -> Int { try b.add(.binary(.multiply), x, b.add(.unary(.sigmoid), x)) }
        let point = Network.Window(height: 1, width: 1)
        let expansion = try silu(
            b.add(
                .binary(.add), b.add(.convolution(point, groups: 1), b.input, b.constant([1, 1, 16, 40])),
                b.constant([40])))
        let padded = try b.add(
            .pad([.init(0, 0), .init(0, 1), .init(1, 1), .init(0, 0)], .constant(0)), expansion)
        let window = Network.Window(height: 3, width: 3)
        let depthwise = try b.add(.convolution(window, groups: 40), padded, b.constant([3, 3, 1, 40]))
        let scaled = try silu(b.add(.binary(.multiply), depthwise, b.constant([40], around: 1)))
        let mean = try b.add(.reduction(.mean, axes: [1, 2], keepsAxes: true), scaled)
        let squeezed = try silu(b.add(.convolution(point, groups: 1), mean, b.constant([1, 1, 40, 5])))
        let gate = try b.add(
            .unary(.hardSigmoid(alpha: 0.2, beta: 0.5)),
            b.add(.convolution(point, groups: 1), squeezed, b.constant([1, 1, 5, 40])))
        let excited = try b.add(.binary(.multiply), scaled, gate)
        let projection = try b.add(.convolution(point, groups: 1), excited, b.constant([1, 1, 40, 16]))
        let sliced = try b.add(
            .slice([
                .init(begin: 0, count: 1), .init(begin: 0, count: 8), .init(begin: 0, count: 9),
                .init(begin: 0, count: 16),
            ]), b.input)
        let end = try b.add(.binary(.add), projection, sliced)
        try check(b, end)
    }

    @Test("a transformer's block: class token, attention, layer normalization, GELU")
    func transformer() throws {
        var b = try Builder([1, 8, 12, 3])
        let patches = try b.add(
            .convolution(Network.Window(height: 4, width: 4, strideY: 4, strideX: 4), groups: 1), b.input,
            b.constant([4, 4, 3, 24]))
        let flat = try b.add(.reshape([1, 6, 24]), patches)
        let tokens = try b.add(.concatenation(axis: 1), b.constant([1, 1, 24]), flat)
        let embedded = try b.add(.binary(.add), tokens, b.constant([1, 7, 24]))
        func normalized(_ x: Int) throws -> Int {
            let normal = try b.add(.normalization(axes: [2], epsilon: 1e-6), x)
            return try b.add(
                .binary(.add), b.add(.binary(.multiply), normal, b.constant([24], around: 1)),
                b.constant([24]))
        }
        func dense(_ x: Int, _ inputs: Int, _ outputs: Int) throws -> Int {
            let product = try b.add(
                .matrixProduct(transposesLeft: false, transposesRight: true), x,
                b.constant([outputs, inputs]))
            return try b.add(.binary(.add), b.constant([outputs]), product)
        }
        let joined = try b.add(.reshape([1, 7, 3, 4, 6]), dense(normalized(embedded), 24, 72))
        let turned = try b.add(.transpose([2, 0, 3, 1, 4]), joined)
        func part(_ index: Int) throws -> Int {
            let slice = try b.add(
                .slice([
                    .init(begin: index, count: 1), .init(begin: 0, count: 1), .init(begin: 0, count: 4),
                    .init(begin: 0, count: 7), .init(begin: 0, count: 6),
                ]), turned)
            return try b.add(.reshape([1, 4, 7, 6]), slice)
        }
        let scores = try b.add(
            .binary(.multiply),
            b.add(.matrixProduct(transposesLeft: false, transposesRight: true), part(0), part(1)),
            b.scalar(0.408))
        let attended = try b.add(
            .matrixProduct(transposesLeft: false, transposesRight: false), b.add(.softmax(axis: 3), scores),
            part(2))
        let heads = try b.add(.reshape([1, 7, 24]), b.add(.transpose([0, 2, 1, 3]), attended))
        let first = try b.add(.binary(.add), embedded, dense(heads, 24, 24))
        let hidden = try b.add(.unary(.gelu(isApproximate: false)), dense(normalized(first), 24, 50))
        let second = try b.add(.binary(.add), dense(hidden, 50, 24), first)
        let token = try b.add(
            .slice([.init(begin: 0, count: 1), .init(begin: 0, count: 1), .init(begin: 0, count: 24)]),
            normalized(second))
        let end = try b.add(.reshape([1, 24]), token)
        try check(b, end, layers: 1...28)
    }

    @Test(
        "attention reads slices, adds the bias of positions and writes its heads side by side without copies")
    func productsWithoutCopies() throws {
        var b = try Builder([1, 3, 3, 20])
        let tokens = try b.add(.reshape([1, 9, 20]), b.input)
        let joined = try b.add(
            .matrixProduct(transposesLeft: false, transposesRight: false), tokens,
            b.constant([20, 2 * 3 * 17]))
        let turned = try b.add(.transpose([0, 2, 1, 3]), b.add(.reshape([1, 9, 2, 51]), joined))
        func part(_ index: Int) throws -> Int {
            try b.add(
                .slice([
                    .init(begin: 0, count: 1), .init(begin: 0, count: 2), .init(begin: 0, count: 9),
                    .init(begin: 17 * index, count: 17),
                ]), turned)
        }
        let query = try b.add(.binary(.multiply), part(0), b.scalar(0.25))
        let key = try b.add(.transpose([0, 1, 3, 2]), part(1))
        let scores = try b.add(
            .binary(.add),
            b.add(.matrixProduct(transposesLeft: false, transposesRight: false), query, key),
            b.constant([1, 2, 9, 9]))
        let attended = try b.add(
            .matrixProduct(transposesLeft: false, transposesRight: false), b.add(.softmax(axis: 3), scores),
            part(2))
        let heads = try b.add(.transpose([0, 2, 1, 3]), attended)
        let end = try b.add(.reshape([1, 306]), heads)
        try check(b, end)
        var network = b.network
        network.outputs = [end]
        let kinds = try Plan(network).steps.map(\.kind)
        #expect(!kinds.contains { $0.contains("transpose") || $0.contains("selection") }, "\(kinds)")
        #expect(!kinds.contains { $0 == "add" || $0 == "pointwise" || $0 == "multiply" }, "\(kinds)")
    }

    @Test("heads joined before a product of exchanged axes are transposed once", arguments: [false, true])
    func exchangedAxes(hasActivation: Bool) throws {
        var b = try Builder([1, 2, 6, 10])
        let turned = try b.add(.transpose([0, 1, 3, 2]), b.input)
        var joined = try b.add(.reshape([1, 20, 6]), turned)
        if hasActivation { joined = try b.add(.unary(.hardSwish), joined) }
        let product = try b.add(
            .matrixProduct(transposesLeft: true, transposesRight: false), joined, b.constant([20, 7]))
        let sum = try b.add(.binary(.add), product, b.constant([7]))
        let row = try b.add(.reshape([1, 42]), sum)
        try check(b, row)
        var network = b.network
        network.outputs = [row]
        let kinds = try Plan(network).steps.map(\.kind)
        #expect(kinds.count { $0 == "transpose" } == 1 && kinds.contains("conv 1×1"), "\(kinds)")
    }

    @Test("a product takes up the normalization, sum and activation behind a reshape")
    func reshapedNormalization() throws {
        var b = try Builder([1, 3, 4, 8])
        let tokens = try b.add(.reshape([1, 12, 8]), b.input)
        let product = try b.add(
            .matrixProduct(transposesLeft: false, transposesRight: false), tokens, b.constant([8, 24]))
        let flat = try b.add(.reshape([12, 24]), product)
        let normalized = try b.add(
            .binary(.add), b.add(.binary(.multiply), flat, b.constant([24], around: 1)), b.constant([24]))
        let whole = try b.add(.reshape([1, 12, 24]), normalized)
        let end = try b.add(.unary(.hardSwish), whole)
        // Two reshapes and a product, beside the reshape of the input.
        let row = try b.add(.reshape([1, 288]), end)
        try check(b, row, layers: 1...5)
    }

    @Test("an image of few channels is scaled, and its channels are weighted by their means")
    func scaledChannels() throws {
        for channels in [3, 24, 40] {
            var b = try Builder([1, 7, 9, channels])
            let scaled = try b.add(
                .binary(.add), b.add(.binary(.multiply), b.input, b.constant([channels], around: 1)),
                b.constant([channels]))
            let mean = try b.add(.reduction(.mean, axes: [1, 2], keepsAxes: true), scaled)
            let gate = try b.add(.unary(.sigmoid), mean)
            let weighted = try b.add(.binary(.multiply), gate, scaled)
            let padded = try b.add(
                .convolution(
                    Network.Window(
                        height: 3, width: 3, strideY: 1, strideX: 1,
                        padding: Network.Margin(top: 1, left: 1, bottom: 1, right: 1)), groups: channels),
                weighted, b.constant([3, 3, 1, channels]))
            let row = try b.add(.reshape([1, 63 * channels]), padded)
            try check(b, row)
        }
    }

    @Test("pools that count padding, groups, pixel shuffles, normalizations and softmax along other axes")
    func others() throws {
        var b = try Builder([1, 8, 6, 12])
        let margin = Network.Margin(top: 1, left: 1, bottom: 1, right: 1)
        let counted = try b.add(
            .averagePool(
                Network.Window(height: 3, width: 3, strideY: 2, strideX: 2, padding: margin, roundsUp: true),
                countsPadding: true), b.input)
        let grouped = try b.add(
            .convolution(
                Network.Window(
                    height: 3, width: 3, dilationY: 2, dilationX: 2,
                    padding: .init(top: 2, left: 2, bottom: 2, right: 2)), groups: 3),
            b.input, b.constant([3, 3, 4, 24]))
        let shuffled = try b.add(.depthToSpace(block: 2, isChannelMajor: true), grouped)
        let together = try b.add(.depthToSpace(block: 2, isChannelMajor: false), grouped)
        let sum = try b.add(.binary(.add), shuffled, together)
        let soft = try b.add(.softmax(axis: 1), sum)
        let normal = try b.add(.normalization(axes: [1, 2], epsilon: 1e-3), sum)
        let most = try b.add(
            .maximumPool(Network.Window(height: 2, width: 2, strideY: 2, strideX: 2)),
            b.add(.concatenation(axis: 3), soft, normal))
        let flat = try b.add(.reshape([1, 8 * 6 * 12]), most)
        let other = try b.add(.reshape([1, 5 * 4 * 12]), counted)
        let end = try b.add(.concatenation(axis: 1), flat, other)
        try check(b, end)
    }

    @Test("parts of one channel are read with the distance at which they lie in what they are parts of")
    func partsOfOneChannel() throws {
        var b = try Builder([5, 7, 1])
        let part = try b.add(.unary(.abs), b.input)
        let joined = try b.add(.concatenation(axis: 2), part, b.add(.unary(.negate), b.input))
        let sums = try b.add(.binary(.add), part, b.add(.unary(.square), part))
        let end = try b.add(.binary(.multiply), joined, sums)
        try check(b, end)
    }

    @Test("a comparison chooses between tensors that broadcast")
    func choice() throws {
        var b = try Builder([1, 5, 7, 19])
        let limits = try b.constant([19])
        let flags = try b.add(.binary(.less), b.input, limits)
        let column = try b.constant([1, 5, 1, 1])
        let chosen = try b.add(.select, flags, b.add(.unary(.negate), b.input), column)
        let means = try b.add(.reduction(.mean, axes: [1, 2], keepsAxes: true), b.input)
        let even = try b.add(.binary(.equal), means, means)
        let end = try b.add(.select, even, chosen, b.add(.unary(.square), b.input))
        try check(b, end)
        // Rows longer than a unit of work.
        var wide = try Builder([1, 20_000])
        let zero = try wide.scalar(0)
        let above = try wide.add(.binary(.lessOrEqual), zero, wide.input)
        let cut = try wide.add(.select, above, wide.input, zero)
        try check(wide, cut)
    }

    @Test("names the node whose use of an operation has no step")
    func unsupported() throws {
        var b = try Builder([1, 4, 4, 2])
        let product = try b.add(
            .convolution(Network.Window(height: 1, width: 1), groups: 1), b.input,
            b.add(.reshape([1, 1, 2, 16]), b.input))
        b.network.outputs = [product]
        let name = b.network[product].name
        #expect(
            throws: PlanError.unsupported(
                node: name, operation: "convolution", what: "weights are computed")
        ) { try Plan(b.network) }
    }
}
