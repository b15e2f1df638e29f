import Kernels
import Network
import TensorGraph

extension NetworkLowering {
    mutating func convolve(_ index: Int, _ window: Network.Window, _ groups: Int) throws(PlanError) {
        let node = network[index]
        var input = node.inputs[0], window = Window(window)
        if isPart.contains(input), case .pad(let borders, _) = network[input].operation {
            window.padding.top += borders[1].before
            window.padding.bottom += borders[1].after
            window.padding.left += borders[2].before
            window.padding.right += borders[2].after
            input = network[input].inputs[0]
        }
        guard let weights = region(node.inputs[1]) else { throw unsupported(index, "weights are computed") }
        let shape = network.shape(input), outputs = node.shape[3]
        let isPoint = window == Window(height: 1, width: 1, strideY: 1, strideX: 1)
        guard shape[0] == 1 || isPoint else { throw unsupported(index, "several pictures") }
        var convolution = Convolution(
            window: window, weights: weights, bias: [Float](repeating: 0, count: outputs))
        convolution.isDepthwise = groups > 1 && groups == shape[3] && outputs == groups
        convolution.groups = convolution.isDepthwise ? 1 : groups
        append(index, .convolution(convolution), to: try value(input))
    }

    /// Lowers a matrix product; with constant weights it becomes a pointwise convolution.
    mutating func multiply(_ index: Int, _ left: Bool, _ right: Bool) throws(PlanError) {
        let node = network[index], shape = network.shape(node.inputs[1])
        let isMatrix = shape.dropLast(2).allSatisfy { $0 == 1 } && shape.count <= node.shape.count
        guard isMatrix, network.shape(node.inputs[0]).count == node.shape.count,
            let weights = region(node.inputs[1])
        else {
            let second = try value(node.inputs[1])
            append(
                index,
                .matrixProduct(MatrixProduct(other: second, transposesFirst: left, transposesSecond: right)),
                to: try value(node.inputs[0]))
            return
        }
        let convolution = Convolution(
            window: Window(height: 1, width: 1, strideY: 1, strideX: 1), weights: weights,
            isOutputMajor: right,
            bias: [Float](repeating: 0, count: node.shape[node.shape.count - 1]))
        let input = left ? try exchangedAxes(of: node.inputs[0]) : try value(node.inputs[0])
        append(index, .convolution(convolution), to: input)
    }

    /// Appends the exchange of a tensor's last two axes, and what lies
    /// before it: elementwise functions, a reshape that joins two axes, and a transposition. Both
    /// transpositions become one, as where attention joins its heads.
    private mutating func exchangedAxes(of input: Int) throws(PlanError) -> Value {
        let shape = network.shape(input), outer = shape.count - 2
        var source = input, functions: [Network.Unary] = []
        // A function that is fused into the layer before it has that layer's value.
        while readers[source] == 1, case .unary(let function) = network[source].operation,
            values[source] != values[network[source].inputs[0]]
        {
            functions.insert(function, at: 0)
            source = network[source].inputs[0]
        }
        var order = Array(0..<outer) + [outer + 1, outer]
        if readers[source] == 1, case .reshape = network[source].operation {
            let before = network.shape(network[source].inputs[0])
            if before.count == shape.count + 1, before.last == shape.last, before[..<outer] == shape[..<outer]
            {
                order = Array(0..<outer) + [outer + 2, outer, outer + 1]
                source = network[source].inputs[0]
            }
        }
        if readers[source] == 1, case .transpose(let axes) = network[source].operation {
            order = order.map { axes[$0] }
            source = network[source].inputs[0]
        }
        let turned = order.map { network.shape(source)[$0] }
        var value = append(input, transposition(order, turned), to: try value(source), shape: turned)
        let exchanged = shape[..<outer] + [shape[outer + 1], shape[outer]]
        if turned.count != exchanged.count {
            value = append(input, .reshape, to: value, shape: Array(exchanged))
        }
        for function in functions {
            value = append(input, .unary(function.function), to: value, shape: Array(exchanged))
        }
        return value
    }

