/// The mask behind an icon's bitmap, with a bit per pixel that is set for transparent pixels.
struct BMPMask {
    private let bytes: UnsafeRawBufferPointer
    private let bitmap: BMPHeader
    private let start: Int

    /// - Parameters:
    ///   - bytes: The file; pixels beyond its end are opaque.
    ///   - bitmap: The header of the bitmap.
    init(_ bytes: UnsafeRawBufferPointer, behind bitmap: BMPHeader) {
        (self.bytes, self.bitmap) = (bytes, bitmap)
        start = bitmap.data + bitmap.rowBytes * bitmap.height
    }

    /// Returns whether any pixel of a bitmap has an alpha value other than 0; otherwise its mask applies.
    static func isAlphaUsed(_ bytes: UnsafeRawBufferPointer, _ bitmap: BMPHeader) -> Bool {
        guard bitmap.hasAlpha else { return false }
        guard bitmap.depth == 32, bitmap.masks[3] == 0xff00_0000 else { return true }
        let end = min(bytes.count, bitmap.data + bitmap.rowBytes * bitmap.height)
        return stride(from: bitmap.data + 3, to: end, by: 4).contains { bytes[$0] != 0 }
    }

    /// Expands a row of RGB at the beginning of `row` to RGBA.
    func apply(toRow y: Int, _ row: inout [UInt8]) {
        // Rows are padded to 4 bytes.
        let line = start + (bitmap.isTopDown ? y : bitmap.height - 1 - y) * ((bitmap.width + 31) / 32 * 4)
        for x in (0..<bitmap.width).reversed() {
            let at = line + x / 8
            let isClear = at < bytes.count && bytes[at] >> UInt8(7 - x % 8) & 1 == 1
            (row[4 * x + 2], row[4 * x + 1], row[4 * x]) = (row[3 * x + 2], row[3 * x + 1], row[3 * x])
            row[4 * x + 3] = isClear ? 0 : 255
        }
    }
}
