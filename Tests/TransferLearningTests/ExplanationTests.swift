import Network
import TensorGraph
import Testing

@testable import TransferLearning

@Suite("Explanations")
struct ExplanationTests {
    /// An image of 4 × 4 places and 2 channels, read by its means, deviations and maxima in a layer of 3 classes.
    private func network() throws -> Network {
        var network = Network()
        let image = try network.append(.input([1, 4, 4, 2]), name: "image")
        let mean = try network.append(
            .reduction(.mean, axes: [1, 2], keepsAxes: false), name: "mean", [image])
        let center = try network.append(
            .reduction(.mean, axes: [1, 2], keepsAxes: true), name: "center", [image])
        let squares = try network.append(.binary(.squaredDifference), name: "squares", [image, center])
        let variance = try network.append(
            .reduction(.mean, axes: [1, 2], keepsAxes: false), name: "variance", [squares])
        let deviation = try network.append(.unary(.sqrt), name: "deviation", [variance])
        let maximum = try network.append(
            .reduction(.maximum, axes: [1, 2], keepsAxes: true), name: "maximum", [image])
        let flat = try network.append(.reshape([1, 2]), name: "flat", [maximum])
        let joined = try network.append(.concatenation(axis: 1), name: "joined", [mean, deviation, flat])
        let weights = try network.append(
            .constant(Tensor((0..<18).map { Float($0 * 7 % 5) - 2 }, shape: [6, 3])), name: "weights")
        let scores = try network.append(
            .matrixProduct(transposesLeft: false, transposesRight: false), name: "product", [joined, weights])
        let biases = try network.append(.constant(Tensor([Float(1), 2, 3], shape: [3])), name: "biases")
        let sum = try network.append(.binary(.add), name: "sum", [scores, biases])
        network.outputs = [try network.append(.softmax(axis: 1), name: "softmax", [sum])]
        return network
    }

    @Test(
        "find means, deviations and maxima through joined and reshaped vectors; the places' shares add up to the score"
    )
    func sums() throws {
        let network = try network()
        let reading = LinearReading(network, output: network.outputs[0])
        #expect(reading.parts.count == 3)
        #expect(
            Set(reading.parts.map { "\($0.statistic) \($0.columns)" }) == [
                "mean 0..<2", "deviation 2..<4", "maximum 4..<6",
            ])
        let image = (0..<32).map { Float(($0 * 37 + 11) % 17) / 3 }
        let channels = (0..<2).map { k in (0..<16).map { image[$0 * 2 + k] } }
        let means = channels.map { $0.reduce(0, +) / 16 }
        let deviations = zip(channels, means).map { values, mean in
            (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 16).squareRoot()
        }
        let features = means + deviations + channels.map { $0.max()! }
        for label in 0..<3 {
            let score = zip(features, reading.weights).reduce(Float(0)) { $0 + $1.0 * $1.1[label] }
            var map = ContributionMap()
            for part in reading.parts {
                let shares = image.withUnsafeBufferPointer {
                    Explainer.contributions($0, places: 16, part.weights.map { $0[label] }, part.statistic)
                }
                map.add(shares, height: 4, width: 4)
            }
            let sum = map.grid.reduce(Float(0)) { $0 + $1.reduce(0, +) }
            #expect(abs(sum - score) < 1e-4)
        }
    }

    @Test("a bright place on a dark ground is where the contribution is")
    func place() throws {
        var image = [Float](repeating: 0, count: 16)
        image[2 * 4 + 1] = 8
        for statistic in [ReadImage.Statistic.mean, .maximum, .deviation] {
            let shares = image.withUnsafeBufferPointer {
                Explainer.contributions($0, places: 16, [1], statistic)
            }
            #expect(shares.firstIndex(of: shares.max()!) == 9)
        }
    }

    @Test("maps of several sizes are added on one grid, each with its total")
    func sizes() {
        var map = ContributionMap()
        map.add([Float](repeating: 1, count: 49), height: 7, width: 7)
        map.add([Float](repeating: 1, count: 196), height: 14, width: 14)
        map.add([5], height: 1, width: 1)
        #expect(map.grid.count == 14 && map.grid[0].count == 14)
        #expect(abs(map.grid.reduce(Float(0)) { $0 + $1.reduce(0, +) } - 250) < 1e-3)
        for count in 1...9 {
            for target in 1...9 {
                for shares in ContributionMap.shares(from: count, to: target) {
                    #expect(abs(shares.reduce(Float(0)) { $0 + $1.1 } - 1) < 1e-6)
                }
            }
        }
    }
}