    mutating func combine(_ index: Int, _ function: Network.Binary) throws(PlanError) {
        let node = network[index], inputs = node.inputs
        if takesUpConstant(index, function) || takesUpSum(index, function) { return }
        if function == .add, isWalkedByPixels(index), network.shape(inputs[0]) == network.shape(inputs[1]) {
            let addend = try value(inputs[1])
            append(index, .affine(Affine(addend: addend)), to: try value(inputs[0]))
            return
        }
        let operation: BinaryFunction =
            switch function {
            case .add: .add
            case .subtract: .subtract
            case .multiply: .multiply
            case .divide: .divide
            case .maximum: .maximum
            case .minimum: .minimum
            case .power: .power
            case .squaredDifference: .squaredDifference
            case .prelu: .prelu
            case .equal: .equal
            case .less: .less
            case .lessOrEqual: .lessOrEqual
            }
        let second = try value(inputs[1])
        append(index, .binary(operation, second), to: try value(inputs[0]))
    }

    /// Returns whether a tensor is an image or a vector, whose rows a pointwise step divides among threads.
    private func isWalkedByPixels(_ index: Int) -> Bool {
        let shape = network.shape(index)
        return shape.first == 1 && (shape.count == 4 || shape.count == 2)
    }

    /// Fuses an operation with a constant for each channel into the convolution, normalization or sum before
    /// it, or makes it an affine layer.
    private mutating func takesUpConstant(_ index: Int, _ function: Network.Binary) -> Bool {
        let node = network[index], channels = node.shape.last ?? 1
        let isLeft = network.constant(node.inputs[1]) != nil
        let (input, constant) = isLeft ? (node.inputs[0], node.inputs[1]) : (node.inputs[1], node.inputs[0])
        guard network.shape(input) == node.shape, let numbers = vector(constant, count: channels),
            numbers.allSatisfy(\.isFinite)
        else { return false }
        let factors: [Float]?, terms: [Float]?
        switch (function, isLeft) {
        case (.multiply, _): (factors, terms) = (numbers, nil)
        case (.divide, true) where numbers.allSatisfy { $0 != 0 && (1 / $0).isFinite }:
            (factors, terms) = (numbers.map { 1 / $0 }, nil)
        case (.add, _): (factors, terms) = (nil, numbers)
        case (.subtract, true): (factors, terms) = (nil, numbers.map { -$0 })
        default: return false
        }
        if let open = openConvolutionOrSum(input), open.convolution.residual == nil || factors == nil {
            var convolution = open.convolution
            if let factors {
                convolution.scale = zip(convolution.scale ?? factors.map { _ in 1 }, factors).map { $0 * $1 }
                convolution.bias = zip(convolution.bias, factors).map { $0 * $1 }
            }
            if let terms { convolution.bias = zip(convolution.bias, terms).map { $0 + $1 } }
            absorb(index, of: input, .convolution(convolution), into: open.layer)
            return true
        }
        if let layer = soleMaker(input),
            case .layerNormalization(let scale, let shift, let epsilon) = list.layers[layer].computation,
            shift == nil, factors == nil || scale == nil
        {
            absorb(
                index, of: input,
                .layerNormalization(scale: factors ?? scale, shift: terms, epsilon: epsilon), into: layer)
            return true
        }
        guard isWalkedByPixels(index), let value = values[input] else { return false }
        if let layer = soleMaker(input), case .affine(var affine) = list.layers[layer].computation,
            affine.clamp == .none, affine.addend == nil || factors == nil
        {
            affine.apply(factors: factors, terms: terms)
            absorb(index, of: input, .affine(affine), into: layer)
            return true
        }
        append(index, .affine(Affine(scale: factors, shift: terms)), to: value)
        return true
    }

    /// Fuses a sum into the pointwise convolution that computes one of its operands; the other operand, where
    /// it is computed earlier, becomes the residual. Convolutions with larger windows keep the sum apart,
    /// because Winograd's algorithm, which is faster, adds no residual.
    private mutating func takesUpSum(_ index: Int, _ function: Network.Binary) -> Bool {
        let node = network[index]
        guard function == .add, node.inputs[0] != node.inputs[1],
            network.shape(node.inputs[0]) == network.shape(node.inputs[1])
        else { return false }
        for (input, other) in [(node.inputs[0], node.inputs[1]), (node.inputs[1], node.inputs[0])] {
            guard let (layer, open) = openConvolution(input), !open.isDepthwise,
                open.window.height == 1, open.window.width == 1,
                let residual = values[other], (makers[residual] ?? -1) < layer,
                list.extents[residual] == list.extents[list.layers[layer].output]
            else { continue }
            var convolution = open
            convolution.residual = residual
            absorb(index, of: input, .convolution(convolution), into: layer)
            return true
        }
        return false
    }

