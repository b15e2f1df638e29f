import Network
import TensorGraph

extension GraphExport {
    /// Returns what TensorFlow has no operation for; nil for a step that can be written.
    static func refusal(_ step: PortableNetwork.Step, _ network: PortableNetwork) -> String? {
        switch step.operation {
        case .convolution(let window, let weights, let groups, _)
        where groups > 1 && weights.tensor.shape[2] == 1:
            guard window.strideY == window.strideX else { return "with unequal strides" }
            return window.dilationY * window.dilationX == 1 ? nil : "of each channel at a distance"
        case .plain(.pad(_, .edge)): return "a padding that repeats the edge"
        case .plain(.localResponseNormalization):
            return network.shapes[step.name]!.count == 4 ? nil : "of other tensors than images"
        case .convolution, .product, .arithmetic, .plain: return nil
        }
    }

    mutating func write(_ step: PortableNetwork.Step) {
        let name = step.name, inputs = step.inputs.map(place)
        switch step.operation {
        case .convolution(let window, let weights, let groups, let activation):
            writeConvolution(step, inputs[0], window, weights, groups, activation)
        case .product(let weights, let activation):
            let matrix = constant(name + "/weights", weights.tensor.floats!, weights.tensor.shape)
            let isVector = network.shapes[name]!.count == 2
            finish(step, weights, activation) { export, step in
                export.append(
                    isVector ? "MatMul" : "BatchMatMulV2", [inputs[0], matrix], name + "/product", step)
            }
        case .arithmetic(let function, let constant, let activation):
            var operands = inputs
            if let constant {
                operands.insert(
                    self.constant(name + "/constant", constant.tensor.floats!, constant.tensor.shape),
                    at: constant.isFirst ? 0 : 1)
            }
            let isActivated = activation != .none
            let made = write(function, operands, name + "/linear", isActivated ? nil : step)
            if isActivated { write(activation, made, step) }
        case .plain(let operation): write(step, operation, inputs)
        }
    }

    private mutating func writeConvolution(
        _ step: PortableNetwork.Step, _ image: String, _ window: Network.Window,
        _ weights: PortableNetwork.Weights, _ groups: Int, _ activation: PortableNetwork.Activation
    ) {
        let (input, padding) = padded(step, image, window)
        var shape = weights.tensor.shape
        let isDepthwise = groups > 1 && shape[2] == 1
        if isDepthwise { shape = [shape[0], shape[1], groups, shape[3] / groups] }
        let filter = constant(step.name + "/weights", weights.tensor.floats!, shape)
        var attributes: [String: Attribute] = [
            "strides": .ints([1, Int64(window.strideY), Int64(window.strideX), 1]), "padding": .text(padding),
        ]
        if !isDepthwise {
            attributes["dilations"] = .ints([1, Int64(window.dilationY), Int64(window.dilationX), 1])
        }
        finish(step, weights, activation) { export, output in
            export.append(
                isDepthwise ? "DepthwiseConv2dNative" : "Conv2D", [input, filter],
                step.name + "/convolution", output, attributes)
        }
    }

    /// Adds the bias and the activation to what `body` computes, whose last argument is the step if nothing
    /// follows.
    private mutating func finish(
        _ step: PortableNetwork.Step, _ weights: PortableNetwork.Weights,
        _ activation: PortableNetwork.Activation,
        _ body: (inout GraphExport, PortableNetwork.Step?) -> String
    ) {
        let hasBias = weights.bias != nil, isActivated = activation != .none
        var made = body(&self, hasBias || isActivated ? nil : step)
        if let bias = weights.bias {
            let terms = constant(step.name + "/bias", bias.floats!, bias.shape)
            made = append("BiasAdd", [made, terms], step.name + "/linear", isActivated ? nil : step)
        }
        if isActivated { write(activation, made, step) }
    }

    private mutating func write(
        _ activation: PortableNetwork.Activation, _ input: String, _ step: PortableNetwork.Step
    ) {
        switch activation {
        case .none: define(step, "Identity", [input])
        case .relu: define(step, "Relu", [input])
        case .relu6: define(step, "Relu6", [input])
        }
    }

    /// Pads an image by a node of its own if neither of TensorFlow's padding modes applies.
    private mutating func padded(
        _ step: PortableNetwork.Step, _ input: String, _ window: Network.Window, value: Float = 0
    ) -> (image: String, padding: String) {
        let shape = network.shapes[step.inputs[0]]!
        let margin = window.neededMargin(over: shape, result: network.shapes[step.name]!)
        if margin.isEmpty { return (input, "VALID") }
        if margin == window.sameMargin(over: shape) { return (input, "SAME") }
        return (padded(step, input, margin, value: value), "VALID")
    }

