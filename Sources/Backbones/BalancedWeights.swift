import TensorGraph

/// Weights as the exact product of a power of two per channel and weights of similar magnitude in all
/// channels.
///
/// quantize_graph uses one grid of 256 values per constant. Channels whose weights are a hundred times
/// smaller than the largest vanish in it, such as those of depthwise convolutions with a folded
/// normalization, and those of a final layer's largest features. Such constants are therefore written as
/// products whose powers are bytes, which `weights_rounded` and `weights` leave unchanged.
struct BalancedWeights {
    /// The scaled weights; the largest magnitude of each channel is 1..<2 times a common power of two.
    let weights: [Float]
    /// Exponents of two, 0...7, `[channels]` each, whose sum is the channel's exponent.
    let exponents: [[UInt8]]

    /// - Parameters:
    ///   - weights: The weights, `[outer, channels, inner]`.
    ///   - channels: The number of channels.
    ///   - inner: 1 if a channel is a column, as in a convolution; the length of a row if it is a row.
    init(_ weights: [Float], channels: Int, inner: Int) {
        var greatest = [Float](repeating: 0, count: channels)
        for i in weights.indices {
            greatest[i / inner % channels] = max(greatest[i / inner % channels], weights[i].magnitude)
        }
        // A channel without weights gets the smallest power.
        let top = greatest.max()?.exponent ?? 0
        let powers = greatest.map { $0.isNormal ? max(0, Int($0.exponent - top) + Self.largestPower) : nil }
        let least = powers.compactMap { $0 }.min() ?? 0
        let raised = powers.map { ($0 ?? least) - least }
        self.weights = weights.indices.map {
            Float(sign: .plus, exponent: -raised[$0 / inner % channels], significand: weights[$0])
        }
        exponents = stride(from: 0, to: max(1, raised.max() ?? 0), by: 7).map { begin in
            raised.map { UInt8(max(0, min(7, $0 - begin))) }
        }
    }

    /// The largest exponent, which takes two bytes per channel; smaller weights than 2⁻¹⁴ of the largest are
    /// not raised further.
    private static let largestPower = 14

    /// Returns the rounding noise of 256 levels between the least and the greatest weight, as a share of a
    /// channel's energy, averaged over channels.
    static func roundingNoise(_ weights: [Float], channels: Int) -> Float {
        guard let low = weights.min(), let high = weights.max() else { return 0 }
        var energies = [Float](repeating: 0, count: channels)
        for i in weights.indices { energies[i % channels] += weights[i] * weights[i] }
        let step = (high - low) / 256, noise = step * step / 12 * Float(weights.count / channels)
        // The noise of a channel counts at most as its energy.
        return energies.reduce(0) { $0 + ($1 > 0 ? min(1, noise / $1) : 0) } / Float(channels)
    }

    /// Returns the nodes that compute the weights; the last one is `name`.
    ///
    /// - Parameters:
    ///   - name: The name of the weights.
    ///   - shape: The shape of the weights.
    ///   - powersShape: The shape in which the powers are multiplied, a suffix of `shape`.
    ///   - fresh: Returns an unused name similar to the given one.
    func nodes(_ name: String, shape: [Int], powersShape: [Int], fresh: (String) -> String) -> [Node] {
        let low = fresh(name + "/low"), high = fresh(name + "/high"), balanced = fresh(name + "/balanced")
        var nodes: [Node] = [
            .constant(balanced, Tensor(weights, shape: shape)), .constant(low, Tensor([Float(0)], shape: [])),
            .constant(high, Tensor([Float(255)], shape: [])),
        ]
        var product = balanced
        for (index, exponents) in exponents.enumerated() {
            let codes = fresh("\(name)/powers_\(index + 1)/codes"),
                powers = fresh("\(name)/powers_\(index + 1)")
            nodes.append(
                .constant(
                    codes,
                    Tensor(
                        type: .quint8, shape: powersShape,
                        contents: .dense(ByteRegion(exponents.map { 1 << $0 })))))
            // 0 + q · (255 − 0) / 255 is the byte itself.
            nodes.append(
                Node(
                    "Dequantize", name: powers, inputs: [codes, low, high],
                    attributes: ["T": .type(.quint8), "mode": .bytes(Array("MIN_COMBINED".utf8))]))
            let isLast = index == self.exponents.count - 1,
                next = isLast ? name : fresh("\(name)/scaled_\(index + 1)")
            nodes.append(
                Node("Mul", name: next, inputs: [product, powers], attributes: ["T": .type(.float32)]))
            product = next
        }
        return nodes
    }
}

extension Graph {
    /// Balances the weights of convolutions for which a grid of 256 levels is too coarse.
    func balancingConvolutions() -> Graph {
        balancing { reader, shape in
            switch reader.operation {
            case "Conv2D" where shape.count == 4: return .columns(powersShape: [shape[3]])
            case "DepthwiseConv2dNative" where shape.count == 4:
                return .columns(powersShape: [shape[2], shape[3]])
            default: return nil
            }
        }
    }

    /// Balances weights as the models of `retrain` have them, of which optimization multiplies the powers out.
    package func balancingModel() -> Graph {
        balancingConvolutions().balancing { reader, shape in
            if case .bool(true)? = reader.attributes["transpose_b"] { return nil }
            return reader.operation == "MatMul" && shape.count == 2 ? .rows : nil
        }
    }

    /// The channels of weights that have a power each.
    private enum Channels {
        /// The last axes, balanced where one grid is too coarse.
        case columns(powersShape: [Int])
        /// The rows of a matrix.
        case rows
    }

    /// Replaces constants that are read as weights by products.
    ///
    /// - Parameter channels: Returns the channels of the weights of a given shape that a node reads; nil to leave
    ///   them.
    private func balancing(_ channels: (Node, [Int]) -> Channels?) -> Graph {
        let constants = Dictionary(
            nodes.compactMap { node in node.constant.map { (node.name, $0) } },
            uniquingKeysWith: { first, _ in first })
        var found: [String: Channels] = [:]
        for node in nodes where node.inputs.count == 2 {
            guard let shape = constants[node.inputs[1]]?.shape else { continue }
            if let channels = channels(node, shape) { found[node.inputs[1]] = channels }
        }
        var names = Set(nodes.map(\.name))
        func fresh(_ wish: String) -> String {
            var name = wish
            while !names.insert(name).inserted { name += "_" }
            return name
        }
        let balanced = nodes.flatMap { node -> [Node] in
            guard let channels = found[node.name], let tensor = node.constant, let weights = tensor.floats,
                !weights.isEmpty
            else { return [node] }
            switch channels {
            case .columns(let shape):
                let count = shape.reduce(1, *)
                // The threshold is −20 dB, which no layer of Inception v3 reaches and EfficientNet's depthwise
                // layers exceed.
                guard BalancedWeights.roundingNoise(weights, channels: count) > 0.01 else { return [node] }
                return BalancedWeights(weights, channels: count, inner: 1)
                    .nodes(node.name, shape: tensor.shape, powersShape: shape, fresh: fresh)
            case .rows:
                let (rows, columns) = (tensor.shape[0], tensor.shape[1])
                return BalancedWeights(weights, channels: rows, inner: columns)
                    .nodes(node.name, shape: tensor.shape, powersShape: [rows, 1], fresh: fresh)
            }
        }
        return Graph(nodes: balanced, trailer: trailer)
    }
}
