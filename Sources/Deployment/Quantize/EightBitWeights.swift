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
            guard read.contains(node.name), let values = node.constant?.floats,
                values.count >= Self.minimumCount
            else {
                nodes.append(node)
                continue
            }
            nodes += try node.asBytes(fresh: fresh)
        }
        return Graph(nodes: nodes, trailer: graph.trailer)
    }
}

extension Node {
    /// Returns a node of the same name that yields this constant of floats rounded to an even grid, and the constants
    /// that it reads: bytes, and the range that 256 levels would have.
    ///
    /// - Parameters:
    ///   - levels: The number of levels of the grid between the least number or zero and the greatest or zero: 256, or
    ///     from 3 to 255 for fewer, which take less room when they are compressed. Their step is a power of two, so that
    ///     the numbers have short mantissas and take little room as floats too.
    ///   - fresh: Returns an unused name similar to the given one.
    /// - Throws: `DeploymentError` if a number is not finite.
    package func asBytes(levels: Int = 256, fresh: (String) -> String) throws(DeploymentError) -> [Node] {
        guard let tensor = constant, let values = tensor.floats else { return [self] }
        var (low, high) = try range(of: values)
        (low, high) = (min(low, 0), max(high, 0))
        if low == high { high = 1 }
        let last = Float(levels - 1)
        var step = (high - low) / last
        if levels < 256 {
            // The lowest level is a multiple of the step, which takes up to one level more.
            let least = (high - low) / (last - 1)
            step = Float(
                sign: .plus, exponent: least.exponent + (least.significand > 1 ? 1 : 0), significand: 1)
            low = (low / step).rounded(.down) * step
        }
        let codes = values.map { UInt8(max(0, min(last, (($0 - low) / step).rounded()))) }
        let parts = ["quint8_const", "min", "max"].map { fresh("\(name)_\($0)") }
        return [
            .constant(
                parts[0], Tensor(type: .quint8, shape: tensor.shape, contents: .dense(ByteRegion(codes)))),
            .constant(parts[1], Tensor([low], shape: [])),
            .constant(parts[2], Tensor([levels == 256 ? high : low + step * 255], shape: [])),
            .dequantize(name, parts),
        ]
    }

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
