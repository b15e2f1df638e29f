import TensorGraph

extension GraphDraft {
    /// Writes `SquaredDifference` as `Sub` and `Square`, which OpenCV has.
    mutating func expandSquaredDifferences() {
        for name in names where nodes[name]?.operation == "SquaredDifference" {
            let node = nodes[name]!, difference = freshName(name + "/difference")
            self[difference] = Node(
                "Sub", name: difference, inputs: node.inputs, attributes: node.attributes)
            self[name] = Node("Square", name: name, inputs: [difference], attributes: node.attributes)
        }
    }

    /// Encodes integers without axes anew, as OpenCV reads them.
    mutating func encodeScalars() {
        for name in names {
            if let tensor = nodes[name]!.constant, tensor.type == .int32, tensor.shape.isEmpty {
                self[name] = .constant(name, tensor)
            }
        }
    }

    /// Merges `Sub` and `Square` to `SquaredDifference` where nothing else reads the difference.
    mutating func mergeSquaredDifferences() {
        let readers = readers()
        for name in names where nodes[name]?.operation == "Square" {
            let node = nodes[name]!, data = node.inputs.filter { !$0.hasPrefix("^") }
            guard data.count == 1, TensorReference(data[0]).output == 0 else { continue }
            let source = TensorReference(data[0]).node
            guard let difference = nodes[source], difference.operation == "Sub", readers[source]?.count == 1,
                !pinned.contains(source)
            else { continue }
            self[name] = Node(
                "SquaredDifference", name: name,
                inputs: difference.inputs + node.inputs.filter { $0.hasPrefix("^") },
                attributes: node.attributes)
        }
    }
}

extension Graph {
    /// Returns the graph with `Sub` and `Square`, as `optimize` writes them, merged to `SquaredDifference`.
    package func mergingSquaredDifferences() throws(DeploymentError) -> Graph {
        var draft = try GraphDraft(self, pinned: [])
        draft.mergeSquaredDifferences()
        return try draft.graph()
    }
}
