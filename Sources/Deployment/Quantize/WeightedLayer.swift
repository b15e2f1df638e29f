import TensorGraph

/// The input of a layer: a tensor and the window that moves over it.
package struct InputView: Hashable, Sendable {
    /// The tensor that provides the images or vectors.
    package let input: String
    package let window: Window
    /// Whether every channel is processed separately.
    let isDepthwise: Bool

    /// A window of `[height, width]` pixels that moves by the strides over an image with `channels` channels.
    package struct Window: Hashable, Sendable {
        package let height, width, channels, strideY, strideX: Int
        /// The zero padding before the first row and column, and after the last; nil for SAME padding.
        let top, left: Int?

        /// Returns the number of windows along an axis and the position of the first.
        func span(_ size: Int, _ window: Int, _ stride: Int, _ padding: Int?) -> (count: Int, begin: Int) {
            if let padding { return (max(0, (size + 2 * padding - window) / stride + 1), -padding) }
            let count = (size + stride - 1) / stride
            return (count, -max(0, (count - 1) * stride + window - size) / 2)
        }
    }

    /// The number of inputs of one product, and the number of parallel products.
    var rows: Int { window.height * window.width * (isDepthwise ? 1 : window.channels) }
    var groups: Int { isDepthwise ? window.channels : 1 }
}

/// A convolution or matrix product with constant weights that nothing else reads.
///
/// It is treated as `groups` parallel products of `rows` inputs with `columns` outputs. A convolution is one
/// group, whose rows are the window's pixels and channels; a depthwise convolution has a group per channel,
/// whose rows are the window's pixels.
package struct WeightedLayer: Sendable {
    package let name: String
    package let view: InputView
    /// The names of the constants; the bias is the one that is added directly after.
    package let weights: String
    package let bias: String?
    package let columns: Int
    package let isConvolution: Bool

    package var input: String { view.input }
    package var rows: Int { view.rows }
    package var groups: Int { view.groups }
    package var count: Int { rows * groups * columns }
    package var channels: Int { groups * columns }

    /// Returns the layers of a graph in its order.
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
            // The outputs of a depthwise convolution are along the last two axes.
            let channels = tensor.shape.suffix(node.operation == "DepthwiseConv2dNative" ? 2 : 1).reduce(1, *)
            return WeightedLayer(
                node, weights, tensor.shape, bias: bias(after: node, channels: channels, nodes, readers))
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
        // For statistics, explicit padding at the end is close enough to that at the beginning.
        if case .ints(let values)? = node.attributes["explicit_paddings"], values.count == 8 {
            padding = (Int(values[2]), Int(values[4]))
        }
        let window = InputView.Window(
            height: area[0], width: area[1], channels: area[2], strideY: strides[1], strideX: strides[2],
            top: padding.top, left: padding.left)
        view = InputView(input: node.inputs[0], window: window, isDepthwise: isDepthwise)
    }

    private static func bias(
        after node: Node, channels: Int, _ nodes: [String: Node], _ readers: [String: [Node]]
    ) -> String? {
        guard let next = readers[node.name], next.count == 1,
            ["BiasAdd", "Add", "AddV2"].contains(next[0].operation)
        else { return nil }
        for input in next[0].inputs where input != node.name {
            if let tensor = nodes[input]?.constant, tensor.type == .float32, readers[input]?.count == 1,
                tensor.shape.last == channels
            {
                return input
            }
        }
        return nil
    }
}
