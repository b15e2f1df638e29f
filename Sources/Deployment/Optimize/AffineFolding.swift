import TensorGraph

/// An affine map per channel, `x * scale + shift`, in double precision so that folding rounds once.
private struct ChannelAffine {
    var scale, shift: [Double]
    var isScaled = false

    init(channels: Int) {
        scale = [Double](repeating: 1, count: channels)
        shift = [Double](repeating: 0, count: channels)
    }

    mutating func multiply(by factors: [Double]) {
        for c in scale.indices {
            scale[c] *= factors[c]
            shift[c] *= factors[c]
        }
        isScaled = true
    }

    mutating func add(_ amounts: [Double]) { for c in shift.indices { shift[c] += amounts[c] } }
}

/// Folding of normalizations, scalings and sums that follow a convolution or matrix product into its weights
/// and one bias.
extension GraphDraft {
    /// - Returns: The number of folded nodes.
    mutating func foldAffineChains() throws(DeploymentError) -> Int {
        var count = 0
        // A node of a chain has one computed operand, so folding a chain does not change the readers of
        // others.
        let readers = readers()
        for name in names {
            guard let node = self[name], let weights = Weights(of: node, in: self) else { continue }
            count += try foldChain(after: node, weights, readers)
        }
        for name in names { if try expandNormalization(name) { count += 1 } }
        return count
    }

    /// - Parameter readers: The readers of each node before any chain was folded.
    private mutating func foldChain(
        after product: Node, _ weights: Weights, _ readers: [String: [String]]
    ) throws(DeploymentError) -> Int {
        var affine = ChannelAffine(channels: weights.channels), chain: [String] = [], last = product.name
        while !pinned.contains(last), let next = readers[last], next.count == 1, let node = self[next[0]],
            try apply(node, after: last, rank: weights.resultRank, to: &affine)
        {
            chain.append(node.name)
            last = node.name
        }
        // A single sum is already in its final form.
        guard affine.isScaled || chain.count > 1 else { return 0 }

        if affine.isScaled {
            let source = TensorReference(product.inputs[1]).node
            let isShared = readers[source]!.count > 1 || pinned.contains(source)
            let place = isShared ? freshName(product.name + "_bn_weights") : source
            self[place] = .constant(place, weights.scaled(by: affine.scale))
            self[product.name]!.inputs[1] = place
        }
        let offset = freshName(product.name + "_bn_offset")
        self[offset] = .constant(offset, Tensor(affine.shift.map { Float($0) }, shape: [weights.channels]))
        for name in chain.dropLast() { remove(name) }
        self[last] = Node(
            "BiasAdd", name: last, inputs: [product.name, offset], attributes: ["T": .type(.float32)])
        return chain.count
    }

    /// Replaces a normalization that follows no convolution by a product and a sum, because TensorFlow no
    /// longer supports the legacy operation.
    private mutating func expandNormalization(_ name: String) throws(DeploymentError) -> Bool {
        guard let node = self[name], let statistics = try Normalization(node, in: self) else { return false }
        let (scale, shift) = statistics.affine
        let names = (
            freshName(name + "_bn_scale"), freshName(name + "_bn_offset"), freshName(name + "_bn_product")
        )
        self[names.0] = .constant(names.0, Tensor(scale.map { Float($0) }, shape: [scale.count]))
        self[names.1] = .constant(names.1, Tensor(shift.map { Float($0) }, shape: [shift.count]))
        self[names.2] = Node(
            "Mul", name: names.2, inputs: [node.inputs[0], names.0], attributes: ["T": .type(.float32)])
        self[name] = Node(
            "BiasAdd", name: name, inputs: [names.2, names.1], attributes: ["T": .type(.float32)])
        return true
    }

    /// Applies a node's effect on its input to `affine`.
    ///
    /// - Returns: Whether the node is an affine map per channel.
    private func apply(
        _ node: Node, after input: String, rank: Int, to affine: inout ChannelAffine
    ) throws(DeploymentError) -> Bool {
        if let normalization = try Normalization(node, in: self) {
            guard node.inputs[0] == input, normalization.mean.count == affine.scale.count else {
                return false
            }
            let (scale, shift) = normalization.affine
            affine.multiply(by: scale)
            affine.add(shift)
            return true
        }
        guard node.inputs.count == 2, node.isChannelsLast, let position = node.inputs.firstIndex(of: input)
        else { return false }
        guard let constant = constant(node, 1 - position),
            let values = Self.perChannel(constant, affine.scale.count, rank: rank)
        else { return false }
        switch (node.operation, position) {
        case ("BiasAdd", 0), ("Add", _), ("AddV2", _): affine.add(values)
        case ("Sub", 0): affine.add(values.map { -$0 })
        case ("Sub", 1):
            affine.multiply(by: values.map { _ in -1 })
            affine.add(values)
        case ("Mul", _): affine.multiply(by: values)
        case ("RealDiv", 0): affine.multiply(by: values.map { 1 / $0 })
        default: return false
        }
        return true
    }

