import TensorGraph

extension ONNXModel {
    /// The names of all values and nodes.
    package var names: [String] {
        graph.inputs.map(\.name) + graph.initializers.map(\.name)
            + graph.nodes.flatMap { $0.outputs + [$0.name] }
    }

    /// Adds a constant.
    package mutating func add(_ name: String, _ tensor: Tensor) {
        graph.initializers.append(ONNXInitializer(name, tensor))
        // Before IR version 4, initializers are inputs too.
        if formatVersion < 4 {
            graph.inputs.append(
                ONNXValue(name, tensor.type, shape: tensor.shape.map { .size(Int64($0)) }))
        }
    }

    /// Returns the model with only the nodes and weights on which the outputs depend.
    package func reachable(from outputs: [String]) -> ONNXModel {
        var needed = Set(outputs), kept: [ONNXNode] = []
        // The values that subgraphs read are unknown.
        let isPlain = !graph.nodes.contains { $0.attributes.values.contains(where: \.isGraph) }
        guard isPlain else { return self }
        for node in graph.nodes.reversed() where node.outputs.contains(where: { needed.contains($0) }) {
            kept.append(node)
            needed.formUnion(node.inputs)
        }
        var model = self
        model.graph.nodes = kept.reversed()
        model.graph.initializers.removeAll { !needed.contains($0.name) }
        let given = Set(graph.initializers.map(\.name))
        model.graph.inputs.removeAll { given.contains($0.name) && !needed.contains($0.name) }
        let made = Set(kept.flatMap(\.outputs))
        model.graph.values.removeAll { !made.contains($0.name) }
        model.graph.outputs.removeAll { !made.contains($0.name) }
        return model
    }
}
