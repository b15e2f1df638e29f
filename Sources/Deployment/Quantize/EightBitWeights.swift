import TensorGraph

/// Stores large float32 constants as bytes, like quantize_graph's mode `weights`; TensorFlow's `Dequantize`
/// converts them back when it loads the graph.
///
/// A constant `w` becomes `w_quint8_const`, `w_min`, `w_max` and a `Dequantize` node with the old name: min +
/// q · (max − min) / 255. The range includes zero, as in quantize_graph. Constants that no node reads, such
/// as metadata, stay unchanged.
package struct EightBitWeights: Sendable {
    /// The size below which constants stay, because three more nodes outweigh the savings; it is
    /// quantize_weights' `minimum_size`.
    package static let minimumCount = 1024

    package init() {}

    package func apply(to graph: Graph) throws(DeploymentError) -> Graph {
        var nodes: [Node] = []
        var names = Set(graph.nodes.map(\.name))
        func fresh(_ wish: String) -> String {
            var name = wish
            while !names.insert(name).inserted { name += "_" }
            return name
        }
        let read = Set(graph.nodes.flatMap { $0.inputs.map { TensorReference($0).node } })
        for node in graph.nodes {
            guard read.contains(node.name), let tensor = node.constant, let values = tensor.floats,
                values.count >= Self.minimumCount
            else {
                nodes.append(node)
                continue
            }
            var (low, high) = try node.range(of: values)
            (low, high) = (min(low, 0), max(high, 0))
            if low == high { high = 1 }
            let step = (high - low) / 255
            let codes = values.map { UInt8(max(0, min(255, (($0 - low) / step).rounded()))) }
            let parts = ["quint8_const", "min", "max"].map { fresh("\(node.name)_\($0)") }
            nodes.append(
                .constant(
                    parts[0], Tensor(type: .quint8, shape: tensor.shape, contents: .dense(ByteRegion(codes))))
            )
            nodes.append(.constant(parts[1], Tensor([low], shape: [])))
            nodes.append(.constant(parts[2], Tensor([high], shape: [])))
            nodes.append(.dequantize(node.name, parts))
        }
        return Graph(nodes: nodes, trailer: graph.trailer)
    }
}

extension Node {
    /// Returns a node that converts bytes to floats: low + q · (high − low) / 255.
    ///
    /// - Parameters:
    ///   - name: The node's name.
    ///   - inputs: The names of the bytes, low and high.
    static func dequantize(_ name: String, _ inputs: [String]) -> Node {
        Node(
            "Dequantize", name: name, inputs: inputs,
            attributes: ["T": .type(.quint8), "mode": .bytes(Array("MIN_COMBINED".utf8))])
    }
}
