import Network
import TensorGraph

extension TFLiteExport {
    /// Returns what TensorFlow Lite has no operator for; nil for a step that can be written.
    static func refusal(_ step: PortableNetwork.Step, _ network: PortableNetwork) -> String? {
        guard case .plain(let operation) = step.operation else { return nil }
        let rank = network.shapes[step.name]!.count
        switch operation {
        case .unary(let function): return canWrite(function) ? nil : "the error function"
        case .pad(_, .edge): return "a padding that repeats the edge"
        case .slice(let stretches):
            let count = joined(stretches, network.shapes[step.inputs[0]]!).count
            return count > mostAxes ? "of \(rank) axes" : nil
        case .pad(let borders, _):
            let count = joined(borders, network.shapes[step.inputs[0]]!).count
            return count > mostAxes ? "of \(rank) axes" : nil
        case .tile: return rank > mostAxes ? "of \(rank) axes" : nil
        case .transpose: return rank > 6 ? "of \(rank) axes" : nil
        case .localResponseNormalization: return rank == 4 ? nil : "of other tensors than images"
        case .depthToSpace, .spaceToDepth, .reshape, .reduction, .normalization, .gather, .concatenation,
            .broadcast, .select, .matrixProduct, .softmax, .maximumPool, .averagePool, .resize:
            return nil
        case .input, .constant, .convolution, .binary: return "which lowering leaves"
        }
    }

    /// Returns whether the function is an operator or can be composed of operators.
    private static func canWrite(_ function: Network.Unary) -> Bool {
        if builtin(function) != nil { return true }
        func canWrite(_ part: Decomposition) -> Bool {
            switch part {
            case .x, .number: true
            case .unary(let function, let inner): Self.canWrite(function) && canWrite(inner)
            case .binary(_, let left, let right): canWrite(left) && canWrite(right)
            }
        }
        return function.decomposition.map(canWrite) ?? false
    }

    private static func builtin(
        _ function: Network.Unary
    ) -> (code: TFLite.Builtin, options: [Int: FlatValue])? {
        switch function {
        case .relu: (.relu, [:])
        case .clip(lowest: 0, highest: 6): (.relu6, [:])
        case .leakyRelu(let slope): (.leakyRelu, [Field.LeakyRelu.slope: .float(slope)])
        case .elu(alpha: 1): (.elu, [:])
        case .sigmoid: (.sigmoid, [:])
        case .tanh: (.tanh, [:])
        case .exp: (.exp, [:])
        case .log: (.log, [:])
        case .sqrt: (.squareRoot, [:])
        case .rsqrt: (.reciprocalRoot, [:])
        case .square: (.square, [:])
        case .abs: (.abs, [:])
        case .negate: (.negate, [:])
        case .sign: (.sign, [:])
        case .sin: (.sin, [:])
        case .cos: (.cos, [:])
        case .floor: (.floor, [:])
        case .ceil: (.ceil, [:])
        case .round: (.round, [:])
        case .hardSwish: (.hardSwish, [:])
        case .gelu(let isApproximate): (.gelu, [Field.Gelu.isApproximate: .bool(isApproximate)])
        case .clip, .elu, .selu, .erf, .erfc, .reciprocal, .softplus, .softsign, .mish, .hardSigmoid, .silu,
            .gridded:
            nil
        }
    }

    // MARK: - Elementwise functions

    mutating func convert(
        _ function: Network.Binary, _ inputs: [Int], _ output: Int, _ shape: [Int],
        _ activation: PortableNetwork.Activation
    ) {
        let options = [Field.Activated.activation: activation.code]
        switch function {
        case .add: append(.add, inputs, output, options)
        case .subtract: append(.subtract, inputs, output, options)
        case .multiply: append(.multiply, inputs, output, options)
        case .divide: append(.divide, inputs, output, options)
        case .maximum: append(.maximum, inputs, output)
        case .minimum: append(.minimum, inputs, output)
        case .power: append(.power, inputs, output)
        case .squaredDifference: append(.squaredDifference, inputs, output)
        case .prelu: append(.prelu, inputs, output)
        case .equal: compare(.equal, inputs, output, shape)
        case .less: compare(.less, inputs, output, shape)
        case .lessOrEqual: compare(.lessOrEqual, inputs, output, shape)
        }
    }

    /// Writes a comparison as numbers.
    private mutating func compare(
        _ comparison: TFLite.Builtin, _ inputs: [Int], _ output: Int, _ shape: [Int]
    ) {
        let flags = tensor("flags_\(output)", .bool, shape)
        append(comparison, inputs, flags)
        append(
            .cast, [flags], output,
            [
                Field.Cast.from: .int8(TFLite.ElementType.bool.rawValue),
                Field.Cast.to: .int8(TFLite.ElementType.float32.rawValue),
            ])
    }

