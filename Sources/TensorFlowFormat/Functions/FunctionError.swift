/// Why the functions of a graph's library cannot be put in the place of their calls.
package enum FunctionError: Error, Equatable, Sendable {
    /// The library itself is malformed. Offsets are bytes from the start of the graph's fields other than nodes.
    case malformed(GraphDefError)
    /// A node calls what the library does not hold.
    case unknown(function: String, node: String)
    /// The function calls itself, directly or through others.
    case cyclic(function: String)
    /// Calls are nested more deeply than the reader follows.
    case tooDeep(function: String, limit: Int)
    /// The nodes of all calls together are more than the reader makes.
    case tooManyNodes(limit: Int)
    /// The names of the nodes of all calls together are longer than the reader makes them.
    case namesTooLong(limit: Int)
    /// A call gives fewer tensors than the function takes.
    case argumentMismatch(function: String, node: String, expected: Int, found: Int)
    /// An argument or result that is a list of tensors.
    case listArgument(function: String, argument: String)
    /// A result that no node of the function makes.
    case missingResult(function: String, result: String)
}
