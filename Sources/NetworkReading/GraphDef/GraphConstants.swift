import TensorGraph

/// Evaluates tensors of a graph that depend on constants only; values are computed once.
package struct GraphConstants {
    private var reader: GraphReader

    /// - Parameter graph: The graph; among nodes of one name, the first counts.
    package init(_ graph: Graph) { reader = GraphReader(graph) }

    /// Returns the value of a tensor, or nil if it does not depend on constants only.
    ///
    /// - Throws: `GraphReadingError` with the node that is malformed or cannot be evaluated.
    package mutating func value(of tensor: String) throws(GraphReadingError) -> Tensor? {
        let tensor = NodeCall.canonical(tensor)
        if reader.defined(tensor) == nil {
            let order = try reader.evaluationOrder(from: [tensor])
            for node in order where reader.defined(node.name) == nil {
                guard GraphReader.reads(node) else { return nil }
                try reader.read(NodeCall(node))
            }
        }
        guard case .constant(let value)? = reader.defined(tensor) else { return nil }
        return value
    }
}