    private mutating func convert(
        _ function: Network.Unary, _ input: Int, _ output: Int, _ name: String, _ shape: [Int]
    ) {
        if let (code, options) = Self.builtin(function) { return append(code, [input], output, options) }
        _ = convert(function.decomposition!, input, output, name, shape)
    }

    /// Writes a composed function.
    ///
    /// - Parameter output: The result; nil to make a tensor.
    private mutating func convert(
        _ function: Decomposition, _ x: Int, _ output: Int?, _ name: String, _ shape: [Int]
    ) -> Int {
        switch function {
        case .x: return x
        case .number(let value): return constant("\(name)/number", [value], [])
        case .unary(let unary, let part):
            let input = convert(part, x, nil, name, shape)
            let result = output ?? tensor("\(name)/\(Network.Operation.unary(unary).name)", .float32, shape)
            convert(unary, input, result, name, shape)
            return result
        case .binary(let binary, let left, let right):
            let inputs = [convert(left, x, nil, name, shape), convert(right, x, nil, name, shape)]
            let result = output ?? tensor("\(name)/\(binary.rawValue)", .float32, shape)
            convert(binary, inputs, result, shape, .none)
            return result
        }
    }

    // MARK: - Other operations

    mutating func convert(_ step: PortableNetwork.Step, _ operation: Network.Operation, _ inputs: [Int]) {
        let name = step.name, shape = network.shapes[name]!
        switch operation {
        case .unary(let function): convert(function, inputs[0], make(step), name, shape)
        case .select:
            let flags: Int
            if let condition = network.constants[step.inputs[0]] {
                flags = tensor(
                    name + "/condition", .bool, condition.shape,
                    buffer: buffer(condition.floats!.map { $0 != 0 ? 1 : 0 }))
            } else {
                flags = tensor(name + "/condition", .bool, network.shapes[step.inputs[0]]!)
                append(.notEqual, [inputs[0], constant(name + "/zero", [0], [])], flags)
            }
            append(.select, [flags, inputs[1], inputs[2]], make(step))
        case .matrixProduct(let left, let right):
            append(
                .batchProduct, inputs, make(step),
                [
                    Field.BatchProduct.transposesLeft: .bool(left),
                    Field.BatchProduct.transposesRight: .bool(right),
                ])
        case .maximumPool(let window):
            // The value of the padding is below every other.
            let (image, isSame) = padded(step, inputs[0], window, value: -Float.greatestFiniteMagnitude)
            append(.maximumPool, [image], make(step), window.poolOptions(isSame: isSame))
        case .averagePool(let window, let countsPadding):
            convertAveragePool(step, inputs[0], window, countsPadding)
        case .reduction(let reduction, let axes, let keepsAxes):
            convert(step, inputs[0], reduction, axes, keepsAxes)
        case .softmax(let axis):
            let last = shape.count - 1
            guard axis != last else {
                return append(.softmax, inputs, make(step), [Field.Softmax.beta: .float(1)])
            }
            var order = Array(shape.indices)
            order.swapAt(axis, last)
            let turned = order.map { shape[$0] }
            let source = tensor(name + "/turned", .float32, turned)
            append(.transpose, [inputs[0], constant(order)], source)
            let result = tensor(name + "/softmax", .float32, turned)
            append(.softmax, [source], result, [Field.Softmax.beta: .float(1)])
            append(.transpose, [result, constant(order)], make(step))
        case .normalization(let axes, let epsilon): convertNormalization(step, inputs[0], axes, epsilon)
        case .localResponseNormalization(let radius, let bias, let alpha, let beta):
            append(
                .localResponseNormalization, inputs, make(step),
                [
                    Field.Normalization.radius: .int32(Int32(radius)), Field.Normalization.bias: .float(bias),
                    Field.Normalization.alpha: .float(alpha), Field.Normalization.beta: .float(beta),
                ])
        case .concatenation(let axis):
            append(.concatenation, inputs, make(step), [Field.Concatenation.axis: .int32(Int32(axis))])
        case .resize(let resize):
            let modes = resize.modes!, size = constant([resize.height, resize.width])
            append(
                resize.method == .linear ? .resizeLinear : .resizeNearest, [inputs[0], size], make(step),
                resize.method == .linear
                    ? [
                        Field.Resize.alignsCorners: .bool(modes.alignsCorners),
                        Field.Resize.hasHalfPixelCenters: .bool(modes.hasHalfPixelCenters),
                    ]
                    : [
                        Field.NearestResize.alignsCorners: .bool(modes.alignsCorners),
                        Field.NearestResize.hasHalfPixelCenters: .bool(modes.hasHalfPixelCenters),
                    ])
        case .spaceToDepth(let block):
            append(.spaceToDepth, inputs, make(step), [Field.Block.size: .int32(Int32(block))])
        case .depthToSpace(let block, isChannelMajor: false):
            append(.depthToSpace, inputs, make(step), [Field.Block.size: .int32(Int32(block))])
        case .depthToSpace, .reshape, .pad, .transpose, .slice, .gather, .broadcast, .tile:
            convertArrangement(step, operation, inputs[0])
        case .input, .constant, .convolution, .binary:
            preconditionFailure("lowering leaves no \(operation.name)")
        }
    }

