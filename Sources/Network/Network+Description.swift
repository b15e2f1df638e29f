import TensorGraph

extension Network: CustomStringConvertible {
    /// A description with one line per node: its index, operation, inputs, shape and name.
    ///
    /// ```
    /// %2 = convolution 3×3 /2 +0,0,1,1 (%0, %1) [1, 112, 112, 32]  MobilenetV1/Conv2d_0
    /// ```
    package var description: String {
        var lines = nodes.indices.map { index in
            let node = nodes[index]
            let inputs = node.inputs.map { "%\($0)" }.joined(separator: ", ")
            let operands = inputs.isEmpty ? "" : " (\(inputs))"
            return "%\(index) = \(node.operation)\(operands) \(node.shape)  \(node.name)"
        }
        lines.append("outputs " + outputs.map { "%\($0)" }.joined(separator: ", "))
        return lines.joined(separator: "\n")
    }
}

extension Network.Operation: CustomStringConvertible {
    package var description: String {
        switch self {
        case .constant(let tensor): "constant \(tensor.type)"
        case .convolution(let window, let groups):
            "convolution \(window)" + (groups == 1 ? "" : " in \(groups) groups")
        case .matrixProduct(let left, let right):
            "matrixProduct" + (left ? " left transposed" : "") + (right ? " right transposed" : "")
        case .unary(let function): "\(function)"
        case .maximumPool(let window): "maximumPool \(window)"
        case .averagePool(let window, let counts): "averagePool \(window)" + (counts ? " with padding" : "")
        case .reduction(_, let axes, let keeps): "\(name) over \(axes)" + (keeps ? " kept" : "")
        case .softmax(let axis), .concatenation(let axis): "\(name) along \(axis)"
        case .normalization(let axes, let epsilon): "normalization over \(axes) epsilon \(epsilon)"
        case .localResponseNormalization(let radius, let bias, let alpha, let beta):
            "\(name) radius \(radius) bias \(bias) alpha \(alpha) beta \(beta)"
        case .pad(let borders, let padding):
            "pad \(borders.map { "\($0.before)+\($0.after)" }.joined(separator: " ")) \(padding)"
        case .transpose(let axes): "transpose \(axes)"
        case .slice(let stretches):
            "slice " + stretches.map { "\($0.begin)+\($0.count)·\($0.step)" }.joined(separator: " ")
        case .gather(let axis, let indices): "gather \(indices.count) along \(axis)"
        case .tile(let counts): "tile \(counts)"
        case .resize(let resize): "resize \(resize.method) \(resize.coordinates)"
        case .depthToSpace(let block, let isChannelMajor):
            "depthToSpace \(block)" + (isChannelMajor ? " channel-major" : "")
        case .spaceToDepth(let block): "spaceToDepth \(block)"
        case .input, .binary, .select, .reshape, .broadcast: name
        }
    }
}

extension Network.Window: CustomStringConvertible {
    /// A description such as `3×3 /2 +0,0,1,1`: size, strides, dilations if any, and padding at the top,
    /// left, bottom and right.
    package var description: String {
        var text = "\(height)×\(width)"
        if (strideY, strideX) != (1, 1) {
            text += strideY == strideX ? " /\(strideY)" : " /\(strideY)×\(strideX)"
        }
        if (dilationY, dilationX) != (1, 1) { text += " dilated \(dilationY)×\(dilationX)" }
        if !padding.isEmpty { text += " +\(padding.top),\(padding.left),\(padding.bottom),\(padding.right)" }
        return text + (roundsUp ? " rounded up" : "")
    }
}
