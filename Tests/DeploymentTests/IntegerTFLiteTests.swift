import TensorGraph
import Testing

@testable import Deployment

@Suite("TensorFlow Lite with integers")
struct IntegerTFLiteTests {
    /// A convolution, a join of its result with its pooled result, the mean, and a final layer.
    private func network(tail: [Node]) throws -> PortableNetwork {
        try PortableNetwork(
            Graph(
                nodes: [
                    .input(), .values("w", [1, 2, 3, 4, 5, 6], [1, 1, 3, 2]), .values("b", [5, 6]),
                    .convolution("c", ["x", "w"]), Node("BiasAdd", name: "s", inputs: ["c", "b"]),
                    Node("Relu6", name: "r", inputs: ["s"]),
                    .constant("axes", Tensor([1, 2] as [Int32], shape: [2])),
                    .values("k", [1, 2, 3, 4], [2, 2]),
                ] + tail), input: "x", shape: [1, 4, 6, 3], outputs: ["y"])
    }
    private let means = [
        Node("Mean", name: "m", inputs: ["r", "axes"]), Node("MatMul", name: "l", inputs: ["m", "k"]),
        Node("Softmax", name: "y", inputs: ["l"]),
    ]
    private let ranges: [String: ClosedRange<Float>] = ["r": 0...6, "m": 0...3, "l": -2...2, "y": 0...1]

    private func plan(_ network: PortableNetwork) -> IntegerPlan {
        IntegerPlan(network, ranges: ranges, input: .init(scale: 1 / 128, zero: -1))
    }

    @Test("a grid covers its range and has a code for 0")
    func grids() {
        let grid = IntegerPlan.Grid(covering: -1...3)
        #expect(grid.scale == 4 / 255 && grid.zero == -64)
        let positive = IntegerPlan.Grid(covering: 2...6)
        #expect(positive.scale == 6 / 255 && positive.zero == -128)
        #expect(IntegerPlan.Grid(covering: -5...(-1)).zero == 127)
        #expect(IntegerPlan.Grid(covering: 0...0) == .init(scale: 1, zero: -128))
    }

    @Test("where all have integer kernels, all are integer")
    func allInteger() throws {
        let network = try network(tail: means), plan = plan(network)
        #expect(plan.steps == Set(network.steps.map(\.name)))
        #expect(plan.grids["y"] == .probabilities && plan.grids["x"]?.zero == -1)
    }

    @Test("roots compute with floats, and so does a mean that only they read")
    func floatTail() throws {
        let tail = [
            Node("Mean", name: "m", inputs: ["r", "axes"]), Node("Sqrt", name: "q", inputs: ["m"]),
            Node("MatMul", name: "l", inputs: ["q", "k"]), Node("Softmax", name: "y", inputs: ["l"]),
        ]
        #expect(try plan(network(tail: tail)).steps == ["r"])
    }

    @Test("a part that only a join reads has the join's grid, and a pool that of its input")
    func joins() throws {
        let window: [String: Attribute] = [
            "ksize": .ints([1, 2, 2, 1]), "strides": .ints([1, 1, 1, 1]),
            "padding": .bytes(Array("SAME".utf8)),
        ]
        let network = try network(tail: [
            Node("MaxPool", name: "p", inputs: ["r"], attributes: window), .convolution("c2", ["p", "w2"]),
            .values("w2", [1, 2, 3, 4], [1, 1, 2, 2]),
            .constant("axis", Tensor([3] as [Int32], shape: [])),
            Node("ConcatV2", name: "y", inputs: ["p", "c2", "axis"]),
        ])
        let plan = IntegerPlan(
            network, ranges: ["r": 0...6, "p": 0...6, "c2": -3...3, "y": -3...6],
            input: .init(scale: 1, zero: -128))
        #expect(plan.grids["p"] == plan.grids["r"] && plan.grids["p"] != plan.grids["y"])
        #expect(plan.grids["c2"] == plan.grids["y"])
    }