    private mutating func convertAveragePool(
        _ step: PortableNetwork.Step, _ input: Int, _ window: Network.Window, _ countsPadding: Bool
    ) {
        let shape = network.shapes[step.name]!, image = network.shapes[step.inputs[0]]!
        let (padded, isSame) = padded(step, input, window)
        let counts = window.counts(over: image, shape, countsPadding: countsPadding)
        // TensorFlow Lite never counts its own padding, and always counts explicit padding.
        guard !isSame || countsPadding else {
            return append(.averagePool, [padded], make(step), window.poolOptions(isSame: true))
        }
        var source = padded
        if isSame {
            let margin = window.padding
            source = tensor(
                step.name + "/padded", .float32,
                [
                    image[0], image[1] + margin.top + margin.bottom, image[2] + margin.left + margin.right,
                    image[3],
                ])
            append(.pad, [input, paddings(margin)], source)
        }
        let area = Float(window.height * window.width)
        let factors = counts.map { area / Float($0) }
        guard factors.contains(where: { $0 != 1 }) else {
            return append(.averagePool, [source], make(step), window.poolOptions(isSame: false))
        }
        let mean = tensor(step.name + "/mean", .float32, shape)
        append(.averagePool, [source], mean, window.poolOptions(isSame: false))
        let scale = constant(step.name + "/factors", factors, [1, shape[1], shape[2], 1])
        append(.multiply, [mean, scale], make(step), [:])
    }

    private mutating func convert(
        _ step: PortableNetwork.Step, _ input: Int, _ reduction: Network.Reduction, _ axes: [Int],
        _ keepsAxes: Bool
    ) {
        let options = [Field.Reduction.keepsAxes: FlatValue.bool(keepsAxes)], list = constant(axes)
        let whole = network.shapes[step.inputs[0]]!
        switch reduction {
        case .mean: append(.mean, [input, list], make(step), options)
        case .maximum: append(.reduceMaximum, [input, list], make(step), options)
        case .minimum: append(.reduceMinimum, [input, list], make(step), options)
        case .sum: append(.sum, [input, list], make(step), options)
        case .product: append(.reduceProduct, [input, list], make(step), options)
        case .absoluteSum:
            let values = tensor(step.name + "/values", .float32, whole)
            append(.abs, [input], values)
            append(.sum, [values, list], make(step), options)
        case .sumOfSquares, .euclideanNorm:
            let squares = tensor(step.name + "/squares", .float32, whole)
            append(.square, [input], squares)
            guard reduction == .euclideanNorm else {
                return append(.sum, [squares, list], make(step), options)
            }
            let sum = tensor(step.name + "/sum", .float32, network.shapes[step.name]!)
            append(.sum, [squares, list], sum, options)
            append(.squareRoot, [sum], make(step))
        }
    }

    private mutating func convertNormalization(
        _ step: PortableNetwork.Step, _ input: Int, _ axes: [Int], _ epsilon: Float
    ) {
        let name = step.name, shape = network.shapes[name]!
        let small = shape.indices.map { axes.contains($0) ? 1 : shape[$0] }, list = constant(axes)
        let keeps = [Field.Reduction.keepsAxes: FlatValue.bool(true)]
        let mean = tensor(name + "/mean", .float32, small)
        let centred = tensor(name + "/centred", .float32, shape)
        let squares = tensor(name + "/squares", .float32, shape)
        let variance = tensor(name + "/variance", .float32, small)
        let sum = tensor(name + "/sum", .float32, small), factor = tensor(name + "/factor", .float32, small)
        append(.mean, [input, list], mean, keeps)
        append(.subtract, [input, mean], centred)
        append(.square, [centred], squares)
        append(.mean, [squares, list], variance, keeps)
        append(.add, [variance, constant(name + "/epsilon", [epsilon], [])], sum)
        append(.reciprocalRoot, [sum], factor)
        append(.multiply, [centred, factor], make(step))
    }

