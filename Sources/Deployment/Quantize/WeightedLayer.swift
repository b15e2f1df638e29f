import TensorGraph

/// A convolution or matrix product with constant weights that nothing else reads.
///
/// Seen as products of `rows` inputs with `columns` outputs, `groups` of them side by side: a convolution is one group whose rows are its
/// window's pixels and channels; a depthwise one has a group a channel, whose rows are the window's pixels.
package struct WeightedLayer: Sendable {
    package let name: String
    /// The tensor its images or vectors come from.
    package let input: String
    /// Names of constants; the bias is the one added right after.
    package let weights: String
    package let bias: String?
    package let window: Window
    package let rows, groups, columns: Int
    package let isConvolution: Bool

    /// `[height, width]` pixels, moved by strides, over an image of `channels`.
    package struct Window: Sendable {
        package let height, width, channels, strideY, strideX: Int
        package let isSame: Bool
    }

    package var count: Int { rows * groups * columns }
    package var channels: Int { groups * columns }

    /// The layers of a graph, in its order.
    package static func all(in graph: Graph) -> [WeightedLayer] {
        let nodes = Dictionary(graph.nodes.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        var readers: [String: [Node]] = [:]
        for node in graph.nodes { for input in node.inputs { readers[TensorReference(input).node, default: []].append(node) } }
        return graph.nodes.compactMap { node in
            guard node.inputs.count == 2, node.isChannelsLast else { return nil }
            let weights = TensorReference(node.inputs[1]).node
            guard readers[weights]?.count == 1, let tensor = nodes[weights]?.constant, tensor.type == .float32, tensor.count > 0 else { return nil }
            return WeightedLayer(node, weights, tensor.shape, bias: bias(after: node, nodes, readers))
        }
    }

    private init?(_ node: Node, _ weights: String, _ shape: [Int], bias: String?) {
        (name, input, self.weights, self.bias) = (node.name, node.inputs[0], weights, bias)
        isConvolution = node.operation != "MatMul"
        var strides = [1, 1, 1, 1], isSame = false
        if case .ints(let values)? = node.attributes["strides"], values.count == 4 { strides = values.map(Int.init) }
        if case .bytes(let padding)? = node.attributes["padding"] { isSame = padding == Array("SAME".utf8) }
        switch (node.operation, shape.count) {
        case ("Conv2D", 4): (rows, groups, columns) = (shape[0] * shape[1] * shape[2], 1, shape[3])
        case ("DepthwiseConv2dNative", 4): (rows, groups, columns) = (shape[0] * shape[1], shape[2], shape[3])
        case ("MatMul", 2):
            if case .bool(true)? = node.attributes["transpose_b"] { return nil }
            (rows, groups, columns) = (shape[0], 1, shape[1])
        default: return nil
        }
        let area = shape.count == 4 ? shape : [1, 1, shape[0], shape[1]]
        window = Window(height: area[0], width: area[1], channels: area[2], strideY: strides[1], strideX: strides[2], isSame: isSame)
    }

    private static func bias(after node: Node, _ nodes: [String: Node], _ readers: [String: [Node]]) -> String? {
        guard let next = readers[node.name], next.count == 1, ["BiasAdd", "Add", "AddV2"].contains(next[0].operation) else { return nil }
        for input in next[0].inputs where input != node.name {
            if let tensor = nodes[input]?.constant, tensor.type == .float32, readers[input]?.count == 1 { return input }
        }
        return nil
    }
}
