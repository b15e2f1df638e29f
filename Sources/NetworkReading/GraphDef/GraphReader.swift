import Network
import TensorFlowFormat
import TensorGraph

/// Reads a frozen TensorFlow graph as a network. No other type knows TensorFlow's operation names, attributes
/// and padding rule.
///
/// ```swift
/// let network = try GraphReader.read(graph, input: "input", inputShape: [1, 224, 224, 3], outputs: ["features"])
/// ```
///
/// Calls of functions in the graph's library are inlined.
///
/// Nodes that do not depend on the input are computed once, while reading, in double precision, and rounded
/// to their type after each node. Time and memory are linear in the number of nodes and of the constants'
/// elements, of which at most `mostElements` are computed.
package struct GraphReader {
    /// What a tensor of the graph has become.
    enum Value {
        case constant(Tensor)
        case node(Int)
        /// The image between a SpaceToBatchND node and the convolution that it dilates.
        case dilated(image: Int, block: [Int], margin: Network.Margin)
    }

    /// The most elements of constants that are computed from other constants.
    static let mostElements = 1 << 28

    var network = Network()
    let table: NodeTable
    /// The first output of each node that has been read.
    private var values: [Value?]
    private var laterValues: [NodeTable.Output: Value] = [:]
    /// The nodes whose image TensorFlow holds as batches of a dilation's phases.
    private var phased: Set<Int> = []
    private var budget = GraphReader.mostElements
    /// For each channels-first image that was asked for, the same channels-last; nil where a transposition has to make it.
    var channelsLast: [Int: Int?] = [:]

    /// Reads the nodes that some tensors depend on.
    ///
    /// - Parameters:
    ///   - input: The name of the input tensor; the nodes that compute it are ignored.
    ///   - inputShape: The input's shape, with a batch size of one.
    ///   - outputs: The names of the output tensors; nodes that no output depends on may have any operation.
    package static func read(
        _ graph: Graph, input: String, inputShape: [Int], outputs: [String]
    ) throws(GraphReadingError) -> Network {
        let flat: Graph
        do throws(FunctionError) {
            flat = try graph.flattened(for: outputs, input: input, shape: inputShape)
        } catch {
            throw .function(error)
        }
        var reader = GraphReader(flat)
        guard let source = reader.table.output(input) else { throw .noSuchTensor(input) }
        var wanted: [NodeTable.Output] = []
        for output in outputs {
            guard let output = reader.table.output(output) else { throw .noSuchTensor(output) }
            wanted.append(output)
        }
        let order = try reader.evaluationOrder(from: wanted, to: source)
        guard order.count <= Network.mostNodes else {
            throw .tooManyNodes(order.count, limit: Network.mostNodes)
        }
        for call in order where !reads(call.node) {
            throw .unsupportedOperation(
                call.node.operation, node: call.name, supported: supportedOperations)
        }
        let name = source.index == 0 ? reader.table.nodes[source.node].name : input
        try reader.define(source, .node(reader.append(.input(inputShape), named: name)))
        for call in order { try reader.read(call) }
        for (name, output) in zip(outputs, wanted) {
            switch reader.defined(output) {
            case .node(let index): reader.network.outputs.append(index)
            case .constant: throw .constantOutput(name)
            case .dilated, nil: throw .noSuchTensor(name)
            }
        }
        return Compositions.fused(reader.network)
    }

    /// The names of the operations that are read, in alphabetical order.
    package static var supportedOperations: [String] { (operations.keys + ["Const"]).sorted() }

    /// Returns whether nodes with this operation are read.
    static func reads(_ node: Node) -> Bool {
        node.operation == "Const" || operations[node.operation] != nil
    }

    init(_ graph: Graph) {
        table = NodeTable(graph.nodes)
        values = [Value?](repeating: nil, count: graph.nodes.count)
    }

    /// Returns the nodes that `outputs` depend on, in topological order.
    ///
    /// - Parameter input: The output that is fed; nil if there is none.
    func evaluationOrder(
        from outputs: [NodeTable.Output], to input: NodeTable.Output? = nil
    ) throws(GraphReadingError) -> [NodeCall] {
        enum Mark { case new, open, done }
        var marks = [Mark](repeating: .new, count: table.nodes.count), order: [NodeCall] = []
        // An explicit stack, because a graph can be deeper than a thread's stack.
        var stack: [(node: Int, call: NodeCall?)] = []
        for output in outputs.reversed() where output != input { stack.append((output.node, nil)) }
        while let (node, call) = stack.popLast() {
            if let call {
                marks[node] = .done
                order.append(call)
                continue
            }
            switch marks[node] {
            case .done: continue
            case .open: throw .cycle(node: table.nodes[node].name)
            case .new: break
            }
            marks[node] = .open
            let call = NodeCall(table.nodes[node], index: node, sources: try table.sources(of: node))
            stack.append((node, call))
            for source in call.sources.reversed() where source != input && marks[source.node] != .done {
                stack.append((source.node, nil))
            }
        }
        return order
    }

    mutating func read(_ call: NodeCall) throws(GraphReadingError) {
        if call.node.operation == "Const" {
            guard let tensor = call.node.constant else { throw call.malformed("has no value") }
            // Half precision only stores weights; the network computes in single precision.
            return define(call, .constant(tensor.widened ?? tensor))
        }
        let handler = Self.operations[call.node.operation]!
        if try call.isChannelsFirst { return try readChannelsFirst(call, handler) }
        try handler(&self, call)
    }

    // MARK: - What handlers use

    /// Sets the value of one of a node's outputs.
    mutating func define(_ call: NodeCall, output: Int = 0, _ value: Value) {
        define(NodeTable.Output(node: call.index, index: output), value)
    }

    mutating func define(_ output: NodeTable.Output, _ value: Value) {
        if output.index == 0 { values[output.node] = value } else { laterValues[output] = value }
    }

    func defined(_ output: NodeTable.Output) -> Value? {
        output.index == 0 ? values[output.node] : laterValues[output]
    }

    func value(_ call: NodeCall, _ index: Int = 0) throws(GraphReadingError) -> Value {
        guard call.sources.indices.contains(index) else {
            throw call.malformed("has \(call.sources.count) inputs, needs \(index + 1)")
        }
        guard let value = defined(call.sources[index]) else { throw .noSuchTensor(call.inputName(index)) }
        return value
    }

    func shape(_ call: NodeCall, _ index: Int = 0) throws(GraphReadingError) -> [Int] {
        switch try value(call, index) {
        case .constant(let tensor): return tensor.shape
        case .node(let node):
            guard !phased.contains(node) else {
                throw call.unsupported("between SpaceToBatchND and BatchToSpaceND")
            }
            return network.shape(node)
        case .dilated: throw call.unsupported("after SpaceToBatchND")
        }
    }

    func constant(_ call: NodeCall, _ index: Int) throws(GraphReadingError) -> Tensor {
        guard case .constant(let tensor) = try value(call, index) else {
            throw call.unsupported("input '\(call.inputName(index))' is no constant")
        }
        return tensor
    }

    func integers(_ call: NodeCall, _ index: Int) throws(GraphReadingError) -> [Int] {
        guard let integers = try constant(call, index).integers else {
            throw call.malformed("input \(index) holds no integers")
        }
        return integers
    }

    /// Returns axes of a tensor of rank `rank` with negative axes counted from the end.
    func axes(_ list: [Int], rank: Int, _ call: NodeCall) throws(GraphReadingError) -> [Int] {
        var axes: [Int] = []
        for axis in list {
            guard (-rank..<rank).contains(axis) else { throw call.malformed("axis \(axis) of \(rank)") }
            axes.append(axis < 0 ? axis + rank : axis)
        }
        return axes
    }

    func floats(_ call: NodeCall, _ index: Int) throws(GraphReadingError) -> [Float] {
        guard let floats = try constant(call, index).floats else {
            throw call.unsupported("input \(index) is not of type float32")
        }
        return floats
    }

    /// Applies an operation, at once where all inputs are constants, and otherwise by appending a node.
    mutating func apply(
        _ operation: Network.Operation, _ inputs: [Value], name: String, _ call: NodeCall
    ) throws(GraphReadingError) -> Value {
        var tensors: [Tensor] = []
        for case .constant(let tensor) in inputs { tensors.append(tensor) }
        if tensors.count == inputs.count { return try compute(operation, tensors, name: name, call) }
        var indices: [Int] = []
        for input in inputs {
            switch input {
            case .node(let index): indices.append(index)
            case .constant(let tensor):
                guard let floats = tensor.type == .float64 ? tensor.asFloat32 : tensor,
                    floats.type == .float32
                else { throw call.unsupported("a constant of type \(tensor.type)") }
                indices.append(try append(.constant(floats), named: name + "/constant"))
            case .dilated: throw call.unsupported("after SpaceToBatchND")
            }
        }
        let isPhased = indices.contains(where: phased.contains)
        if isPhased {
            switch operation {
            case .unary, .binary: break
            default: throw call.unsupported("between SpaceToBatchND and BatchToSpaceND")
            }
        }
        let index = try append(operation, named: name, indices)
        if isPhased { phased.insert(index) }
        return .node(index)
    }

    /// Applies an operation and defines the result as the node's tensor.
    mutating func make(
        _ operation: Network.Operation, _ inputs: [Value], _ call: NodeCall
    ) throws(GraphReadingError) {
        define(call, try apply(operation, inputs, name: call.name, call))
    }

    mutating func append(
        _ operation: Network.Operation, named name: String, _ inputs: [Int] = []
    ) throws(GraphReadingError) -> Int {
        try composed { (network) throws(NodeError) in
            try network.append(operation, name: name, inputs)
        }
    }

    /// Appends nodes to the network, whose errors become those of reading a graph.
    mutating func composed<Result>(
        _ build: (inout Network) throws(NodeError) -> Result
    ) throws(GraphReadingError) -> Result {
        do throws(NodeError) { return try build(&network) } catch {
            throw .malformed(node: error.node, operation: error.operation, what: error.what)
        }
    }

    /// Subtracts a constant's elements from the budget of `mostElements`.
    mutating func spend(_ shape: [Int], _ call: NodeCall) throws(GraphReadingError) {
        guard let count = Network.count(shape), count <= budget else {
            throw .overLimit(node: call.name, limit: Self.mostElements)
        }
        budget -= count
    }

    private mutating func compute(
        _ operation: Network.Operation, _ tensors: [Tensor], name: String, _ call: NodeCall
    ) throws(GraphReadingError) -> Value {
        // The network's shape rule applies here too.
        var trial = Network(), indices: [Int] = []
        let shape: [Int]
        do {
            for tensor in tensors { indices.append(try trial.append(.constant(tensor), name: name)) }
            let result = try trial.append(operation, name: name, indices)
            shape = trial.shape(result)
        } catch { throw call.malformed(error.what) }
        if case .reshape = operation, case .dense = tensors[0].contents {
            return .constant(Tensor(type: tensors[0].type, shape: shape, contents: tensors[0].contents))
        }
        if case .matrixProduct(let swapsLeft, _) = operation {
            let left = tensors[0].shape
            try spend(shape + [left[left.count - (swapsLeft ? 2 : 1)]], call)
        } else {
            try spend(shape, call)
        }
        var numbers: [Numbers] = []
        for tensor in tensors {
            guard let value = Numbers(tensor) else {
                throw call.unsupported("constants of type \(tensor.type)")
            }
            numbers.append(value)
        }
        guard let result = operation.evaluate(numbers, shape: shape)?.tensor else {
            throw call.unsupported("of constants")
        }
        return .constant(result)
    }

    // MARK: - Dilation by phases

    mutating func enterPhases(_ call: NodeCall) throws(GraphReadingError) {
        let block = try integers(call, 1), paddings = try integers(call, 2)
        guard case .node(let image) = try value(call), try shape(call).count == 4, block.count == 2,
            paddings.count == 4, (block + paddings).allSatisfy({ (0...4096).contains($0) }),
            block.allSatisfy({ $0 > 0 })
        else { throw call.unsupported("other than of an image's height and width") }
        define(
            call,
            .dilated(
                image: image, block: block,
                margin: Network.Margin(
                    top: paddings[0], left: paddings[2], bottom: paddings[1], right: paddings[3])))
    }

    mutating func markPhased(_ value: Value) {
        if case .node(let index) = value { phased.insert(index) }
    }

    mutating func leavePhases(_ call: NodeCall) throws(GraphReadingError) {
        let crops = try integers(call, 2)
        guard case .node(let index) = try value(call), phased.contains(index), crops.count == 4,
            crops.allSatisfy({ (0...4096).contains($0) })
        else { throw call.unsupported("other than after SpaceToBatchND and a convolution") }
        let shape = network.shape(index)
        let stretches = shape.enumerated().map { axis, size in
            (1...2).contains(axis)
                ? Network.Stretch(
                    begin: crops[2 * axis - 2], count: size - crops[2 * axis - 2] - crops[2 * axis - 1])
                : Network.Stretch(begin: 0, count: size)
        }
        define(call, .node(try append(.slice(stretches), named: call.name, [index])))
    }
}
