extension ONNXModel {
    /// Returns the model with each node after those whose values it reads, as the format demands.
    ///
    /// Converters that insert casts append them to the list, and ONNX Runtime takes that. Nodes are moved only to the
    /// place before the first node that reads them; those of a cycle stay.
    package func sorted() -> ONNXModel {
        let nodes = graph.nodes
        var writers: [String: Int] = [:]
        writers.reserveCapacity(nodes.count)
        for (index, node) in nodes.enumerated() {
            for name in node.outputs where !name.isEmpty && writers[name] == nil { writers[name] = index }
        }
        let sources = nodes.map { node in reads(of: node, depth: 0).compactMap { writers[$0] } }
        guard
            zip(sources.indices, sources).contains(where: { index, sources in sources.contains { $0 >= index }
            })
        else { return self }
        enum Mark { case new, open, placed }
        var marks = [Mark](repeating: .new, count: nodes.count), order: [Int] = []
        order.reserveCapacity(nodes.count)
        for start in nodes.indices where marks[start] == .new {
            var stack = [(node: start, next: 0)]
            marks[start] = .open
            while let (node, next) = stack.last {
                guard next < sources[node].count else {
                    stack.removeLast()
                    marks[node] = .placed
                    order.append(node)
                    continue
                }
                stack[stack.count - 1].next += 1
                let source = sources[node][next]
                guard marks[source] == .new else { continue }
                marks[source] = .open
                stack.append((source, 0))
            }
        }
        var model = self
        model.graph.nodes = order.map { nodes[$0] }
        return model
    }

    /// Returns the names that a node and its graphs read, with those that the graphs define themselves.
    private func reads(of node: ONNXNode, depth: Int) -> [String] {
        var names = node.inputs
        guard depth < Self.maximumDepth else { return names }
        for attribute in node.attributes.values where attribute.isGraph {
            // A damaged graph is reported when it is read.
            guard let graph = (try? graph(of: attribute)) ?? nil else { continue }
            names += graph.outputs.map(\.name)
            for inner in graph.nodes { names += reads(of: inner, depth: depth + 1) }
        }
        return names
    }
}
