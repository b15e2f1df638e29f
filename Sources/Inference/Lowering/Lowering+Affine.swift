import TensorGraph

extension Lowering {
    /// Sums, differences and products with a constant a channel, and sums of two images.
    mutating func lowerArithmetic(_ node: NodeView) throws(PlanError) {
        let operation = node.node.operation
        let left = try node.input(0), right = try node.input(1)
        switch (values[left], values[right]) {
        case (let a?, let b?):
            guard operation == "Add" || operation == "AddV2" else {
                throw node.unsupported("of two computed tensors")
            }
            try lowerSum(node, a, b)
        case (_?, nil):
            let constant = try perChannel(node, 1, try operand(node, 0))
            switch operation {
            case "Sub": try lowerAffine(node, Affine(shift: constant.map { -$0 }))
            case "Mul": try lowerAffine(node, Affine(scale: constant))
            case "RealDiv": try lowerAffine(node, Affine(scale: constant.map { 1 / $0 }))
            default: try lowerAffine(node, Affine(shift: constant))
            }
        case (nil, _?):
            let constant = try perChannel(node, 0, try operand(node, 1))
            switch operation {
            case "Sub":
                try lowerAffine(
                    node, Affine(scale: constant.map { _ in -1 }, shift: constant), operandIndex: 1)
            case "Mul": try lowerAffine(node, Affine(scale: constant), operandIndex: 1)
            case "Add", "AddV2": try lowerAffine(node, Affine(shift: constant), operandIndex: 1)
            default: throw node.unsupported("of a constant by a computed tensor")
            }
        case (nil, nil):
            throw constants.nodes[left] == nil ? .noSuchTensor(left) : node.unsupported("of two constants")
        }
    }

    /// A constant that is one number, or one a channel.
    private func perChannel(_ node: NodeView, _ index: Int, _ operand: Value) throws(PlanError) -> [Float] {
        let (values, shape) = try floats(node, index)
        let channels = list.extents[operand].channels
        if values.count == 1 { return [Float](repeating: values[0], count: channels) }
        guard values.count == channels, shape.last == channels else {
            throw node.unsupported("a constant of shape \(shape) with a tensor of shape \(shapes[operand]!)")
        }
        return values
    }

    private mutating func lowerSum(_ node: NodeView, _ a: Value, _ b: Value) throws(PlanError) {
        guard shapes[a] == shapes[b] else {
            throw node.unsupported("of shapes \(shapes[a]!) and \(shapes[b]!)")
        }
        for (index, other) in [(0, b), (1, a)] {
            // The other image must be there when the convolution runs.
            guard let layer = soleMaker(node, index),
                case .convolution(var convolution) = list.layers[layer].computation,
                !convolution.isDepthwise, convolution.clamp == .none, convolution.residual == nil,
                (makers[other] ?? -1) < layer
            else { continue }
            convolution.residual = other
            list.layers[layer].computation = .convolution(convolution)
            return absorb(node, into: layer)
        }
        append(node, .affine(Affine(addend: b)), input: a, list.extents[a], shape: shapes[a])
    }

    /// - Source: both forms are `(x - mean) * rsqrt(variance + epsilon) * gamma + beta`.
    mutating func lowerBatchNormalization(_ node: NodeView) throws(PlanError) {
        let isLegacy = node.node.operation == "BatchNormWithGlobalNormalization"
        if !isLegacy {
            try node.requireChannelsLast()
            // TensorFlow's default is training.
            let isTraining = node.node.attributes["is_training"] == nil ? true : try node.bool("is_training")
            if isTraining { throw node.unsupported("is_training") }
        }
        let channels = list.extents[try operand(node)].channels
        let order =
            isLegacy ? (mean: 1, variance: 2, beta: 3, gamma: 4) : (mean: 3, variance: 4, beta: 2, gamma: 1)
        let mean = try floats(node, order.mean).values, variance = try floats(node, order.variance).values
        let beta = try floats(node, order.beta).values
        let epsilon = try node.float(
            isLegacy ? "variance_epsilon" : "epsilon", default: isLegacy ? 0.001 : 0.0001)
        var gamma = [Float](repeating: 1, count: channels)
        let isScaled = isLegacy ? try node.bool("scale_after_normalization") : true
        if isScaled { gamma = try floats(node, order.gamma).values }
        guard [mean, variance, beta, gamma].allSatisfy({ $0.count == channels }) else {
            throw node.malformed("statistics of \(mean.count) channels for \(channels)")
        }
        var affine = Affine(scale: [], shift: [])
        for c in 0..<channels {
            // In double, so that folding rounds once.
            let scale = Double(gamma[c]) / (Double(variance[c]) + Double(epsilon)).squareRoot()
            affine.scale!.append(Float(scale))
            affine.shift!.append(Float(Double(beta[c]) - Double(mean[c]) * scale))
        }
        try lowerAffine(node, affine)
    }

    /// Adds scaling, shift and clamp to the layer before, if it can take them up, or makes a layer of them.
    mutating func lowerAffine(_ node: NodeView, _ affine: Affine, operandIndex: Int = 0) throws(PlanError) {
        let input = try operand(node, operandIndex)
        if let layer = soleMaker(node, operandIndex) {
            switch list.layers[layer].computation {
            case .convolution(var convolution)
            where convolution.clamp == .none && (convolution.residual == nil || affine.scale == nil):
                convolution.apply(affine)
                list.layers[layer].computation = .convolution(convolution)
                return absorb(node, into: layer)
            case .affine(var earlier)
            where earlier.clamp == .none && (earlier.addend == nil || affine.scale == nil):
                earlier.apply(affine)
                list.layers[layer].computation = .affine(earlier)
                return absorb(node, into: layer)
            default: break
            }
        }
        append(node, .affine(affine), input: input, list.extents[input], shape: shapes[input])
    }
}

extension Convolution {
    mutating func apply(_ affine: Affine) {
        if let scale = affine.scale {
            self.scale = self.scale.map { earlier in zip(earlier, scale).map { $0 * $1 } } ?? scale
            for c in scale.indices { bias[c] *= scale[c] }
        }
        if let shift = affine.shift { for c in shift.indices { bias[c] += shift[c] } }
        clamp = affine.clamp
    }
}

extension Affine {
    mutating func apply(_ later: Affine) {
        if let factor = later.scale {
            scale = scale.map { scale in zip(scale, factor).map { $0 * $1 } } ?? factor
            shift = shift.map { shift in zip(shift, factor).map { $0 * $1 } }
        }
        if let amount = later.shift {
            shift = shift.map { shift in zip(shift, amount).map { $0 + $1 } } ?? amount
        }
        clamp = later.clamp
    }
}
