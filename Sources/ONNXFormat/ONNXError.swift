import WireFormat

/// Why bytes could not be read, or written, as an ONNX model. Offsets are bytes from the start of the file.
package enum ONNXError: Error, Equatable, Sendable {
    /// No message with a graph and operators in it.
    case notONNX
    /// The file ends inside the field that starts at `offset`: a download or copy that was cut short.
    case truncated(offset: Int, needed: Int, available: Int)
    case malformed(offset: Int, ONNXFault)
    case overLimit(offset: Int, ONNXLimit, limit: Int)
    /// The weights of `tensor` lie in another file, and are not to be had from there.
    case externalData(tensor: String, ONNXExternalFault)
    /// The model could not be opened, mapped or written; the system's error number.
    case inputOutput(errno: Int32)
    /// Protocol Buffers stop at 2 GiB.
    case tooLargeToWrite(bytes: Int)
}

/// What is wrong at an offset.
package enum ONNXFault: Equatable, Sendable {
    case wire(WireFault)
    /// A `NodeProto` without an operator.
    case namelessOperator
    case invalidDimension(Int64)
    /// A tensor whose content is not what its type and shape need; in bytes.
    case tensorSizeMismatch(tensor: String, expected: Int, found: Int)
}

/// What a model may not have more of.
package enum ONNXLimit: Equatable, Sendable {
    case nodes, initializers, values, dimensions
}

/// What is wrong with a tensor's `external_data`.
package enum ONNXExternalFault: Equatable, Sendable {
    /// No location, or a number that is none.
    case malformedEntry(key: String)
    /// A location that leaves the model's folder: absolute, with `..`, or through a link.
    case outsideFolder(location: String)
    /// The model did not come from a file, so that it has no folder.
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