    private mutating func padded(
        _ step: PortableNetwork.Step, _ input: String, _ margin: Network.Margin, value: Float
    ) -> String {
        let amounts = constant(
            [0, 0, margin.top, margin.bottom, margin.left, margin.right, 0, 0], rows: 4)
        if value == 0 { return append("Pad", [input, amounts], step.name + "/padded") }
        return append(
            "PadV2", [input, amounts, constant(step.name + "/edge", [value], [])], step.name + "/padded")
    }

    // MARK: - Elementwise functions

    private mutating func write(
        _ function: Network.Binary, _ operands: [String], _ wish: String, _ step: PortableNetwork.Step?
    ) -> String {
        let operation =
            switch function {
            case .add: "AddV2"
            case .subtract: "Sub"
            case .multiply: "Mul"
            case .divide: "RealDiv"
            case .maximum: "Maximum"
            case .minimum: "Minimum"
            case .power: "Pow"
            case .squaredDifference: "SquaredDifference"
            case .prelu: ""
            case .equal: "Equal"
            case .less: "Less"
            case .lessOrEqual: "LessEqual"
            }
        if function.isComparison { return flags(operation, operands, wish, step) }
        if function != .prelu { return append(operation, operands, wish, step) }
        let zero = constant(wish + "/zero", [0], [])
        let positive = append("Relu", [operands[0]], wish + "/positive")
        let negative = append("Minimum", [operands[0], zero], wish + "/negative")
        let scaled = append("Mul", [negative, operands[1]], wish + "/scaled")
        return append("AddV2", [positive, scaled], wish, step)
    }

    /// Writes a comparison as numbers.
    private mutating func flags(
        _ operation: String, _ operands: [String], _ wish: String, _ step: PortableNetwork.Step?
    ) -> String {
        let flags = append(operation, operands, wish + "/flags")
        let types: [String: Attribute] = ["SrcT": .type(.bool), "DstT": Self.float]
        guard let step else { return add("Cast", fresh(wish), [flags], types) }
        return place(step, add("Cast", step.name, [flags], types))
    }

    private static func operation(_ function: Network.Unary) -> String? {
        switch function {
        case .relu: "Relu"
        case .clip(lowest: 0, highest: 6): "Relu6"
        case .leakyRelu: "LeakyRelu"
        case .elu(alpha: 1): "Elu"
        case .selu: "Selu"
        case .sigmoid: "Sigmoid"
        case .tanh: "Tanh"
        case .erf: "Erf"
        case .erfc: "Erfc"
        case .exp: "Exp"
        case .log: "Log"
        case .sqrt: "Sqrt"
        case .rsqrt: "Rsqrt"
        case .reciprocal: "Reciprocal"
        case .square: "Square"
        case .abs: "Abs"
        case .negate: "Neg"
        case .sign: "Sign"
        case .sin: "Sin"
        case .cos: "Cos"
        case .floor: "Floor"
        case .ceil: "Ceil"
        case .round: "Round"
        case .softplus: "Softplus"
        case .softsign: "Softsign"
        case .clip, .elu, .mish, .hardSigmoid, .hardSwish, .silu, .gelu, .gridded: nil
        }
    }

    private mutating func write(
        _ function: Network.Unary, _ input: String, _ wish: String, _ step: PortableNetwork.Step?
    ) -> String {
        guard let operation = Self.operation(function) else {
            return write(function.decomposition!, input, wish, step)
        }
        var attributes: [String: Attribute] = [:]
        if case .leakyRelu(let slope) = function { attributes["alpha"] = .float(slope) }
        return append(operation, [input], wish, step, attributes)
    }

    private mutating func write(
        _ function: Decomposition, _ x: String, _ wish: String, _ step: PortableNetwork.Step?
    ) -> String {
        switch function {
        case .x: return x
        case .number(let value): return constant(wish + "/number", [value], [])
        case .unary(let unary, let part):
            let input = write(part, x, wish + "/inner", nil)
            return write(unary, input, wish, step)
        case .binary(let binary, let left, let right):
            let operands = [
                write(left, x, wish + "/left", nil), write(right, x, wish + "/right", nil),
            ]
            return write(binary, operands, wish, step)
        }
    }

    // MARK: - Other operations

