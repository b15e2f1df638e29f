import TensorGraph

extension Lowering {
    mutating func lower(_ node: NodeView) throws(PlanError) {
        switch node.node.operation {
        case "Conv2D", "DepthwiseConv2dNative": try lowerConvolution(node)
        case "MatMul": try lowerMatrixProduct(node)
        case "BiasAdd", "Add", "AddV2", "Sub", "Mul", "RealDiv": try lowerArithmetic(node)
        case "BatchNormWithGlobalNormalization", "FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3":
            try lowerBatchNormalization(node)
        case "Relu": try lowerAffine(node, Affine(clamp: .relu))
        case "Relu6": try lowerAffine(node, Affine(clamp: .relu6))
        case "Identity", "CheckNumerics", "StopGradient", "PlaceholderWithDefault":
            let input = try operand(node)
            values[node.node.name] = input
            if try readers[node.input(0)] != 1 { shared.insert(input) }
        case "MaxPool", "AvgPool": try lowerPool(node)
        case "LRN": try lowerLocalResponseNormalization(node)
        case "Softmax":
            let input = try operand(node)
            append(node, .softmax, input: input, list.extents[input], shape: shapes[input])
        case "Mean", "Max": try lowerReduction(node)
        case "SquaredDifference": try lowerSquaredDifference(node)
        case "Sqrt":
            let input = try operand(node)
            append(node, .squareRoot, input: input, list.extents[input], shape: shapes[input])
        case "Pad": try lowerPad(node)
        case "Concat", "ConcatV2": try lowerConcatenation(node)
        case "Reshape", "Squeeze": try lowerReshape(node)
        case let operation: throw .unsupportedOperation(operation, node: node.node.name)
        }
    }

    private mutating func lowerConvolution(_ node: NodeView) throws(PlanError) {
        var input = try operand(node)
        let (weights, shape) = try floatRegion(node, 1)
        guard shape.count == 4, shape.allSatisfy({ $0 > 0 }) else {
            throw node.malformed("filter shape \(shape)")
        }
        // Zeros around an image cost nothing: the margin is there anyway.
        var padding = Margin()
        if let maker = soleMaker(node), case .pad(let margin) = list.layers[maker].computation,
            maker == list.layers.count - 1,
            node.string("padding") == "VALID"
        {
            (padding, input) = (margin, list.layers[maker].input)
            list.layers.removeLast()
        }
        let extent = list.extents[input]
        guard shape[2] == extent.channels else {
            throw node.malformed("filter of \(shape[2]) channels over an image of \(extent.channels)")
        }
        let isDepthwise = node.node.operation == "DepthwiseConv2dNative"
        if isDepthwise && shape[3] != 1 { throw node.unsupported("depth multiplier \(shape[3])") }
        let (window, height, width) = try node.window(shape[0], shape[1], over: extent, extraPadding: padding)
        let channels = isDepthwise ? shape[2] : shape[3]
        let convolution = Convolution(
            window: window, weights: weights, bias: [Float](repeating: 0, count: channels),
            isDepthwise: isDepthwise)
        append(
            node, .convolution(convolution), input: input,
            Extent(height: height, width: width, channels: channels))
    }

    private mutating func lowerMatrixProduct(_ node: NodeView) throws(PlanError) {
        let input = try operand(node), extent = list.extents[input]
        var (weights, shape) = try floatRegion(node, 1)
        if try node.bool("transpose_a") { throw node.unsupported("transpose_a") }
        guard shape.count == 2 else { throw node.malformed("weights of shape \(shape)") }
        if try node.bool("transpose_b") {
            let rows = weights.array(of: Float.self)
            weights = ByteRegion(
                of: (0..<shape[1] * shape[0]).map { rows[$0 % shape[0] * shape[1] + $0 / shape[0]] })
            shape = [shape[1], shape[0]]
        }
        guard shapes[input]?.count == 2, shape[0] == extent.channels else {
            throw node.malformed("weights of shape \(shape) for an input of shape \(shapes[input] ?? [])")
        }
        let convolution = Convolution(
            window: Window(height: 1, width: 1, strideY: 1, strideX: 1), weights: weights,
            bias: [Float](repeating: 0, count: shape[1]))
        append(
            node, .convolution(convolution), input: input, Extent(height: 1, width: 1, channels: shape[1]),
            shape: [1, shape[1]])
    }

    private mutating func lowerPool(_ node: NodeView) throws(PlanError) {
        let input = try operand(node), size = try node.spatial("ksize")
        let (window, height, width) = try node.window(size.height, size.width, over: list.extents[input])
        let extent = Extent(height: height, width: width, channels: list.extents[input].channels)
        append(
            node, node.node.operation == "MaxPool" ? .maximumPool(window) : .averagePool(window),
            input: input, extent)
    }

