/// The validated header of a PNM or PAM file (netpbm's manual pages pbm(5), pgm(5), ppm(5), pam(5)).
struct PNMHeader {
    let isText: Bool
    /// Whether samples are 0 for white and 1 for black, as text or eight per byte.
    let isBitmap: Bool
    let width, height: Int
    /// Samples per pixel: 1 for gray, 2 for gray and alpha, 3 for RGB, 4 for RGB and alpha.
    let samples: Int
    /// The maximum sample value, 1...65535.
    let maximum: Int
    /// The offset of the pixels.
    let data: Int

    init(_ bytes: UnsafeRawBufferPointer) throws(ImageError) {
        let kind = Int(bytes[1]) - 0x30
        var reader = PNMReader(bytes, at: 2)
        let size: [Int]
        if kind == 7 {
            let fields = try Self.pamFields(&reader)
            size = [fields["WIDTH"], fields["HEIGHT"], fields["MAXVAL"], fields["DEPTH"]].map { $0 ?? 0 }
        } else {
            var numbers: [Int] = []
            while numbers.count < (kind == 1 || kind == 4 ? 2 : 3) {
                guard let number = try reader.number() else { throw .truncated(.pnm, offset: bytes.count) }
                numbers.append(number)
            }
            if numbers.count == 2 { numbers.append(1) }
            size = numbers + [kind == 3 || kind == 6 ? 3 : 1]
            // A single white space character ends the header.
            if reader.offset < bytes.count, PNMReader.isSpace(bytes[reader.offset]) { reader.offset += 1 }
        }
        (width, height, maximum, samples) = (size[0], size[1], size[2], size[3])
        (isText, isBitmap, data) = (kind < 4, kind == 1 || kind == 4, reader.offset)
        guard (1...0x7fff_ffff).contains(width), (1...0x7fff_ffff).contains(height) else {
            throw .malformed(.pnm, offset: 2, reason: "a size of \(width)×\(height)")
        }
        guard (1...65535).contains(maximum) else {
            throw .malformed(.pnm, offset: 2, reason: "a greatest value of \(maximum)")
        }
        guard (1...4).contains(samples) else {
            throw .unsupported(.pnm, feature: "\(samples) samples a pixel")
        }
    }

    /// Reads PAM's header lines, each a name and a value, up to ENDHDR.
    private static func pamFields(_ reader: inout PNMReader) throws(ImageError) -> [String: Int] {
        var fields: [String: Int] = [:]
        // A valid header never has this many lines.
        for _ in 0..<256 {
            guard let word = reader.word() else { break }
            if word == "ENDHDR" {
                reader.skipLine()
                return fields
            }
            if word == "TUPLTYPE" {
                reader.skipLine()
            } else if let number = try reader.number() {
                fields[word] = number
            }
        }
        throw .truncated(.pnm, offset: reader.offset)
    }

    var isPackedBitmap: Bool { isBitmap && !isText }

    var hasAlpha: Bool { samples == 2 || samples == 4 }

    /// Bytes per stored row; 0 for text.
    var rowBytes: Int {
        isText ? 0 : isBitmap ? (width + 7) / 8 : width * samples * (maximum > 255 ? 2 : 1)
    }
}

/// Reads numbers and words separated by white space and comments, and rows of bytes.
struct PNMReader {
    private let bytes: UnsafeRawBufferPointer
    private let start: Int
    var offset: Int

    init(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        (self.bytes, self.offset, start) = (bytes, offset, offset)
    }

    /// Whether the reader began at the end of the file.
    var hasNone: Bool { start >= bytes.count }

    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }

    mutating func skipLine() {
        while offset < bytes.count, bytes[offset] != 0x0a { offset += 1 }
        if offset < bytes.count { offset += 1 }
    }

    private mutating func skipSpace() {
        while offset < bytes.count {
            if bytes[offset] == 0x23 {
                skipLine()
            } else if Self.isSpace(bytes[offset]) {
                offset += 1
            } else {
                return
            }
        }
    }

    mutating func word() -> String? {
        skipSpace()
        let begin = offset
        while offset < bytes.count, !Self.isSpace(bytes[offset]) { offset += 1 }
        return offset > begin ? String(decoding: bytes[begin..<min(offset, begin + 32)], as: UTF8.self) : nil
    }

    /// Reads a decimal number, capped at 2^40; nil at the end of the file.
    mutating func number() throws(ImageError) -> Int? {
        skipSpace()
        guard offset < bytes.count else { return nil }
        var value = 0
        let begin = offset
        while offset < bytes.count, (0x30...0x39).contains(bytes[offset]) {
            value = min(1 << 40, value * 10 + Int(bytes[offset] - 0x30))
            offset += 1
        }
        guard offset > begin else { throw .malformed(.pnm, offset: offset, reason: "no number") }
        return value
    }

    /// Reads a digit 0 or 1 after optional white space; nil at the end of the file.
    mutating func bit() throws(ImageError) -> Int? {
        skipSpace()
        guard offset < bytes.count else { return nil }
        guard bytes[offset] == 0x30 || bytes[offset] == 0x31 else {
            throw .malformed(.pnm, offset: offset, reason: "neither 0 nor 1")
        }
        defer { offset += 1 }
        return Int(bytes[offset] - 0x30)
    }

    /// Takes `count` bytes, or those that are left.
    mutating func take(_ count: Int) -> UnsafeRawBufferPointer {
        let end = min(bytes.count, offset + count)
        defer { offset = end }
        return UnsafeRawBufferPointer(rebasing: bytes[min(offset, end)..<end])
    }
}
