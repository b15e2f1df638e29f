/// The reasons why a network cannot be planned; they are found before any image is processed.
package enum PlanError: Error, Sendable, Equatable {
    /// The operation is supported but not this use of it, such as a convolution whose weights are computed.
    case unsupported(node: String, operation: String, what: String)
}
