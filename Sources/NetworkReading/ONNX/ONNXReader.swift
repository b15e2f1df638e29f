import Network
import ONNXFormat
import TensorGraph

/// Reads an ONNX model as a network; ONNX's names, attributes, defaults and padding rules are known only
/// here.
///
///     let network = try ONNXReader.read(try ONNXModel.read(path: "net.onnx"))
///
/// ONNX's images are `[N, C, H, W]`, the network's are `[N, H, W, C]`. Each value records the order in which
/// ONNX sees the axes of the network's tensor, so that a transpose is performed only when an operation
/// requires it, and transposes by exporters cancel. Whatever does not depend on the input is evaluated while
/// reading.
///
/// - Source: https://github.com/onnx/onnx/blob/main/docs/Operators.md, operator sets 7 to 28
package final class ONNXReader {
    /// The known operator sets; a later one is read with what is known of these.
    package static let operatorSets: ClosedRange<Int64> = 7...28

    let model: ONNXModel
    /// The version of the operators of the node that is being read.
    private(set) var version: Int64
    var network = Network()
    /// The nodes whose numbers ONNX has as integers or booleans.
    var wholes: Set<Int> = []
    /// The values by the wiring's numbers; each is removed after its last read.
    private var values: [Value?] = []
    /// The number of branches around the nodes that are being read.
    private var depth = 0
    /// The transposed tensors created so far, by node and axes.
    private var transposed: [Aligned: Int] = [:]
    /// The nodes whose tensors are read with their axes in ONNX's order from now on, with the transposed tensors and
    /// their axes' places.
    private var rearranged: [Int: (node: Int, axes: [Int])] = [:]
    /// The remaining number of elements for constants computed from constants.
    private var budget = ONNXReader.maximumElements
    static let maximumElements = 1 << 30
    /// The maximum number of elements of a constant; the largest layers of image networks have about ten
    /// million weights.
    static let maximumConstant = 1 << 26
    private let operations: [String: Operation], fusedOperations: [String: Operation]

    typealias Failure = ONNXReadingError
    typealias Operation = (ONNXReader) -> (Call) throws(ONNXReadingError) -> [Value]

    private struct Aligned: Hashable {
        let node: Int
        let axes: [Int]
    }

    /// Reads a model.
    ///
    /// - Parameters:
    ///   - model: The model.
    ///   - size: The height and width of the input if the model leaves them open.
    ///   - outputs: The requested values; nil for the graph's outputs.
    /// - Throws: `ONNXReadingError`; unsupported operators are reported first.
    package static func read(
        _ model: ONNXModel, size: (height: Int, width: Int)? = nil, outputs: [String]? = nil
    ) throws(ONNXReadingError) -> Network {
        return try ONNXReader(model).network(size: size, outputs: outputs)
    }

    /// Computes values that depend on weights alone.
    ///
    /// - Returns: The values by name, without those whose operators are not evaluated on constants.
    /// - Throws: `ONNXReadingError` if a value reads an input, or an operator is not supported.
    package static func constants(
        _ names: [String], of model: ONNXModel
    ) throws(ONNXReadingError) -> [String: Tensor] {
        let reader = try ONNXReader(model), graph = reader.model.graph
        let wiring = try reader.wiring(graph, outputs: names)
        try reader.evaluate(wiring, in: graph)
        var constants: [String: Tensor] = [:]
        for (name, place) in wiring.outputs {
            if case .constant(let tensor)? = reader.values[place] { constants[name] = tensor }
        }
        return constants
    }

    /// The supported operators in alphabetical order.
    package static var supportedOperators: [String] { table.keys.sorted() }

    private init(_ model: ONNXModel) throws(Failure) {
        guard let version = model.operatorSet, version >= Self.operatorSets.lowerBound else {
            throw .operatorSet(model.operatorSet, supported: Self.operatorSets)
        }
        do { self.model = try model.inlined() } catch { throw .model(error) }
        (self.version, operations, fusedOperations) = (version, Self.table, Self.fused)
    }

    private func network(
        size: (height: Int, width: Int)?, outputs: [String]?
    ) throws(Failure) -> Network {
        let graph = model.graph
        let wiring = try wiring(graph, outputs: outputs ?? graph.outputs.map(\.name))
        try evaluate(wiring, in: graph) { (input) throws(Failure) in try self.input(input, size: size) }
        for (name, place) in wiring.outputs {
            guard let value = values[place] else {
                throw .node(operation: "Graph", node: name, what: "the output is not computed")
            }
            network.outputs.append(try plain(value, name: name))
        }
        return Compositions.fused(network)
    }

    private func wiring(_ graph: ONNXGraph, outputs: [String]) throws(Failure) -> Wiring {
        try Wiring(graph, outputs: outputs) { (node) throws(Failure) in try self.captures(of: node) }
    }

    /// Returns the values of a branch's outputs.
    ///
    /// - Parameter captures: The values outside, by name, that the branch reads.
    func branchValues(
        of graph: ONNXGraph, captures: [String: Value], _ call: Call
    ) throws(Failure) -> [Value] {
        guard depth < ONNXModel.maximumDepth else { throw call.failure("has too many branches in branches") }
        let outer = values
        depth += 1
        defer { (values, depth) = (outer, depth - 1) }
        let wiring = try wiring(graph, outputs: graph.outputs.map(\.name))
        try evaluate(wiring, in: graph, captures: captures)
        var results: [Value] = []
        for (name, place) in wiring.outputs {
            guard let value = values[place] else { throw call.failure("its output \(name) is not computed") }
            results.append(value)
        }
        return results
    }

    /// Reads the nodes that the wiring's outputs depend on.
    ///
    /// - Parameters:
    ///   - captures: The values of a branch's surroundings.
    ///   - input: Returns the value of an input; nil if the outputs depend on none.
    private func evaluate(
        _ wiring: Wiring, in graph: ONNXGraph, captures: [String: Value] = [:],
        input: ((ONNXValue) throws(Failure) -> Value)? = nil
    ) throws(Failure) {
        guard wiring.steps.count <= Network.mostNodes else {
            throw .tooManyNodes(wiring.steps.count, limit: Network.mostNodes)
        }
        let weights = Set(graph.initializers.map(\.name)).union(
            captures.lazy.filter(\.value.isConstant).map(\.key))
        for step in wiring.steps { try check(graph.nodes[step.node], weights: weights) }
        values = [Value?](repeating: nil, count: wiring.count)
        for tensor in graph.initializers {
            guard let place = wiring.place(tensor.name), let value = tensor.tensor else { continue }
            values[place] = .constant(value)
        }
        for (name, value) in captures {
            if let place = wiring.place(name), values[place] == nil { values[place] = value }
        }
        if let input {
            for given in graph.inputs {
                guard let place = wiring.place(given.name), values[place] == nil else { continue }
                values[place] = try input(given)
            }
        }
        for step in wiring.steps {
            try read(graph.nodes[step.node], step, wiring)
            // Constants are released after their last read, because weights that are computed from weights
            // are large.
            wiring.forEachLastRead(of: step) { values[$0] = nil }
        }
    }

    /// Checks that a node can be read; of quantized operators, that is the one that unpacks weights.
    private func check(_ node: ONNXNode, weights: Set<String>) throws(Failure) {
        let unpacksWeights =
            node.operation == "DequantizeLinear" && node.inputs.first.map(weights.contains) == true
        if !unpacksWeights, Self.quantized.contains(where: { node.operation.hasPrefix($0) }) {
            throw refusal(node, .quantized)
        }
        if Self.controlFlow.contains(node.operation)
            || node.operation != "If" && node.attributes.values.contains(where: \.isGraph)
        {
            throw refusal(node, .controlFlow)
        }
        guard operation(of: node) != nil else {
            throw refusal(node, node.isStandard ? .unknown : .otherDomain(node.domain))
        }
    }

    private func operation(of node: ONNXNode) -> Operation? {
        if node.isStandard { return operations[node.operation] }
        return node.domain == Self.fusedDomain ? fusedOperations[node.operation] : nil
    }

    func refusal(_ node: ONNXNode, _ reason: Failure.Reason) -> Failure {
        .unsupported(operation: node.operation, node: node.title, reason, supported: Self.supportedOperators)
    }

    private static let quantized = [
        "QuantizeLinear", "DequantizeLinear", "DynamicQuantize", "QLinear", "ConvInteger", "MatMulInteger",
    ]
    private static let controlFlow: Set<String> = ["Loop", "Scan", "SequenceMap"]

    private func input(
        _ input: ONNXValue, size: (height: Int, width: Int)?
    ) throws(Failure) -> Value {
        guard let type = input.type, [.float32, .float16, .bfloat16, .float64, .uint8].contains(type) else {
            throw .input(name: input.name, what: "is no tensor of floating-point numbers or bytes")
        }
        let isWhole = type == .uint8
        guard let dimensions = input.shape else { throw .input(name: input.name, what: "has no shape") }
        var shape = dimensions.map { if case .size(let size) = $0 { Int(clamping: size) } else { 0 } }
        // The batch size is one image.
        if let first = shape.first, first <= 0 { shape[0] = 1 }
        let isChannelsLast = shape.count == 4 && [1, 3].contains(shape[3]) && ![1, 3].contains(shape[1])
        if shape.count == 4, let size {
            let first = isChannelsLast ? 1 : 2
            if shape[first] <= 0 { shape[first] = size.height }
            if shape[first + 1] <= 0 { shape[first + 1] = size.width }
        }
        guard shape.allSatisfy({ $0 > 0 }) else {
            throw .input(name: input.name, what: "has a size that is open: \(shape)")
        }
        if shape.count == 4, !isChannelsLast {
            let index = try append(
                .input([shape[0], shape[2], shape[3], shape[1]]), name: input.name, [], isWhole: isWhole)
            return .computed(index, Axes.channelsFirst)
        }
        let index = try append(.input(shape), name: input.name, [], isWhole: isWhole)
        return .computed(index, Array(shape.indices))
    }

    private func read(_ node: ONNXNode, _ step: Wiring.Step, _ wiring: Wiring) throws(Failure) {
        var inputs: [Value?] = []
        inputs.reserveCapacity(node.inputs.count)
        let reads = wiring.reads(of: step)
        for (index, place) in reads.prefix(node.inputs.count).enumerated() {
            guard let place else {
                inputs.append(nil)
                continue
            }
            guard let value = values[place] else {
                throw .node(
                    operation: node.operation, node: node.title,
                    what: "reads \(node.inputs[index]), which no node before it makes: "
                        + "a node is missing, or the nodes form a cycle")
            }
            inputs.append(rearranged(value))
        }
        var call = Call(node: node, inputs: inputs)
        for (name, place) in zip(wiring.captures(of: step), reads.dropFirst(node.inputs.count)) {
            call.captures[name] = place.flatMap { values[$0] }
        }
        version = node.operatorSet ?? model.operatorSet!
        let results = try operation(of: node)!(self)(call)
        // Secondary outputs without a result, such as masks and means, are errors only if they are read.
        for (place, result) in zip(wiring.writes(of: step), results) {
            if let place { values[place] = result }
        }
    }

    // MARK: - Adding nodes

    /// - Parameter isWhole: Whether ONNX has the numbers as integers; nil if that follows from the inputs.
    func append(
        _ operation: Network.Operation, name: String, _ inputs: [Int], isWhole: Bool? = nil
    ) throws(Failure) -> Int {
        let index: Int
        do throws(NodeError) { index = try network.append(operation, name: name, inputs) } catch {
            throw .network(error)
        }
        if isWhole ?? hasWholes(operation, inputs) { wholes.insert(index) }
        return index
    }

    /// Returns whether the numbers of an operation are integers or booleans, as those of its inputs are.
    private func hasWholes(_ operation: Network.Operation, _ inputs: [Int]) -> Bool {
        switch operation {
        case .binary(let function) where function.isComparison: true
        case .select: inputs.dropFirst().allSatisfy(wholes.contains)
        default: !inputs.isEmpty && inputs.allSatisfy(wholes.contains)
        }
    }

    func constant(_ tensor: Tensor, name: String) throws(Failure) -> Int {
        guard let floats = tensor.asFloat32 else {
            throw .node(operation: "Constant", node: name, what: "is of type \(tensor.type)")
        }
        return try append(.constant(floats), name: name, [], isWhole: tensor.isInteger)
    }

    func spend(_ elements: Int, _ call: Call) throws(Failure) {
        let limit = min(budget, Self.maximumConstant)
        guard elements <= limit else {
            throw .overLimit(node: call.title, elements: elements, limit: limit)
        }
        budget -= elements
    }

    // MARK: - The order of axes

    /// Returns the shape as ONNX sees it.
    func shape(_ value: Value) -> [Int] {
        switch value {
        case .constant(let tensor): return tensor.shape
        case .computed(let index, let axes):
            let shape = network.shape(index)
            return axes.map { shape[$0] }
        }
    }

    /// Returns the node whose axis `axes[i]` is ONNX's axis i of the value.
    func align(_ value: Value, to axes: [Int], name: String) throws(Failure) -> Int {
        switch value {
        case .constant(let tensor):
            return try constant(axes.isIdentity ? tensor : tensor.transposed(axes.inverted), name: name)
        case .computed(let index, let given):
            var order = [Int](repeating: 0, count: axes.count)
            for (mine, its) in zip(given, axes) { order[its] = mine }
            return try transpose(index, order, name: name)
        }
    }

    /// Returns the value with its axes in ONNX's order.
    func plain(_ value: Value, name: String) throws(Failure) -> Int {
        try align(value, to: Array(shape(value).indices), name: name)
    }

    /// Returns a value whose last axis, as ONNX sees it, is that of the network's tensor. A tensor that has to be
    /// transposed for it is read so by all nodes that follow, as tokens are between a transformer's blocks.
    func endingInLastAxis(_ value: Value, _ call: Call) throws(Failure) -> Value {
        guard case .computed(let index, let axes) = value, let last = axes.last else { return value }
        let shape = network.shape(index)
        guard shape[last] > 1, shape[(last + 1)...].contains(where: { $0 > 1 }) else { return value }
        let node = try plain(value, name: call.name)
        rearranged[index] = (node, axes.inverted)
        return .computed(node, Array(axes.indices))
    }

    private func rearranged(_ value: Value) -> Value {
        guard case .computed(let index, let axes) = value, let (node, order) = rearranged[index] else {
            return value
        }
        return .computed(node, axes.map { order[$0] })
    }

    /// Returns the value as `[N, H, W, C]`.
    func image(_ value: Value, _ call: Call) throws(Failure) -> Int {
        guard shape(value).count == 4 else {
            throw call.failure("does not take the shape \(shape(value)): images have four axes")
        }
        return try align(value, to: Axes.channelsFirst, name: call.name)
    }

    func transpose(_ index: Int, _ order: [Int], name: String) throws(Failure) -> Int {
        if order.isIdentity { return index }
        let key = Aligned(node: index, axes: order)
        if let made = transposed[key] { return made }
        let shape = network.shape(index)
        // Axes of size 1 can be moved without rearranging elements.
        let moved = order.filter { shape[$0] > 1 }
        let made =
            if moved == moved.sorted() {
                try append(.reshape(order.map { shape[$0] }), name: name, [index])
            } else {
                try append(.transpose(order), name: name, [index])
            }
        transposed[key] = made
        transposed[Aligned(node: made, axes: order.inverted)] = index
        return made
    }
}

enum Axes {
    /// The positions of ONNX's axes N, C, H, W in `[N, H, W, C]`.
    static let channelsFirst = [0, 3, 1, 2]
}

/// A value of the model while it is read.
enum Value {
    case constant(Tensor)
    /// The index of a node, whose axis `axes[i]` is axis i of ONNX's tensor.
    case computed(Int, [Int])

    var isConstant: Bool { if case .constant = self { true } else { false } }
}

extension [Int] {
    var isIdentity: Bool { self == Array(indices) }
    var inverted: [Int] {
        var result = self
        for (index, value) in enumerated() { result[value] = index }
        return result
    }
}