    private mutating func write(
        _ step: PortableNetwork.Step, _ operation: Network.Operation, _ inputs: [String]
    ) {
        let name = step.name, shape = network.shapes[name]!
        switch operation {
        case .unary(let function): _ = write(function, inputs[0], name, step)
        case .select:
            let flags: String
            if let condition = network.constants[step.inputs[0]] {
                let bytes = ByteRegion(condition.floats!.map { $0 != 0 ? 1 : 0 as UInt8 })
                flags = constant(
                    fresh(name + "/condition"),
                    Tensor(type: .bool, shape: condition.shape, contents: .dense(bytes)))
            } else {
                flags = append(
                    "NotEqual", [inputs[0], constant(name + "/zero", [0], [])], name + "/condition")
            }
            define(step, "SelectV2", [flags, inputs[1], inputs[2]])
        case .matrixProduct(let left, let right):
            define(step, "BatchMatMulV2", inputs, ["adj_x": .bool(left), "adj_y": .bool(right)])
        case .maximumPool(let window):
            let (image, padding) = padded(step, inputs[0], window, value: -Float.greatestFiniteMagnitude)
            define(step, "MaxPool", [image], window.poolAttributes(padding))
        case .averagePool(let window, let countsPadding):
            writeAveragePool(step, inputs[0], window, countsPadding)
        case .reduction(let reduction, let axes, let keepsAxes):
            write(step, inputs[0], reduction, axes, keepsAxes)
        case .softmax(let axis):
            let last = shape.count - 1
            guard axis != last else { return define(step, "Softmax", inputs) }
            var order = Array(shape.indices)
            order.swapAt(axis, last)
            let turned = append("Transpose", [inputs[0], constant(order)], name + "/turned")
            let values = append("Softmax", [turned], name + "/softmax")
            define(step, "Transpose", [values, constant(order)])
        case .normalization(let axes, let epsilon):
            let list = constant(axes), keeps = ["keep_dims": Attribute.bool(true)]
            let mean = append("Mean", [inputs[0], list], name + "/mean", nil, keeps)
            let centred = append("Sub", [inputs[0], mean], name + "/centred")
            let squares = append("Square", [centred], name + "/squares")
            let variance = append("Mean", [squares, list], name + "/variance", nil, keeps)
            let sum = append(
                "AddV2", [variance, constant(name + "/epsilon", [epsilon], [])], name + "/sum")
            let factor = append("Rsqrt", [sum], name + "/factor")
            define(step, "Mul", [centred, factor])
        case .localResponseNormalization(let radius, let bias, let alpha, let beta):
            define(
                step, "LRN", inputs,
                [
                    "depth_radius": .int(Int64(radius)), "bias": .float(bias), "alpha": .float(alpha),
                    "beta": .float(beta),
                ])
        case .concatenation(let axis):
            define(
                step, "ConcatV2", inputs + [constant([axis], rows: 0)], ["N": .int(Int64(inputs.count))])
        case .resize(let resize):
            let modes = resize.modes!
            define(
                step, resize.method == .linear ? "ResizeBilinear" : "ResizeNearestNeighbor",
                [inputs[0], constant([resize.height, resize.width])],
                [
                    "align_corners": .bool(modes.alignsCorners),
                    "half_pixel_centers": .bool(modes.hasHalfPixelCenters),
                ])
        case .spaceToDepth(let block):
            define(step, "SpaceToDepth", inputs, ["block_size": .int(Int64(block))])
        case .depthToSpace(let block, isChannelMajor: false):
            define(step, "DepthToSpace", inputs, ["block_size": .int(Int64(block))])
        case .depthToSpace, .reshape, .pad, .transpose, .slice, .gather, .broadcast, .tile:
            writeArrangement(step, operation, inputs[0])
        case .input, .constant, .convolution, .binary:
            preconditionFailure("lowering leaves no \(operation.name)")
        }
    }

    /// Writes a pool; TensorFlow never counts its own padding, and always counts explicit padding.
    private mutating func writeAveragePool(
        _ step: PortableNetwork.Step, _ input: String, _ window: Network.Window, _ countsPadding: Bool
    ) {
        let shape = network.shapes[step.name]!, image = network.shapes[step.inputs[0]]!
        let margin = window.neededMargin(over: image, result: shape)
        if !margin.isEmpty, !countsPadding, margin == window.sameMargin(over: image) {
            return define(step, "AvgPool", [input], window.poolAttributes("SAME"))
        }
        let source = margin.isEmpty ? input : padded(step, input, margin, value: 0)
        let area = Float(window.height * window.width)
        let factors = window.counts(over: image, shape, countsPadding: countsPadding).map { area / Float($0) }
        guard factors.contains(where: { $0 != 1 }) else {
            return define(step, "AvgPool", [source], window.poolAttributes("VALID"))
        }
        let mean = append(
            "AvgPool", [source], step.name + "/mean", nil, window.poolAttributes("VALID"))
        define(
            step, "Mul", [mean, constant(step.name + "/factors", factors, [1, shape[1], shape[2], 1])])
    }

