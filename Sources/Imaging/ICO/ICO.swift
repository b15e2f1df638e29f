extension ImageFormat {
    public static let ico = ImageFormat("ICO")
}

/// A decoder for Windows icons and cursors, which decodes the largest image of a file.
///
/// An image is a PNG or a bitmap without a file header. Among images of equal size the one with the most bits per pixel
/// is decoded. Alpha is stored in the fourth byte of a bitmap's pixels, or in the mask behind them if all these are 0.
struct ICO: ImageDecoder {
    static let format = ImageFormat.ico

    /// Returns whether the header is an icon's and the first entry points behind the directory.
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
    /// The offset of the image in the file.
    private var start: Int
    private(set) var warnings: [DecodingWarning]

    init(_ bytes: UnsafeRawBufferPointer, options: DecodingOptions) throws(ImageError) {
        start = try Self.largest(bytes)
        // The sizes in the directory are often wrong.
        let data = UnsafeRawBufferPointer(rebasing: bytes[start...])
        do throws(ImageError) {
            if PNG.recognizes(data) {
                picture = .png(try PNG(data, options: options))
            } else {
                // A bitmap is decoded from its file header on, of which an icon's bitmap has none.
                start -= BMPHeader.fileHeaderSize
                let icon = UnsafeRawBufferPointer(rebasing: bytes[start...])
                picture = .bitmap(try BMP(icon: icon, options: options))
            }
        } catch { throw error.moved(by: start) }
        warnings = []
        warnings = told
    }

    /// Returns the offset of the image with the most pixels, and among those with the most bits per pixel, according to
    /// the images themselves.
    private static func largest(_ bytes: UnsafeRawBufferPointer) throws(ImageError) -> Int {
        var best: Int?, most = (pixels: 0, bits: 0)
        for index in 0..<min(bytes.littleEndian16(at: 4), (bytes.count - 6) / entrySize) {
            let offset = bytes.littleEndian32(at: 6 + index * entrySize + 12)
            guard offset >= 6 + entrySize, offset + 40 <= bytes.count else { continue }
            let picture = UnsafeRawBufferPointer(rebasing: bytes[offset...])
            let size = size(picture)
            if best == nil || size > most { (best, most) = (offset, size) }
        }
        guard let best else { throw .truncated(.ico, offset: bytes.count) }
        return best
    }

    /// Returns the number of pixels and of bits per pixel of an image of at least 40 bytes.
    private static func size(_ picture: UnsafeRawBufferPointer) -> (pixels: Int, bits: Int) {
        let (width, height, bits): (Int, Int, Int)
        if PNG.recognizes(picture) {
            // IHDR: width, height, bits a sample, color type.
            let samples = [0: 1, 2: 3, 3: 1, 4: 2, 6: 4][picture[25]] ?? 0
            (width, height) = (picture.bigEndian32(at: 16), picture.bigEndian32(at: 20))
            bits = samples * Int(picture[24])
        } else {
            width = picture.littleEndian32(at: 4)
            height = Int(Int32(truncatingIfNeeded: picture.littleEndian32(at: 8)).magnitude / 2)
            bits = picture.littleEndian16(at: 14)
        }
        let (pixels, overflow) = width.multipliedReportingOverflow(by: height)
        return (overflow ? 0 : pixels, bits)
    }

    /// The warnings of the image's own decoder.
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
    var depth: Int { decoder.depth }
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
