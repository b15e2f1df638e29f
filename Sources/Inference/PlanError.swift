/// The reasons why a graph cannot be planned; they are found before any image is processed.
package enum PlanError: Error, Sendable, Equatable {
    /// No node makes this tensor.
    case noSuchTensor(String)
    case unsupportedOperation(String, node: String)
    /// The operation is supported but not this use of it, such as a channels-first layout or a weight that is
    /// not constant.
    case unsupported(node: String, operation: String, what: String)
    /// The node contradicts itself or its inputs: shapes that do not match, or missing attributes.
    case malformed(node: String, operation: String, what: String)
    case cycle(node: String)
}
