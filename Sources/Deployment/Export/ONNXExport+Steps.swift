import Network
import ONNXFormat
import TensorGraph

extension ONNXExport {
    /// Returns what ONNX has no operator for; nil for a step that can be written.
    static func refusal(_ step: PortableNetwork.Step, _ network: PortableNetwork) -> String? {
        guard case .plain(let operation) = step.operation else { return nil }
        switch operation {
        case .pad(_, .symmetric): return "a symmetric padding"
        case .resize(let resize) where resize.coordinates == .halfPixelNearest:
            return "nearest neighbours with TensorFlow's half-pixel centers"
        case .localResponseNormalization where network.shapes[step.name]!.count != 4:
            return "of other tensors than images"
        default: return nil
        }
    }

    mutating func write(_ step: PortableNetwork.Step) {
        switch step.operation {
        case .convolution(let window, let weights, let groups, let activation):
            let input = image(step.inputs[0])
            let inputs = [input, filter(step, weights, [3, 2, 0, 1], axis: 0)] + bias(step.name, weights)
            activate(step, activation) { export, result in
                export.append(
                    "Conv", inputs, result,
                    [
                        "kernel_shape": .integers([window.height, window.width]),
                        "strides": .integers([window.strideY, window.strideX]),
                        "pads": .integers(window.pads),
                        "dilations": .integers([window.dilationY, window.dilationX]),
                        "group": .int(Int64(groups)),
                    ])
            }
            define(step, Self.channelsFirst)
        case .product(let weights, let activation):
            let input = plain(step.inputs[0]), matrix = filter(step, weights, [0, 1], axis: 1)
            let bias = bias(step.name, weights), rank = network.shapes[step.name]!.count
            activate(step, activation) { export, result in
                if rank == 2 { return export.append("Gemm", [input, matrix] + bias, result) }
                let product = bias.isEmpty ? result : export.fresh(result + "/product")
                export.append("MatMul", [input, matrix], product)
                if !bias.isEmpty { export.append("Add", [product] + bias, result) }
            }
            define(step, Array(0..<rank))
        case .arithmetic(let function, let constant, let activation):
            let (operands, order) = operands(step, constant)
            activate(step, activation) { $0.write(function, operands, $1) }
            define(step, order)
        case .plain(let operation): write(step, operation)
        }
    }

    private mutating func bias(_ name: String, _ weights: PortableNetwork.Weights) -> [String] {
        weights.bias.map { [constant(name + "/bias", $0.floats!, $0.shape)] } ?? []
    }

    /// Calls `body` to compute a tensor, and applies the activation to obtain the step's.
    private mutating func activate(
        _ step: PortableNetwork.Step, _ activation: PortableNetwork.Activation,
        _ body: (inout ONNXExport, String) -> Void
    ) {
        let raw = activation == .none ? step.name : fresh(step.name + "/linear")
        body(&self, raw)
        switch activation {
        case .none: break
        case .relu: write(.relu, raw, step.name)
        case .relu6: write(.clip(lowest: 0, highest: 6), raw, step.name)
        }
    }

    // MARK: - Elementwise functions

    /// Returns the operands of arithmetic in one order of axes, which is that of the largest tensor.
    private mutating func operands(
        _ step: PortableNetwork.Step, _ constant: PortableNetwork.Constant?
    ) -> (names: [String], order: [Int]) {
        let rank = network.shapes[step.name]!.count
        let leader = step.inputs.max { network.shapes[$0]!.reduce(1, *) < network.shapes[$1]!.reduce(1, *) }!
        var order = current(leader).order
        // Broadcasting over missing axes needs the network's order.
        if step.inputs.contains(where: { network.shapes[$0]!.count != rank }) { order = Array(0..<rank) }
        var names = step.inputs.map { tensor in
            let own = network.shapes[tensor]!.count
            return own == rank ? aligned(tensor, to: order) : plain(tensor)
        }
        if let constant {
            names.insert(
                operand(step.name, constant.tensor, order), at: constant.isFirst ? 0 : 1)
        }
        return (names, order)
    }

