import Network
import ONNXFormat

/// The errors of reading an ONNX model as a network.
package enum ONNXReadingError: Error, Equatable, Sendable {
    package enum Reason: Equatable, Sendable {
        case unknown, quantized, controlFlow, training
        /// The operator is of a domain of which it is not supported.
        case otherDomain(String)
    }
    /// An operator is not supported; the error lists those that are. These errors are found before any work.
    case unsupported(operation: String, node: String, Reason, supported: [String])
    /// This use of an operator is not supported, or its inputs and attributes contradict each other.
    case node(operation: String, node: String, what: String)
    /// The version of the standard operators is missing or older than the known ones.
    case operatorSet(Int64?, supported: ClosedRange<Int64>)
    /// The model's input is not a single image.
    case input(name: String, what: String)
    case network(NodeError)
    /// A part of the file that is read only now, such as a branch, is damaged.
    case model(ONNXError)
    /// The outputs depend on more nodes than the limit.
    case tooManyNodes(Int, limit: Int)
    /// Constants computed from constants exceed the limit on elements.
    case overLimit(node: String, elements: Int, limit: Int)
}
