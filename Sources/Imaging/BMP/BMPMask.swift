/// The mask behind an icon's bitmap: a bit a pixel, set where the screen shows through.
struct BMPMask {
    private let bytes: UnsafeRawBufferPointer
    private let bitmap: BMPHeader
    private let start: Int

    /// - Parameter bytes: of which those that are missing make a pixel opaque.
    init(_ bytes: UnsafeRawBufferPointer, behind bitmap: BMPHeader) {
        (self.bytes, self.bitmap) = (bytes, bitmap)
        start = bitmap.data + bitmap.rowBytes * bitmap.height
    }

    /// Whether a bitmap has alpha of its own: an icon of 32 bits whose alpha is 0 everywhere has none, and goes by its mask.
    static func isAlphaUsed(_ bytes: UnsafeRawBufferPointer, _ bitmap: BMPHeader) -> Bool {
        guard bitmap.hasAlpha else { return false }
        guard bitmap.depth == 32, bitmap.masks[3] == 0xff00_0000 else { return true }
        let end = min(bytes.count, bitmap.data + bitmap.rowBytes * bitmap.height)
        return stride(from: bitmap.data + 3, to: end, by: 4).contains { bytes[$0] != 0 }
    }

    /// Spreads a row of RGB at the front of `row` to RGBA.
    func apply(toRow y: Int, _ row: inout [UInt8]) {
        // Rows are padded to 4 bytes, as those of the bitmap.
        let line = start + (bitmap.isTopDown ? y : bitmap.height - 1 - y) * ((bitmap.width + 31) / 32 * 4)
        for x in (0..<bitmap.width).reversed() {
            let at = line + x / 8
            let isClear = at < bytes.count && bytes[at] >> UInt8(7 - x % 8) & 1 == 1
            (row[4 * x + 2], row[4 * x + 1], row[4 * x]) = (row[3 * x + 2], row[3 * x + 1], row[3 * x])
            row[4 * x + 3] = isClear ? 0 : 255
        }
    }
}
