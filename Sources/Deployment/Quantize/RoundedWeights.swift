import TensorGraph

/// Rounds every float32 constant to at most 2^bits distinct values, like quantize_graph's mode
/// `weights_rounded`; types and sizes stay, but the graph compresses well.
///
///     let rounded = try RoundedWeights(bits: 8).apply(to: graph)
///
/// With N = 2^bits and w = (max − min) / N, an element x becomes min + w(i + ½), where i = min(⌊(x − min) /
/// w⌋, N − 1); a tensor of equal values stays unchanged. Each step is computed in float32, as numpy does.
/// Zero is not preserved.
package struct RoundedWeights: Sendable {
    package let bits: Int

    /// - Parameter bits: The number of bits, 1...16.
    package init(bits: Int = 8) {
        precondition((1...16).contains(bits))
        self.bits = bits
    }

    /// - Throws: `DeploymentError` with the first constant that contains an infinity or NaN or whose range
    ///   exceeds float32.
    package func apply(to graph: Graph) throws(DeploymentError) -> Graph {
        var graph = graph
        for index in graph.nodes.indices {
            let node = graph.nodes[index]
            guard let tensor = node.constant, let values = tensor.floats, !values.isEmpty,
                let rounded = try rounded(values, node: node.name, operation: node.operation)
            else { continue }
            graph.nodes[index].attributes["value"] = .tensor(Tensor(rounded, shape: tensor.shape))
        }
        return graph
    }

    /// Returns the rounded values; nil if they are equal.
    func rounded(_ values: [Float], node: String, operation: String) throws(DeploymentError) -> [Float]? {
        let (low, high) = try Node(operation, name: node).range(of: values)
        let count = Float(1 << bits), width = (high - low) / count
        // The range may consist of a few subnormals, whose width rounds to zero.
        guard width > 0 else { return nil }
        return values.map { low + width * (min((($0 - low) / width).rounded(.down), count - 1) + 0.5) }
    }
}

extension Node {
    /// Returns the least and the greatest of a constant's elements.
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
