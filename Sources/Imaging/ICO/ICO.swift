extension ImageFormat {
    public static let ico = ImageFormat("ICO")
}

/// Icons and cursors of Windows: the largest of a file's pictures, a bitmap without a file header or a PNG.
///
/// Of pictures of one size the one of most bits a pixel counts. A bitmap's alpha is its fourth byte, where any is not 0, or else the mask
/// behind it.
struct ICO: ImageDecoder {
    static let format = ImageFormat.ico

    /// Four bytes say little: the entries must point behind themselves too.
    static func recognizes(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count >= 6 + entrySize, bytes[0] == 0, bytes[1] == 0, (1...2).contains(bytes[2]),
            bytes[3] == 0
        else { return false }
        let count = bytes.littleEndian16(at: 4)
        guard count > 0, bytes[6 + 3] == 0 else { return false }
        return bytes.littleEndian32(at: 6 + 12) >= 6 + entrySize * count
    }

    private static let entrySize = 16

    private enum Picture { case png(PNG), bitmap(BMP) }

    private var picture: Picture
    /// Where the picture lies in the file.
    private var start: Int
    private(set) var warnings: [DecodingWarning]

    init(_ bytes: UnsafeRawBufferPointer, options: DecodingOptions) throws(ImageError) {
        let entry = try Self.largest(bytes)
        start = entry.offset
        let data = UnsafeRawBufferPointer(rebasing: bytes[start..<entry.end])
        do throws(ImageError) {
            if PNG.recognizes(data) {
                picture = .png(try PNG(data, options: options))
            } else {
                // A file's header, of which nothing is read, would go before it.
                start -= BMPHeader.fileHeaderSize
                let icon = UnsafeRawBufferPointer(rebasing: bytes[start..<entry.end])
                picture = .bitmap(try BMP(icon: icon, options: options))
            }
        } catch { throw error.moved(by: start) }
        warnings = []
        warnings = told
    }

    /// The entry of most pixels, and of most bits a pixel among those.
    private static func largest(_ bytes: UnsafeRawBufferPointer) throws(ImageError) -> (
        offset: Int, end: Int
    ) {
        var best: (offset: Int, end: Int)?, most = (pixels: 0, bits: 0)
        let count = min(bytes.littleEndian16(at: 4), (bytes.count - 6) / entrySize)
        for index in 0..<count {
            let at = 6 + index * entrySize
            // 0 stands for 256.
            let (width, height) = (Int(bytes[at] &- 1) + 1, Int(bytes[at + 1] &- 1) + 1)
            let (size, offset) = (bytes.littleEndian32(at: at + 8), bytes.littleEndian32(at: at + 12))
            guard offset >= 6 + entrySize, offset + 40 <= bytes.count else { continue }
            // Of a cursor's picture the directory says no depth.
            let bits = bytes[2] == 1 ? bytes.littleEndian16(at: at + 6) : 0
            if (width * height, bits) > most {
                (most, best) = ((width * height, bits), (offset, min(bytes.count, offset + size)))
            }
        }
        guard let best, best.end > best.offset else { throw .truncated(.ico, offset: bytes.count) }
        return best
    }

    /// What the picture's own decoder had to say.
    private var told: [DecodingWarning] {
        let warnings =
            switch picture {
            case .png(let png): png.warnings
            case .bitmap(let bitmap): bitmap.warnings
            }
        return warnings.map { DecodingWarning(offset: $0.offset + start, $0.description) }
    }

    private var decoder: any ImageDecoder {
        switch picture {
        case .png(let png): png
        case .bitmap(let bitmap): bitmap
        }
    }

    var width: Int { decoder.width }
    var height: Int { decoder.height }
    var channels: Int { decoder.channels }
    var metadata: ImageMetadata { decoder.metadata }
    var cost: DecodingCost { decoder.cost }

    mutating func decode<Sink: RowSink>(into sink: inout Sink) throws(ImageError) {
        do throws(ImageError) {
            switch picture {
            case .png(var png):
                try png.decode(into: &sink)
                picture = .png(png)
            case .bitmap(var bitmap):
                try bitmap.decode(into: &sink)
                picture = .bitmap(bitmap)
            }
        } catch { throw error.moved(by: start) }
        warnings = told
    }
}