    /// Writes a constant operand with its axes in an order.
    private mutating func operand(_ name: String, _ tensor: Tensor, _ order: [Int]) -> String {
        let values = tensor.floats!
        guard !order.isIdentity, tensor.count > 1 else {
            return constant(name + "/constant", values, tensor.count == 1 ? [] : tensor.shape)
        }
        let shape = [Int](repeating: 1, count: order.count - tensor.shape.count) + tensor.shape
        return constant(
            name + "/constant", values.transposed(shape, order), order.map { shape[$0] })
    }

    private mutating func write(_ function: Network.Binary, _ operands: [String], _ output: String) {
        switch function {
        case .add: append("Add", operands, output)
        case .subtract: append("Sub", operands, output)
        case .multiply: append("Mul", operands, output)
        case .divide: append("Div", operands, output)
        case .maximum: append("Max", operands, output)
        case .minimum: append("Min", operands, output)
        case .power: append("Pow", operands, output)
        case .prelu: append("PRelu", operands, output)
        case .equal: writeComparison("Equal", operands, output)
        case .less: writeComparison("Less", operands, output)
        case .lessOrEqual: writeComparison("LessOrEqual", operands, output)
        case .squaredDifference:
            let difference = fresh(output + "/difference")
            append("Sub", operands, difference)
            append("Mul", [difference, difference], output)
        }
    }

    /// Writes a comparison as numbers.
    private mutating func writeComparison(_ operation: String, _ operands: [String], _ output: String) {
        let flags = fresh(output + "/flags")
        append(operation, operands, flags)
        append("Cast", [flags], output, ["to": .int(ElementType.float32.onnx!)])
    }

    private mutating func write(_ function: Network.Unary, _ input: String, _ output: String) {
        switch function {
        case .relu: append("Relu", [input], output)
        case .clip(let lowest, let highest):
            append(
                "Clip",
                [
                    input, constant(output + "/lowest", [lowest], []),
                    constant(output + "/highest", [highest], []),
                ],
                output)
        case .leakyRelu(let slope): append("LeakyRelu", [input], output, ["alpha": .float(slope)])
        case .elu(let alpha): append("Elu", [input], output, ["alpha": .float(alpha)])
        case .selu: append("Selu", [input], output)
        case .sigmoid: append("Sigmoid", [input], output)
        case .tanh: append("Tanh", [input], output)
        case .erf: append("Erf", [input], output)
        case .exp: append("Exp", [input], output)
        case .log: append("Log", [input], output)
        case .sqrt: append("Sqrt", [input], output)
        case .reciprocal: append("Reciprocal", [input], output)
        case .abs: append("Abs", [input], output)
        case .negate: append("Neg", [input], output)
        case .sign: append("Sign", [input], output)
        case .sin: append("Sin", [input], output)
        case .cos: append("Cos", [input], output)
        case .floor: append("Floor", [input], output)
        case .ceil: append("Ceil", [input], output)
        case .round: append("Round", [input], output)
        case .softplus: append("Softplus", [input], output)
        case .softsign: append("Softsign", [input], output)
        case .hardSigmoid(let alpha, let beta):
            append("HardSigmoid", [input], output, ["alpha": .float(alpha), "beta": .float(beta)])
        case .erfc, .rsqrt, .square, .mish, .hardSwish, .silu, .gelu, .gridded:
            // A function without an operator is composed of others.
            let result = write(function.decomposition!, input, output)
            if result != output { append("Identity", [result], output) }
        }
    }

    /// Writes a composed function.
    ///
    /// - Parameter output: The name of the result; nil for any.
    /// - Returns: The name of the result.
    private mutating func write(_ function: Decomposition, _ x: String, _ output: String? = nil) -> String {
        switch function {
        case .x: return x
        case .number(let value): return constant(x + "/number", [value], [])
        case .unary(let unary, let part):
            let input = write(part, x),
                result = output ?? fresh(x + "/\(Network.Operation.unary(unary).name)")
            write(unary, input, result)
            return result
        case .binary(let binary, let left, let right):
            let operands = [write(left, x), write(right, x)]
            let result = output ?? fresh(x + "/\(binary.rawValue)")
            write(binary, operands, result)
            return result
        }
    }

