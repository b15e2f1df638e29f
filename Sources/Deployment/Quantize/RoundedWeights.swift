import TensorGraph

/// quantize_graph's `weights_rounded`: every float32 constant keeps its type and size and takes at most 2^bits values, so that a zip of
/// the graph is small.
///
///     let rounded = try RoundedWeights(bits: 8).apply(to: graph)
///
/// With N = 2^bits and w = (max − min) / N, an element x becomes min + w(i + ½), i = min(⌊(x − min) / w⌋, N − 1); a tensor of one value
/// stays as it is. Each step is float32, as numpy computes it. Zero is not preserved.
package struct RoundedWeights: Sendable {
    package let bits: Int

    /// - Parameter bits: 1...16.
    package init(bits: Int = 8) {
        precondition((1...16).contains(bits))
        self.bits = bits
    }

    /// - Throws: naming the first constant that holds an infinity or a NaN, or whose range is past float32.
    package func apply(to graph: Graph) throws(DeploymentError) -> Graph {
        var graph = graph
        for index in graph.nodes.indices {
            guard let tensor = graph.nodes[index].constant, let values = tensor.floats, !values.isEmpty else {
                continue
            }
            let (low, high) = try graph.nodes[index].range(of: values)
            let count = Float(1 << bits), width = (high - low) / count
            // A range of a few subnormals has no width to divide by.
            guard width > 0 else { continue }
            let rounded = values.map {
                low + width * (min((($0 - low) / width).rounded(.down), count - 1) + 0.5)
            }
            graph.nodes[index].attributes["value"] = .tensor(Tensor(rounded, shape: tensor.shape))
        }
        return graph
    }
}

extension Node {
    /// The least and the greatest of a constant's elements.
    func range(of values: [Float]) throws(DeploymentError) -> (low: Float, high: Float) {
        var (low, high) = (values[0], values[0])
        var isFinite = true
        for value in values {
            isFinite = isFinite && value.isFinite
            low = min(low, value)
            high = max(high, value)
        }
        guard isFinite, (high - low).isFinite else {
            throw .malformed(node: name, operation: operation, what: "holds numbers that are not finite")
        }
        return (low, high)
    }
}
