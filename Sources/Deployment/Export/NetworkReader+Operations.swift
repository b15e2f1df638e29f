import TensorGraph

extension NetworkReader {
    mutating func read(_ node: Node) throws(DeploymentError) {
        let node = try NodeReading(node)
        switch node.node.operation {
        case "Conv2D", "DepthwiseConv2dNative": try readConvolution(node)
        case "MatMul": try readProduct(node)
        case "BiasAdd", "Add", "AddV2": try readArithmetic(node, .add)
        case "Sub": try readArithmetic(node, .subtract)
        case "Mul": try readArithmetic(node, .multiply)
        case "RealDiv": try readArithmetic(node, .divide)
        case "SquaredDifference": try readArithmetic(node, .squaredDifference)
        case "Relu": try readActivation(node, .relu)
        case "Relu6": try readActivation(node, .relu6)
        case "MaxPool": try readPool(node, .maximum)
        case "AvgPool": try readPool(node, .mean)
        case "Max": try readReduction(node, .maximum)
        case "Mean": try readReduction(node, .mean)
        case "LRN":
            let input = try image(node)
            try append(
                node,
                .localResponseNormalization(
                    radius: try node.int("depth_radius", default: 5, in: 0...4096),
                    bias: node.float("bias", default: 1),
                    alpha: node.float("alpha", default: 1),
                    beta: node.float("beta", default: 0.5)),
                inputs: [input.name], shape: input.shape)
        case "Softmax", "Sqrt":
            let input = try operand(node)
            try append(
                node, node.node.operation == "Softmax" ? .softmax : .squareRoot, inputs: [input.name],
                shape: input.shape)
        case "Pad": try readPad(node)
        case "Concat", "ConcatV2": try readConcatenation(node)
        case "Reshape", "Squeeze": try readReshape(node)
        default: throw node.unsupported("is not among the operations that can be exported")
        }
    }

    private mutating func readConvolution(_ node: NodeReading) throws(DeploymentError) {
        let input = try image(node), weights = try weights(node, rank: 4), shape = weights.tensor.shape
        guard shape[2] == input.shape[3] else {
            throw node.malformed("weights of \(shape[2]) channels over an image of \(input.shape[3])")
        }
        let isDepthwise = node.node.operation == "DepthwiseConv2dNative"
        let (window, height, width) = try window(node, shape[0], shape[1], over: input.shape)
        try append(
            node, .convolution(window, weights, isDepthwise: isDepthwise, .none), inputs: [input.name],
            shape: [1, height, width, isDepthwise ? shape[2] * shape[3] : shape[3]])
    }

    private mutating func readProduct(_ node: NodeReading) throws(DeploymentError) {
        let input = try operand(node)
        var weights = try weights(node, rank: 2)
        if node.flag("transpose_a") { throw node.unsupported("transpose_a") }
        if node.flag("transpose_b") {
            let shape = weights.tensor.shape
            let turned = weights.tensor.floats!.transposed(shape, [1, 0])
            weights = PortableNetwork.Weights(
                tensor: Tensor(turned, shape: shape.reversed()), bias: nil, grid: nil)
        }
        let shape = weights.tensor.shape
        guard input.shape.count == 2, input.shape[1] == shape[0] else {
            throw node.malformed("weights of shape \(shape) for an input of shape \(input.shape)")
        }
        try append(node, .product(weights, .none), inputs: [input.name], shape: [input.shape[0], shape[1]])
    }

    private mutating func readArithmetic(_ node: NodeReading, _ arithmetic: PortableNetwork.Arithmetic)
        throws(DeploymentError)
    {
        switch (try isConstant(node, 0), try isConstant(node, 1)) {
        case (true, true): throw node.unsupported("of two constants")
        case (false, false):
            let left = try operand(node, 0), right = try operand(node, 1)
            guard left.shape.count == right.shape.count, let shape = Self.broadcast(left.shape, right.shape)
            else {
                throw node.unsupported("of shapes \(left.shape) and \(right.shape)")
            }
            try append(
                node, .arithmetic(arithmetic, nil, .none), inputs: [left.name, right.name], shape: shape)
        case (let isFirst, _):
            let index = isFirst ? 1 : 0, input = try operand(node, index),
                tensor = try constant(node, 1 - index)
            guard tensor.type == .float32, tensor.shape.count <= input.shape.count,
                Self.broadcast(input.shape, tensor.shape) == input.shape
            else {
                throw node.unsupported(
                    "a constant of type \(tensor.type) and shape \(tensor.shape) with a tensor of shape \(input.shape)"
                )
            }
            let channels = input.shape.last!
            if arithmetic == .add, tensor.count == channels, tensor.shape.last == channels,
                try absorb(node, into: index, { $0.adding(bias: Tensor(tensor.floats!, shape: [channels])) })
            {
                return
            }
            try append(
                node, .arithmetic(arithmetic, .init(tensor: tensor, isFirst: isFirst), .none),
                inputs: [input.name], shape: input.shape)
        }
    }

