import Kernels
import Network
import TensorGraph

/// Lowers a network's nodes to layers and fuses nodes that can be computed together: a convolution, or a
/// product with constant weights, takes the zero padding before it and the scale, bias, residual sum and
/// activation after it.
struct NetworkLowering {
    let network: Network
    /// The number of nodes and outputs that read each node.
    var readers: [Int]
    var list = LayerList()
    /// The values of the nodes that are lowered.
    var values: [Int: Value] = [:]
    /// The index of the layer that computes each value.
    var makers: [Value: Int] = [:]
    /// The index of the layer that computes each value which is a reshape of the layer's output and into which
    /// nodes behind the reshape have been fused.
    var makersBeforeReshape: [Value: Int] = [:]
    /// The nodes that are fused into their readers.
    var isPart: Set<Int> = []
    /// The products that are functions of one tensor, such as `x · sigmoid(x)`.
    var gates: [Int: (of: Int, function: UnaryFunction)] = [:]

    static func lower(_ network: Network) throws(PlanError) -> LayerList {
        let network = ImplicitBroadcasts.removed(ParallelBranches.joined(network))
        var lowering = NetworkLowering(network: network, readers: network.readerCounts)
        guard let input = network.input else {
            throw .unsupported(node: "network", operation: "input", what: "there is none")
        }
        let shape = network.shape(input)
        lowering.list.input = lowering.list.newValue(shape: shape)
        lowering.values[input] = lowering.list.input
        lowering.findParts()
        for index in network.nodes.indices where index != input && !lowering.isPart.contains(index) {
            // Constants become values where a layer reads them.
            if network.constant(index) != nil || lowering.readers[index] == 0 { continue }
            try lowering.lower(index)
        }
        for output in network.outputs {
            lowering.list.outputs.append(try lowering.value(output))
            lowering.list.outputShapes.append(network.shape(output))
        }
        return lowering.list
    }

    /// Finds the zero padding that only convolutions read, and the products that are functions of one tensor.
    private mutating func findParts() {
        var convolutions = [Int](repeating: 0, count: network.nodes.count)
        for node in network.nodes {
            if case .convolution = node.operation { convolutions[node.inputs[0]] += 1 }
        }
        for (index, node) in network.nodes.enumerated() {
            if readers[index] > 0, readers[index] == convolutions[index], zeros(index) != nil {
                isPart.insert(index)
            }
            guard case .binary(.multiply) = node.operation else { continue }
            for (x, gate) in [(node.inputs[0], node.inputs[1]), (node.inputs[1], node.inputs[0])] {
                guard readers[gate] == 1, network[gate].inputs == [x],
                    case .unary(let function) = network[gate].operation
                else { continue }
                switch function {
                case .sigmoid: gates[index] = (x, .silu)
                case .hardSigmoid(let alpha, let beta):
                    gates[index] = (x, UnaryFunction(.hardSwish, alpha: alpha, beta: beta))
                default: continue
                }
                isPart.insert(gate)
                readers[x] -= 1
                break
            }
        }
    }

    /// Returns the margin of a node that pads the image of one picture with zeros; nil for any other node.
    private func zeros(_ index: Int) -> Margin? {
        guard case .pad(let borders, .constant(0)) = network[index].operation, borders.count == 4,
            borders[0] == Network.Border(0, 0), borders[3] == Network.Border(0, 0)
        else { return nil }
        return Margin(
            top: borders[1].before, left: borders[2].before, bottom: borders[1].after,
            right: borders[2].after)
    }

    // MARK: - Building

    func unsupported(_ index: Int, _ what: String) -> PlanError {
        .unsupported(node: network[index].name, operation: network[index].operation.name, what: what)
    }

    mutating func value(_ index: Int) throws(PlanError) -> Value {
        if let value = values[index] { return value }
        guard let numbers = region(index) else { throw unsupported(index, "a constant of another type") }
        let value = list.newConstant(numbers, shape: network.shape(index))
        values[index] = value
        return value
    }

    /// Returns a constant's numbers as float32, as a view of the mapped file where possible; nil where the
    /// node is no constant or has another type.
    func region(_ index: Int) -> ByteRegion? {
        guard let tensor = network.constant(index) else { return nil }
        if tensor.type == .float32, case .dense(let region) = tensor.contents { return region }
        return tensor.floats.map { ByteRegion(of: $0) }
    }

