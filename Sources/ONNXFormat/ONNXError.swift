import WireFormat

/// The errors of reading or writing an ONNX model; offsets are bytes from the start of the file.
package enum ONNXError: Error, Equatable, Sendable {
    /// The bytes are not a model message with a graph and operator sets.
    case notONNX
    /// The file ends within the field that starts at `offset`, because a download or copy was cut short.
    case truncated(offset: Int, needed: Int, available: Int)
    case malformed(offset: Int, ONNXFault)
    case overLimit(offset: Int, ONNXLimit, limit: Int)
    /// The weights of `tensor` are in another file that cannot be used.
    case externalData(tensor: String, ONNXExternalFault)
    /// A function that the model defines cannot be put in the place of its calls.
    case function(name: String, ONNXFunctionFault)
    /// The model could not be opened, mapped or written, with the system's error number.
    case inputOutput(errno: Int32)
    /// The model exceeds the 2 GiB limit of Protocol Buffers.
    case tooLargeToWrite(bytes: Int)
}

/// A fault at an offset.
package enum ONNXFault: Equatable, Sendable {
    case wire(WireFault)
    /// A `NodeProto` has no operator.
    case namelessOperator
    case invalidDimension(Int64)
    /// The size of a tensor's content, in bytes, does not match its type and shape.
    case tensorSizeMismatch(tensor: String, expected: Int, found: Int)
}

/// A fault in the functions that a model defines.
package enum ONNXFunctionFault: Equatable, Sendable {
    /// The function calls itself, perhaps through others.
    case callsItself
    case tooDeep(limit: Int)
    case tooManyCalls(limit: Int), tooManyNodes(limit: Int)
}

/// The quantities that are limited.
package enum ONNXLimit: Equatable, Sendable {
    case nodes, initializers, values, dimensions
}

/// A fault in a tensor's `external_data`.
package enum ONNXExternalFault: Equatable, Sendable {
    /// The location is missing, or a number is invalid.
    case malformedEntry(key: String)
    /// The location leaves the model's folder: it is absolute, contains `..`, or follows a link.
    case outsideFolder(location: String)
    /// The model was not read from a file, so it has no folder.
    case noFolder
    case inputOutput(path: String, errno: Int32)
    case beyondFile(path: String, offset: Int, length: Int, size: Int)
    case sizeMismatch(path: String, expected: Int, found: Int)
}

extension ONNXError: WireFailure {
    package init(_ error: WireError) {
        self =
            switch error {
            case .truncated(let offset, let needed, let available):
                .truncated(offset: offset, needed: needed, available: available)
            case .malformed(let offset, let fault): .malformed(offset: offset, .wire(fault))
            }
    }
}
