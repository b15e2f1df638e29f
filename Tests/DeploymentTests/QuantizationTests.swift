import TensorGraph
import Testing

@testable import Deployment

@Suite("Quantization")
struct QuantizationTests {
    private func rounded(_ values: [Float], bits: Int) throws -> [Float]? {
        try RoundedWeights(bits: bits).apply(to: Graph(nodes: [.values("w", values)])).nodes[0].constant?
            .floats
    }

    /// The vectors of quantize_graph's own tests.
    @Test("weights_rounded gives quantize_graph's numbers")
    func vectors() throws {
        #expect(try rounded([0, 0.3, 0.6, 1], bits: 1) == [0.25, 0.25, 0.75, 0.75])
        #expect(
            try rounded([-1, -0.3, 0, 0.2, 1], bits: 8) == [
                -0.99609375, -0.30078125, 0.00390625, 0.19921875, 0.99609375,
            ])
        #expect(try rounded([2, 2, 2], bits: 8) == [2, 2, 2])
    }

    @Test("names the constant that is not finite")
    func notFinite() {
        #expect(
            throws: DeploymentError.malformed(
                node: "w", operation: "Const", what: "holds numbers that are not finite")
        ) {
            try rounded([0, .nan], bits: 8)
        }
    }

    @Test("weights makes bytes of large constants that are read, with a range that holds zero")
    func bytes() throws {
        let large: [Float] = (0..<2048).map { $0 % 2 == 0 ? 1.2 : 2 }
        let graph = Graph(nodes: [
            .values("w", large), .values("b", [1, 2]), Node("Add", name: "y", inputs: ["w:0", "b"]),
            .values("told", large),
        ])
        let result = try EightBitWeights().apply(to: graph)
        #expect(
            result.nodes.map(\.operation) == [
                "Const", "Const", "Const", "Dequantize", "Const", "Add", "Const",
            ])
        #expect(result.nodes[6].constant?.floats == large)
        #expect(
            result.nodes[3].name == "w" && result.nodes[3].inputs == ["w_quint8_const", "w_min", "w_max"])
        #expect(result.nodes[1].constant?.floats == [0] && result.nodes[2].constant?.floats == [2])
        guard case .dense(let region)? = result.nodes[0].constant?.contents else { return }
        #expect(region.bytes[0] == 153 && region.bytes[1] == 255)
    }

    @Test(
        "a constant on a grid of fewer levels holds these bytes only, and is off by at most half a step, a power of two"
    )
    func levels() throws {
        let values = (0..<700).map { Float($0) / 100 - 3 }
        let nodes = try Node.values("w", values).asBytes(levels: 16) { $0 + "'" }
        #expect(nodes.map(\.name) == ["w_quint8_const'", "w_min'", "w_max'", "w"])
        guard case .dense(let region)? = nodes[0].constant?.contents,
            let low = nodes[1].constant?.floats?[0], let high = nodes[2].constant?.floats?[0]
        else { Issue.record("no bytes"); return }
        #expect(Set(region.bytes) == Set(0..<15) && low == -3 && (high - low) / 255 == 0.5)
        for (byte, value) in zip(region.bytes, values) {
            #expect((low + Float(byte) / 2 - value).magnitude < 0.2501)
        }
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
            return (0..<rows).reduce(0) { sum, i in
                sum + (0..<rows).reduce(0) { $0 + errors[i] * errors[$1] * (i == $1 ? 1.1 : 1.0) }
            }
        }
        let codes = ErrorCompensation(rows: rows, moments: moments)
            .round(weights, columns: 1, steps: [1], scales: [Float](repeating: 1, count: rows)).map {
                Float($0)
            }
        #expect(loss(codes) < 0.5 * loss(weights.map { $0.rounded() }))
    }

    @Test("uncorrelated inputs are rounded to the nearest, each on its own scale")
    func nearest() {
        let codes = ErrorCompensation(rows: 2, moments: [1, 0, 0, 1]).round(
            [0.4, 1.6, -0.6, 2.4], columns: 2, steps: [1, 1], scales: [1, 0.5])
        #expect(codes == [0, 2, -1, 5])
    }

    /// U and D of more rows than a block holds, against the definition.
    @Test("factors give the moments back", arguments: [1, 31, 33, 70])
    func factors(rows: Int) {
        // A positive matrix that is no pattern: sums of a few waves' products.
        func wave(_ i: Int, _ k: Int) -> Double { Double((i * (7 * k + 3) + k * k) % 23) / 23 - 0.5 }
        var moments = [Double](repeating: 0, count: rows * rows)
        for i in 0..<rows {
            for j in 0..<rows { for k in 0..<90 { moments[i * rows + j] += wave(i + k, k) * wave(j + k, k) } }
        }
        let damping = 0.01 * (0..<rows).reduce(0.0) { $0 + moments[$1 * rows + $1] } / Double(rows)
        let factors = ErrorCompensation(rows: rows, moments: moments)
        /// U + I.
        func element(_ i: Int, _ k: Int) -> Double {
            i == k ? 1 : i < k ? Double(factors.feedback[k * rows + i]) : 0
        }
        for i in 0..<rows {
            for j in 0...i {
                let product = (i..<rows).reduce(0.0) {
                    $0 + element(i, $1) * Double(factors.costs[$1]) * element(j, $1)
                }
                let expected = moments[i * rows + j] + (i == j ? damping : 0)
                #expect(abs(product - expected) < 1e-4 * moments[0])
            }
        }
    }

    @Test("statistics know windows, strides and the zeros around an image")
    func statistics() throws {
        let graph = Graph(nodes: [
            .input(), .values("w", [Float](repeating: 1, count: 9), [3, 3, 1, 1]),
            .convolution("y", ["x", "w"], padding: "SAME"),
        ])
        let layer = try #require(WeightedLayer.all(in: graph).first)
        var statistics = InputStatistics(layer.view)
        let image: [Float] = [1, 2, 3, 4]
        image.withUnsafeBufferPointer { statistics.add($0, height: 2, width: 2, places: 4) }
        // Each tap sees the part of the image that its offset leaves inside.
        let means = statistics.mean(group: 0)
        #expect(zip(means, [1, 3, 2, 4, 10, 6, 3, 7, 4]).allSatisfy { abs($0 - $1 / 4) < 1e-6 })
        // The second tap sees 0, 0, 1, 2 at the four places, the fifth 1, 2, 3, 4.
        let moments = statistics.moments(group: 0, aboutMean: false)
        #expect(abs(moments[4 * 9 + 1] - 11.0 / 4) < 1e-5 && abs(moments[4 * 9 + 4] - 30.0 / 4) < 1e-5)
    }

    @Test("compact weights are whole steps, and what rounding does to the mean goes into the bias")
    func compact() throws {
        let weights = (0..<1024).map { Float($0 % 31) / 31 - 0.4 }
        let graph = Graph(nodes: [
            .input(), .values("w", weights, [1, 1, 16, 64]), .convolution("c", ["x", "w"]),
            .values("b", [Float](repeating: 0, count: 64)),
            Node("BiasAdd", name: "y", inputs: ["c", "b"]),
        ])
        let view = try #require(CompactWeights.layers(of: graph).first).view
        var statistics = InputStatistics(view)
        let image = [Float](repeating: 1, count: 16)
        image.withUnsafeBufferPointer { statistics.add($0, height: 1, width: 1, places: 1) }
        let result = CompactWeights(graph, statistics: [view: statistics]).apply(bits: 3)
        func constant(_ name: String) throws -> Tensor {
            try #require(result.nodes.first { $0.name == name }?.constant)
        }
        guard case .dense(let codes) = try constant("w/codes").contents else { return }
        let steps = try #require(try constant("w/steps").floats),
            bias = try #require(try constant("b").floats)
        let scales = try #require(try constant("w/scales").floats)
        #expect(scales.count == 16 && Set(codes.bytes).count < 24)
        for c in 0..<64 {
            let exact = (0..<16).reduce(Float(0)) { $0 + weights[$1 * 64 + c] }
            let now = (0..<16).reduce(bias[c]) {
                $0 + (Float(codes.bytes[$1 * 64 + c]) - 128) * scales[$1] * steps[c]
            }
            #expect(abs(exact - now) < 1e-3)
        }
    }

    @Test("compact weights cost the bits that were asked for", arguments: [3.0, 4.5])
    func bits(wanted: Double) throws {
        // Sums of a few remainders are near enough to a bell.
        let weights: [Float] = (0..<64 * 64).map { i in
            var sum: Float = 0
            for k in 1...6 {
                let remainder = (i * (977 * k + 13) + i / 7) % 101
                sum += Float(remainder) / 101 - 0.5
            }
            return sum
        }
        let graph = Graph(nodes: [
            .input(), .values("w", weights, [1, 1, 64, 64]), .convolution("y", ["x", "w"]),
        ])
        let result = CompactWeights(graph).apply(bits: wanted)
        guard
            case .dense(let codes)? = result.nodes.first(where: { $0.name == "w/codes" })?.constant?.contents
        else { return }
        let counts = Dictionary(grouping: codes.bytes, by: { $0 }).values.map { Double($0.count) / 4096 }
        let entropy = counts.reduce(0) { $0 - $1 * Math.log2($1) }
        #expect(abs(entropy - wanted) < 0.1)
    }

    /// Two layers alike, one after the other.
    private func twins() -> Graph {
        let weights = (0..<1024).map { index -> Float in
            let remainder = index * 37 % 101
            return Float(remainder) / 101 - 0.5
        }
        return Graph(nodes: [
            .input(), .values("v", weights, [1, 1, 32, 32]), .values("w", weights, [1, 1, 32, 32]),
            .convolution("y", ["x", "v"]),
            .convolution("z", ["y", "w"]),
        ])
    }

    @Test("a layer whose errors cost four times as much has steps half as wide")
    func sensitivities() throws {
        var weights = CompactWeights(twins())
        weights.weigh([1, 4])
        let result = weights.apply(bits: 4)
        func step(_ name: String) throws -> Float {
            try #require(result.nodes.first { $0.name == "\(name)/steps" }?.constant?.floats)[0]
        }
        #expect(abs(try step("v") / step("w") - 2) < 0.1)
    }

    @Test("a trial moves one layer's weights by at most half a step")
    func trial() throws {
        let graph = twins(), result = CompactWeights(graph).trial(layer: 1, step: 0.5)
        let moved = zip(graph.nodes, result.nodes).map { before, after -> Float in
            let values = zip(before.constant?.floats ?? [], after.constant?.floats ?? [])
            return values.reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
        }
        // The weights' deviation is 0.29.
        #expect(moved.count { $0 > 0 } == 1 && (moved.max() ?? 0) > 0.05 && (moved.max() ?? 1) < 0.08)
    }
}