    /// Broadcasts shapes by numpy's rule; nil if two sizes differ and neither is 1.
    private static func broadcast(_ a: [Int], _ b: [Int]) -> [Int]? {
        let rank = max(a.count, b.count)
        let (x, y) = (
            [Int](repeating: 1, count: rank - a.count) + a, [Int](repeating: 1, count: rank - b.count) + b
        )
        guard zip(x, y).allSatisfy({ $0 == $1 || $0 == 1 || $1 == 1 }) else { return nil }
        return zip(x, y).map { max($0, $1) }
    }

    private mutating func readActivation(_ node: NodeReading, _ activation: PortableNetwork.Activation)
        throws(DeploymentError)
    {
        if try absorb(node, into: 0, { $0.applying(activation) }) { return }
        let input = try operand(node)
        try append(node, .activation(activation), inputs: [input.name], shape: input.shape)
    }

    private mutating func readPool(_ node: NodeReading, _ reduction: PortableNetwork.Reduction)
        throws(DeploymentError)
    {
        let input = try image(node), size = try node.spatial("ksize")
        let (window, height, width) = try window(node, size.height, size.width, over: input.shape)
        guard window.isSame || window.margin.isEmpty else { throw node.unsupported("explicit padding") }
        try append(
            node, .pool(reduction, window), inputs: [input.name], shape: [1, height, width, input.shape[3]])
    }

    private mutating func readReduction(_ node: NodeReading, _ reduction: PortableNetwork.Reduction)
        throws(DeploymentError)
    {
        let input = try image(node), keepsAxes = node.flag("keep_dims")
        guard Set(try integers(node, 1).map { $0 < 0 ? $0 + 4 : $0 }) == [1, 2] else {
            throw node.unsupported("axes other than height and width")
        }
        let channels = input.shape[3]
        try append(
            node, .reduction(reduction, keepsAxes: keepsAxes), inputs: [input.name],
            shape: keepsAxes ? [1, 1, 1, channels] : [1, channels])
    }

    private mutating func readPad(_ node: NodeReading) throws(DeploymentError) {
        let input = try image(node), amounts = try integers(node, 1)
        guard amounts.count == 8, [0, 1, 6, 7].allSatisfy({ amounts[$0] == 0 }),
            amounts.allSatisfy({ (0...4096).contains($0) })
        else {
            throw node.unsupported("paddings \(amounts)")
        }
        let margin = PortableNetwork.Margin(
            top: amounts[2], left: amounts[4], bottom: amounts[3], right: amounts[5])
        try append(
            node, .pad(margin), inputs: [input.name],
            shape: [
                1, input.shape[1] + margin.top + margin.bottom, input.shape[2] + margin.left + margin.right,
                input.shape[3],
            ])
    }

    private mutating func readConcatenation(_ node: NodeReading) throws(DeploymentError) {
        let isFirst = node.node.operation == "Concat", count = node.inputs.count - 1
        guard count >= 1 else { throw node.malformed("has no inputs") }
        var parts: [(name: String, shape: [Int])] = []
        for index in 0..<count { parts.append(try operand(node, isFirst ? index + 1 : index)) }
        var shape = parts[0].shape
        let axes = try integers(node, isFirst ? 0 : count),
            axis = axes.count == 1 ? axes[0] < 0 ? axes[0] + shape.count : axes[0] : -1
        guard shape.indices.contains(axis) else { throw node.malformed("axis \(axes)") }
        shape[axis] = parts.reduce(0) { $0 + ($1.shape.count == shape.count ? $1.shape[axis] : 0) }
        for part in parts {
            var other = part.shape
            if other.count == shape.count { other[axis] = shape[axis] }
            guard other == shape else { throw node.malformed("joins shapes \(parts.map(\.shape))") }
        }
        try append(node, .concatenation(axis: axis), inputs: parts.map(\.name), shape: shape)
    }

