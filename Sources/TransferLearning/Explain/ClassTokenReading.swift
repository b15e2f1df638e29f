import Inference
import Network

/// The part of a transformer between its last attention and its scores, where these read the class token alone.
///
/// What the last attention gives the class token is a sum over the tokens: for each head, the token's value times the
/// attention that the class token pays to it (A. Vaswani et al., "Attention is all you need", 2017, equation 1). What a
/// token contributes is the derivative of the scores in the direction of its summand, which is found by one more run of
/// what follows, for the class token alone. For all tokens together these cost less than a tenth of the network.
struct ClassTokenReading: Sendable {
    /// The nodes of the attention, `[1, heads, N, N]`, of the values, `[1, heads, N, D]`, and of what else is added to
    /// the tokens behind them, `[1, N, C]`.
    let nodes: [Int]
    private let heads: Int, tokens: Int, size: Int
    private let plan: Plan
    /// The step of the finite differences, as a share of a sum of equal summands.
    private static let step: Float = 1 / 64

    /// - Parameter output: The node of the probabilities or of the scores.
    /// - Returns: nil if the scores depend on more than the class token.
    init?(_ network: Network, output: Int) {
        var scores = output
        if case .softmax = network[output].operation { scores = network[output].inputs[0] }
        guard let input = network.input,
            let product = (0...scores).last(where: { Self.isAttention(network, $0) })
        else { return nil }
        let shape = network.shape(product)
        (heads, tokens, size) = (shape[1], shape[2], shape[3])
        guard let (head, states) = try? Self.head(network, input, behind: product, scores: scores),
            let plan = try? Plan(head)
        else { return nil }
        nodes = network[product].inputs + states
        self.plan = plan
    }

    /// Returns whether a node is the product of a softmax over tokens, and of their values.
    private static func isAttention(_ network: Network, _ node: Int) -> Bool {
        guard case .matrixProduct(transposesLeft: false, transposesRight: false) = network[node].operation,
            case .softmax(let axis) = network[network[node].inputs[0]].operation
        else { return false }
        let shape = network.shape(network[node].inputs[0])
        return shape.count == 4 && shape[0] == 1 && axis == 3 && shape[2] == shape[3] && shape[2] > 1
    }

    private struct OtherTokens: Error {}

    /// Returns the network from what the attention gives the class token to the scores, and the other nodes of which it
    /// takes the class token. Its input, `[1, 1, 1, length]`, holds the attention's result for each head, and these.
    private static func head(
        _ network: Network, _ input: Int, behind product: Int, scores: Int
    ) throws -> (Network, states: [Int]) {
        let heads = network.shape(product)[1], tokens = network.shape(product)[2]
        let size = network.shape(product)[3]
        var isNeeded = [Bool](repeating: false, count: scores + 1), reaches = isNeeded, depends = isNeeded
        (isNeeded[scores], reaches[product], depends[input]) = (true, true, true)
        for node in 0...scores {
            if node != product, network[node].inputs.contains(where: { reaches[$0] }) { reaches[node] = true }
            if network[node].inputs.contains(where: { depends[$0] }) { depends[node] = true }
        }
        for node in (0...scores).reversed() where isNeeded[node] && reaches[node] && node != product {
            for input in network[node].inputs { isNeeded[input] = true }
        }
        // What the scores read past the attention, and what depends on the picture.
        let states = (0...scores).filter { isNeeded[$0] && !reaches[$0] && depends[$0] }
        guard isNeeded[product], states.allSatisfy({ network.shape($0).dropLast() == [1, tokens] }) else {
            throw OtherTokens()
        }
        let widths = states.map { network.shape($0)[2] }
        var head = Network(), place = [Int](repeating: -1, count: scores + 1), next = heads * size
        let vector = try head.append(
            .input([1, 1, 1, next + widths.reduce(0, +)]), name: "class token")
        func part(_ first: Int, _ count: Int, _ shape: [Int], _ name: String) throws -> Int {
            let whole = Network.Stretch(begin: 0, count: 1)
            let stretch = Network.Stretch(begin: first, count: count)
            let flat = try head.append(
                .slice([whole, whole, whole, stretch]), name: name + "/part", [vector])
            return try head.append(.reshape(shape), name: name, [flat])
        }
        place[product] = try part(0, heads * size, [1, heads, 1, size], network[product].name)
        for (state, width) in zip(states, widths) {
            place[state] = try part(next, width, [1, 1, width], network[state].name)
            next += width
        }
        for node in 0...scores where isNeeded[node] && place[node] < 0 {
            let own = network[node]
            place[node] = try head.append(
                reaches[node] ? forOneToken(own, network, tokens) : own.operation, name: own.name,
                own.inputs.map { place[$0] })
        }
        guard head.shape(place[scores]) == network.shape(scores) else { throw OtherTokens() }
        head.outputs = [place[scores]]
        return (head, states)
    }

