import TensorGraph

/// Converts a frozen graph to a `PortableNetwork`.
///
/// `Optimization` first folds normalizations and removes nodes without effect; the remaining nodes are read
/// one by one. A convolution, product or sum absorbs the activation that follows it if there is no other
/// reader, and convolutions and products absorb the bias.
struct NetworkReader {
    let grids: [String: ChannelGrid]
    var network: PortableNetwork
    private let constants: [String: Tensor]
    /// The number of nodes that read each tensor; an output counts as one more reader.
    private let readers: [String: Int]
    /// The index of the step that computes each tensor.
    private var makers: [String: Int] = [:]

    /// - Parameters:
    ///   - shape: The shape of the input, `[1, height, width, channels]`.
    /// - Throws: `DeploymentError` with the operation and the node that cannot be expressed.
    static func read(_ graph: Graph, input: String, shape: [Int], outputs: [String]) throws(DeploymentError)
        -> PortableNetwork
    {
        let outputs = outputs.map { TensorReference($0).node }
        let (plain, grids) = try graph.dequantized()
        let (optimized, _) = try Optimization(inputs: [input], outputs: outputs).apply(to: plain)
        var reader = NetworkReader(
            optimized, grids, input: TensorReference(input).node, shape: shape, outputs: outputs)
        for node in optimized.nodes where node.operation != "Const" && node.name != reader.network.input {
            try reader.read(node)
        }
        for node in optimized.nodes where outputs.contains(node.name) {
            guard node.name != reader.network.input, reader.network.shapes[node.name] != nil else {
                throw .unsupported(
                    node: node.name, operation: node.operation, what: "is an output that nothing computes")
            }
        }
        return reader.network
    }

    private init(
        _ graph: Graph, _ grids: [String: ChannelGrid], input: String, shape: [Int], outputs: [String]
    ) {
        self.grids = grids
        network = PortableNetwork(input: input, outputs: outputs, shapes: [input: shape])
        constants = Dictionary(
            graph.nodes.compactMap { node in node.constant.map { (node.name, $0) } },
            uniquingKeysWith: { first, _ in first })
        var readers = Dictionary(outputs.map { ($0, 1) }, uniquingKeysWith: +)
        for node in graph.nodes {
            for input in node.inputs { readers[TensorReference(input).node, default: 0] += 1 }
        }
        self.readers = readers
    }

    // MARK: - Operands

    func name(_ node: NodeReading, _ index: Int) throws(DeploymentError) -> String {
        guard index < node.inputs.count else {
            throw node.malformed("has \(node.inputs.count) inputs, needs \(index + 1)")
        }
        return node.inputs[index]
    }

    /// Returns the name and shape of a computed input.
    func operand(_ node: NodeReading, _ index: Int = 0) throws(DeploymentError) -> (
        name: String, shape: [Int]
    ) {
        let name = try name(node, index)
        guard let shape = network.shapes[name] else {
            throw node.unsupported("input '\(name)' is a constant")
        }
        return (name, shape)
    }

    /// Returns the name and shape of an image, `[1, height, width, channels]`.
    func image(_ node: NodeReading) throws(DeploymentError) -> (name: String, shape: [Int]) {
        let input = try operand(node)
        guard input.shape.count == 4 else { throw node.unsupported("an input of shape \(input.shape)") }
        return input
    }

    func constant(_ node: NodeReading, _ index: Int) throws(DeploymentError) -> Tensor {
        let name = try name(node, index)
        guard let tensor = constants[name] else { throw node.unsupported("input '\(name)' is no constant") }
        return tensor
    }

    func isConstant(_ node: NodeReading, _ index: Int) throws(DeploymentError) -> Bool {
        try constants[name(node, index)] != nil
    }

    func integers(_ node: NodeReading, _ index: Int) throws(DeploymentError) -> [Int] {
        guard let integers = try constant(node, index).integers else {
            throw node.malformed("input \(index) holds no integers")
        }
        return integers
    }