    @Test("rounding errors of a channel cancel, and steps may be shared")
    func carriedErrors() {
        let weights = (0..<300).map { (i: Int) -> Float in Float((i * 37) % 101 - 50) / Float(1 + i % 3) }
        let grid = ChannelGrid(carrying: weights, channels: 3)
        for channel in 0..<3 {
            let errors = stride(from: channel, to: 300, by: 3).map {
                weights[$0] - Float(grid.codes[$0]) * grid.steps[channel]
            }
            #expect(abs(errors.reduce(0, +)) <= 0.51 * grid.steps[channel])
            #expect(errors.allSatisfy { abs($0) <= 1.01 * grid.steps[channel] })
        }
        #expect(Set(ChannelGrid(carrying: weights, channels: 3, isShared: true).steps).count == 1)
        #expect(ChannelGrid(carrying: [1, 2], channels: 2) { max($0, 0.5) }.codes == [2, 4])
    }

    @Test("a model takes and returns bytes, with biases on the grid of the products")
    func model() throws {
        let export = try NetworkExport(
            Graph(
                nodes: [
                    .input(), .values("w", [1, 2, 3, 4, 5, 6], [1, 1, 3, 2]), .values("b", [5, -6]),
                    .convolution("c", ["x", "w"]), Node("BiasAdd", name: "s", inputs: ["c", "b"]),
                    .constant("axes", Tensor([1, 2] as [Int32], shape: [2])),
                    .values("k", [1, 2, 3, 4], [2, 2]), Node("Mean", name: "m", inputs: ["s", "axes"]),
                    Node("MatMul", name: "l", inputs: ["m", "k"]), Node("Softmax", name: "y", inputs: ["l"]),
                ]), input: "x", shape: [1, 4, 6, 3], outputs: ["y"])
        #expect(export.tensors == ["s", "m", "l", "y"])
        let file = export.integerTFLite(
            ranges: ["s": -40...40, "m": -40...40, "l": -99...99, "y": 0...1], scale: 1 / 128, mean: 127,
            ExportDescription(name: "test", producer: ("us", "1"), entries: []))
        try file.withUnsafeBytes { bytes in
            let reader = FlatBufferReader(bytes), root = try #require(reader.root)
            let subgraph = try #require(reader.tables(root, TFLite.Field.Model.subgraphs).first)
            let tensors = reader.tables(subgraph, TFLite.Field.Subgraph.tensors)
            func tensor(_ name: String) throws -> FlatBufferReader.Table {
                try #require(tensors.first { reader.string($0, TFLite.Field.Tensor.name) == name })
            }
            func quantization(_ name: String) throws -> (scales: [Float], zero: Int64) {
                let table = try #require(reader.table(tensor(name), TFLite.Field.Tensor.quantization))
                let scales = try #require(reader.scalars(table, TFLite.Field.Quantization.scale))
                let zeros = try #require(reader.scalars(table, TFLite.Field.Quantization.zeroPoint))
                // A vector's length is told in elements.
                return (
                    (0..<scales.count).map {
                        scales.baseAddress!.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self)
                    }, zeros.baseAddress!.loadUnaligned(as: Int64.self)
                )
            }
            let input = try quantization("x"), output = try quantization("y/bytes")
            #expect(input.scales == [1 / 128] && input.zero == 127)
            #expect(output.scales == [1 / 256] && output.zero == 0)
            let weights = try quantization("s/weights"), bias = try quantization("s/bias")
            #expect(weights.scales == [5 / 127, 6 / 127] && weights.zero == 0)
            #expect(bias.scales == weights.scales.map { $0 * (1 / 128) })
            let place = Int(try #require(reader.uint32(tensor("s/bias"), TFLite.Field.Tensor.buffer)))
            let buffer = reader.tables(root, TFLite.Field.Model.buffers)[place]
            let sums = try #require(reader.scalars(buffer, TFLite.Field.Buffer.data))
            let expected = [Float(5) / bias.scales[0], -6 / bias.scales[1]].map { Int32($0.rounded()) }
            #expect(sums.baseAddress!.loadUnaligned(as: Int32.self) == expected[0])
            #expect(sums.baseAddress!.loadUnaligned(fromByteOffset: 4, as: Int32.self) == expected[1])
        }
    }
}
