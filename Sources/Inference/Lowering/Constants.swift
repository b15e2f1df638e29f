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
            guard let a = try value(of: view.input(0), depth: depth + 1), let b = try value(of: view.input(1), depth: depth + 1) else { return nil }
            return try product(a, b, view)
        default: return nil
        }
    }

    /// Whether a tensor depends on constants only.
    func isKnown(_ tensor: String, depth: Int = 0) -> Bool {
        guard depth < 64, let node = nodes[tensor] else { return false }
        switch node.operation {
        case "Const": return true
        case "Identity", "Dequantize", "Mul": return NodeView(node).inputs.allSatisfy { isKnown($0, depth: depth + 1) }
        default: return false
        }
    }

    /// Weights times a factor a channel: `b` is one number, or has the last axes of `a`, where it may be 1 wide at the end.
    private func product(_ a: Tensor, _ b: Tensor, _ view: NodeView) throws(PlanError) -> Tensor {
        guard let values = a.floats, let factors = b.floats, !factors.isEmpty else { throw view.unsupported("of types \(a.type) and \(b.type)") }
        let outer = b.shape.reversed().drop { $0 == 1 }.reversed() as [Int]
        let skipped = b.shape.count - outer.count, kept = a.shape.dropLast(min(skipped, a.shape.count))
        guard b.shape.count <= a.shape.count, Array(kept.suffix(outer.count)) == outer else {
            throw view.unsupported("constants of shapes \(a.shape) and \(b.shape)")
        }
        let run = a.shape.suffix(skipped).reduce(1, *)
        return Tensor(values.indices.map { values[$0] * factors[$0 / run % factors.count] }, shape: a.shape)
    }

    /// - Source: TensorFlow's `Dequantize`, modes MIN_COMBINED and MIN_FIRST, of eight bits.
    private func dequantize(_ tensor: Tensor, _ low: [Float], _ high: [Float], _ view: NodeView) throws(PlanError) -> Tensor {
        guard tensor.type == .quint8 || tensor.type == .uint8, case .dense(let region) = tensor.contents else {
            throw view.unsupported("type \(tensor.type)")
        }
        let mode = view.string("mode") ?? "MIN_COMBINED"
        guard mode == "MIN_COMBINED" || mode == "MIN_FIRST" else { throw view.unsupported("mode \(mode)") }
        guard low.count == 1, high.count == 1 else { throw view.unsupported("ranges of \(low.count) channels") }
        let step = (high[0] - low[0]) / 255
        return region.withUnsafeBytes { bytes in
            Tensor(bytes.map { Float($0) * step + low[0] }, shape: tensor.shape)
        }
    }
}
