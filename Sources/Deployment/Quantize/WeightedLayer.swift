import TensorGraph

/// What a layer looks at: a tensor, through a window that is moved over it.
package struct InputView: Hashable, Sendable {
    /// The tensor its images or vectors come from.
    package let input: String
    package let window: Window
    /// Whether every channel is looked at for itself.
    let isDepthwise: Bool

    /// `[height, width]` pixels, moved by strides, over an image of `channels`.
    package struct Window: Hashable, Sendable {
        package let height, width, channels, strideY, strideX: Int
        /// Zeros before the image's first row and column, as many after its last; nil for as many as keep its size over the stride.
        let top, left: Int?

        /// How many windows fit along an axis, and where the first begins.
        func span(_ size: Int, _ window: Int, _ stride: Int, _ padding: Int?) -> (count: Int, begin: Int) {
            if let padding { return (max(0, (size + 2 * padding - window) / stride + 1), -padding) }
            let count = (size + stride - 1) / stride
            return (count, -max(0, (count - 1) * stride + window - size) / 2)
        }
    }

    /// Inputs of one product, and how many products stand side by side.
    var rows: Int { window.height * window.width * (isDepthwise ? 1 : window.channels) }
    var groups: Int { isDepthwise ? window.channels : 1 }
}

/// A convolution or matrix product with constant weights that nothing else reads.
///
/// Seen as products of `rows` inputs with `columns` outputs, `groups` of them side by side: a convolution is one group whose rows are its
/// window's pixels and channels; a depthwise one has a group a channel, whose rows are the window's pixels.
package struct WeightedLayer: Sendable {
    package let name: String
    package let view: InputView
    /// Names of constants; the bias is the one added right after.
    package let weights: String
    package let bias: String?
    package let columns: Int
    package let isConvolution: Bool

    package var input: String { view.input }
    package var rows: Int { view.rows }
    package var groups: Int { view.groups }
    package var count: Int { rows * groups * columns }
    package var channels: Int { groups * columns }

    /// The layers of a graph, in its order.
    package static func all(in graph: Graph) -> [WeightedLayer] {
        let nodes = Dictionary(graph.nodes.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        var readers: [String: [Node]] = [:]
        for node in graph.nodes {
            for input in node.inputs { readers[TensorReference(input).node, default: []].append(node) }
        }
        return graph.nodes.compactMap { node in
            guard node.inputs.count == 2, node.isChannelsLast else { return nil }
            let weights = TensorReference(node.inputs[1]).node
            guard readers[weights]?.count == 1, let tensor = nodes[weights]?.constant,
                tensor.type == .float32, tensor.count > 0
            else { return nil }
            return WeightedLayer(node, weights, tensor.shape, bias: bias(after: node, nodes, readers))
        }
    }

    private init?(_ node: Node, _ weights: String, _ shape: [Int], bias: String?) {
        (name, self.weights, self.bias) = (node.name, weights, bias)
        isConvolution = node.operation != "MatMul"
        let columns: Int, isDepthwise: Bool
        switch (node.operation, shape.count) {
        case ("Conv2D", 4): (columns, isDepthwise) = (shape[3], false)
        case ("DepthwiseConv2dNative", 4): (columns, isDepthwise) = (shape[3], true)
        case ("MatMul", 2):
            if case .bool(true)? = node.attributes["transpose_b"] { return nil }
            (columns, isDepthwise) = (shape[1], false)
        default: return nil
        }
        self.columns = columns
        let area = shape.count == 4 ? shape : [1, 1, shape[0], shape[1]]
        var strides = [1, 1, 1, 1], padding: (top: Int?, left: Int?) = (0, 0)
        if case .ints(let values)? = node.attributes["strides"], values.count == 4 {
            strides = values.map(Int.init)
        }
        if case .bytes(let kind)? = node.attributes["padding"], kind == Array("SAME".utf8) {
            padding = (nil, nil)
        }
        // What an explicit padding adds at the end is near enough to what it adds at the beginning for statistics.
        if case .ints(let values)? = node.attributes["explicit_paddings"], values.count == 8 {
            padding = (Int(values[2]), Int(values[4]))
        }
        let window = InputView.Window(
            height: area[0], width: area[1], channels: area[2], strideY: strides[1], strideX: strides[2],
            top: padding.top, left: padding.left)
        view = InputView(input: node.inputs[0], window: window, isDepthwise: isDepthwise)
    }

    private static func bias(after node: Node, _ nodes: [String: Node], _ readers: [String: [Node]])
        -> String?
    {
        guard let next = readers[node.name], next.count == 1,
            ["BiasAdd", "Add", "AddV2"].contains(next[0].operation)
        else { return nil }
        for input in next[0].inputs where input != node.name {
            if let tensor = nodes[input]?.constant, tensor.type == .float32, readers[input]?.count == 1 {
                return input
            }
        }
        return nil
    }
}
