/// What is wrong with the encoding of a Protocol Buffers message. Offsets are bytes from the start of the file.
package enum WireError: Equatable, Sendable {
    /// The file ends inside the field that starts at `offset`.
    case truncated(offset: Int, needed: Int, available: Int)
    case malformed(offset: Int, WireFault)
}

package enum WireFault: Equatable, Sendable {
    /// A varint of more than 64 bits.
    case overlongVarint
    /// A field numbered 0 or beyond 2^29 − 1.
    case invalidFieldNumber
    /// Wire types 3, 4 (groups, which no format here uses), 6 and 7.
    case invalidWireType(Int)
    /// A known field in an encoding it cannot have.
    case unexpectedWireType(field: Int, wireType: Int)
    /// A length that leaves the enclosing message.
    case lengthBeyondMessage(length: Int, available: Int)
    case invalidUTF8
}

/// A format's own error, which an error of the encoding becomes.
package protocol WireFailure: Error {
    init(_ error: WireError)
}

/// How a field's payload is encoded.
package enum WireType: Int, Sendable {
    case varint = 0, fixed64 = 1, lengthDelimited = 2, fixed32 = 5
}

/// A field's tag.
package struct WireField: Sendable {
    package let number: Int
    package let type: WireType
    /// Where the tag starts.
    package let offset: Int
}