    // MARK: - Other operations

    private mutating func write(_ step: PortableNetwork.Step, _ operation: Network.Operation) {
        let name = step.name
        switch operation {
        case .unary(let function):
            let input = current(step.inputs[0])
            write(function, input.name, name)
            define(step, input.order)
        case .select:
            let flags: String
            if let condition = network.constants[step.inputs[0]] {
                flags = constant(
                    name + "/condition", flags: condition.floats!.map { $0 != 0 }, condition.shape)
            } else {
                flags = fresh(name + "/condition")
                append("Cast", [plain(step.inputs[0])], flags, ["to": .int(ElementType.bool.onnx!)])
            }
            append("Where", [flags, plain(step.inputs[1]), plain(step.inputs[2])], name)
            define(step, Array(network.shapes[name]!.indices))
        case .matrixProduct(let left, let right):
            func order(_ tensor: String, _ isTransposed: Bool) -> [Int] {
                var order = Array(network.shapes[tensor]!.indices)
                if isTransposed { order.swapAt(order.count - 1, order.count - 2) }
                return order
            }
            append(
                "MatMul",
                [
                    aligned(step.inputs[0], to: order(step.inputs[0], left)),
                    aligned(step.inputs[1], to: order(step.inputs[1], right)),
                ], name)
            define(step, Array(network.shapes[name]!.indices))
        case .maximumPool(let window):
            append("MaxPool", [image(step.inputs[0])], name, window.attributes)
            define(step, Self.channelsFirst)
        case .averagePool(let window, let countsPadding):
            var attributes = window.attributes
            attributes["count_include_pad"] = .int(countsPadding ? 1 : 0)
            append("AveragePool", [image(step.inputs[0])], name, attributes)
            define(step, Self.channelsFirst)
        case .reduction(let reduction, let axes, let keepsAxes):
            let input = current(step.inputs[0])
            let places = axes.map { input.order.firstIndex(of: $0)! }.sorted()
            let keeps = ONNXAttribute.int(keepsAxes ? 1 : 0)
            if reduction == .sum {
                append(
                    "ReduceSum", [input.name, constant(name + "/axes", places)], name, ["keepdims": keeps])
            } else {
                append(
                    reduction.operatorName, [input.name], name,
                    ["axes": .integers(places), "keepdims": keeps])
            }
            let rest = input.order.filter { !axes.contains($0) }
            define(step, keepsAxes ? input.order : rest.map { rest.sorted().firstIndex(of: $0)! })
        case .softmax(let axis):
            let input = current(step.inputs[0])
            append(
                "Softmax", [input.name], name, ["axis": .int(Int64(input.order.firstIndex(of: axis)!))])
            define(step, input.order)
        case .normalization(let axes, let epsilon): writeNormalization(step, axes, epsilon)
        case .localResponseNormalization(let radius, let bias, let alpha, let beta):
            // ONNX divides alpha by the number of channels in the sum.
            let size = 2 * radius + 1
            append(
                "LRN", [image(step.inputs[0])], name,
                [
                    "size": .int(Int64(size)), "bias": .float(bias), "alpha": .float(alpha * Float(size)),
                    "beta": .float(beta),
                ])
            define(step, Self.channelsFirst)
        case .concatenation(let axis):
            let leader = step.inputs.max {
                network.shapes[$0]!.reduce(1, *) < network.shapes[$1]!.reduce(1, *)
            }!
            let order = current(leader).order
            append(
                "Concat", step.inputs.map { aligned($0, to: order) }, name,
                ["axis": .int(Int64(order.firstIndex(of: axis)!))])
            define(step, order)
        case .resize(let resize): write(step, resize)
        case .depthToSpace(let block, let isChannelMajor):
            append(
                "DepthToSpace", [image(step.inputs[0])], name,
                [
                    "blocksize": .int(Int64(block)),
                    "mode": .string(Array((isChannelMajor ? "CRD" : "DCR").utf8)),
                ])
            define(step, Self.channelsFirst)
        case .spaceToDepth(let block):
            append("SpaceToDepth", [image(step.inputs[0])], name, ["blocksize": .int(Int64(block))])
            define(step, Self.channelsFirst)
        case .reshape: writeReshape(step)
        case .pad, .transpose, .slice, .gather, .broadcast, .tile: writeArrangement(step, operation)
        case .input, .constant, .convolution, .binary:
            preconditionFailure("lowering leaves no \(operation.name)")
        }
    }

