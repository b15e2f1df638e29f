import TensorGraph

extension Graph {
    /// The graph with weights for what is stored as bytes, and the bytes themselves, by the weights' names.
    ///
    /// What `Dequantize` makes of constants becomes a constant, and so does a product of constants: a factor a channel, or one an input, is how
    /// `retrain` and `quantize` write weights.
    func dequantized() throws(DeploymentError) -> (graph: Graph, grids: [String: ChannelGrid]) {
        var stored = StoredWeights(
            nodes: Dictionary(nodes.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first }))
        var graph = self
        for index in graph.nodes.indices {
            let node = graph.nodes[index]
            guard node.operation == "Dequantize" || node.operation == "Mul",
                let tensor = try stored.value(of: node.name)
            else { continue }
            graph.nodes[index] = .constant(node.name, tensor)
        }
        return (graph, stored.grids)
    }
}

private struct StoredWeights {
    let nodes: [String: Node]
    private var values: [String: Tensor] = [:]
    private(set) var grids: [String: ChannelGrid] = [:]

    init(nodes: [String: Node]) { self.nodes = nodes }

    /// - Returns: nil for a tensor that depends on more than stored constants.
    mutating func value(of name: String, depth: Int = 0) throws(DeploymentError) -> Tensor? {
        if let value = values[name] { return value }
        guard depth < 64, let node = nodes[name] else { return nil }
        let inputs = node.inputs.filter { !$0.hasPrefix("^") }.map { TensorReference($0).node }
        switch node.operation {
        case "Const": return node.constant
        case "Identity" where inputs.count == 1: return try value(of: inputs[0], depth: depth + 1)
        case "Dequantize" where inputs.count == 3:
            guard let bytes = try value(of: inputs[0], depth: depth + 1),
                let low = try value(of: inputs[1], depth: depth + 1)?.floats,
                let high = try value(of: inputs[2], depth: depth + 1)?.floats
            else { return nil }
            try dequantize(node, bytes, low, high)
        case "Mul" where inputs.count == 2:
            guard let levels = try value(of: inputs[0], depth: depth + 1),
                let steps = try value(of: inputs[1], depth: depth + 1),
                let product = levels.scaled(by: steps) ?? steps.scaled(by: levels)
            else { return nil }
            values[name] = product
            // Steps must change with every element, as those of the last axes do.
            let skipped = steps.shape.reversed().prefix { $0 == 1 }.count
            if let grid = grids[inputs[0]], grid.steps == [1],
                levels.shape.suffix(skipped).allSatisfy({ $0 == 1 }), let factors = steps.floats
            {
                grids[name] = ChannelGrid(codes: grid.codes, steps: factors)
            }
        default: break
        }
        return values[name]
    }

    private mutating func dequantize(_ node: Node, _ bytes: Tensor, _ low: [Float], _ high: [Float])
        throws(DeploymentError)
    {
        if case .bytes(let mode)? = node.attributes["mode"],
            !["MIN_COMBINED", "MIN_FIRST"].contains(String(decoding: mode, as: UTF8.self))
        {
            throw .unsupported(
                node: node.name, operation: node.operation,
                what: "mode \(String(decoding: mode, as: UTF8.self))")
        }
        guard low.count == 1, high.count == 1, let tensor = bytes.dequantized(low: low[0], high: high[0])
        else {
            throw .unsupported(
                node: node.name, operation: node.operation, what: "other bytes than quint8 with one range")
        }
        values[node.name] = tensor
        // The range that `compact` writes: its levels are whole numbers.
        if low[0] == -128, high[0] == 127, case .dense(let region) = bytes.contents {
            grids[node.name] = ChannelGrid(codes: region.bytes.map { Int8(Int($0) - 128) }, steps: [1])
        }
    }
}
