import TensorGraph
import Testing

@testable import Deployment

@Suite("Compensated weights")
struct CompensatedWeightsTests {
    private let rows = 64, columns = 64

    /// A pointwise convolution with a bias of zeros.
    private var graph: Graph {
        let weights = (0..<rows * columns).map { index -> Float in
            let remainder = (index * 37 + index / 7) % 101
            return Float(remainder) / 101 - 0.5
        }
        return Graph(nodes: [
            .input(), .values("w", weights, [1, 1, rows, columns]), .convolution("c", ["x", "w"]),
            .values("b", [Float](repeating: 0, count: columns)),
            Node("BiasAdd", name: "y", inputs: ["c", "b"]),
        ])
    }

    /// Inputs that are sums of four waves, `[count, rows]`, and never negative.
    private func inputs(_ range: Range<Int>) -> [[Float]] {
        range.map { sample -> [Float] in
            (0..<rows).map { row -> Float in
                var sum: Float = 2
                for wave in 0..<4 {
                    let place = (sample * (wave * 29 + 11) + wave) % 97
                    let height = (row * (wave + 3) + wave) % 7
                    sum += (Float(place) / 97 - 0.5) * Float(height) / 7
                }
                return sum
            }
        }
    }

    private func rounded() throws -> Graph {
        let weights = try CompensatedWeights(graph, inputs: ["x"], outputs: ["y"], keeping: [])
        let view = try #require(weights.layers.first).view
        var statistics = InputStatistics(view)
        for image in inputs(0..<200) {
            image.withUnsafeBufferPointer { statistics.add($0, height: 1, width: 1, places: 1) }
        }
        return weights.apply([view: statistics])
    }

    /// Returns the mean square of the errors of the outputs for inputs that the statistics do not know.
    private func error(_ weights: [Float], bias: [Float]) throws -> Float {
        let exact = try #require(graph.nodes[1].constant?.floats), held = inputs(200..<300)
        var sum: Float = 0
        for input in held {
            for c in 0..<columns {
                var change = bias[c]
                for row in 0..<rows {
                    let place = row * columns + c
                    change += input[row] * (weights[place] - exact[place])
                }
                sum += change * change
            }
        }
        return sum / Float(held.count * columns)
    }

    @Test("outputs for other inputs change much less than with errors that are carried along a channel")
    func outputs() throws {
        let (plain, grids) = try rounded().dequantized()
        let grid = try #require(grids["w"])
        let exact = try #require(graph.nodes[1].constant?.floats)
        let bias = try #require(plain.nodes.first { $0.name == "b" }?.constant?.floats)
        let weights = grid.codes.indices.map { Float(grid.codes[$0]) * grid.steps[$0 % columns] }
        let carried = ChannelGrid(carrying: exact, channels: columns)
        let before = try error(
            carried.codes.indices.map { Float(carried.codes[$0]) * carried.steps[$0 % columns] },
            bias: [Float](repeating: 0, count: columns))
        #expect(zip(grid.steps, carried.steps).allSatisfy { abs($0 - $1) < 1e-3 * $1 })
        #expect(try error(weights, bias: bias) < before / 4)
    }

    @Test("exports hold the rounded bytes and the changed bias", arguments: ExportFormat.allCases)
    func exported(format: ExportFormat) throws {
        let rounded = try rounded()
        let grid = try #require(try rounded.dequantized().grids["w"])
        let bytes = try NetworkExport(rounded, input: "x", shape: [1, 1, 1, rows], outputs: ["y"])
            .write(format, .int8, ExportDescription(name: "", producer: ("", ""), entries: []))
        // Both formats have the outputs first.
        let codes = grid.codes.transposed([rows, columns], [1, 0]).map { UInt8(bitPattern: $0) }
        let bias = try #require(rounded.nodes.first { $0.name == "b" }?.constant?.floats)
        #expect(bias.contains { $0 != 0 })
        #expect(bytes.firstRange(of: codes) != nil)
        #expect(bytes.firstRange(of: bias.withUnsafeBytes { [UInt8]($0) }) != nil)
    }

    @Test("weights on a grid keep it, and so do floats that nothing is known of")
    func kept() throws {
        let rounded = try rounded()
        let again = try CompensatedWeights(rounded, inputs: ["x"], outputs: ["y"], keeping: [])
        #expect(again.layers.isEmpty)
        let grids = try (rounded.dequantized().grids["w"], again.apply([:]).dequantized().grids["w"])
        #expect(grids.0?.codes == grids.1?.codes && grids.0?.steps == grids.1?.steps)
        let plain = try CompensatedWeights(graph, inputs: ["x"], outputs: ["y"], keeping: []).apply([:])
        #expect(plain.nodes.first { $0.name == "w" }?.constant?.floats == graph.nodes[1].constant?.floats)
    }

    @Test("a sum with a number is no bias by channel")
    func sums() {
        var nodes = graph.nodes
        nodes[3] = .constant("b", Tensor([Float(1)], shape: []))
        nodes[4] = Node("Add", name: "y", inputs: ["c", "b"])
        #expect(WeightedLayer.all(in: graph).map(\.bias) == ["b"])
        #expect(WeightedLayer.all(in: Graph(nodes: nodes)).map(\.bias) == [nil])
    }

    @Test(
        "exports hold the bytes of matrices, and the last as floats", arguments: ExportFormat.allCases,
        [1, 3])
    func matrices(format: ExportFormat, tokens: Int) throws {
        func matrix(_ rows: Int, _ columns: Int) -> [Float] {
            (0..<rows * columns).map { Float(($0 * 29 + $0 / 5) % 83) / 83 - 0.4 }
        }
        let first = matrix(rows, 80), last = matrix(80, 60), other = matrix(rows, 70).map { $0 / 3 }
        let product = tokens == 1 ? "MatMul" : "BatchMatMulV2"
        let graph = Graph(nodes: [
            .input(), .values("w", first, [rows, 80]), Node(product, name: "m", inputs: ["x", "w"]),
            Node("Relu", name: "r", inputs: ["m"]), .values("v", last, [80, 60]),
            Node(product, name: "y", inputs: ["r", "v"]), .values("u", other, [rows, 70]),
            Node(product, name: "o", inputs: ["x", "u"]), .values("t", matrix(70, 2), [70, 2]),
            Node(product, name: "z", inputs: ["o", "t"]),
        ])
        let shape = tokens == 1 ? [1, rows] : [1, tokens, rows]
        let bytes = try NetworkExport(graph, input: "x", shape: shape, outputs: ["y", "z"])
            .write(format, .int8, ExportDescription(name: "", producer: ("", ""), entries: []))
        // Tokens are normalized, so that their errors need not cancel.
        let grid =
            tokens == 1
            ? ChannelGrid(carrying: first, channels: 80) : ChannelGrid(rounding: first, channels: 80)
        let isOutputMajor = format == .tflite
        let codes = isOutputMajor ? grid.codes.transposed([rows, 80], [1, 0]) : grid.codes
        #expect(bytes.firstRange(of: codes.map { UInt8(bitPattern: $0) }) != nil)
        for (values, shape) in [(last, [80, 60]), (other, [rows, 70])] {
            let floats = isOutputMajor ? values.transposed(shape, [1, 0]) : values
            #expect(bytes.firstRange(of: floats.withUnsafeBytes { [UInt8]($0) }) != nil)
        }
    }
}
