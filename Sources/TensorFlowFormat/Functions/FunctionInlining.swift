import TensorGraph

/// Inlines the functions that a graph calls: the nodes of their bodies replace the calls. `If`, which chooses between two
/// functions, becomes Switch and Merge around calls of both.
///
///     let flat = try FunctionInlining.inlined(graph, for: ["StatefulPartitionedCall:0"])
///
/// A node of a body is named `call/node`, as TensorFlow's optimizer names it. The call becomes an `Identity`,
/// or an `IdentityN` where it has several results, so that the names that other nodes read remain valid.
///
/// - Source: tensorflow/core/common_runtime/inline_function_utils.h
package enum FunctionInlining {
    /// The maximum depth of nested calls.
    static let maximumDepth = 64
    /// The maximum number of nodes that all calls are expanded to, and of bytes of their names.
    static let maximumNodes = 1 << 18
    static let maximumNameBytes = 1 << 28

    /// Returns the graph without calls: the nodes that `targets` depend on, by data or control edges, in the
    /// graph's order, followed by the nodes of the calls. A graph without calls is returned unchanged.
    ///
    /// - Parameter targets: Tensors or nodes, which may lie within a call; those that do not exist are
    ///   ignored.
    package static func inlined(_ graph: Graph, for targets: [String]) throws(FunctionError) -> Graph {
        let library = try FunctionLibrary(graph.trailer)
        guard !library.isEmpty, graph.nodes.contains(where: { library.expands($0) }) else { return graph }
        var inliner = Inliner(library: library)
        for node in needed(graph.nodes, for: targets, library) {
            inliner.take(node, within: nil)
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
            // A tensor within a call depends on the call, whose name is the longest prefix that names a node.
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

    /// Returns the name of the node that an input refers to, without `^` and without the output's index.
    static func nodeName(_ input: String) -> String {
        let bare = input.hasPrefix("^") ? input.dropFirst() : input[...]
        guard let colon = bare.lastIndex(of: ":"), Int(bare[bare.index(after: colon)...]) != nil else {
            return String(bare)
        }
        return String(bare[..<colon])
    }
}

extension FunctionLibrary {
    /// Returns the name of the function that a node calls; nil for other operations.
    func callee(of node: Node) -> String? {
        switch node.operation {
        case "PartitionedCall", "StatefulPartitionedCall": Self.functionName(node.attributes["f"]) ?? ""
        case let name where contains(name): name
        default: nil
        }
    }

    /// Returns whether a node calls a function or chooses between two.
    func expands(_ node: Node) -> Bool { Self.isChoice(node) || callee(of: node) != nil }

    /// Returns the function's name in an `AttrValue` that holds a `NameAttrList`.
    static func functionName(_ attribute: Attribute?) -> String? {
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

/// The state of inlining: the calls that are left and the nodes that have been made.
struct Inliner {
    /// A call and the index of the frame that contains it, from which cycles are found.
    struct Call {
        let node: Node
        let parent: Int?
    }

    var library: FunctionLibrary
    var nodes: [Node] = []
    var pending: [Call] = []
    private var functions: [String: Function] = [:]
    /// The functions that were called, each with the index of the frame that called it.
    private var frames: [(function: String, parent: Int?)] = []
    private var made = 0, nameBytes = 0

    init(library: FunctionLibrary) { self.library = library }

    /// Appends a node, or puts it off if it calls a function.
    ///
    /// - Parameter frame: The index of the frame that contains the node.
    mutating func take(_ node: Node, within frame: Int?) {
        if library.expands(node) {
            pending.append(Call(node: node, parent: frame))
        } else {
            nodes.append(node)
        }
    }

    mutating func expand(_ call: Call) throws(FunctionError) {
        if FunctionLibrary.isChoice(call.node) { return try lower(call) }
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
            // A colocation names nodes of the body, which are called otherwise here.
            if copy.attributes["_class"] != nil { copy.attributes["_class"] = nil }
            take(copy, within: frame)
        }
        try append(results: function, of: name, call.node, scope)
    }

    /// Appends the node that keeps the call's name and returns the function's results.
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
        appendNames(call.name, of: inputs, function)
    }

    /// Appends the node under whose name a function's results are read.
    mutating func appendNames(_ name: String, of inputs: [String], _ function: Function) {
        switch inputs.count {
        case 0: nodes.append(Node("NoOp", name: name))
        case 1:
            let type = function.results[0].type.map { ["T": Attribute.type($0)] } ?? [:]
            nodes.append(Node("Identity", name: name, inputs: inputs, attributes: type))
        default:
            let types = function.results.compactMap(\.type)
            nodes.append(
                Node(
                    "IdentityN", name: name, inputs: inputs,
                    attributes: types.count == inputs.count ? ["T": .encoded(Self.list(of: types))] : [:]))
        }
    }

    /// Returns an encoded `AttrValue` with a list of types, for which `Attribute` has no case.
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

    /// Returns the graph's name for an input of a function's node: `argument`, `node:output:index` or
    /// `^node`.
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

    /// Returns the index of the first output with a given name among all outputs of an operation.
    private mutating func offset(of output: String, _ operation: String) throws(FunctionError) -> Int {
        if library.contains(operation), let function = try function(named: operation) {
            return function.results.firstIndex { $0.name == output } ?? 0
        }
        return Self.outputs[operation]?.firstIndex(of: output) ?? 0
    }

    /// The output names of operations that have several. All other operations have one output, or a list
    /// under one name.
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

    mutating func function(
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

    mutating func spend(_ copies: [Node], prefix: String) throws(FunctionError) {
        made += copies.count + 1
        guard made <= FunctionInlining.maximumNodes else {
            throw .tooManyNodes(limit: FunctionInlining.maximumNodes)
        }
        // Every node's name, and most names it reads, gain the prefix.
        for node in copies {
            nameBytes += (prefix.utf8.count + 1) * (1 + node.inputs.count) + node.name.utf8.count
            guard nameBytes <= FunctionInlining.maximumNameBytes else {
                throw .namesTooLong(limit: FunctionInlining.maximumNameBytes)
            }
        }
    }
}
