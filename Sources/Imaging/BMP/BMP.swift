extension ImageFormat {
    public static let bmp = ImageFormat("BMP")
}

/// A decoder for Windows and OS/2 bitmaps with 1, 4, 8, 16, 24 and 32 bits per pixel, run lengths and bit
/// fields, bottom-up and top-down.
struct BMP: ImageDecoder {
    static let format = ImageFormat.bmp

    /// Any text may begin with "BM", so the header's size must be valid too.
    static func recognizes(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.starts(with: "BM".utf8), bytes.count >= 18 else { return false }
        let size = bytes.littleEndian32(at: 14)
        return size == 12 || (16...256).contains(size)
    }

    private let bytes: UnsafeRawBufferPointer
    private let bitmap: BMPHeader
    let channels: Int
    /// The mask of an icon whose pixels have no alpha values.
    private let mask: BMPMask?
    private(set) var warnings: [DecodingWarning] = []

    init(_ bytes: UnsafeRawBufferPointer, options: DecodingOptions) throws(ImageError) {
        self.bytes = bytes
        bitmap = try BMPHeader(bytes)
        channels = bitmap.hasAlpha && options.keepsAlpha ? 4 : 3
        mask = nil
    }

    /// Reads the bitmap of an icon.
    ///
    /// - Parameters:
    ///   - bytes: 14 bytes in the place of a file header, and the bitmap.
    ///   - options: The decoding options.
    init(icon bytes: UnsafeRawBufferPointer, options: DecodingOptions) throws(ImageError) {
        self.bytes = bytes
        bitmap = try BMPHeader(bytes, isIcon: true)
        let usesMask = options.keepsAlpha && !bitmap.hasRuns && !BMPMask.isAlphaUsed(bytes, bitmap)
        mask = usesMask ? BMPMask(bytes, behind: bitmap) : nil
        channels = options.keepsAlpha && (bitmap.hasAlpha || mask != nil) ? 4 : 3
    }

    var metadata: ImageMetadata {
        var metadata = ImageMetadata()
        if let profile = bitmap.colorProfile, profile.upperBound <= bytes.count {
            metadata.read(colorProfile: UnsafeRawBufferPointer(rebasing: bytes[profile]))
        }
        return metadata
    }

    var width: Int { bitmap.width }
    var height: Int { bitmap.height }

    var cost: DecodingCost {
        DecodingCost(
            memory: bitmap.hasRuns ? width * height : 4 * width, stored: bytes.count - bitmap.data,
            leastStored: bitmap.hasRuns ? 0 : bitmap.rowBytes * height)
    }

    mutating func decode<Sink: RowSink>(into sink: inout Sink) throws(ImageError) {
        if bitmap.hasRuns {
            let (indices, warning) = BMPRunLengths.decode(bytes, bitmap)
            if let warning { warnings.append(warning) }
            indices.withUnsafeBytes { indices in
                var row = [UInt8](repeating: 0, count: 3 * bitmap.width)
                for y in (0..<bitmap.height).reversed() {
                    let start = y * bitmap.width
                    Self.unpackIndices(
                        UnsafeRawBufferPointer(rebasing: indices[start..<(start + bitmap.width)]), bitmap,
                        depth: 8, to: &row)
                    row.withUnsafeBufferPointer { if let row = $0.baseAddress { sink.append(row: row) } }
                }
            }
            return
        }
        let stored = (bytes.count - bitmap.data) / bitmap.rowBytes
        if stored < bitmap.height {
            // The last row's padding is often missing, which is harmless.
            let isPadding =
                stored == bitmap.height - 1
                && (bytes.count - bitmap.data) % bitmap.rowBytes >= (bitmap.width * bitmap.depth + 7) / 8
            if stored == 0, !isPadding { throw .truncated(.bmp, offset: bytes.count) }
            warnings.append(
                DecodingWarning(
                    offset: bytes.count, "the file ends after \(stored) of \(bitmap.height) rows"))
        }
        var row = [UInt8](repeating: 0, count: channels * bitmap.width)
        let colors = mask == nil ? channels : 3
        for y in 0..<bitmap.height {
            let start = bitmap.data + (bitmap.isTopDown ? y : bitmap.height - 1 - y) * bitmap.rowBytes
            if start < bytes.count {
                let end = min(bytes.count, start + bitmap.rowBytes)
                Self.unpack(
                    UnsafeRawBufferPointer(rebasing: bytes[start..<end]), bitmap, channels: colors, to: &row
                )
            } else {
                for i in row.indices { row[i] = 0 }
            }
            mask?.apply(toRow: y, &row)
            row.withUnsafeBufferPointer { if let row = $0.baseAddress { sink.append(row: row) } }
        }
    }

    // MARK: - Rows

    /// Converts one stored row.
    ///
    /// - Parameter source: The stored row or the part of it that exists; missing pixels are black.
    private static func unpack(
        _ source: UnsafeRawBufferPointer, _ bitmap: BMPHeader, channels: Int, to row: inout [UInt8]
    ) {
        switch bitmap.depth {
        case ...8: unpackIndices(source, bitmap, depth: bitmap.depth, to: &row)
        case 24:
            for x in 0..<bitmap.width {
                let at = 3 * x
                let isThere = at + 3 <= source.count
                for c in 0..<3 { row[at + c] = isThere ? source[at + 2 - c] : 0 }
            }
        default: unpackMasked(source, bitmap, channels: channels, to: &row)
        }
    }

    private static func unpackIndices(
        _ source: UnsafeRawBufferPointer, _ bitmap: BMPHeader, depth: Int, to row: inout [UInt8]
    ) {
        let (perByte, mask) = (8 / depth, 1 << depth - 1)
        for x in 0..<bitmap.width {
            let byte = x / perByte < source.count ? Int(source[x / perByte]) : 0
            let index = byte >> (8 - depth - x % perByte * depth) & mask
            let color = index < bitmap.palette.count ? bitmap.palette[index] : (0, 0, 0)
            (row[3 * x], row[3 * x + 1], row[3 * x + 2]) = color
        }
    }

    private static func unpackMasked(
        _ source: UnsafeRawBufferPointer, _ bitmap: BMPHeader, channels: Int, to row: inout [UInt8]
    ) {
        let fields = bitmap.masks.prefix(channels).map(BitField.init)
        let size = bitmap.depth / 8
        for x in 0..<bitmap.width {
            let at = size * x
            let isThere = at + size <= source.count
            let word =
                !isThere ? 0 : size == 2 ? source.littleEndian16(at: at) : source.littleEndian32(at: at)
            for c in 0..<channels { row[channels * x + c] = fields[c].value(UInt32(word)) }
        }
    }

    /// A sample of 1...32 bits in a word, scaled to 0...255 and rounded down, as in Pillow.
    private struct BitField {
        let mask: UInt32
        let shift: UInt32
        let greatest: UInt64

        init(_ mask: UInt32) {
            self.mask = mask
            shift = mask == 0 ? 0 : UInt32(mask.trailingZeroBitCount)
            greatest = UInt64(mask >> shift)
        }

        func value(_ word: UInt32) -> UInt8 {
            guard greatest > 0 else { return 0 }
            return UInt8(truncatingIfNeeded: UInt64((word & mask) >> shift) * 255 / greatest)
        }
    }
}
