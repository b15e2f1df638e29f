import Network
import TensorFlowFormat

/// Why a graph of TensorFlow's could not be read as a network.
package enum GraphReadingError: Error, Sendable, Equatable {
    /// No node makes this tensor.
    case noSuchTensor(String)
    /// The operation is not read; with all that are.
    case unsupportedOperation(String, node: String, supported: [String])
    /// The operation is read, this use of it is not.
    case unsupported(node: String, operation: String, what: String)
    /// The node contradicts itself or its inputs.
    case malformed(node: String, operation: String, what: String)
    /// The node depends on its own result.
    case cycle(node: String)
    /// Functions of the graph's library cannot be put in the place of their calls.
    case function(FunctionError)
    /// A wanted tensor does not depend on the input.
    case constantOutput(String)
    /// Constants computed from constants grow beyond what the reader grants.
    case overLimit(node: String, limit: Int)
}
