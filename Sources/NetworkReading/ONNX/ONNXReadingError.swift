import Network

/// Why an ONNX model could not be read as a network.
package enum ONNXReadingError: Error, Equatable, Sendable {
    package enum Reason: String, Equatable, Sendable {
        case unknown, quantized, controlFlow, training, otherDomain
    }
    /// An operator that is not read, with all that are; found before any work.
    case unsupported(operation: String, node: String, Reason, supported: [String])
    /// A standard operator in a use that is not read, or with inputs and attributes that contradict each other.
    case node(operation: String, node: String, what: String)
    /// The opset of the standard operators is missing or newer or older than those that are read.
    case operatorSet(Int64?, supported: ClosedRange<Int64>)
    /// The model's input is not one image.
    case input(name: String, what: String)
    case network(NetworkError)
    /// Constants computed from constants grow beyond what the reader grants; elements.
    case overLimit(node: String, elements: Int, limit: Int)
}