    /// Returns a constant's `count` numbers along the last axis, with a single number repeated; nil where the
    /// node is no such constant.
    func vector(_ index: Int, count: Int) -> [Float]? {
        guard let tensor = network.constant(index), let floats = tensor.floats else { return nil }
        let shape = network.shape(index)
        if floats.count == 1 { return [Float](repeating: floats[0], count: count) }
        return floats.count == count && shape.last == count ? floats : nil
    }

    @discardableResult
    mutating func append(_ index: Int, _ computation: Computation, to input: Value) -> Value {
        let output = append(index, computation, to: input, shape: network.shape(index))
        values[index] = output
        return output
    }

    mutating func append(_ index: Int, _ computation: Computation, to input: Value, shape: [Int]) -> Value {
        let output = list.newValue(shape: shape)
        makers[output] = list.layers.count
        list.layers.append(
            Layer(name: network[index].name, input: input, output: output, computation: computation))
        return output
    }

    /// Returns the layer that computes a node's tensor where only one node reads it, so that the reader can
    /// be fused into the layer. Reshapes that keep the last axis are passed, since the channels stay.
    func soleMaker(_ index: Int) -> Int? {
        var index = index
        while readers[index] == 1, case .reshape = network[index].operation {
            let source = network[index].inputs[0]
            guard network.shape(source).last == network.shape(index).last else { break }
            index = source
        }
        guard readers[index] == 1, let value = values[index] else { return nil }
        return makersBeforeReshape[value] ?? makers[value]
    }

    /// Returns the convolution that computes a node's tensor where nothing has been fused into it after its
    /// sum.
    func openConvolution(_ index: Int) -> (layer: Int, convolution: Convolution)? {
        guard let layer = soleMaker(index),
            case .convolution(let convolution) = list.layers[layer].computation,
            convolution.residual == nil, convolution.clamp == .none, convolution.activation == nil
        else { return nil }
        return (layer, convolution)
    }

    /// Fuses a node into a layer, whose computation becomes `computation`.
    ///
    /// - Parameter input: The node's input, which is the layer's output or a reshape of it.
    mutating func absorb(_ index: Int, of input: Int, _ computation: Computation, into layer: Int) {
        list.layers[layer].computation = computation
        list.layers[layer].name = network[index].name
        values[index] = values[input]
        if let value = values[input], makers[value] != layer { makersBeforeReshape[value] = layer }
    }

    // MARK: - Nodes

