/// An error of inlining the functions of a graph's library.
package enum FunctionError: Error, Equatable, Sendable {
    /// The library itself is malformed; offsets are bytes from the start of the graph's fields other than
    /// nodes.
    case malformed(GraphDefError)
    /// A node calls a function that the library does not contain.
    case unknown(function: String, node: String)
    /// The function calls itself, directly or through others.
    case cyclic(function: String)
    /// Calls are nested more deeply than the limit.
    case tooDeep(function: String, limit: Int)
    /// The inlined calls have more nodes than the limit.
    case tooManyNodes(limit: Int)
    /// The names of the inlined calls' nodes have more bytes than the limit.
    case namesTooLong(limit: Int)
    /// A call passes fewer tensors than the function has arguments.
    case argumentMismatch(function: String, node: String, expected: Int, found: Int)
    /// An argument or result of the function is a list of tensors.
    case listArgument(function: String, argument: String)
    /// No node of the function computes the result.
    case missingResult(function: String, result: String)
}
