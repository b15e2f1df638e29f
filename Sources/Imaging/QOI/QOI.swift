extension ImageFormat {
    public static let qoi = ImageFormat("QOI")
}

/// A decoder for QOI, the Quite OK Image format (specification of 2022).
struct QOI: ImageDecoder {
    static let format = ImageFormat.qoi

    static func recognizes(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count >= 14 && bytes.starts(with: "qoif".utf8) && (3...4).contains(bytes[12]) && bytes[13] <= 1
    }

    private static let headerSize = 14
    private let bytes: UnsafeRawBufferPointer
    let width, height: Int
    let channels: Int
    private(set) var warnings: [DecodingWarning] = []

    init(_ bytes: UnsafeRawBufferPointer, options: DecodingOptions) throws(ImageError) {
        self.bytes = bytes
        (width, height) = (bytes.bigEndian32(at: 4), bytes.bigEndian32(at: 8))
        guard (1...0x7fff_ffff).contains(width), (1...0x7fff_ffff).contains(height) else {
            throw .malformed(.qoi, offset: 4, reason: "a size of \(width)×\(height)")
        }
        channels = bytes[12] == 4 && options.keepsAlpha ? 4 : 3
    }

    var cost: DecodingCost {
        // A byte represents a run of at most 62 pixels.
        DecodingCost(
            memory: 4 * width, stored: bytes.count - Self.headerSize, leastStored: width * height / 62)
    }

    private struct Color {
        var r: UInt8 = 0, g: UInt8 = 0, b: UInt8 = 0, a: UInt8 = 0

        var place: Int { (Int(r) * 3 + Int(g) * 5 + Int(b) * 7 + Int(a) * 11) & 63 }
    }

    mutating func decode<Sink: RowSink>(into sink: inout Sink) throws(ImageError) {
        var row = [UInt8](repeating: 0, count: width * channels)
        var seen = [Color](repeating: Color(), count: 64)
        var (color, run, offset) = (Color(r: 0, g: 0, b: 0, a: 255), 0, Self.headerSize)
        for y in 0..<height {
            for x in 0..<width {
                if run > 0 {
                    run -= 1
                } else if let next = Self.step(bytes, &offset, &color, seen) {
                    run = next
                    seen[color.place] = color
                } else {
                    if y == 0, x == 0 { throw .truncated(.qoi, offset: bytes.count) }
                    warnings.append(
                        DecodingWarning(offset: bytes.count, "the file ends at row \(y) of \(height)"))
                    // The rest of the row is black, as are the missing rows.
                    for i in (x * channels)..<row.count { row[i] = 0 }
                    row.withUnsafeBufferPointer { if let row = $0.baseAddress { sink.append(row: row) } }
                    return
                }
                let at = x * channels
                (row[at], row[at + 1], row[at + 2]) = (color.r, color.g, color.b)
                if channels == 4 { row[at + 3] = color.a }
            }
            row.withUnsafeBufferPointer { if let row = $0.baseAddress { sink.append(row: row) } }
        }
    }

    /// Reads one chunk.
    ///
    /// - Returns: The number of further pixels of the same color; nil at the end of the file.
    private static func step(
        _ bytes: UnsafeRawBufferPointer, _ offset: inout Int, _ color: inout Color, _ seen: [Color]
    ) -> Int? {
        guard offset < bytes.count else { return nil }
        let tag = bytes[offset]
        offset += 1
        let size = tag == 0xff ? 4 : tag == 0xfe ? 3 : tag >> 6 == 2 ? 1 : 0
        guard offset + size <= bytes.count else { return nil }
        defer { offset += size }
        switch (tag, tag >> 6) {
        case (0xfe, _), (0xff, _):
            (color.r, color.g, color.b) = (bytes[offset], bytes[offset + 1], bytes[offset + 2])
            if tag == 0xff { color.a = bytes[offset + 3] }
        case (_, 0): color = seen[Int(tag)]
        case (_, 1):
            color.r &+= tag >> 4 & 3 &- 2
            color.g &+= tag >> 2 & 3 &- 2
            color.b &+= tag & 3 &- 2
        case (_, 2):
            let green = (tag & 63) &- 32
            color.r &+= green &- 8 &+ bytes[offset] >> 4
            color.g &+= green
            color.b &+= green &- 8 &+ bytes[offset] & 15
        default: return Int(tag & 63)
        }
        return 0
    }
}
