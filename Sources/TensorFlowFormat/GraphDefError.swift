/// The errors of reading or writing a GraphDef; offsets are bytes from the start of the file.
package enum GraphDefError: Error, Equatable, Sendable {
    /// The file is of another kind.
    case notGraphDef(ForeignFile)
    /// The file ends within the field that starts at `offset`, because a download or copy was cut short.
    case truncated(offset: Int, needed: Int, available: Int)
    case malformed(offset: Int, GraphDefFault)
    /// Constants given by one repeated value would exceed the memory limit.
    case overLimit(offset: Int, declared: Int, limit: Int)
    /// The file could not be opened, mapped or written, with the system's error number.
    case inputOutput(errno: Int32)
    /// The graph exceeds the 2 GiB limit of Protocol Buffers and thus of TensorFlow.
    case tooLargeToWrite(bytes: Int)
}

/// A fault at an offset.
package enum GraphDefFault: Equatable, Sendable {
    /// A varint has more than 64 bits.
    case overlongVarint
    /// A field number is 0 or above 2^29 − 1.
    case invalidFieldNumber
    /// The wire type is 3 or 4 (groups, which GraphDefs never use), 6 or 7.
    case invalidWireType(Int)
    /// A known field has a wrong wire type.
    case unexpectedWireType(field: Int, wireType: Int)
    /// A length exceeds the enclosing message.
    case lengthBeyondMessage(length: Int, available: Int)
    case invalidUTF8
    case namelessNode
    case invalidDimension(Int64)
    case tooManyDimensions(Int)
    /// The size of a tensor's content does not match its type and shape.
    case tensorSizeMismatch(expected: Int, found: Int)
}