    private mutating func lower(_ index: Int) throws(PlanError) {
        let node = network[index], inputs = node.inputs
        if let gate = gates[index] { return try apply(gate.function, to: gate.of, index) }
        func isPicture(_ input: Int) -> Bool {
            network.shape(input).count == 4 && network.shape(input)[0] == 1
        }
        switch node.operation {
        case .input: throw unsupported(index, "a second input")
        case .constant: break
        case .convolution(let window, let groups): try convolve(index, window, groups)
        case .matrixProduct(let left, let right): try multiply(index, left, right)
        case .binary(let function): try combine(index, function)
        case .unary(let function): try apply(function.function, to: inputs[0], index)
        case .select:
            let chosen = try value(inputs[1]), other = try value(inputs[2])
            append(index, .choice(chosen, else: other), to: try value(inputs[0]))
        case .maximumPool(let window):
            guard isPicture(inputs[0]), (window.dilationY, window.dilationX) == (1, 1) else {
                throw unsupported(index, "a window with taps apart, or several pictures")
            }
            append(index, .maximumPool(Window(window)), to: try value(inputs[0]))
        case .averagePool(var window, let countsPadding):
            guard isPicture(inputs[0]), (window.dilationY, window.dilationX) == (1, 1) else {
                throw unsupported(index, "a window with taps apart, or several pictures")
            }
            var source = try value(inputs[0])
            if countsPadding && !window.padding.isEmpty {
                let margin = Margin(window.padding), shape = network.shape(inputs[0])
                source = append(
                    index, .pad(margin), to: source,
                    shape: [
                        1, shape[1] + margin.top + margin.bottom, shape[2] + margin.left + margin.right,
                        shape[3],
                    ])
                window.padding = Network.Margin()
            }
            append(index, .averagePool(Window(window)), to: source)
        case .reduction(let reduction, let axes, _):
            let source = try value(inputs[0])
            if isPicture(inputs[0]), axes.sorted() == [1, 2], reduction == .mean || reduction == .maximum {
                append(index, reduction == .mean ? .mean : .maximum, to: source)
            } else if let reduction = Reduction(rawValue: reduction.rawValue) {
                append(index, .reduction(reduction, axes: axes), to: source)
            }
        case .softmax(let axis): try normalize(index, axes: [axis], .softmax)
        case .normalization(let axes, let epsilon):
            try normalize(
                index, axes: axes, .layerNormalization(scale: nil, shift: nil, epsilon: epsilon))
        case .localResponseNormalization(let radius, let bias, let alpha, let beta):
            append(
                index, .localResponseNormalization(radius: radius, bias: bias, alpha: alpha, beta: beta),
                to: try value(inputs[0]))
        case .pad(let borders, let padding):
            let border: Selection.Border =
                switch padding {
                case .constant(let number): .constant(number)
                case .reflect: .reflect
                case .symmetric: .symmetric
                case .edge: .edge
                }
            let selection = Selection.pad(
                network.shape(inputs[0]), borders.map { ($0.before, $0.after) }, border)
            append(index, .selection(selection), to: try value(inputs[0]))
        case .concatenation(let axis):
            var parts: [Value] = []
            for input in inputs { parts.append(try value(input)) }
            let isLast = axis == node.shape.count - 1
            append(index, isLast ? .concatenation(parts) : .join(parts, axis: axis), to: parts[0])
        case .reshape: append(index, .reshape, to: try value(inputs[0]))
        case .transpose(let axes): append(index, transposition(axes, node.shape), to: try value(inputs[0]))
        case .slice(let stretches):
            append(
                index, .selection(.slice(stretches.map { ($0.begin, $0.count, $0.step) })),
                to: try value(inputs[0]))
        case .gather(let axis, let indices):
            append(
                index, .selection(.gather(network.shape(inputs[0]), axis: axis, indices: indices)),
                to: try value(inputs[0]))
        case .broadcast(let shape):
            append(
                index, .selection(.broadcast(network.shape(inputs[0]), to: shape)), to: try value(inputs[0]))
        case .tile(let counts):
            append(
                index, .selection(.tile(network.shape(inputs[0]), counts: counts)), to: try value(inputs[0]))
        case .resize(let resize):
            guard isPicture(inputs[0]) else { throw unsupported(index, "several pictures") }
            append(
                index, .resize(Resampling(resize, from: network.shape(inputs[0]))), to: try value(inputs[0]))
        case .depthToSpace(let block, let isChannelMajor):
            let s = network.shape(inputs[0]), c = s[3] / block / block
            let split = [s[0], s[1], s[2]] + (isChannelMajor ? [c, block, block] : [block, block, c])
            let order = isChannelMajor ? [0, 1, 4, 2, 5, 3] : [0, 1, 3, 2, 4, 5]
            try rearrange(index, inputs[0], split, order)
        case .spaceToDepth(let block):
            let s = network.shape(inputs[0])
            try rearrange(
                index, inputs[0], [s[0], s[1] / block, block, s[2] / block, block, s[3]],
                [0, 1, 3, 2, 4, 5])
        }
    }

    /// Returns the computation that permutes axes: a reshape where only axes of size 1 move, since the
    /// elements' order stays.
    func transposition(_ axes: [Int], _ shape: [Int]) -> Computation {
        let moved = axes.indices.filter { shape[$0] > 1 }.map { axes[$0] }
        return moved == moved.sorted() ? .reshape : .transpose(permutation: axes)
    }

    private mutating func rearrange(_ index: Int, _ input: Int, _ split: [Int], _ order: [Int])
        throws(PlanError)
    {
        let parts = append(index, .reshape, to: try value(input), shape: split)
        let turned = append(
            index, .transpose(permutation: order), to: parts, shape: order.map { split[$0] })
        append(index, .reshape, to: turned)
    }

    /// Appends a normalization over any axes: they are transposed to the end, normalized as the last axis,
    /// and transposed back.
    private mutating func normalize(_ index: Int, axes: [Int], _ computation: Computation) throws(PlanError) {
        let input = network[index].inputs[0], shape = network.shape(input), source = try value(input)
        if axes == [shape.count - 1] {
            append(index, computation, to: source)
            return
        }
        let axes = axes.sorted(), kept = shape.indices.filter { !axes.contains($0) }, order = kept + axes
        let turnedShape = order.map { shape[$0] }
        let turned = append(index, transposition(order, turnedShape), to: source, shape: turnedShape)
        let rows = kept.map { shape[$0] } + [axes.reduce(1) { $0 * shape[$1] }]
        let flat = append(index, .reshape, to: turned, shape: rows)
        let normalized = append(index, computation, to: flat, shape: rows)
        let again = append(index, .reshape, to: normalized, shape: turnedShape)
        let back = shape.indices.map { axis in order.firstIndex(of: axis)! }
        append(index, transposition(back, shape), to: again)
    }
}
