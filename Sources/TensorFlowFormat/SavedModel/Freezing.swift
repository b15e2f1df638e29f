import SystemFiles
import TensorGraph

/// Replaces variables by constants.
///
/// The graph's own restoring, `Assign(variable, RestoreV2)`, tells which entry of the checkpoint belongs to
/// which variable, in models of TensorFlow 1 and 2 alike.
struct Freezing {
    private let nodes: [Node]
    private let places: [String: Int]
    private let folder: FilePath
    /// The key of each variable in the checkpoint.
    private var keys: [String: String] = [:]
    private var values: [String: Tensor] = [:]
    private var bundle: TensorBundle?

    /// - Parameters:
    ///   - graph: A graph without function calls, of the nodes that are needed.
    ///   - whole: The graph as the file has it.
    ///   - folder: The folder of the SavedModel.
    init(_ graph: Graph, of whole: Graph, folder: FilePath) {
        nodes = graph.nodes
        places = Dictionary(
            graph.nodes.indices.map { (graph.nodes[$0].name, $0) }, uniquingKeysWith: { first, _ in first })
        self.folder = folder
        for node in nodes where node.operation == "AssignVariableOp" || node.operation == "Assign" {
            let inputs = Self.data(node)
            guard inputs.count >= 2, let variable = origin(of: inputs[0]), let value = origin(of: inputs[1]),
                let name = Self.variable(nodes[variable.node]), let key = restoredKey(value)
            else { continue }
            keys[name] = key
        }
        for (source, copy) in Self.copies(in: whole) where keys[source] == nil { keys[source] = keys[copy] }
    }

    /// Returns the variables whose initial values are other variables.
    ///
    /// `tf.saved_model.save` of a Keras 3 model restores such copies, while the signature reads the originals.
    private static func copies(in graph: Graph) -> [(source: String, copy: String)] {
        let byName = Dictionary(
            graph.nodes.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        func maker(_ tensor: String) -> Node? { byName[FunctionInlining.nodeName(tensor)] }
        return graph.nodes.compactMap { node in
            let inputs = data(node)
            guard node.operation == "AssignVariableOp", inputs.count >= 2,
                let copy = maker(inputs[0]).flatMap(variable), let value = maker(inputs[1]),
                value.operation == "ReadVariableOp",
                let source = data(value).first.flatMap(maker).flatMap(variable)
            else { return nil }
            return (source, copy)
        }
    }

    /// Returns the nodes that the tensors depend on, with constants for variables and without control edges.
    mutating func frozen(for tensors: [String]) throws(SavedModelError) -> Graph {
        var isDone = [Bool](repeating: false, count: nodes.count), result: [Node] = []
        var stack = tensors.reversed().compactMap { places[FunctionInlining.nodeName($0)] }
        while let index = stack.popLast() {
            if isDone[index] { continue }
            isDone[index] = true
            var node = nodes[index]
            let inputs = Self.data(node)
            if inputs.count < node.inputs.count { node.inputs = inputs }
            switch node.operation {
            case "ReadVariableOp":
                result.append(.constant(node.name, try value(readBy: node)))
                continue
            case "VariableV2", "Variable":
                result.append(.constant(node.name, try value(of: node)))
                continue
            case "ResourceGather":
                let table = Node.constant(node.name + "/table", try value(readBy: node))
                let axis = Node.constant(node.name + "/axis", Tensor([Int32(0)], shape: []))
                let indices = Array(inputs.dropFirst())
                result += [
                    table, axis,
                    Node(
                        "GatherV2", name: node.name, inputs: [table.name] + indices + [axis.name],
                        attributes: node.attributes.filter { $0.key == "batch_dims" }),
                ]
                stack += indices.compactMap { places[FunctionInlining.nodeName($0)] }
                continue
            default: break
            }
            result.append(node)
            stack += inputs.reversed().compactMap { places[FunctionInlining.nodeName($0)] }
        }
        return Graph(nodes: result)
    }

    private static func data(_ node: Node) -> [String] { node.inputs.filter { !$0.hasPrefix("^") } }

    /// Returns the node and output that computes a tensor, past nodes that only forward it.
    private func origin(of tensor: String) -> (node: Int, output: Int)? {
        var tensor = tensor
        // A chain longer than the graph is a cycle.
        for _ in 0...nodes.count {
            guard let index = places[FunctionInlining.nodeName(tensor)] else { return nil }
            let output = tensor.lastIndex(of: ":").flatMap { Int(tensor[tensor.index(after: $0)...]) } ?? 0
            let inputs = Self.data(nodes[index])
            switch nodes[index].operation {
            case "Identity", "IdentityN", "DisableCopyOnRead":
                guard inputs.indices.contains(output) else { return nil }
                tensor = inputs[output]
            default: return (index, output)
            }
        }
        return nil
    }

    /// Returns the identity of a variable, which nodes for the same value share; nil for other nodes.
    private static func variable(_ node: Node) -> String? {
        guard ["VarHandleOp", "VariableV2", "Variable"].contains(node.operation) else { return nil }
        func text(_ attribute: String) -> String {
            guard case .bytes(let bytes)? = node.attributes[attribute] else { return "" }
            return String(decoding: bytes, as: UTF8.self)
        }
        let shared = text("shared_name")
        return text("container") + "\0" + (shared.isEmpty ? node.name : shared)
    }

    /// Returns the checkpoint key that a `RestoreV2` reads for one of its outputs; nil for other nodes.
    private func restoredKey(_ source: (node: Int, output: Int)) -> String? {
        let inputs = Self.data(nodes[source.node])
        guard nodes[source.node].operation == "RestoreV2", inputs.count >= 2,
            let names = origin(of: inputs[1]), let tensor = nodes[names.node].constant,
            case .strings(let keys) = tensor.contents, keys.indices.contains(source.output)
        else { return nil }
        return String(decoding: keys[source.output], as: UTF8.self)
    }

    private mutating func value(readBy node: Node) throws(SavedModelError) -> Tensor {
        guard let handle = Self.data(node).first, let variable = origin(of: handle) else {
            throw .variable(name: node.name, .notRestored)
        }
        return try value(of: nodes[variable.node])
    }

    private mutating func value(of variable: Node) throws(SavedModelError) -> Tensor {
        guard let name = Self.variable(variable), let key = keys[name] else {
            throw .variable(name: variable.name, .notRestored)
        }
        if let known = values[key] { return known }
        if bundle == nil { bundle = try TensorBundle(folder: folder) }
        let tensor = try bundle!.tensor(key, name: variable.name)
        if case .type(let type)? = variable.attributes["dtype"], type != tensor.type {
            throw .variable(name: variable.name, .mismatch)
        }
        if case .shape(let shape?)? = variable.attributes["shape"],
            shape.count != tensor.shape.count
                || zip(shape, tensor.shape).contains(where: { $0 >= 0 && $0 != $1 })
        {
            throw .variable(name: variable.name, .mismatch)
        }
        values[key] = tensor
        return tensor
    }
}
