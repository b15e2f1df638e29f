/// Reads the fields of one Protocol Buffers message with bounds checks.
///
/// A nested message is a reader over a part of the same bytes. Every length and number from the file is
/// compared with the remaining bytes before it is used. Errors are wrapped in the format's own type.
///
/// - Source: https://protobuf.dev/programming-guides/encoding
package struct WireReader<Failure: WireFailure> {

    /// The whole file, in which offsets are positions. It is valid only within the `withUnsafeBytes` call
    /// that provided it.
    package let file: UnsafeRawBufferPointer
    package private(set) var offset: Int
    package let end: Int
    /// Whether this is the outermost message, whose overrun means that the file is truncated.
    private let isOutermost: Bool

    package init(file: UnsafeRawBufferPointer) {
        (self.file, offset, end, isOutermost) = (file, 0, file.count, true)
    }

    private init(file: UnsafeRawBufferPointer, range: Range<Int>) {
        (self.file, offset, end, isOutermost) = (file, range.lowerBound, range.upperBound, false)
    }

    package var isAtEnd: Bool { offset == end }

    /// Returns the next field's tag, or nil at the end of the message.
    package mutating func next() throws(Failure) -> WireField? {
        if isAtEnd { return nil }
        let start = offset
        let tag = try varint()
        guard tag >> 3 > 0, tag >> 3 < 1 << 29 else {
            throw Failure(.malformed(offset: start, .invalidFieldNumber))
        }
        guard let type = WireType(rawValue: Int(tag & 7)) else {
            throw Failure(.malformed(offset: start, .invalidWireType(Int(tag & 7))))
        }
        return WireField(number: Int(tag >> 3), type: type, offset: start)
    }

    package mutating func varint() throws(Failure) -> UInt64 {
        let start = offset
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            guard offset < end else { throw overrun(from: start, length: offset - start + 1) }
            let byte = file[offset]
            offset += 1
            // The tenth byte holds the last of 64 bits.
            if shift == 63, byte > 1 { throw Failure(.malformed(offset: start, .overlongVarint)) }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
    }

    package mutating func fixed32() throws(Failure) -> UInt32 {
        let range = try take(4, from: offset)
        return UInt32(littleEndian: file.loadUnaligned(fromByteOffset: range.lowerBound, as: UInt32.self))
    }

    package mutating func fixed64() throws(Failure) -> UInt64 {
        let range = try take(8, from: offset)
        return UInt64(littleEndian: file.loadUnaligned(fromByteOffset: range.lowerBound, as: UInt64.self))
    }

    /// Returns the range in the file of a length-delimited field's payload.
    package mutating func payload() throws(Failure) -> Range<Int> {
        let start = offset
        let length = try varint()
        guard let length = Int(exactly: length) else {
            throw Failure(.malformed(offset: start, .overlongVarint))
        }
        return try take(length, from: start)
    }

    package mutating func message() throws(Failure) -> WireReader {
        WireReader(file: file, range: try payload())
    }

    package mutating func bytes() throws(Failure) -> [UInt8] {
        [UInt8](file[try payload()])
    }

    package mutating func string() throws(Failure) -> String { try text(try payload()) }

    /// The rest of the message as text, for the value of a map's entry.
    package var text: String { get throws(Failure) { try text(offset..<end) } }

    /// Reads the message as an entry of a map with strings as keys: the key in field 1, the value in field 2.
    ///
    /// - Returns: The key, empty if it is absent, and the payload of the value.
    package func mapEntry() throws(Failure) -> (key: String, value: WireReader?) {
        var message = self, key = "", value: WireReader?
        while let field = try message.next() {
            if (1...2).contains(field.number) { try message.expect(.lengthDelimited, field) }
            switch field.number {
            case 1: key = try message.string()
            case 2: value = try message.message()
            default: try message.skip(field)
            }
        }
        return (key, value)
    }

    private func text(_ range: Range<Int>) throws(Failure) -> String {
        guard let string = String(validating: file[range], as: UTF8.self) else {
            throw Failure(.malformed(offset: range.lowerBound, .invalidUTF8))
        }
        return string
    }

    package mutating func skip(_ field: WireField) throws(Failure) {
        switch field.type {
        case .varint: _ = try varint()
        case .fixed32: _ = try fixed32()
        case .fixed64: _ = try fixed64()
        case .lengthDelimited: _ = try payload()
        }
    }

    /// Throws if a known field does not have the expected wire type.
    package func expect(_ type: WireType, _ field: WireField) throws(Failure) {
        guard field.type == type else {
            throw Failure(
                .malformed(
                    offset: field.offset,
                    .unexpectedWireType(field: field.number, wireType: field.type.rawValue)))
        }
    }

    /// Appends the elements of a repeated number, which may be packed in one field or have a field each.
    package mutating func appendRepeated<Element>(
        _ field: WireField, _ type: WireType, to elements: inout [Element],
        _ read: (inout WireReader) throws(Failure) -> Element
    ) throws(Failure) {
        if field.type == .lengthDelimited {
            var packed = try message()
            while !packed.isAtEnd { elements.append(try read(&packed)) }
        } else {
            try expect(type, field)
            elements.append(try read(&self))
        }
    }

    private mutating func take(_ length: Int, from start: Int) throws(Failure) -> Range<Int> {
        guard length <= end - offset else { throw overrun(from: start, length: length) }
        defer { offset += length }
        return offset..<(offset + length)
    }

    private func overrun(from start: Int, length: Int) -> Failure {
        Failure(
            isOutermost
                ? .truncated(offset: start, needed: length, available: end - offset)
                : .malformed(offset: start, .lengthBeyondMessage(length: length, available: end - offset)))
    }
}
