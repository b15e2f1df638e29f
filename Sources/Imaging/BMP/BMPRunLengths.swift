/// Decodes BI_RLE8 and BI_RLE4 (MS-WMF §3.1.6.4): runs, literal stretches and jumps.
enum BMPRunLengths {
    /// Decodes a run-length coded bitmap.
    ///
    /// - Returns: The palette indices, `[height, width]`, bottom row first and 0 where nothing was written,
    ///   and a warning if the file is truncated.
    static func decode(_ bytes: UnsafeRawBufferPointer, _ bitmap: BMPHeader) -> ([UInt8], DecodingWarning?) {
        let (width, height) = (bitmap.width, bitmap.height)
        let isNibbles = bitmap.compression == .rle4
        var indices = [UInt8](repeating: 0, count: width * height)
        var (x, y, offset) = (0, 0, bitmap.data)
        /// Writes an index unless it lies beyond the row's end.
        func put(_ index: UInt8) {
            if x < width { indices[y * width + x] = index }
            x += 1
        }
        while y < height {
            guard offset + 1 < bytes.count else {
                return (
                    indices, DecodingWarning(offset: bytes.count, "the file ends at row \(y) of \(height)")
                )
            }
            let (count, value) = (Int(bytes[offset]), bytes[offset + 1])
            offset += 2
            if count > 0 {
                for i in 0..<count { put(isNibbles ? (i & 1 == 0 ? value >> 4 : value & 15) : value) }
                continue
            }
            switch value {
            case 0: (x, y) = (0, y + 1)
            case 1: return (indices, nil)
            case 2:
                guard offset + 1 < bytes.count else {
                    return (
                        indices,
                        DecodingWarning(offset: bytes.count, "the file ends at row \(y) of \(height)")
                    )
                }
                (x, y) = (x + Int(bytes[offset]), y + Int(bytes[offset + 1]))
                offset += 2
            default:
                let stretch = isNibbles ? (Int(value) + 1) / 2 : Int(value)
                guard offset + stretch <= bytes.count else {
                    return (
                        indices,
                        DecodingWarning(offset: bytes.count, "the file ends at row \(y) of \(height)")
                    )
                }
                for i in 0..<Int(value) {
                    let byte = bytes[offset + (isNibbles ? i / 2 : i)]
                    put(isNibbles ? (i & 1 == 0 ? byte >> 4 : byte & 15) : byte)
                }
                // Literal stretches are padded to 16 bits.
                offset += stretch + stretch & 1
            }
        }
        return (indices, nil)
    }
}
