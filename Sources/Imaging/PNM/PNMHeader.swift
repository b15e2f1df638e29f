/// The header of a PNM or PAM file (netpbm's manual pages pbm(5), pgm(5), ppm(5), pam(5)), checked.
struct PNMHeader {
    let isText: Bool
    /// 0 and 1 for white and black, as text or eight in a byte.
    let isBitmap: Bool
    let width, height: Int
    /// Samples a pixel: 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha.
    let samples: Int
    /// The value that stands for full light, 1...65535.
    let maximum: Int
    /// Where the pixels begin.
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
            // One white space character ends the header.
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

    /// PAM: a name and a value a line, up to ENDHDR.
    private static func pamFields(_ reader: inout PNMReader) throws(ImageError) -> [String: Int] {
        var fields: [String: Int] = [:]
        // No header has so many lines.
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

    /// Bytes of a stored row; 0 of text.
    var rowBytes: Int {
        isText ? 0 : isBitmap ? (width + 7) / 8 : width * samples * (maximum > 255 ? 2 : 1)
    }
}

/// Reads numbers and words between white space and comments, and rows of bytes.
struct PNMReader {
    private let bytes: UnsafeRawBufferPointer
    private let start: Int
    var offset: Int

    init(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        (self.bytes, self.offset, start) = (bytes, offset, offset)
    }

    /// Whether there was nothing to read.
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

    /// A decimal number, at most 2^40; nil at the end of the file.
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

    /// A digit 0 or 1, with or without white space before it; nil at the end of the file.
    mutating func bit() throws(ImageError) -> Int? {
        skipSpace()
        guard offset < bytes.count else { return nil }
        guard bytes[offset] == 0x30 || bytes[offset] == 0x31 else {
            throw .malformed(.pnm, offset: offset, reason: "neither 0 nor 1")
        }
        defer { offset += 1 }
        return Int(bytes[offset] - 0x30)
    }

    /// So many bytes, or what is left of them.
    mutating func take(_ count: Int) -> UnsafeRawBufferPointer {
        let end = min(bytes.count, offset + count)
        defer { offset = end }
        return UnsafeRawBufferPointer(rebasing: bytes[min(offset, end)..<end])
    }
}
