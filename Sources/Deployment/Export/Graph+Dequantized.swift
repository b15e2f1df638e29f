import TensorGraph

extension Graph {
    /// Returns the graph with float weights in place of quantized ones, and the quantized weights by name.
    ///
    /// A `Dequantize` of constants becomes a constant, as does a product of constants: `retrain` and
    /// `quantize` write weights with a factor per channel or per input in this form.
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

    /// - Returns: The tensor, or nil if it depends on anything but stored constants.
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
            // The steps must vary along the last axis that is longer than 1.
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
        guard let mode = node.dequantizationMode else {
            throw .unsupported(
                node: node.name, operation: node.operation,
                what: "its mode")
        }
        guard low.count == 1, high.count == 1,
            let tensor = bytes.dequantized(low: low[0], high: high[0], mode)
        else {
            throw .unsupported(
                node: node.name, operation: node.operation, what: "other bytes than quint8 with one range")
        }
        values[node.name] = tensor
        // This is the range that `compact` writes, whose levels are integers.
        if low[0] == -128, high[0] == 127, case .dense(let region) = bytes.contents {
            grids[node.name] = ChannelGrid(codes: region.bytes.map { Int8(Int($0) - 128) }, steps: [1])
        }
    }
}
