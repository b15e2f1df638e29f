import Network
import ONNXFormat
import TensorGraph

/// `If`, whose condition must be known when the model is read, such as one of sizes.
extension ONNXReader {
    func branch(_ call: Call) throws(Failure) -> [Value] {
        guard case .constant(let condition)? = call.optional(0), let flag = condition.numbers?.first else {
            throw refusal(call.node, .controlFlow)
        }
        guard let graph = try graph(call.node, flag != 0 ? "then_branch" : "else_branch") else {
            throw call.failure("has no graph for \(flag != 0)")
        }
        let before = network.nodes.count
        let results = try branchValues(of: graph, captures: call.captures, call)
        for (result, name) in zip(results, call.node.outputs) {
            // The tensor is known outside by the name of the node's output only.
            if case .computed(let index, _) = result, index >= before { network.rename(index, name) }
        }
        return results
    }

    private func graph(_ node: ONNXNode, _ name: String) throws(Failure) -> ONNXGraph? {
        guard let attribute = node.attributes[name] else { return nil }
        do { return try model.graph(of: attribute) } catch { throw .model(error) }
    }

    /// Returns the names that the graphs of a node read and do not define.
    func captures(of node: ONNXNode, depth: Int = 0) throws(Failure) -> [String] {
        guard depth < ONNXModel.maximumDepth else {
            throw .node(operation: node.operation, node: node.title, what: "has too many graphs in graphs")
        }
        var names: [String] = []
        for key in node.attributes.keys.sorted() {
            guard node.attributes[key]!.isGraph, let graph = try graph(node, key) else { continue }
            var own = Set(graph.initializers.map(\.name)).union(graph.inputs.map(\.name))
            func read(_ name: String) { if !name.isEmpty, !own.contains(name) { names.append(name) } }
            for inner in graph.nodes {
                inner.inputs.forEach(read)
                if inner.attributes.values.contains(where: \.isGraph) {
                    try captures(of: inner, depth: depth + 1).forEach(read)
                }
                own.formUnion(inner.outputs)
            }
            graph.outputs.map(\.name).forEach(read)
        }
        var seen: Set<String> = []
        return names.filter { seen.insert($0).inserted }
    }
}
