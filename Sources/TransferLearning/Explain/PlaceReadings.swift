import Backbones
import Inference
import Network
import SystemFiles

/// How the scores of a model depend on the places of images inside its network, which are further outputs of it.
struct PlaceReadings: Sendable {
    private let parts: [ReadImage]
    /// The index of the first output that is read, and of the one that each part reads.
    private let first: Int
    private let outputs: [Int]
    /// What finds the contributions where the scores are not linear in an image; the first output is its image.
    private let pooled: PooledReading?
    /// What finds them where the scores read a class token; the outputs are its nodes.
    private let classToken: ClassTokenReading?
    /// For each part, what it contributes to the score of each class in a picture of average features.
    private let averages: [[Float]]

    /// Adds the images that are read to the outputs of a network.
    ///
    /// - Parameters:
    ///   - network: The network of the model, whose first output are the scores.
    ///   - file: The model.
    /// - Throws: `.network` if the scores depend on no mean of an image.
    init(_ network: inout Network, of file: ModelFile) throws(TransferLearningError) {
        let reading = LinearReading(network, output: network.outputs[0])
        pooled =
            reading.parts.isEmpty ? PooledReading(network, output: network.outputs[0]) : nil
        classToken =
            reading.parts.isEmpty && pooled == nil
            ? ClassTokenReading(network, output: network.outputs[0]) : nil
        guard !reading.parts.isEmpty || pooled != nil || classToken != nil else {
            throw TransferLearningError.network(
                .unsupported(
                    FilePath(file.path),
                    reason:
                        "its scores depend neither on a mean of an image, such as the last pooling's, nor on a class token alone, so that no place can be named"
                )
            )
        }
        let classes = network.shape(network.outputs[0]).last ?? 0
        guard classes == file.description.labels.count else {
            throw TransferLearningError.network(
                .description(
                    FilePath(file.path),
                    reason: "gives \(classes) scores for \(file.description.labels.count) labels"))
        }
        let images =
            pooled.map { [$0.image] } ?? classToken?.nodes
            ?? Array(Set(reading.parts.map(\.image))).sorted()
        first = network.outputs.count
        outputs = reading.parts.map { [first] in first + images.firstIndex(of: $0.image)! }
        parts = reading.parts
        averages = reading.parts.map { part in
            guard let means = file.novelty?.means, means.count == reading.weights.count else { return [] }
            return file.description.labels.indices.map { label in
                part.columns.reduce(Float(0)) { $0 + reading.weights[$1][label] * means[$1] }
            }
        }
        network.outputs += images
    }

    /// Explains the scores of a run.
    ///
    /// - Parameters:
    ///   - executor: An executor that has run a plan of the network.
    ///   - labels: The labels of the scores.
    ///   - chosen: The index of the label to explain; nil for the most probable one.
    ///   - other: The index of the label to compare it with; nil for all others.
    func explanation(
        _ executor: Executor, labels: [String], of chosen: Int?, against other: Int?
    ) -> Explanation {
        let scores = executor.output(0)
        let chosen = chosen ?? scores.indices.max { scores[$0] < scores[$1] } ?? 0
        let rest = scores.indices.filter { $0 != chosen }.reduce(Float(0)) { $0 + scores[$1] }
        // The direction in which the score of the label grows compared with the others.
        let direction = scores.indices.map { index -> Float in
            if index == chosen { return 1 }
            if let other { return index == other ? -1 : 0 }
            return rest > 0 ? -scores[index] / rest : -1 / Float(max(1, scores.count - 1))
        }
        return Explanation(
            label: labels[chosen], against: other.map { labels[$0] }, grid: grid(executor, toward: direction))
    }

    /// Returns what each place gave to a sum of the scores, `[rows][columns]`, on the grid of the image with the most
    /// places.
    ///
    /// - Parameter direction: The weight of each score in the sum.
    private func grid(_ executor: Executor, toward direction: [Float]) -> [[Float]] {
        let shapes = executor.plan.outputShapes
        var map = ContributionMap()
        if let pooled {
            let shape = shapes[first], grid = PooledReading.grid(shape)
            let contributions = pooled.contributions(
                executor.output(first), places: shape.dropFirst().dropLast().reduce(1, *), direction)
            map.add(Array(contributions[grid.first...]), height: grid.height, width: grid.width)
        }
        if let classToken {
            let contributions = classToken.contributions(
                classToken.nodes.indices.map { executor.output(first + $0) }, direction)
            let grid = PooledReading.grid([1, contributions.count, 1])
            map.add(Array(contributions[grid.first...]), height: grid.height, width: grid.width)
        }
        for ((part, average), output) in zip(zip(parts, averages), outputs) {
            let shape = shapes[output], places = shape[1] * shape[2]
            let weights = part.weights.map { row in zip(row, direction).reduce(Float(0)) { $0 + $1.0 * $1.1 }
            }
            var contributions = Self.contributions(
                executor.output(output), places: places, weights, part.statistic)
            // What every picture has speaks for nothing.
            let usual = zip(average, direction).reduce(Float(0)) { $0 + $1.0 * $1.1 } / Float(places)
            for place in contributions.indices { contributions[place] -= usual }
            map.add(contributions, height: shape[1], width: shape[2])
        }
        return map.grid
    }

    /// Returns the contribution of each place of an image.
    static func contributions(
        _ image: UnsafeBufferPointer<Float>, places: Int, _ weights: [Float], _ statistic: ReadImage.Statistic
    ) -> [Float] {
        let channels = weights.count, share = 1 / Float(places)
        precondition(image.count == places * channels)
        var result = [Float](repeating: 0, count: places)
        switch statistic {
        case .mean:
            weights.withUnsafeBufferPointer { weights in
                for place in 0..<places {
                    result[place] = share * sum(channels) { weights[$0] * image[place &* channels &+ $0] }
                }
            }
        case .maximum:
            for k in 0..<channels {
                var best = 0
                for place in 0..<places where image[place * channels + k] > image[best * channels + k] {
                    best = place
                }
                result[best] += weights[k] * image[best * channels + k]
            }
        case .deviation:
            var means = [Float](repeating: 0, count: channels), squares = means
            means.withUnsafeMutableBufferPointer { means in
                for place in 0..<places {
                    for k in 0..<channels { means[k] += image[place &* channels &+ k] * share }
                }
            }
            means.withUnsafeBufferPointer { means in
                squares.withUnsafeMutableBufferPointer { squares in
                    for place in 0..<places {
                        for k in 0..<channels {
                            let distance = image[place &* channels &+ k] - means[k]
                            squares[k] += distance * distance * share
                        }
                    }
                }
                let factors = (0..<channels).map { k in
                    squares[k] > 0 ? weights[k] * share / squares[k].squareRoot() : 0
                }
                factors.withUnsafeBufferPointer { factors in
                    for place in 0..<places {
                        result[place] = sum(channels) { k in
                            let distance = image[place &* channels &+ k] - means[k]
                            return factors[k] * distance * distance
                        }
                    }
                }
            }
        }
        return result
    }

    /// Returns the sum of `count` terms, of which eight at a time are added side by side.
    @inline(__always)
    private static func sum(_ count: Int, _ term: (Int) -> Float) -> Float {
        var sums = SIMD8<Float>(), first = 0
        while first &+ 8 <= count {
            for i in 0..<8 { sums[i] += term(first &+ i) }
            first &+= 8
        }
        return (first..<count).reduce(sums.sum()) { $0 + term($1) }
    }
}
