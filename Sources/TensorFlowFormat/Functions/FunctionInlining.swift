import TensorGraph

/// Puts the nodes of functions in the place of the calls that a graph makes of them.
///
///     let flat = try FunctionInlining.inlined(graph, for: ["StatefulPartitionedCall:0"])
///
/// A node of a call is named `call/node`, as TensorFlow's own optimizer names it. The call itself becomes an `Identity`, or an
/// `IdentityN` where it has several results, so that every name that other nodes use stays what it was.
///
/// - Source: tensorflow/core/common_runtime/inline_function_utils.h
package enum FunctionInlining {
    /// Calls within calls.
    static let maximumDepth = 64
    /// Nodes that all calls together may become, and the bytes of their names.
    static let maximumNodes = 1 << 18
    static let maximumNameBytes = 1 << 28

    /// The graph without calls: the nodes that `targets` depend on, by data or by order, in the order of the graph and after them
    /// those of its calls. A graph that calls nothing comes back as it is.
    ///
    /// - Parameter targets: tensors or nodes, which may lie within a call; those that do not exist are passed over.
    package static func inlined(_ graph: Graph, for targets: [String]) throws(FunctionError) -> Graph {
        let library = try FunctionLibrary(graph.trailer)
        guard !library.isEmpty, graph.nodes.contains(where: { library.isCall($0) }) else { return graph }
        var inliner = Inliner(library: library)
        for node in needed(graph.nodes, for: targets, library) {
            if library.isCall(node) {
                inliner.pending.append(.init(node: node, parent: nil))
            } else {
                inliner.nodes.append(node)
            }
        }
        while let call = inliner.pending.popLast() { try inliner.expand(call) }
        return Graph(nodes: inliner.nodes)
    }

    private static func needed(
        _ nodes: [Node], for targets: [String], _ library: FunctionLibrary
    ) -> [Node] {
        let places = Dictionary(
            nodes.indices.map { (nodes[$0].name, $0) }, uniquingKeysWith: { first, _ in first })
        var isNeeded = [Bool](repeating: false, count: nodes.count), stack: [Int] = []
        func place(_ tensor: String) -> Int? { places[nodeName(tensor)] }
        for target in targets {
            // A tensor within a call needs the call: the longest part of its name that is a node.
            var name = nodeName(target)[...]
            while !name.isEmpty {
                if let place = places[String(name)] {
                    stack.append(place)
                    break
                }
                name = name.lastIndex(of: "/").map { name[..<$0] } ?? ""
            }
        }
        while let index = stack.popLast() {
            if isNeeded[index] { continue }
            isNeeded[index] = true
            for input in nodes[index].inputs {
                if let source = place(input), !isNeeded[source] { stack.append(source) }
            }
        }
        return nodes.indices.filter { isNeeded[$0] }.map { nodes[$0] }
    }

    /// The node's name in what a node reads: without `^` and without the output's number.
    static func nodeName(_ input: String) -> String {
        let bare = input.hasPrefix("^") ? input.dropFirst() : input[...]
        guard let colon = bare.lastIndex(of: ":"), Int(bare[bare.index(after: colon)...]) != nil else {
            return String(bare)
        }
        return String(bare[..<colon])
    }
}

extension FunctionLibrary {
    /// The function that a node calls; nil for other operations.
    func callee(of node: Node) -> String? {
        switch node.operation {
        case "PartitionedCall", "StatefulPartitionedCall": Self.functionName(node.attributes["f"]) ?? ""
        case let name where contains(name): name
        default: nil
        }
    }

    func isCall(_ node: Node) -> Bool { callee(of: node) != nil }

    /// The name in an `AttrValue` that holds a `NameAttrList`.
    private static func functionName(_ attribute: Attribute?) -> String? {
        guard case .encoded(let bytes)? = attribute else { return nil }
        return bytes.withUnsafeBytes { bytes in
            var value = WireReader(file: bytes)
            while let field = try? value.next() {
                guard field.number == 10, field.type == .lengthDelimited else {
                    guard (try? value.skip(field)) != nil else { return nil }
                    continue
                }
                guard var list = try? value.message() else { return nil }
                while let field = try? list.next() {
                    if field.number == 1, field.type == .lengthDelimited { return try? list.string() }
                    guard (try? list.skip(field)) != nil else { return nil }
                }
            }
            return nil
        }
    }
}

/// The work that is left, and what is made of it.
private struct Inliner {
    /// A call with the place of the call that it came from, so that a cycle is seen.
    struct Call {
        let node: Node
        let parent: Int?
    }

    var library: FunctionLibrary
    var nodes: [Node] = []
    var pending: [Call] = []
    private var functions: [String: Function] = [:]
    /// Each function that was called, with the call that it was called from.
    private var frames: [(function: String, parent: Int?)] = []
    private var made = 0, nameBytes = 0

    init(library: FunctionLibrary) { self.library = library }

    mutating func expand(_ call: Call) throws(FunctionError) {
        let name = library.callee(of: call.node)!
        try checkChain(of: name, from: call.parent)
        let function = try function(name, calledBy: call.node)
        let frame = frames.count
        frames.append((name, call.parent))
        try spend(function.nodes, prefix: call.node.name)

        let given = call.node.inputs.filter { !$0.hasPrefix("^") }
        guard given.count == function.arguments.count else {
            throw .argumentMismatch(
                function: name, node: call.node.name, expected: function.arguments.count, found: given.count)
        }
        let scope = Scope(
            prefix: call.node.name + "/",
            arguments: Dictionary(
                zip(function.arguments.map(\.name), given), uniquingKeysWith: { first, _ in first }),
            operations: Dictionary(
                function.nodes.map { ($0.name, $0.operation) }, uniquingKeysWith: { first, _ in first }))
        for node in function.nodes {
            var copy = node
            copy.name = scope.prefix + node.name
            var inputs: [String] = []
            inputs.reserveCapacity(node.inputs.count)
            for input in node.inputs { inputs.append(try tensor(input, in: scope)) }
            copy.inputs = inputs
            if library.isCall(copy) {
                pending.append(Call(node: copy, parent: frame))
            } else {
                nodes.append(copy)
            }
        }
        try append(results: function, of: name, call.node, scope)
    }

