/// Why bytes could not be read, or written, as a GraphDef. Offsets are bytes from the start of the file.
package enum GraphDefError: Error, Equatable, Sendable {
    /// Something else altogether, recognized where possible.
    case notGraphDef(ForeignFile)
    /// The file ends inside the field that starts at `offset`: a download or copy that was cut short.
    case truncated(offset: Int, needed: Int, available: Int)
    case malformed(offset: Int, GraphDefFault)
    /// Constants given as one repeated value would take more memory than the reader grants.
    case overLimit(offset: Int, declared: Int, limit: Int)
    /// The file could not be opened, mapped or written; the system's error number.
    case inputOutput(errno: Int32)
    /// Protocol Buffers, and with them TensorFlow, stop at 2 GiB.
    case tooLargeToWrite(bytes: Int)
}

/// What is wrong at an offset.
package enum GraphDefFault: Equatable, Sendable {
    /// A varint of more than 64 bits.
    case overlongVarint
    /// A field numbered 0 or beyond 2^29 − 1.
    case invalidFieldNumber
    /// Wire types 3, 4 (groups, which GraphDefs never use), 6 and 7.
    case invalidWireType(Int)
    /// A known field in an encoding it cannot have.
    case unexpectedWireType(field: Int, wireType: Int)
    /// A length that leaves the enclosing message.
    case lengthBeyondMessage(length: Int, available: Int)
    case invalidUTF8
    case namelessNode
    case invalidDimension(Int64)
    case tooManyDimensions(Int)
    /// A tensor whose content is not what its type and shape need.
    case tensorSizeMismatch(expected: Int, found: Int)
}