    private mutating func convertArrangement(
        _ step: PortableNetwork.Step, _ operation: Network.Operation, _ input: Int
    ) {
        let name = step.name, shape = network.shapes[name]!, old = network.shapes[step.inputs[0]]!
        switch operation {
        case .reshape:
            append(.reshape, [input, constant(shape)], make(step), [Field.Reshape.shape: .int32s(shape)])
        case .depthToSpace(let block, _):
            let channels = shape[3], split = [old[0], old[1], old[2], channels, block, block]
            let order = [0, 1, 4, 2, 5, 3]
            let parts = tensor(name + "/parts", .float32, split)
            append(.reshape, [input, constant(split)], parts, [Field.Reshape.shape: .int32s(split)])
            let turned = tensor(name + "/turned", .float32, order.map { split[$0] })
            append(.transpose, [parts, constant(order)], turned)
            append(.reshape, [turned, constant(shape)], make(step), [Field.Reshape.shape: .int32s(shape)])
        case .pad(let borders, let padding): convertPad(step, input, borders, padding, old)
        case .transpose(let axes): append(.transpose, [input, constant(axes)], make(step))
        case .slice(let stretches): convertSlice(step, input, stretches, old)
        case .gather(let axis, let indices):
            append(
                .gather, [input, constant(indices)], make(step),
                [Field.Gather.axis: .int32(Int32(axis))])
        case .broadcast: append(.broadcast, [input, constant(shape)], make(step))
        case .tile(let counts): append(.tile, [input, constant(counts)], make(step))
        default: preconditionFailure("\(operation.name) rearranges nothing")
        }
    }
}

extension Network.Window {
    /// The rows of pixels that as many windows cover.
    func rows(_ count: Int) -> Int { (count - 1) * strideY + (height - 1) * dilationY + 1 }
    func columns(_ count: Int) -> Int { (count - 1) * strideX + (width - 1) * dilationX + 1 }

    /// Returns the padding of TensorFlow's mode SAME, which puts an odd pixel after the image.
    ///
    /// - Parameter shape: The image's shape.
    func sameMargin(over shape: [Int]) -> Network.Margin {
        func total(_ size: Int, _ window: Int, _ stride: Int, _ dilation: Int) -> Int {
            max(0, (size - 1) / stride * stride + (window - 1) * dilation + 1 - size)
        }
        let y = total(shape[1], height, strideY, dilationY), x = total(shape[2], width, strideX, dilationX)
        return Network.Margin(top: y / 2, left: x / 2, bottom: y - y / 2, right: x - x / 2)
    }

    fileprivate func poolOptions(isSame: Bool) -> [Int: FlatValue] {
        var options = options(isSame: isSame)
        options[TFLite.Field.Pool.width] = .int32(Int32(width))
        options[TFLite.Field.Pool.height] = .int32(Int32(height))
        return options
    }

    /// Returns the number of pixels that the mean of each window counts.
    ///
    /// - Parameters:
    ///   - image: The image's shape.
    ///   - shape: The shape of the result.
    func counts(over image: [Int], _ shape: [Int], countsPadding: Bool) -> [Int] {
        func counts(_ size: Int, _ count: Int, _ window: Int, _ stride: Int, _ before: Int, _ after: Int)
            -> [Int]
        {
            (0..<count).map { place in
                let start = place * stride - before
                let (low, high) = countsPadding ? (-before, size + after) : (0, size)
                return max(1, min(start + window, high) - max(start, low))
            }
        }
        let y = counts(image[1], shape[1], height, strideY, padding.top, padding.bottom)
        let x = counts(image[2], shape[2], width, strideX, padding.left, padding.right)
        return y.flatMap { row in x.map { row * $0 } }
    }
}

extension Network.Resize {
    /// TensorFlow's flags for the source coordinates; nil if it has none that are equal.
    var modes: (alignsCorners: Bool, hasHalfPixelCenters: Bool)? {
        switch (method, coordinates) {
        case (.linear, .asymmetric), (.nearest(.floor), .asymmetric): (false, false)
        case (.linear, .halfPixel), (.nearest(.floor), .halfPixelNearest): (false, true)
        case (.linear, .alignedCorners), (.nearest(.halfUp), .alignedCorners): (true, false)
        case (.linear, .torchHalfPixel) where height > 1 && width > 1: (false, true)
        default: nil
        }
    }
}
