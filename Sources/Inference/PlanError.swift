/// Why a graph cannot be run. Found while planning, before any picture is looked at.
package enum PlanError: Error, Sendable, Equatable {
    /// No node makes this tensor.
    case noSuchTensor(String)
    case unsupportedOperation(String, node: String)
    /// The operation is known, this use of it is not: a dilation, a channels-first layout, a weight that is no constant, …
    case unsupported(node: String, operation: String, what: String)
    /// The node contradicts itself or its inputs: shapes that do not fit, attributes that are absent.
    case malformed(node: String, operation: String, what: String)
    case cycle(node: String)
}
