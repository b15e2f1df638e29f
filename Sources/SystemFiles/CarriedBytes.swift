/// A reversible mapping between bytes and text for file names that are not UTF-8.
///
/// Valid UTF-8 stays unchanged. Each other byte b, which is at least 0x80, becomes the private-use scalar
/// U+10FF00 + b, and so does each byte of a scalar in that range, so that every byte sequence has its own
/// text, which maps back to it. Python's `surrogateescape` (PEP 383) uses lone surrogates instead, which a
/// Swift string cannot hold.
package enum CarriedBytes {
    /// The scalars that represent bytes.
    static let scalars: ClosedRange<UInt32> = 0x10FF80...0x10FFFF

    package static func text(_ bytes: [UInt8]) -> String {
        if let text = String(validating: bytes, as: UTF8.self), !mayCarry(text) { return text }
        var text = "", index = 0
        while index < bytes.count {
            let length = sequenceLength(bytes[index])
            let end = min(index + length, bytes.count)
            if let sequence = String(validating: bytes[index..<end], as: UTF8.self),
                let scalar = sequence.unicodeScalars.first, !scalars.contains(scalar.value)
            {
                text.unicodeScalars.append(scalar)
                index = end
            } else {
                text.unicodeScalars.append(Unicode.Scalar(0x10FF00 + UInt32(bytes[index]))!)
                index += 1
            }
        }
        return text
    }

    package static func bytes(_ text: String) -> [UInt8] {
        guard mayCarry(text) else { return Array(text.utf8) }
        var bytes: [UInt8] = []
        for scalar in text.unicodeScalars {
            if let byte = byte(scalar) { bytes.append(byte) } else { bytes += Array(String(scalar).utf8) }
        }
        return bytes
    }

    /// Returns the byte that a scalar represents; nil for an ordinary scalar.
    package static func byte(_ scalar: Unicode.Scalar) -> UInt8? {
        scalars.contains(scalar.value) ? UInt8(scalar.value & 0xFF) : nil
    }

    /// Returns whether text may contain such scalars, which begin with 0xF4 in UTF-8.
    private static func mayCarry(_ text: String) -> Bool { text.utf8.contains(0xF4) }

    /// Returns the length of a UTF-8 sequence from its first byte (RFC 3629, section 3).
    private static func sequenceLength(_ first: UInt8) -> Int {
        switch first {
        case 0xC0...0xDF: 2
        case 0xE0...0xEF: 3
        case 0xF0...0xF7: 4
        default: 1
        }
    }
}
