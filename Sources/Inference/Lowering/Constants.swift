import TensorGraph

/// The constants of a graph, and what can be computed from constants alone.
package struct Constants {
    let nodes: [String: Node]

    init(nodes: [String: Node]) { self.nodes = nodes }

    /// - Parameter graph: of nodes of one name the first counts.
    package init(_ graph: Graph) {
        nodes = Dictionary(graph.nodes.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The value of a tensor that depends on constants only; nil if it depends on more.
    package func value(of tensor: String, depth: Int = 0) throws(PlanError) -> Tensor? {
        guard depth < 64, let node = nodes[tensor] else { return nil }
        let view = NodeView(node)
        switch node.operation {
        case "Const":
            guard let tensor = node.constant else { throw view.malformed("has no value") }
            return tensor
        case "Identity":
            return try value(of: view.input(0), depth: depth + 1)
        case "Dequantize":
            guard let quantized = try value(of: view.input(0), depth: depth + 1),
                let low = try value(of: view.input(1), depth: depth + 1)?.floats,
                let high = try value(of: view.input(2), depth: depth + 1)?.floats
            else { return nil }
            return try dequantize(quantized, low, high, view)
        case "Mul" where isKnown(tensor):
            guard let a = try value(of: view.input(0), depth: depth + 1),
                let b = try value(of: view.input(1), depth: depth + 1)
            else { return nil }
            return try product(a, b, view)
        default: return nil
        }
    }

    /// Whether a tensor depends on constants only.
    func isKnown(_ tensor: String, depth: Int = 0) -> Bool {
        guard depth < 64, let node = nodes[tensor] else { return false }
        switch node.operation {
        case "Const": return true
        case "Identity", "Dequantize", "Mul":
            return NodeView(node).inputs.allSatisfy { isKnown($0, depth: depth + 1) }
        default: return false
        }
    }

    private func product(_ a: Tensor, _ b: Tensor, _ view: NodeView) throws(PlanError) -> Tensor {
        guard let product = a.scaled(by: b) else {
            throw view.unsupported(
                "constants of types \(a.type) and \(b.type) and shapes \(a.shape) and \(b.shape)")
        }
        return product
    }

    private func dequantize(_ tensor: Tensor, _ low: [Float], _ high: [Float], _ view: NodeView)
        throws(PlanError) -> Tensor
    {
        let mode = view.string("mode") ?? "MIN_COMBINED"
        guard mode == "MIN_COMBINED" || mode == "MIN_FIRST" else { throw view.unsupported("mode \(mode)") }
        guard low.count == 1, high.count == 1 else {
            throw view.unsupported("ranges of \(low.count) channels")
        }
        guard let result = tensor.dequantized(low: low[0], high: high[0]) else {
            throw view.unsupported("type \(tensor.type)")
        }
        return result
    }
}
