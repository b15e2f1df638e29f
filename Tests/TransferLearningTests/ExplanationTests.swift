import Foundation
import Inference
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
                    PlaceReadings.contributions(
                        $0, places: 16, part.weights.map { $0[label] }, part.statistic)
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
                PlaceReadings.contributions($0, places: 16, [1], statistic)
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

    @Test("shares are the derivatives of the statistics by numbers, times what each place adds to them")
    func gradients() {
        let image = (0..<18).map { Float(($0 * 37 + 11) % 17) / 3 }, weights: [Float] = [0.7, -1.3]
        func channel(_ image: [Float], _ k: Int) -> [Float] { (0..<9).map { image[$0 * 2 + k] } }
        func mean(_ values: [Float]) -> Float { values.reduce(0, +) / 9 }
        func statistic(_ values: [Float], _ kind: ReadImage.Statistic) -> Float {
            switch kind {
            case .mean: return mean(values)
            case .maximum: return values.max() ?? 0
            case .deviation:
                let center = mean(values)
                return (values.reduce(0) { $0 + ($1 - center) * ($1 - center) } / 9).squareRoot()
            }
        }
        for kind in [ReadImage.Statistic.mean, .maximum, .deviation] {
            let shares = image.withUnsafeBufferPointer {
                PlaceReadings.contributions($0, places: 9, weights, kind)
            }
            for place in 0..<9 {
                var expected: Float = 0
                for k in 0..<2 {
                    var (more, less) = (image, image)
                    more[place * 2 + k] += 0.01
                    less[place * 2 + k] -= 0.01
                    let slope =
                        (statistic(channel(more, k), kind) - statistic(channel(less, k), kind)) / 0.02
                    let center = kind == .deviation ? mean(channel(image, k)) : 0
                    expected += weights[k] * slope * (image[place * 2 + k] - center)
                }
                #expect(abs(shares[place] - expected) < 2e-3, "\(kind) \(place)")
            }
        }
    }

    /// A mean of 3 × 3 places or of 10 tokens, a hidden layer with a curved activation, and three scores.
    private func hidden(_ shape: [Int], axes: [Int]) throws -> Network {
        var network = Network()
        let image = try network.append(.input(shape.count == 4 ? shape : [1, 10, 1, 2]), name: "image")
        let tokens =
            shape.count == 4 ? image : try network.append(.reshape(shape), name: "tokens", [image])
        let mean = try network.append(.reduction(.mean, axes: axes, keepsAxes: false), name: "mean", [tokens])
        let first = try network.append(
            .constant(Tensor((0..<8).map { Float($0 * 5 % 7) / 4 - 0.6 }, shape: [2, 4])), name: "first")
        let product = try network.append(
            .matrixProduct(transposesLeft: false, transposesRight: false), name: "product", [mean, first])
        let curved = try network.append(.unary(.sigmoid), name: "curved", [product])
        let second = try network.append(
            .constant(Tensor((0..<12).map { Float($0 * 7 % 5) - 2 }, shape: [4, 3])), name: "second")
        let scores = try network.append(
            .matrixProduct(transposesLeft: false, transposesRight: false), name: "scores", [curved, second])
        network.outputs = [try network.append(.softmax(axis: 1), name: "softmax", [scores])]
        return network
    }

    @Test(
        "behind a hidden layer, a place's share is the derivative toward its features; tokens are places too")
    func hiddenLayer() throws {
        for (shape, axes) in [([1, 3, 3, 2], [1, 2]), ([1, 10, 2], [1])] {
            let network = try hidden(shape, axes: axes), places = shape.dropFirst().dropLast().reduce(1, *)
            #expect(LinearReading(network, output: network.outputs[0]).parts.isEmpty)
            let reading = try #require(PooledReading(network, output: network.outputs[0]))
            #expect(network.shape(reading.image) == shape)
            let image = (0..<places * 2).map { Float(($0 * 37 + 11) % 17) / 6 }
            let direction: [Float] = [1, -0.25, -0.75]
            let shares = image.withUnsafeBufferPointer {
                reading.contributions($0, places: places, direction)
            }
            let mean = (0..<2).map { k in
                (0..<places).reduce(Float(0)) { $0 + image[$1 * 2 + k] } / Float(places)
            }
            func score(_ mean: [Float]) -> Float {
                let hidden = (0..<4).map { j -> Float in
                    let sum =
                        mean[0] * (Float(j * 5 % 7) / 4 - 0.6) + mean[1] * (Float((4 + j) * 5 % 7) / 4 - 0.6)
                    return 1 / (1 + exp(-sum))
                }
                return (0..<3).reduce(Float(0)) { total, c in
                    total + direction[c]
                        * (0..<4).reduce(Float(0)) { $0 + hidden[$1] * (Float(($1 * 3 + c) * 7 % 5) - 2) }
                }
            }
            let slopes = (0..<2).map { k -> Float in
                var (more, less) = (mean, mean)
                more[k] += 0.01
                less[k] -= 0.01
                return (score(more) - score(less)) / 0.02
            }
            for place in 0..<places {
                let expected = (0..<2).reduce(Float(0)) {
                    $0 + slopes[$1] * (image[place * 2 + $1] - mean[$1])
                }
                #expect(abs(shares[place] - expected / Float(places)) < 4e-3, "\(shape) \(place)")
            }
        }
        #expect(
            PooledReading.grid([1, 197, 192]) == (14, 14, 1) && PooledReading.grid([1, 7, 5, 3]) == (7, 5, 0))
    }

    /// Five tokens of two numbers, attention with two heads, and three scores of one token behind a hidden layer.
    private func transformer(answeringBy token: Int) throws -> Network {
        var network = Network()
        let image = try network.append(.input([1, 5, 1, 2]), name: "image")
        let tokens = try network.append(.reshape([1, 5, 2]), name: "tokens", [image])
        let split = try network.append(.reshape([1, 5, 2, 1]), name: "split", [tokens])
        let queries = try network.append(.transpose([0, 2, 1, 3]), name: "queries", [split])
        let values = try network.append(.unary(.tanh), name: "values", [queries])
        let products = try network.append(
            .matrixProduct(transposesLeft: false, transposesRight: true), name: "products", [queries, values])
        let attention = try network.append(.softmax(axis: 3), name: "attention", [products])
        let mixed = try network.append(
            .matrixProduct(transposesLeft: false, transposesRight: false), name: "mixed", [attention, values])
        let joined = try network.append(.transpose([0, 2, 1, 3]), name: "joined", [mixed])
        let flat = try network.append(.reshape([1, 5, 2]), name: "flat", [joined])
        let sum = try network.append(.binary(.add), name: "sum", [tokens, flat])
        let curved = try network.append(.unary(.sigmoid), name: "curved", [sum])
        let part = try network.append(
            .slice([.init(begin: 0, count: 1), .init(begin: token, count: 1), .init(begin: 0, count: 2)]),
            name: "part", [curved])
        let vector = try network.append(.reshape([1, 2]), name: "vector", [part])
        let weights = try network.append(
            .constant(Tensor([1, -2, 0.5, 3, 1, -1] as [Float], shape: [2, 3])), name: "weights")
        let scores = try network.append(
            .matrixProduct(transposesLeft: false, transposesRight: false), name: "scores", [vector, weights])
        network.outputs = [try network.append(.softmax(axis: 1), name: "softmax", [scores])]
        return network
    }

    @Test("of a class token, a token's share is the derivative toward what it gives the last attention")
    func classToken() throws {
        var network = try transformer(answeringBy: 0)
        let output = network.outputs[0]
        #expect(PooledReading(network, output: output) == nil)
        let reading = try #require(ClassTokenReading(network, output: output))
        network.outputs = reading.nodes
        let executor = Executor(try Plan(network))
        let image = (0..<10).map { Float(($0 * 37 + 11) % 17) / 9 - 0.8 }
        for (index, value) in image.enumerated() { executor.input[index] = value }
        executor.run()
        let outputs = reading.nodes.indices.map { executor.output($0) }
        let direction: [Float] = [1, -0.25, -0.75]
        let shares = reading.contributions(outputs, direction)
        // The summands of both heads, and the score as a function of their sum.
        let summands = (0..<2).map { head in
            (0..<5).map { outputs[0][head * 25 + $0] * outputs[1][head * 5 + $0] }
        }
        let sums = summands.map { $0.reduce(0, +) }
        let weights: [[Float]] = [[1, -2, 0.5], [3, 1, -1]]
        func score(_ sums: [Float]) -> Float {
            (0..<2).reduce(Float(0)) { total, k in
                let hidden = 1 / (1 + exp(-(sums[k] + image[k])))
                return total + hidden * zip(weights[k], direction).reduce(Float(0)) { $0 + $1.0 * $1.1 }
            }
        }
        for token in 0..<5 {
            let expected = (0..<2).reduce(Float(0)) { total, k in
                var (more, less) = (sums, sums)
                more[k] += 0.01
                less[k] -= 0.01
                return total + (score(more) - score(less)) / 0.02 * (summands[k][token] - sums[k] / 5)
            }
            #expect(abs(shares[token] - expected) < 4e-3, "\(token): \(shares[token]), \(expected)")
        }
        #expect(ClassTokenReading(try transformer(answeringBy: 1), output: output) == nil)
    }
}
