import Network
import TensorFlowFormat

/// An error of reading a TensorFlow graph as a network.
package enum GraphReadingError: Error, Sendable, Equatable {
    /// No node computes the tensor of this name.
    case noSuchTensor(String)
    /// The operation is not read; `supported` names those that are.
    case unsupportedOperation(String, node: String, supported: [String])
    /// The operation is read, but not with these attributes or inputs.
    case unsupported(node: String, operation: String, what: String)
    /// The node's attributes contradict each other or its inputs.
    case malformed(node: String, operation: String, what: String)
    /// The node depends on its own result.
    case cycle(node: String)
    /// The functions of the graph's library cannot be inlined.
    case function(FunctionError)
    /// The output does not depend on the input.
    case constantOutput(String)
    /// The outputs depend on more nodes than the limit.
    case tooManyNodes(Int, limit: Int)
    /// The constants that are computed while reading have more elements than the limit.
    case overLimit(node: String, limit: Int)
}