    private mutating func lowerLocalResponseNormalization(_ node: NodeView) throws(PlanError) {
        let input = try operand(node)
        let radius = try node.int("depth_radius", default: 5)
        guard (0...64).contains(radius) else { throw node.unsupported("depth_radius \(radius)") }
        append(
            node,
            .localResponseNormalization(
                radius: radius, bias: try node.float("bias", default: 1),
                alpha: try node.float("alpha", default: 1),
                beta: try node.float("beta", default: 0.5)),
            input: input, list.extents[input])
    }

    private mutating func lowerReduction(_ node: NodeView) throws(PlanError) {
        let input = try operand(node), channels = list.extents[input].channels
        let axes = Set(try integers(node, 1).map { $0 < 0 ? $0 + 4 : $0 })
        guard shapes[input]?.count == 4, axes == [1, 2] else {
            throw node.unsupported("axes other than height and width")
        }
        let keepsAxes = try node.bool("keep_dims")
        append(
            node, node.node.operation == "Mean" ? .mean : .maximum, input: input,
            Extent(height: 1, width: 1, channels: channels),
            shape: keepsAxes ? [1, 1, 1, channels] : [1, channels])
    }

    /// Of an image and one value a channel, as a standard deviation needs it.
    private mutating func lowerSquaredDifference(_ node: NodeView) throws(PlanError) {
        let input = try operand(node), center = try operand(node, 1), extent = list.extents[input]
        guard list.extents[center] == Extent(height: 1, width: 1, channels: extent.channels),
            shapes[center]?.count == shapes[input]?.count
        else {
            throw node.unsupported("other shapes than an image and one value a channel")
        }
        append(node, .squaredDifference(center), input: input, extent)
    }

    private mutating func lowerPad(_ node: NodeView) throws(PlanError) {
        let input = try operand(node), extent = list.extents[input], amounts = try integers(node, 1)
        guard amounts.count == 8, amounts[0] == 0, amounts[1] == 0, amounts[6] == 0, amounts[7] == 0,
            amounts.allSatisfy({ (0...4096).contains($0) })
        else { throw node.unsupported("paddings \(amounts)") }
        let margin = Margin(top: amounts[2], left: amounts[4], bottom: amounts[3], right: amounts[5])
        append(
            node, .pad(margin), input: input,
            Extent(
                height: extent.height + margin.top + margin.bottom,
                width: extent.width + margin.left + margin.right,
                channels: extent.channels))
    }

    private mutating func lowerConcatenation(_ node: NodeView) throws(PlanError) {
        let isFirst = node.node.operation == "Concat"
        let count = node.inputs.count - 1
        guard count >= 1 else { throw node.malformed("has no inputs") }
        var parts: [Value] = []
        for index in 0..<count { parts.append(try operand(node, isFirst ? index + 1 : index)) }
        let axis = try integers(node, isFirst ? 0 : count), shape = shapes[parts[0]]!
        guard axis.count == 1, axis[0] == shape.count - 1 || axis[0] == -1 else {
            throw node.unsupported("axis \(axis)")
        }
        let extent = list.extents[parts[0]]
        guard parts.allSatisfy({ shapes[$0]!.dropLast() == shape.dropLast() }) else {
            throw node.malformed("joins shapes \(parts.map { shapes[$0]! })")
        }
        let channels = parts.reduce(0) { $0 + list.extents[$1].channels }
        append(
            node, .concatenation(parts), input: parts[0],
            Extent(height: extent.height, width: extent.width, channels: channels),
            shape: shape.dropLast() + [channels])
    }

    private mutating func lowerReshape(_ node: NodeView) throws(PlanError) {
        let input = try operand(node), from = shapes[input]!, count = list.extents[input].count
        var shape: [Int]
        if node.node.operation == "Reshape" {
            shape = try integers(node, 1)
            if let unknown = shape.firstIndex(of: -1) {
                let known = shape.reduce(1) { $1 == -1 ? $0 : $0 * $1 }
                guard known > 0, count % known == 0 else {
                    throw node.malformed("\(from) does not reshape to \(shape)")
                }
                shape[unknown] = count / known
            }
        } else {
            guard case .ints(let list)? = node.node.attributes["squeeze_dims"] ?? node.node.attributes["axis"]
            else {
                throw node.malformed("squeeze_dims")
            }
            let axes = Set(list.map { Int($0) < 0 ? Int($0) + from.count : Int($0) })
            guard axes.allSatisfy({ from.indices.contains($0) && from[$0] == 1 }) else {
                throw node.malformed("squeezes \(axes) of \(from)")
            }
            shape = from.indices.filter { axes.isEmpty ? from[$0] != 1 : !axes.contains($0) }.map { from[$0] }
        }
        guard shape.reduce(1, *) == count, let extent = Self.extent(ofShape: shape) else {
            throw node.unsupported("reshapes \(from) to \(shape)")
        }
        append(node, .reshape, input: input, extent, shape: shape)
    }
}