    /// Returns the operation of a node for the class token alone.
    ///
    /// - Throws: `OtherTokens` if it mixes tokens, or takes another one than the first.
    private static func forOneToken(
        _ node: Network.Node, _ network: Network, _ tokens: Int
    ) throws(OtherTokens) -> Network.Operation {
        func trimmed(_ shape: [Int]) -> [Int] { shape.map { $0 == tokens ? 1 : $0 } }
        let shape = network.shape(node.inputs[0])
        func mixes(_ axes: [Int]) -> Bool { axes.contains { shape[$0] == tokens } }
        switch node.operation {
        case .reshape(let target): return .reshape(trimmed(target))
        case .broadcast(let target): return .broadcast(trimmed(target))
        case .slice(let stretches):
            return .slice(
                try zip(stretches, shape).map { stretch, count throws(OtherTokens) in
                    guard count == tokens, stretch.count < count else {
                        return count == tokens ? Network.Stretch(begin: 0, count: 1) : stretch
                    }
                    guard stretch.begin == 0, stretch.count == 1 else { throw OtherTokens() }
                    return stretch
                })
        case .gather(let axis, let indices) where shape[axis] == tokens:
            guard indices == [0] else { throw OtherTokens() }
            return node.operation
        case .reduction(_, let axes, _) where mixes(axes): throw OtherTokens()
        case .normalization(let axes, _) where mixes(axes): throw OtherTokens()
        case .softmax, .convolution, .maximumPool, .averagePool, .pad, .tile, .resize: throw OtherTokens()
        default: return node.operation
        }
    }

    /// Returns the contribution of each token to a sum of scores, compared with the average token.
    ///
    /// - Parameters:
    ///   - outputs: The values of `nodes`.
    ///   - direction: The weight of each score.
    func contributions(_ outputs: [UnsafeBufferPointer<Float>], _ direction: [Float]) -> [Float] {
        let (attention, values) = (outputs[0], outputs[1]), width = heads * size
        let executor = Executor(plan)
        var summands = [Float](repeating: 0, count: tokens * width), sum = [Float](repeating: 0, count: width)
        for head in 0..<heads {
            for token in 0..<tokens {
                // The class token is the first.
                let weight = attention[head * tokens * tokens + token]
                for k in 0..<size {
                    let summand = weight * values[(head * tokens + token) * size + k]
                    summands[token * width + head * size + k] = summand
                    sum[head * size + k] += summand
                }
            }
        }
        var next = width
        for state in outputs.dropFirst(2) {
            for k in 0..<state.count / tokens {
                executor.input[next] = state[k]
                next += 1
            }
        }
        func score(toward token: Int?) -> Float {
            for k in 0..<width {
                let way = token.map { summands[$0 * width + k] * Float(tokens) - sum[k] } ?? 0
                executor.input[k] = sum[k] + Self.step * way
            }
            executor.run()
            return zip(executor.output(0), direction).reduce(0) { $0 + $1.0 * $1.1 }
        }
        let usual = score(toward: nil)
        return (0..<tokens).map { (score(toward: $0) - usual) / (Self.step * Float(tokens)) }
    }
}