    /// Fuses an elementwise function into the convolution before it, or makes it a layer.
    mutating func apply(_ function: UnaryFunction, to input: Int, _ index: Int) throws(PlanError) {
        if let (layer, open) = openConvolutionOrSum(input) {
            var convolution = open
            if function.kind == .clamp {
                convolution.clamp = Clamp(lowest: function.alpha, highest: function.beta)
            } else {
                convolution.activation = function
            }
            absorb(index, of: input, .convolution(convolution), into: layer)
            return
        }
        if function.kind == .clamp, let layer = soleMaker(input),
            case .affine(var affine) = list.layers[layer].computation, affine.clamp == .none
        {
            affine.clamp = Clamp(lowest: function.alpha, highest: function.beta)
            absorb(index, of: input, .affine(affine), into: layer)
            return
        }
        append(index, .unary(function), to: try value(input))
    }

    private func openConvolutionOrSum(_ index: Int) -> (layer: Int, convolution: Convolution)? {
        guard let layer = soleMaker(index),
            case .convolution(let convolution) = list.layers[layer].computation,
            convolution.clamp == .none, convolution.activation == nil
        else { return nil }
        return (layer, convolution)
    }
}

extension Affine {
    fileprivate mutating func apply(factors: [Float]?, terms: [Float]?) {
        if let factors {
            scale = scale.map { zip($0, factors).map { $0 * $1 } } ?? factors
            shift = shift.map { zip($0, factors).map { $0 * $1 } }
        }
        if let terms { shift = shift.map { zip($0, terms).map { $0 + $1 } } ?? terms }
    }
}

extension Window {
    init(_ window: Network.Window) {
        self.init(
            height: window.height, width: window.width, strideY: window.strideY, strideX: window.strideX,
            padding: Margin(window.padding), dilationY: window.dilationY, dilationX: window.dilationX)
    }
}

extension Margin {
    init(_ margin: Network.Margin) {
        self.init(top: margin.top, left: margin.left, bottom: margin.bottom, right: margin.right)
    }
}

extension Network.Unary {
    var function: UnaryFunction {
        switch self {
        case .relu: .clamp(0, .infinity)
        case .clip(let lowest, let highest): .clamp(lowest, highest)
        case .leakyRelu(let slope): .leakyRelu(alpha: slope)
        case .elu(let alpha): .elu(alpha: alpha)
        case .selu: .selu
        case .sigmoid: .sigmoid
        case .tanh: .tanh
        case .erf: UnaryFunction(.erf)
        case .erfc: UnaryFunction(.erfc)
        case .exp: UnaryFunction(.exp)
        case .log: UnaryFunction(.log)
        case .sqrt: UnaryFunction(.squareRoot)
        case .rsqrt: UnaryFunction(.reciprocalSquareRoot)
        case .reciprocal: UnaryFunction(.reciprocal)
        case .square: UnaryFunction(.square)
        case .abs: UnaryFunction(.absolute)
        case .negate: UnaryFunction(.negate)
        case .sign: UnaryFunction(.sign)
        case .sin: UnaryFunction(.sine)
        case .cos: UnaryFunction(.cosine)
        case .floor: UnaryFunction(.floor)
        case .ceil: UnaryFunction(.ceil)
        case .round: UnaryFunction(.round)
        case .softplus: .softplus
        case .softsign: UnaryFunction(.softsign)
        case .mish: UnaryFunction(.mish)
        case .hardSigmoid(let alpha, let beta): UnaryFunction(.hardSigmoid, alpha: alpha, beta: beta)
        case .hardSwish: .hardSwish
        case .silu: .silu
        case .gelu(let isApproximate): isApproximate ? .geluTanh : .gelu
        case .gridded(let lowest, let highest, let step):
            UnaryFunction(.quantize, alpha: lowest, beta: highest, gamma: step)
        }
    }
}

extension Resampling {
    /// - Parameter shape: The image's shape, `[1, height, width, channels]`.
    init(_ resize: Network.Resize, from shape: [Int]) {
        (vertical, horizontal) = resize.axes(from: shape)
    }
}
