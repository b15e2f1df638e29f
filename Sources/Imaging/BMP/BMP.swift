/// Windows and OS/2 bitmaps: 1, 4, 8, 16, 24 and 32 bits a pixel, run lengths, bit fields, bottom-up and top-down.
enum BMP {
    static func header(_ bytes: UnsafeRawBufferPointer, options: DecodingOptions) throws(ImageError)
        -> ImageHeader
    {
        header(try BMPHeader(bytes), options)
    }

    private static func header(_ header: BMPHeader, _ options: DecodingOptions) -> ImageHeader {
        ImageHeader(
            format: .bmp, width: header.width, height: header.height,
            channels: header.hasAlpha && options.keepsAlpha ? 4 : 3,
            orientation: 1)
    }

    static func decode<Sink: RowSink>(
        _ bytes: UnsafeRawBufferPointer, options: DecodingOptions, into sink: inout Sink
    ) throws(ImageError) -> [DecodingWarning] {
        let bitmap = try BMPHeader(bytes)
        try options.admit(width: bitmap.width, height: bitmap.height)
        let hasRuns = bitmap.compression == .rle8 || bitmap.compression == .rle4
        try options.admit(bytes: hasRuns ? bitmap.width * bitmap.height : 4 * bitmap.width)
        var warnings: [DecodingWarning] = []
        let header = header(bitmap, options)
        if hasRuns {
            let (indices, warning) = BMPRunLengths.decode(bytes, bitmap)
            if let warning { try note(warning, &warnings, options) }
            try sink.begin(header)
            indices.withUnsafeBytes { indices in
                var row = [UInt8](repeating: 0, count: 3 * bitmap.width)
                for y in (0..<bitmap.height).reversed() {
                    let start = y * bitmap.width
                    unpackIndices(
                        UnsafeRawBufferPointer(rebasing: indices[start..<(start + bitmap.width)]), bitmap,
                        depth: 8, to: &row)
                    row.withUnsafeBufferPointer { if let row = $0.baseAddress { sink.append(row: row) } }
                }
            }
            return warnings
        }
        let stored = (bytes.count - bitmap.data) / bitmap.rowBytes
        if stored < bitmap.height {
            // The last row's padding is often missing, and nothing with it.
            let isPadding =
                stored == bitmap.height - 1
                && (bytes.count - bitmap.data) % bitmap.rowBytes >= (bitmap.width * bitmap.depth + 7) / 8
            if stored == 0, !isPadding { throw .truncated(.bmp, offset: bytes.count) }
            try note(
                DecodingWarning(
                    offset: bytes.count, "the file ends after \(stored) of \(bitmap.height) rows"), &warnings,
                options)
        }
        try sink.begin(header)
        var row = [UInt8](repeating: 0, count: header.channels * bitmap.width)
        for y in 0..<bitmap.height {
            let start = bitmap.data + (bitmap.isTopDown ? y : bitmap.height - 1 - y) * bitmap.rowBytes
            if start < bytes.count {
                let end = min(bytes.count, start + bitmap.rowBytes)
                unpack(
                    UnsafeRawBufferPointer(rebasing: bytes[start..<end]), bitmap, channels: header.channels,
                    to: &row)
            } else {
                for i in row.indices { row[i] = 0 }
            }
            row.withUnsafeBufferPointer { if let row = $0.baseAddress { sink.append(row: row) } }
        }
        return warnings
    }

    private static func note(
        _ warning: DecodingWarning, _ warnings: inout [DecodingWarning], _ options: DecodingOptions
    ) throws(ImageError) {
        if options.isStrict { throw .malformed(.bmp, offset: warning.offset, reason: warning.description) }
        warnings.append(warning)
    }

    // MARK: - Rows

    /// - Parameter source: a stored row, or what the file has of it; what is missing is black.
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

    /// A sample of 1...32 bits somewhere in a word, scaled to 0...255 and rounded down, as Pillow does.
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
