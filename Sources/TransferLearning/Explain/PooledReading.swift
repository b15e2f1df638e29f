import Inference
import Network

/// The part of a network between the mean of its last image, or of its last tokens, and its scores, where these depend
/// on the picture through that mean alone: a hidden layer, a normalization, a layer of 1000 classes.
///
/// What a place contributes is found by the derivative of the scores in the direction of that place's features, from
/// one more run of this part for each place, which together cost less than one run of a usual network.
struct PooledReading: Sendable {
    /// The node of the image, `[1, H, W, C]`, or of the tokens, `[1, N, C]`.
    let image: Int
    private let plan: Plan
    /// The step of the finite differences, as a share of the way from the mean to a place's features.
    private static let step: Float = 1 / 64

    /// - Parameter output: The node of the probabilities or of the scores.
    /// - Returns: nil if the scores depend on no such mean alone.
    init?(_ network: Network, output: Int) {
        guard let input = network.input, let pool = Self.pool(network, input: input, output: output) else {
            return nil
        }
        image = network[pool].inputs[0]
        var scores = output
        if case .softmax = network[output].operation { scores = network[output].inputs[0] }
        guard let head = try? Self.head(network, behind: pool, scores: scores), let plan = try? Plan(head)
        else { return nil }
        self.plan = plan
    }

    /// Returns the last mean without which the output would not depend on the input.
    private static func pool(_ network: Network, input: Int, output: Int) -> Int? {
        let candidates = (0...output).filter { node in
            guard let source = network[node].inputs.first else { return false }
            let shape = network.shape(source)
            switch network[node].operation {
            case .reduction(.mean, axes: let axes, _):
                return shape.count == 4 && axes == [1, 2] || shape.count == 3 && axes == [1]
            case .averagePool:
                return network.shape(node).count == 4 && network.shape(node)[1] * network.shape(node)[2] == 1
            default: return false
            }
        }
        // Networks have a mean in every block at most; the last ones are tried.
        return candidates.suffix(16).reversed().first { pool in
            guard network.shape(network[pool].inputs[0]).dropFirst().dropLast().reduce(1, *) > 1 else {
                return false
            }
            var depends = [Bool](repeating: false, count: output + 1), reaches = depends
            depends[input] = true
            reaches[pool] = true
            for node in 0...output where node != pool && node != input {
                depends[node] = network[node].inputs.contains { depends[$0] }
                reaches[node] = network[node].inputs.contains { reaches[$0] }
            }
            return reaches[output] && !depends[output]
        }
    }

    /// Returns the network from a mean, `[1, 1, 1, C]`, to the scores.
    private static func head(
        _ network: Network, behind pool: Int, scores: Int
    ) throws -> Network {
        var isNeeded = [Bool](repeating: false, count: network.nodes.count)
        isNeeded[scores] = true
        for node in (0...scores).reversed() where isNeeded[node] && node != pool {
            for input in network[node].inputs { isNeeded[input] = true }
        }
        var head = Network(), place = [Int](repeating: -1, count: scores + 1)
        for node in 0...scores where isNeeded[node] {
            let own = network[node]
            guard node == pool else {
                place[node] = try head.append(own.operation, name: own.name, own.inputs.map { place[$0] })
                continue
            }
            let vector = try head.append(.input([1, 1, 1, own.shape.last ?? 1]), name: own.name)
            place[node] =
                own.shape == head.shape(vector)
                ? vector : try head.append(.reshape(own.shape), name: own.name + "/vector", [vector])
        }
        head.outputs = [place[scores]]
        return head
    }

    /// Returns the contribution of each place to a sum of scores, compared with the average place.
    ///
    /// - Parameters:
    ///   - image: The image's values, `[places, C]`.
    ///   - places: The number of places.
    ///   - direction: The weight of each score.
    func contributions(
        _ image: UnsafeBufferPointer<Float>, places: Int, _ direction: [Float]
    ) -> [Float] {
        let channels = image.count / places, executor = Executor(plan)
        var mean = [Float](repeating: 0, count: channels)
        for place in 0..<places {
            for k in 0..<channels { mean[k] += image[place * channels + k] / Float(places) }
        }
        func score(toward place: Int?) -> Float {
            for k in 0..<channels {
                let way = place.map { image[$0 * channels + k] - mean[k] } ?? 0
                executor.input[k] = mean[k] + Self.step * way
            }
            executor.run()
            return zip(executor.output(0), direction).reduce(0) { $0 + $1.0 * $1.1 }
        }
        let usual = score(toward: nil)
        return (0..<places).map { (score(toward: $0) - usual) / (Self.step * Float(places)) }
    }

    /// Returns the height and width of the places of a shape, and the number of tokens before them, such as a class
    /// token.
    static func grid(_ shape: [Int]) -> (height: Int, width: Int, first: Int) {
        guard shape.count == 3 else { return (shape[1], shape[2], 0) }
        for first in 0...2 where shape[1] > first {
            let side = Int(Double(shape[1] - first).squareRoot().rounded())
            if side * side == shape[1] - first { return (side, side, first) }
        }
        return (1, shape[1], 0)
    }
}