    private mutating func readReshape(_ node: NodeReading) throws(DeploymentError) {
        let input = try operand(node), from = input.shape, count = from.reduce(1, *)
        var shape: [Int]
        if node.node.operation == "Reshape" {
            shape = try integers(node, 1)
            guard shape.allSatisfy({ (-1...count).contains($0) && $0 != 0 }), shape.count <= 8 else {
                throw node.unsupported("reshapes \(from) to \(shape)")
            }
            // There are at most 8 sizes of 31 bits; saturation prevents overflow.
            let known = shape.reduce(1) { $1 == -1 ? $0 : min($0 * $1, count + 1) }
            if let unknown = shape.firstIndex(of: -1) { shape[unknown] = count / known }
        } else {
            let axes = Set(
                (node.integers("squeeze_dims") ?? node.integers("axis") ?? []).map {
                    $0 < 0 ? $0 + from.count : $0
                })
            guard axes.allSatisfy({ from.indices.contains($0) && from[$0] == 1 }) else {
                throw node.malformed("squeezes \(axes) of \(from)")
            }
            shape = from.indices.filter { axes.isEmpty ? from[$0] != 1 : !axes.contains($0) }.map { from[$0] }
        }
        guard shape.allSatisfy({ $0 > 0 }), shape.reduce(1, { min($0 * $1, count + 1) }) == count else {
            throw node.unsupported("reshapes \(from) to \(shape)")
        }
        try append(node, .reshape, inputs: [input.name], shape: shape)
    }

    /// Returns the window of a convolution or pooling over an image, and the height and width of its output.
    ///
    /// - Source: TensorFlow's rule: SAME gives ceil(size / stride) outputs and puts an odd pixel of padding
    ///   after the image.
    private func window(
        _ node: NodeReading, _ height: Int, _ width: Int, over shape: [Int]
    ) throws(DeploymentError) -> (PortableNetwork.Window, height: Int, width: Int) {
        let stride = try node.spatial("strides")
        if let dilations = node.integers("dilations"), dilations.contains(where: { $0 != 1 }) {
            throw node.unsupported("dilations \(dilations)")
        }
        let needY = max(0, (shape[1] - 1) / stride.height * stride.height + height - shape[1])
        let needX = max(0, (shape[2] - 1) / stride.width * stride.width + width - shape[2])
        let same = PortableNetwork.Margin(
            top: needY / 2, left: needX / 2, bottom: needY - needY / 2, right: needX - needX / 2)
        let margin: PortableNetwork.Margin
        switch node.text("padding") {
        case "SAME": margin = same
        case "VALID": margin = PortableNetwork.Margin()
        case "EXPLICIT":
            guard let list = node.integers("explicit_paddings"), list.count == 8,
                [0, 1, 6, 7].allSatisfy({ list[$0] == 0 }),
                list.allSatisfy({ (0...4096).contains($0) })
            else { throw node.malformed("explicit_paddings") }
            margin = PortableNetwork.Margin(top: list[2], left: list[4], bottom: list[3], right: list[5])
        case let other: throw node.malformed("padding \(other ?? "absent")")
        }
        let paddedHeight = shape[1] + margin.top + margin.bottom,
            paddedWidth = shape[2] + margin.left + margin.right
        guard paddedHeight >= height, paddedWidth >= width else {
            throw node.malformed(
                "a window of \(height)×\(width) does not fit into \(paddedHeight)×\(paddedWidth)")
        }
        let window = PortableNetwork.Window(
            height: height, width: width, strideY: stride.height, strideX: stride.width, margin: margin,
            isSame: margin == same)
        return (window, (paddedHeight - height) / stride.height + 1, (paddedWidth - width) / stride.width + 1)
    }
}

extension PortableNetwork.Operation {
    /// - Returns: The operation with a bias; nil if it takes none or already has one.
    fileprivate func adding(bias: Tensor) -> Self? {
        switch self {
        case .convolution(let window, var weights, let isDepthwise, .none) where weights.bias == nil:
            weights.bias = bias
            return .convolution(window, weights, isDepthwise: isDepthwise, .none)
        case .product(var weights, .none) where weights.bias == nil:
            weights.bias = bias
            return .product(weights, .none)
        default: return nil
        }
    }

    fileprivate func applying(_ activation: PortableNetwork.Activation) -> Self? {
        switch self {
        case .convolution(let window, let weights, let isDepthwise, .none):
            .convolution(window, weights, isDepthwise: isDepthwise, activation)
        case .product(let weights, .none): .product(weights, activation)
        case .arithmetic(.squaredDifference, _, _): nil
        case .arithmetic(let arithmetic, let constant, .none): .arithmetic(arithmetic, constant, activation)
        default: nil
        }
    }
}
