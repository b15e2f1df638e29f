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
        guard let output = reader.table.output(tensor) else { return nil }
        if reader.defined(output) == nil {
            for call in try reader.evaluationOrder(from: [output])
            where reader.defined(.init(node: call.index, index: 0)) == nil {
                guard GraphReader.reads(call.node) else { return nil }
                try reader.read(call)
            }
        }
        guard case .constant(let value)? = reader.defined(output) else { return nil }
        return value
    }
}