    /// Returns a constant as one number per channel if it is a scalar or per-channel and does not raise the
    /// rank of the result.
    private static func perChannel(_ tensor: Tensor, _ channels: Int, rank: Int) -> [Double]? {
        guard let values = tensor.floats, tensor.shape.count <= rank else { return nil }
        if values.count == 1 { return [Double](repeating: Double(values[0]), count: channels) }
        guard values.count == channels, tensor.shape.last == channels else { return nil }
        return values.map(Double.init)
    }
}

/// The constant weights of a convolution or matrix product, and the position of the channels in them.
private struct Weights {
    let tensor: Tensor
    let channels: Int
    /// The number of consecutive elements that belong to one channel.
    let run: Int
    let resultRank: Int

    /// - Returns: The weights, or nil for another operation or computed weights.
    init?(of node: Node, in draft: GraphDraft) {
        guard node.isChannelsLast, let tensor = draft.constant(node, 1), tensor.type == .float32 else {
            return nil
        }
        let shape = tensor.shape
        guard tensor.count > 0 else { return nil }
        switch (node.operation, shape.count) {
        case ("Conv2D", 4): (channels, run, resultRank) = (shape[3], 1, 4)
        case ("DepthwiseConv2dNative", 4): (channels, run, resultRank) = (shape[2] * shape[3], 1, 4)
        case ("MatMul", 2):
            if case .bool(true)? = node.attributes["transpose_b"] {
                (channels, run, resultRank) = (shape[0], shape[1], 2)
            } else {
                (channels, run, resultRank) = (shape[1], 1, 2)
            }
        default: return nil
        }
        guard channels > 0, run > 0 else { return nil }
        self.tensor = tensor
    }

    func scaled(by scale: [Double]) -> Tensor {
        var values = tensor.floats!
        for i in values.indices { values[i] = Float(Double(values[i]) * scale[i / run % channels]) }
        return Tensor(values, shape: tensor.shape)
    }
}

/// A batch normalization with constant statistics, in either of TensorFlow's forms.
///
/// - Source: both compute `(x - mean) * rsqrt(variance + epsilon) * gamma + beta`.
private struct Normalization {
    let mean, variance, beta, gamma: [Float]
    let epsilon: Float

    /// - Returns: The normalization, or nil for another operation and for images that are channels-first.
    /// - Throws: `DeploymentError` if its result at inference is not known.
    init?(_ node: Node, in draft: GraphDraft) throws(DeploymentError) {
        guard node.isChannelsLast else { return nil }
        func refuse(_ what: String) -> DeploymentError {
            .unsupported(node: node.name, operation: node.operation, what: what)
        }
        let order: (gamma: Int, beta: Int, mean: Int, variance: Int), epsilonName: String, isScaled: Bool,
            usual: Float
        switch node.operation {
        case "BatchNormWithGlobalNormalization":
            (order, epsilonName, usual) = ((4, 3, 1, 2), "variance_epsilon", 0.001)
            if case .bool(let scales)? = node.attributes["scale_after_normalization"] {
                isScaled = scales
            } else {
                isScaled = false
            }
        case "FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3":
            (order, epsilonName, usual, isScaled) = ((1, 2, 3, 4), "epsilon", 0.0001, true)
            // TensorFlow's default is true.
            guard case .bool(false)? = node.attributes["is_training"] else {
                throw refuse("normalizes by the statistics of a batch, as in training")
            }
        default: return nil
        }
        func statistics(_ index: Int) throws(DeploymentError) -> [Float] {
            guard let values = draft.constant(node, index)?.floats else {
                throw refuse("its statistics are not float32 constants")
            }
            return values
        }
        mean = try statistics(order.mean)
        variance = try statistics(order.variance)
        beta = try statistics(order.beta)
        gamma = isScaled ? try statistics(order.gamma) : mean.map { _ in 1 }
        guard [variance, beta, gamma].allSatisfy({ [count = mean.count] in $0.count == count }) else {
            throw .malformed(
                node: node.name, operation: node.operation, what: "its statistics differ in size")
        }
        if case .float(let value)? = node.attributes[epsilonName] { epsilon = value } else { epsilon = usual }
    }

    var affine: (scale: [Double], shift: [Double]) {
        let scale = mean.indices.map {
            Double(gamma[$0]) / (Double(variance[$0]) + Double(epsilon)).squareRoot()
        }
        return (scale, mean.indices.map { Double(beta[$0]) - Double(mean[$0]) * scale[$0] })
    }
}
