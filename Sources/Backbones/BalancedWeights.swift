import TensorGraph

/// Weights as powers of two, one a channel, times weights that are all of one magnitude: the same weights, bit for bit.
///
/// quantize_graph lays one grid of 256 values over a constant. Channels whose weights are a hundred times smaller than the largest
/// are lost in it: those of depthwise convolutions into which a normalization was folded, and those that meet the largest features in a
/// final layer. So such constants are written as a product, whose powers are bytes, which `weights_rounded` and `weights` leave alone.
struct BalancedWeights {
    /// The greatest of each channel is 1..<2 times one power of two.
    let weights: [Float]
    /// `[channels]` each, exponents of two, 0...7, that add up.
    let exponents: [[UInt8]]

    /// - Parameters:
    ///   - weights: `[outer, channels, inner]`.
    ///   - inner: 1 where a channel is a column, as in a convolution; the row's length where it is a row.
    init(_ weights: [Float], channels: Int, inner: Int) {
        var greatest = [Float](repeating: 0, count: channels)
        for i in weights.indices {
            greatest[i / inner % channels] = max(greatest[i / inner % channels], weights[i].magnitude)
        }
        // A channel without weights has the power 1, as the least have.
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

    /// Two bytes a channel: weights 2¹⁴ times smaller than the largest are left small.
    private static let largestPower = 14

    /// The noise of 256 values between the least and the greatest weight, as a share of a channel's energy, on average over the channels.
    static func roundingNoise(_ weights: [Float], channels: Int) -> Float {
        guard let low = weights.min(), let high = weights.max() else { return 0 }
        var energies = [Float](repeating: 0, count: channels)
        for i in weights.indices { energies[i % channels] += weights[i] * weights[i] }
        let step = (high - low) / 256, noise = step * step / 12 * Float(weights.count / channels)
        // A channel that is lost is lost once.
        return energies.reduce(0) { $0 + ($1 > 0 ? min(1, noise / $1) : 0) } / Float(channels)
    }

    /// The nodes whose last, `name`, gives the weights of `shape`.
    ///
    /// - Parameter powersShape: what the powers are multiplied in as, an end of `shape`.
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
            // 0 + q · (255 − 0) / 255, the byte itself.
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
    /// Balances the weights of convolutions that 256 values between the least and the greatest would not suit.
    func balancingConvolutions() -> Graph {
        var channelShapes: [String: [Int]] = [:]
        let constants = Dictionary(
            nodes.compactMap { node in node.constant.map { (node.name, $0) } },
            uniquingKeysWith: { first, _ in first })
        for node in nodes where node.inputs.count == 2 {
            guard let shape = constants[node.inputs[1]]?.shape, shape.count == 4 else { continue }
            switch node.operation {
            case "Conv2D": channelShapes[node.inputs[1]] = [shape[3]]
            case "DepthwiseConv2dNative": channelShapes[node.inputs[1]] = [shape[2], shape[3]]
            default: break
            }
        }
        var names = Set(nodes.map(\.name))
        func fresh(_ wish: String) -> String {
            var name = wish
            while !names.insert(name).inserted { name += "_" }
            return name
        }
        let balanced = nodes.flatMap { node -> [Node] in
            guard let shape = channelShapes[node.name], let tensor = node.constant,
                let weights = tensor.floats
            else { return [node] }
            let channels = shape.reduce(1, *)
            // A hundredth, −20 dB, is what Inception v3 bears in no layer and EfficientNet's depthwise ones pass.
            guard channels > 0, BalancedWeights.roundingNoise(weights, channels: channels) > 0.01 else {
                return [node]
            }
            return BalancedWeights(weights, channels: channels, inner: 1)
                .nodes(node.name, shape: tensor.shape, powersShape: shape, fresh: fresh)
        }
        return Graph(nodes: balanced, trailer: trailer)
    }
}