    /// Returns the constant weights of a convolution or product.
    func weights(_ node: NodeReading, rank: Int) throws(DeploymentError) -> PortableNetwork.Weights {
        let tensor = try constant(node, 1)
        guard let values = tensor.floats else { throw node.unsupported("weights of type \(tensor.type)") }
        guard tensor.shape.count == rank, tensor.shape.allSatisfy({ $0 > 0 }) else {
            throw node.malformed("weights of shape \(tensor.shape)")
        }
        // Folding may have changed the weights, so the quantized form must be compared.
        let grid = grids[try name(node, 1)].flatMap { $0.represents(values) ? $0 : nil }
        return PortableNetwork.Weights(tensor: tensor, bias: nil, grid: grid)
    }

    // MARK: - Steps

    /// The largest number of elements in formats with 32-bit sizes.
    private static let largestCount = Int(Int32.max)

    /// - Throws: `DeploymentError.unsupported` if a size is not positive or the result has too many elements.
    mutating func append(
        _ node: NodeReading, _ operation: PortableNetwork.Operation, inputs: [String], shape: [Int]
    ) throws(DeploymentError) {
        var count = 1
        for size in shape {
            let (product, overflows) = count.multipliedReportingOverflow(by: size)
            guard size > 0, !overflows, product <= Self.largestCount else {
                throw node.unsupported("makes a tensor of shape \(shape)")
            }
            count = product
        }
        makers[node.name] = network.steps.count
        network.steps.append(PortableNetwork.Step(name: node.name, operation: operation, inputs: inputs))
        network.shapes[node.name] = shape
    }

    /// Merges a node into the step that computes its input, if there is no other reader and `change` supports
    /// it.
    mutating func absorb(
        _ node: NodeReading, into index: Int,
        _ change: (PortableNetwork.Operation) -> PortableNetwork.Operation?
    ) throws(DeploymentError) -> Bool {
        let input = try name(node, index)
        guard readers[input] == 1, let maker = makers[input],
            let changed = change(network.steps[maker].operation)
        else { return false }
        network.steps[maker].operation = changed
        network.steps[maker].name = node.name
        network.shapes[node.name] = network.shapes.removeValue(forKey: input)
        makers[node.name] = maker
        makers[input] = nil
        return true
    }
}

/// Typed access to a node's attributes and inputs; errors name the node.
struct NodeReading {
    let node: Node
    /// The names of the nodes that provide its data inputs.
    let inputs: [String]

    init(_ node: Node) throws(DeploymentError) {
        self.node = node
        let references = node.inputs.map { TensorReference($0) }.filter { !$0.isControl }
        inputs = references.map(\.node)
        if let other = references.first(where: { $0.output > 0 }) {
            throw unsupported("reads '\(other.text)'")
        }
        if !node.isChannelsLast { throw unsupported("a channels-first layout") }
    }

    var name: String { node.name }
    func malformed(_ what: String) -> DeploymentError {
        .malformed(node: node.name, operation: node.operation, what: what)
    }
    func unsupported(_ what: String) -> DeploymentError {
        .unsupported(node: node.name, operation: node.operation, what: what)
    }

    func flag(_ name: String) -> Bool {
        if case .bool(true)? = node.attributes[name] { true } else { false }
    }

    /// - Throws: `DeploymentError.unsupported` if the number is outside `range`.
    func int(_ name: String, default standard: Int, in range: ClosedRange<Int>) throws(DeploymentError) -> Int
    {
        guard case .int(let value)? = node.attributes[name] else { return standard }
        guard range.contains(Int(value)) else { throw unsupported("\(name) \(value)") }
        return Int(value)
    }

    func float(_ name: String, default standard: Float) -> Float {
        if case .float(let value)? = node.attributes[name] { value } else { standard }
    }

    func text(_ name: String) -> String? {
        if case .bytes(let bytes)? = node.attributes[name] {
            String(decoding: bytes, as: UTF8.self)
        } else {
            nil
        }
    }

    func integers(_ name: String) -> [Int]? {
        if case .ints(let values)? = node.attributes[name] { values.map(Int.init) } else { nil }
    }

    /// Returns the height and width entries of a list whose batch and channel entries must be 1.
    func spatial(_ name: String) throws(DeploymentError) -> (height: Int, width: Int) {
        guard let list = integers(name), list.count == 4 else { throw malformed("attribute '\(name)'") }
        guard list[0] == 1, list[3] == 1, (1...4096).contains(list[1]), (1...4096).contains(list[2]) else {
            throw unsupported("\(name) \(list)")
        }
        return (list[1], list[2])
    }
}