    /// The call's own name, with what it returns.
    private mutating func append(
        results function: Function, of name: String, _ call: Node, _ scope: Scope
    ) throws(FunctionError) {
        var inputs: [String] = []
        for result in function.results {
            guard !result.isList else { throw .listArgument(function: name, argument: result.name) }
            guard let returned = function.returned[result.name] else {
                throw .missingResult(function: name, result: result.name)
            }
            inputs.append(try tensor(returned, in: scope))
        }
        switch inputs.count {
        case 0: nodes.append(Node("NoOp", name: call.name))
        case 1:
            let type = function.results[0].type.map { ["T": Attribute.type($0)] } ?? [:]
            nodes.append(Node("Identity", name: call.name, inputs: inputs, attributes: type))
        default:
            let types = function.results.compactMap(\.type)
            nodes.append(
                Node(
                    "IdentityN", name: call.name, inputs: inputs,
                    attributes: types.count == inputs.count ? ["T": .encoded(Self.list(of: types))] : [:]))
        }
    }

    /// An `AttrValue` that lists types, which `Attribute` has no case for.
    private static func list(of types: [ElementType]) -> [UInt8] {
        var packed = WireWriter(), list = WireWriter(), value = WireWriter()
        for type in types { packed.varint(UInt64(type.rawValue)) }
        list.field(6, packed)
        value.field(1, list)
        return value.pieces.flatMap { piece -> [UInt8] in
            switch piece {
            case .bytes(let bytes): bytes
            case .region(let region): region.array(of: UInt8.self)
            }
        }
    }

    private struct Scope {
        let prefix: String
        let arguments: [String: String]
        let operations: [String: String]
    }

    /// What a function's node reads, in the terms of the graph: `argument`, `node:output:index` and `^node` become tensors and nodes.
    private mutating func tensor(_ input: String, in scope: Scope) throws(FunctionError) -> String {
        if input.hasPrefix("^") { return "^" + scope.prefix + input.dropFirst() }
        let parts = input.split(separator: ":", omittingEmptySubsequences: false)
        let node = String(parts[0])
        if let argument = scope.arguments[node] { return argument }
        var index = parts.count > 1 ? Int(parts[parts.count - 1]) ?? 0 : 0
        if parts.count > 1, let operation = scope.operations[node] {
            index += try offset(of: String(parts[1]), operation)
        }
        return scope.prefix + (index == 0 ? node : "\(node):\(index)")
    }

    /// Where an operation's output of some name begins among all of its outputs.
    private mutating func offset(of output: String, _ operation: String) throws(FunctionError) -> Int {
        if library.contains(operation), let function = try function(named: operation) {
            return function.results.firstIndex { $0.name == output } ?? 0
        }
        return Self.outputs[operation]?.firstIndex(of: output) ?? 0
    }

    /// The outputs of operations that have several of different names. All others have one, or a list of one name.
    private static let outputs: [String: [String]] = {
        let batch = [
            "y", "batch_mean", "batch_variance", "reserve_space_1", "reserve_space_2", "reserve_space_3",
        ]
        return [
            "FusedBatchNorm": batch, "FusedBatchNormV2": batch, "FusedBatchNormV3": batch,
            "MaxPoolWithArgmax": ["output", "argmax"], "TopK": ["values", "indices"],
            "TopKV2": ["values", "indices"], "Switch": ["output_false", "output_true"],
            "Merge": ["output", "value_index"], "Unique": ["y", "idx"],
        ]
    }()

    private mutating func function(
        _ name: String, calledBy node: Node
    ) throws(FunctionError) -> Function {
        guard let function = try function(named: name) else {
            throw .unknown(function: name, node: node.name)
        }
        if let list = function.arguments.first(where: \.isList) {
            throw .listArgument(function: name, argument: list.name)
        }
        return function
    }

    private mutating func function(named name: String) throws(FunctionError) -> Function? {
        if let known = functions[name] { return known }
        let function = try library.function(name)
        functions[name] = function
        return function
    }

    private func checkChain(of name: String, from parent: Int?) throws(FunctionError) {
        var depth = 1, frame = parent
        while let index = frame {
            guard frames[index].function != name else { throw .cyclic(function: name) }
            depth += 1
            frame = frames[index].parent
        }
        guard depth <= FunctionInlining.maximumDepth else {
            throw .tooDeep(function: name, limit: FunctionInlining.maximumDepth)
        }
    }

    private mutating func spend(_ copies: [Node], prefix: String) throws(FunctionError) {
        made += copies.count + 1
        guard made <= FunctionInlining.maximumNodes else {
            throw .tooManyNodes(limit: FunctionInlining.maximumNodes)
        }
        // Every node is named, and most are read, with the prefix.
        for node in copies {
            nameBytes += (prefix.utf8.count + 1) * (1 + node.inputs.count) + node.name.utf8.count
            guard nameBytes <= FunctionInlining.maximumNameBytes else {
                throw .namesTooLong(limit: FunctionInlining.maximumNameBytes)
            }
        }
    }
}
