/// An error in the encoding of a Protocol Buffers message; offsets are bytes from the start of the file.
package enum WireError: Equatable, Sendable {
    /// The file ends within the field that starts at `offset`.
    case truncated(offset: Int, needed: Int, available: Int)
    case malformed(offset: Int, WireFault)
}

package enum WireFault: Equatable, Sendable {
    /// A varint has more than 64 bits.
    case overlongVarint
    /// A field number is 0 or above 2^29 − 1.
    case invalidFieldNumber
    /// The wire type is 3 or 4 (groups, which no supported format uses), 6 or 7.
    case invalidWireType(Int)
    /// A known field has a wrong wire type.
    case unexpectedWireType(field: Int, wireType: Int)
    /// A length exceeds the enclosing message.
    case lengthBeyondMessage(length: Int, available: Int)
    case invalidUTF8
}

/// The error type of a format, which wraps errors of the encoding.
package protocol WireFailure: Error {
    init(_ error: WireError)
}

/// The encoding of a field's payload.
package enum WireType: Int, Sendable {
    case varint = 0, fixed64 = 1, lengthDelimited = 2, fixed32 = 5
}

/// The tag of a field.
package struct WireField: Sendable {
    package let number: Int
    package let type: WireType
    /// The offset of the tag.
    package let offset: Int
}
