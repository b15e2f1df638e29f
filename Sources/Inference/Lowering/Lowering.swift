import TensorGraph

/// Turns nodes into layers, several nodes into one where they can be computed together: a convolution takes up the
/// normalization, bias, residual sum and activation that follow it.
///
/// What a node says is checked here, once; layers are right by construction.
struct Lowering {
    let constants: Constants
    /// How many nodes, and outputs, read a tensor.
    let readers: [String: Int]
    var list = LayerList()
    /// What the tensors lowered so far are.
    var values: [String: Value] = [:]
    /// Shapes as TensorFlow sees them; the extents hold rank 2 and 4 alike.
    var shapes: [Value: [Int]] = [:]
    /// Values that are read under more than one name.
    var shared: Set<Value> = []
    /// The layer that makes a value.
    var makers: [Value: Int] = [:]

    /// - Parameters:
    ///   - input: a tensor, which is given its value from outside; what makes it is not looked at.
    ///   - inputShape: `[1, height, width, channels]`.
    static func lower(
        _ graph: Graph, input: String, inputShape: [Int], outputs: [String]
    ) throws(PlanError) -> LayerList {
        let input = NodeView.canonical(input), outputs = outputs.map(NodeView.canonical)
        let nodes = Dictionary(graph.nodes.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let order = try evaluationOrder(nodes, from: outputs, to: input)
        guard nodes[input] != nil else { throw .noSuchTensor(input) }

        var readers: [String: Int] = [:]
        for name in order { for source in NodeView(nodes[name]!).inputs { readers[source, default: 0] += 1 } }
        for output in outputs { readers[output, default: 0] += 1 }

        var lowering = Lowering(constants: Constants(nodes: nodes), readers: readers)
        guard let extent = extent(ofShape: inputShape) else { throw .noSuchTensor(input) }
        lowering.list.input = lowering.value(named: input, extent, shape: inputShape)
        // What constants make, their readers compute from them.
        for name in order where name != input && !lowering.constants.isKnown(name) {
            try lowering.lower(NodeView(nodes[name]!))
        }
        for output in outputs {
            guard let value = lowering.values[output] else { throw .noSuchTensor(output) }
            lowering.list.outputs.append(value)
            lowering.list.outputShapes.append(lowering.shapes[value]!)
        }
        return lowering.list
    }

    /// Names of the nodes that `outputs` need, constants left out, each after what it reads.
    private static func evaluationOrder(
        _ nodes: [String: Node], from outputs: [String], to input: String
    ) throws(PlanError) -> [String] {
        enum Mark { case open, done }
        var marks: [String: Mark] = [:], order: [String] = []
        // A stack of its own: graphs are deeper than threads have room for.
        var stack: [(name: String, isLeaving: Bool)] = outputs.reversed().map { ($0, false) }
        while let (name, isLeaving) = stack.popLast() {
            if isLeaving {
                marks[name] = .done
                order.append(name)
                continue
            }
            switch marks[name] {
            case .done: continue
            case .open: throw .cycle(node: name)
            case nil: break
            }
            guard let node = nodes[name] else { throw .noSuchTensor(name) }
            if node.operation == "Const" { continue }
            marks[name] = .open
            stack.append((name, true))
            if name == input { continue }
            for source in NodeView(node).inputs.reversed() where marks[source] != .done {
                stack.append((source, false))
            }
        }
        return order
    }

    static func extent(ofShape shape: [Int]) -> Extent? {
        guard shape.allSatisfy({ $0 > 0 }), shape.first == 1 else { return nil }
        return switch shape.count {
        case 2: Extent(height: 1, width: 1, channels: shape[1])
        case 4: Extent(height: shape[1], width: shape[2], channels: shape[3])
        default: nil
        }
    }

    // MARK: - Building

    mutating func value(named name: String, _ extent: Extent, shape: [Int]) -> Value {
        let value = list.newValue(extent)
        values[name] = value
        shapes[value] = shape
        return value
    }

    /// The value of a node's input that is computed while running.
    func operand(_ node: NodeView, _ index: Int = 0) throws(PlanError) -> Value {
        let name = try node.input(index)
        if let value = values[name] { return value }
        throw constants.nodes[name] == nil
            ? .noSuchTensor(name) : node.unsupported("input '\(name)' is a constant")
    }

    /// A constant input's elements.
    func floats(_ node: NodeView, _ index: Int) throws(PlanError) -> (values: [Float], shape: [Int]) {
        let tensor = try constant(node, index)
        guard let floats = tensor.floats else {
            throw node.unsupported("input \(index) is of type \(tensor.type)")
        }
        return (floats, tensor.shape)
    }

    /// A constant input's elements, not copied.
    func floatRegion(_ node: NodeView, _ index: Int) throws(PlanError) -> (values: ByteRegion, shape: [Int]) {
        let tensor = try constant(node, index)
        guard tensor.type == .float32, case .dense(let region) = tensor.contents else {
            throw node.unsupported("input \(index) is of type \(tensor.type)")
        }
        return (region, tensor.shape)
    }

    func integers(_ node: NodeView, _ index: Int) throws(PlanError) -> [Int] {
        guard let integers = try constant(node, index).integers else {
            throw node.malformed("input \(index) holds no integers")
        }
        return integers
    }

    private func constant(_ node: NodeView, _ index: Int) throws(PlanError) -> Tensor {
        let name = try node.input(index)
        guard let tensor = try constants.value(of: name) else {
            throw constants.nodes[name] == nil
                ? .noSuchTensor(name) : node.unsupported("input '\(name)' is no constant")
        }
        return tensor
    }

    mutating func append(
        _ node: NodeView, _ computation: Computation, input: Value, _ extent: Extent, shape: [Int]? = nil
    ) {
        let shape = shape ?? [1, extent.height, extent.width, extent.channels]
        let output = value(named: node.node.name, extent, shape: shape)
        makers[output] = list.layers.count
        list.layers.append(
            Layer(name: node.node.name, input: input, output: output, computation: computation))
    }

    /// The layer that makes a node's input, if that input is read by nobody else, so that the node can become a part of it.
    func soleMaker(_ node: NodeView, _ index: Int = 0) -> Int? {
        guard let name = try? node.input(index), readers[name] == 1, let value = values[name],
            !shared.contains(value)
        else { return nil }
        return makers[value]
    }

    /// Lets the node's result be what `layer` makes.
    mutating func absorb(_ node: NodeView, into layer: Int) {
        values[node.node.name] = list.layers[layer].output
        list.layers[layer].name = node.node.name
    }
}