    /// Writes the sequence that ONNX Runtime recognizes as a layer normalization.
    private mutating func writeNormalization(_ step: PortableNetwork.Step, _ axes: [Int], _ epsilon: Float) {
        let name = step.name, input = current(step.inputs[0])
        let places = ONNXAttribute.integers(axes.map { input.order.firstIndex(of: $0)! }.sorted())
        func inner(_ wish: String) -> String { fresh("\(name)/\(wish)") }
        let mean = inner("mean"), centred = inner("centred"), squares = inner("squares")
        let variance = inner("variance"), sum = inner("sum"), root = inner("deviation")
        append("ReduceMean", [input.name], mean, ["axes": places])
        append("Sub", [input.name, mean], centred)
        append("Pow", [centred, constant(name + "/two", [2], [])], squares)
        append("ReduceMean", [squares], variance, ["axes": places])
        append("Add", [variance, constant(name + "/epsilon", [epsilon], [])], sum)
        append("Sqrt", [sum], root)
        append("Div", [centred, root], name)
        define(step, input.order)
    }

    private mutating func write(_ step: PortableNetwork.Step, _ resize: Network.Resize) {
        var attributes = resize.attributes
        if case .cubic(let coefficient) = resize.method { attributes["cubic_coeff_a"] = .float(coefficient) }
        let input = image(step.inputs[0]), shape = network.shapes[step.name]!
        if let y = resize.scaleY, let x = resize.scaleX {
            let scales = constant(step.name + "/scales", [1, 1, y, x], [4])
            append("Resize", [input, "", scales], step.name, attributes)
        } else {
            let sizes = constant(step.name + "/sizes", [shape[0], shape[3], resize.height, resize.width])
            append("Resize", [input, "", "", sizes], step.name, attributes)
        }
        define(step, Self.channelsFirst)
    }
}

extension Network.Reduction {
    fileprivate var operatorName: String {
        switch self {
        case .mean: "ReduceMean"
        case .maximum: "ReduceMax"
        case .minimum: "ReduceMin"
        case .sum: "ReduceSum"
        case .product: "ReduceProd"
        case .sumOfSquares: "ReduceSumSquare"
        case .euclideanNorm: "ReduceL2"
        case .absoluteSum: "ReduceL1"
        }
    }
}

extension Network.Resize {
    /// The attributes that choose the interpolation.
    fileprivate var attributes: [String: ONNXAttribute] {
        let rounding =
            switch method {
            case .nearest(.ceil): "ceil"
            case .nearest(.halfDown): "round_prefer_floor"
            case .nearest(.halfUp): "round_prefer_ceil"
            case .nearest(.floor), .linear, .cubic: "floor"
            }
        let mode =
            switch method {
            case .nearest: "nearest"
            case .linear: "linear"
            case .cubic: "cubic"
            }
        let transformation =
            switch coordinates {
            case .asymmetric: "asymmetric"
            case .halfPixel, .halfPixelNearest: "half_pixel"
            case .torchHalfPixel: "pytorch_half_pixel"
            case .alignedCorners: "align_corners"
            }
        return [
            "mode": mode, "nearest_mode": rounding, "coordinate_transformation_mode": transformation,
        ].mapValues { .string(Array($0.utf8)) }
    }
}

extension Network.Window {
    fileprivate var pads: [Int] { [padding.top, padding.left, padding.bottom, padding.right] }

    /// The attributes of a pooling operator.
    fileprivate var attributes: [String: ONNXAttribute] {
        var attributes: [String: ONNXAttribute] = [
            "kernel_shape": .integers([height, width]), "strides": .integers([strideY, strideX]),
            "pads": .integers(pads),
        ]
        if roundsUp { attributes["ceil_mode"] = .int(1) }
        return attributes
    }
}
