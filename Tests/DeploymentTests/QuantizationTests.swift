import TensorGraph
import Testing

@testable import Deployment

@Suite("Quantization")
struct QuantizationTests {
    private func rounded(_ values: [Float], bits: Int) throws -> [Float]? {
        try RoundedWeights(bits: bits).apply(to: Graph(nodes: [.values("w", values)])).nodes[0].constant?.floats
    }

    /// The vectors of quantize_graph's own tests.
    @Test("weights_rounded gives quantize_graph's numbers")
    func vectors() throws {
        #expect(try rounded([0, 0.3, 0.6, 1], bits: 1) == [0.25, 0.25, 0.75, 0.75])
        #expect(try rounded([-1, -0.3, 0, 0.2, 1], bits: 8) == [-0.99609375, -0.30078125, 0.00390625, 0.19921875, 0.99609375])
        #expect(try rounded([2, 2, 2], bits: 8) == [2, 2, 2])
    }

    @Test("names the constant that is not finite")
    func notFinite() {
        #expect(throws: DeploymentError.malformed(node: "w", operation: "Const", what: "holds numbers that are not finite")) {
            try rounded([0, .nan], bits: 8)
        }
    }

    @Test("weights makes bytes of large constants, with a range that holds zero")
    func bytes() throws {
        let graph = Graph(nodes: [.values("w", (0..<2048).map { $0 % 2 == 0 ? 1.2 : 2 }), .values("b", [1, 2])])
        let result = try EightBitWeights().apply(to: graph)
        #expect(result.nodes.map(\.operation) == ["Const", "Const", "Const", "Dequantize", "Const"])
        #expect(result.nodes[3].name == "w" && result.nodes[3].inputs == ["w_quint8_const", "w_min", "w_max"])
        #expect(result.nodes[1].constant?.floats == [0] && result.nodes[2].constant?.floats == [2])
        guard case .dense(let region)? = result.nodes[0].constant?.contents else { return }
        #expect(region.bytes[0] == 153 && region.bytes[1] == 255)
    }

    @Test("a step has few digits, and numbers that have none stay")
    func mantissas() {
        #expect(Float(1.03).rounded(mantissaBits: 5) == 1.03125)
        #expect(Float(-3.3).rounded(mantissaBits: 1) == -3)
        #expect(Float(0).rounded(mantissaBits: 5) == 0)
    }

    @Test("compensated rounding changes products less than rounding each weight to the nearest")
    func compensation() {
        // Inputs that go up and down together: moments of 1 everywhere, a little more on the diagonal.
        let rows = 8
        let weights = [Float](repeating: 0.4, count: rows)
        let moments = (0..<rows * rows).map { $0 / rows == $0 % rows ? 1.1 : 1.0 }
        func loss(_ codes: [Float]) -> Double {
            let errors = zip(weights, codes).map { Double($0 - $1) }
            return (0..<rows).reduce(0) { sum, i in sum + (0..<rows).reduce(0) { $0 + errors[i] * errors[$1] * (i == $1 ? 1.1 : 1.0) } }
        }
        let codes = ErrorCompensation(rows: rows, moments: moments).round(weights, columns: 1, steps: [1]).map { Float($0) }
        #expect(loss(codes) < 0.5 * loss(weights.map { $0.rounded() }))
    }

    @Test("uncorrelated inputs are rounded to the nearest")
    func nearest() {
        let codes = ErrorCompensation(rows: 2, moments: [1, 0, 0, 1]).round([0.4, 1.6, -0.6, 2.4], columns: 2, steps: [1, 1])
        #expect(codes == [0, 2, -1, 2])
    }

    @Test("statistics know windows, strides and the zeros around an image")
    func statistics() throws {
        let graph = Graph(nodes: [.input(), .values("w", [Float](repeating: 1, count: 9), [3, 3, 1, 1]), .convolution("y", ["x", "w"], padding: "SAME")])
        let layer = try #require(WeightedLayer.all(in: graph).first)
        var statistics = InputStatistics(layer)
        let image: [Float] = [1, 2, 3, 4]
        image.withUnsafeBufferPointer { statistics.add($0, height: 2, width: 2, of: layer, places: 4) }
        #expect(statistics.count == 4)
        // Each tap sees the part of the image that its offset leaves inside.
        #expect(statistics.mean(group: 0) == [1, 3, 2, 4, 10, 6, 3, 7, 4].map { $0 / 4 })
    }

    @Test("compact weights are whole steps, and what rounding does to the mean goes into the bias")
    func compact() throws {
        let weights = (0..<1024).map { Float($0 % 31) / 31 - 0.4 }
        let graph = Graph(nodes: [
            .input(), .values("w", weights, [1, 1, 16, 64]), .convolution("c", ["x", "w"]), .values("b", [Float](repeating: 0, count: 64)),
            Node("BiasAdd", name: "y", inputs: ["c", "b"]),
        ])
        let layer = try #require(CompactWeights.layers(of: graph).first)
        var statistics = InputStatistics(layer)
        let image = [Float](repeating: 1, count: 16)
        image.withUnsafeBufferPointer { statistics.add($0, height: 1, width: 1, of: layer, places: 1) }
        let result = CompactWeights(graph, statistics: ["c": statistics]).apply(bits: 3)
        func constant(_ name: String) throws -> Tensor { try #require(result.nodes.first { $0.name == name }?.constant) }
        guard case .dense(let codes) = try constant("w/codes").contents else { return }
        let steps = try #require(try constant("w/steps").floats), bias = try #require(try constant("b").floats)
        for c in 0..<64 {
            let exact = (0..<16).reduce(Float(0)) { $0 + weights[$1 * 64 + c] }
            let now = (0..<16).reduce(bias[c]) { $0 + (Float(codes.bytes[$1 * 64 + c]) - 128) * steps[c] }
            #expect(abs(exact - now) < 1e-3)
        }
    }
}