    private mutating func write(
        _ step: PortableNetwork.Step, _ input: String, _ reduction: Network.Reduction, _ axes: [Int],
        _ keepsAxes: Bool
    ) {
        let list = constant(axes), options = ["keep_dims": Attribute.bool(keepsAxes)]
        switch reduction {
        case .mean: define(step, "Mean", [input, list], options)
        case .maximum: define(step, "Max", [input, list], options)
        case .minimum: define(step, "Min", [input, list], options)
        case .sum: define(step, "Sum", [input, list], options)
        case .product: define(step, "Prod", [input, list], options)
        case .euclideanNorm: define(step, "EuclideanNorm", [input, list], options)
        case .absoluteSum:
            define(step, "Sum", [append("Abs", [input], step.name + "/values"), list], options)
        case .sumOfSquares:
            define(step, "Sum", [append("Square", [input], step.name + "/squares"), list], options)
        }
    }

    private mutating func writeArrangement(
        _ step: PortableNetwork.Step, _ operation: Network.Operation, _ input: String
    ) {
        let name = step.name, shape = network.shapes[name]!, old = network.shapes[step.inputs[0]]!
        var sizes = shape
        if network.takesBatches { sizes[0] = -1 }
        switch operation {
        case .reshape: define(step, "Reshape", [input, constant(sizes)])
        case .depthToSpace(let block, _):
            let split = [sizes[0], old[1], old[2], shape[3], block, block]
            let parts = append("Reshape", [input, constant(split)], name + "/parts")
            let turned = append("Transpose", [parts, constant([0, 1, 4, 2, 5, 3])], name + "/turned")
            define(step, "Reshape", [turned, constant(sizes)])
        case .pad(let borders, let padding):
            let amounts = constant(borders.flatMap { [$0.before, $0.after] }, rows: borders.count)
            switch padding {
            case .constant(0): define(step, "Pad", [input, amounts])
            case .constant(let value):
                define(step, "PadV2", [input, amounts, constant(name + "/value", [value], [])])
            case .reflect, .symmetric, .edge:
                define(
                    step, "MirrorPad", [input, amounts],
                    ["mode": .text(padding == .symmetric ? "SYMMETRIC" : "REFLECT")])
            }
        case .transpose(let axes): define(step, "Transpose", [input, constant(axes)])
        case .slice(let stretches): writeSlice(step, input, stretches)
        case .gather(let axis, let indices):
            define(step, "GatherV2", [input, constant(indices), constant([axis], rows: 0)], Self.gathers)
        case .broadcast: define(step, "BroadcastTo", [input, constant(shape)])
        case .tile(let counts): define(step, "Tile", [input, constant(counts)])
        default: preconditionFailure("\(operation.name) rearranges nothing")
        }
    }

    private static var gathers: [String: Attribute] {
        ["Tparams": float, "Tindices": .type(.int32), "Taxis": .type(.int32), "T": float]
    }

    /// Writes a slice; entries at a distance are gathered.
    private mutating func writeSlice(
        _ step: PortableNetwork.Step, _ input: String, _ stretches: [Network.Stretch]
    ) {
        var source = input, begins = stretches.map(\.begin), sizes = stretches.map(\.count)
        for axis in stretches.indices where stretches[axis].step != 1 && stretches[axis].count > 1 {
            let stretch = stretches[axis]
            let indices = (0..<stretch.count).map { stretch.begin + $0 * stretch.step }
            source = append(
                "GatherV2", [source, constant(indices), constant([axis], rows: 0)],
                step.name + "/gathered", nil, Self.gathers)
            begins[axis] = 0
        }
        if network.takesBatches { sizes[0] = -1 }
        define(step, "Slice", [source, constant(begins), constant(sizes)], ["Index": .type(.int32)])
    }
}

extension Attribute {
    fileprivate static func text(_ text: String) -> Attribute { .bytes(Array(text.utf8)) }
}

extension Network.Window {
    /// Returns the padding that the windows of a result reach.
    ///
    /// - Parameters:
    ///   - shape: The image's shape.
    ///   - result: The shape of the result.
    func neededMargin(over shape: [Int], result: [Int]) -> Network.Margin {
        var margin = padding
        margin.bottom = max(0, rows(result[1]) - shape[1] - margin.top)
        margin.right = max(0, columns(result[2]) - shape[2] - margin.left)
        return margin
    }

    fileprivate func poolAttributes(_ padding: String) -> [String: Attribute] {
        [
            "ksize": .ints([1, Int64(height), Int64(width), 1]),
            "strides": .ints([1, Int64(strideY), Int64(strideX), 1]), "padding": .text(padding),
        ]
    }
}
