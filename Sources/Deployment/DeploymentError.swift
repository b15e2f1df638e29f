/// The errors of rewriting a graph, which name the node.
package enum DeploymentError: Error, Sendable, Equatable {
    /// Two nodes have the same name.
    case duplicateName(String)
    /// A tensor does not exist. `node` reads it, or is empty if the caller named the tensor.
    case noSuchTensor(String, node: String)
    case cycle(node: String)
    /// The operation, or this use of it, is not supported, because equal results could not be guaranteed.
    case unsupported(node: String, operation: String, what: String)
    /// The node contradicts itself or its inputs.
    case malformed(node: String, operation: String, what: String)
    /// The file would have more bytes than its format allows.
    case tooLarge(bytes: Int)
}

extension DeploymentError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .duplicateName(let name): "two nodes are named '\(name)'"
        case .noSuchTensor(let name, node: ""): "there is no tensor '\(name)'"
        case .noSuchTensor(let name, let node): "node '\(node)' reads '\(name)', which is not there"
        case .cycle(let node): "node '\(node)' depends on itself"
        case .unsupported(let node, let operation, let what): "node '\(node)' (\(operation)): \(what)"
        case .malformed(let node, let operation, let what): "node '\(node)' (\(operation)): \(what)"
        case .tooLarge(let bytes): "would take \(bytes) bytes, more than readers of the format take"
        }
    }
}
