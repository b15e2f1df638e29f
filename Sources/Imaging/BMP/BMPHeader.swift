/// The validated headers of a Windows or OS/2 bitmap (MS-WMF §2.2.2; OS/2 BITMAPCOREHEADER).
struct BMPHeader {
    enum Compression: Int { case none = 0, rle8 = 1, rle4 = 2, bitfields = 3, alphaBitfields = 6 }

    let width, height: Int
    let isTopDown: Bool
    /// Bits per pixel: 1, 4, 8, 16, 24 or 32.
    let depth: Int
    let compression: Compression
    /// The masks of red, green, blue and alpha; the last is 0 without alpha.
    let masks: [UInt32]
    /// The palette of up to 256 RGB colors.
    let palette: [(UInt8, UInt8, UInt8)]
    /// The offset of the pixels.
    let data: Int
    /// The declared range of an embedded color profile.
    let colorProfile: Range<Int>?

    static let fileHeaderSize = 14

    /// - Parameters:
    ///   - bytes: The file, from its file header on.
    ///   - isIcon: Whether the bitmap is an icon's, which has no valid file header, and whose height includes a mask.
    init(_ bytes: UnsafeRawBufferPointer, isIcon: Bool = false) throws(ImageError) {
        func fail(_ offset: Int, _ reason: String) -> ImageError {
            .malformed(.bmp, offset: offset, reason: reason)
        }
        guard bytes.count >= 26 else { throw .truncated(.bmp, offset: bytes.count) }
        let size = bytes.littleEndian32(at: 14)
        let isCore = size == 12
        guard isCore || (16...256).contains(size) else { throw fail(14, "a header of \(size) bytes") }
        guard bytes.count >= 14 + size else { throw .truncated(.bmp, offset: bytes.count) }
        // OS/2 2.x headers may be truncated anywhere from 16 bytes on; missing fields are zero.
        func field(_ at: Int) -> Int { at + 4 <= 14 + size ? bytes.littleEndian32(at: at) : 0 }

        width = isCore ? bytes.littleEndian16(at: 18) : bytes.littleEndian32(at: 18)
        let signedHeight =
            isCore
            ? bytes.littleEndian16(at: 20) : Int(Int32(truncatingIfNeeded: bytes.littleEndian32(at: 22)))
        (height, isTopDown) = (abs(signedHeight) / (isIcon ? 2 : 1), signedHeight < 0)
        guard (1...0x7fff_ffff).contains(width), (1...0x7fff_ffff).contains(height) else {
            throw fail(18, "a size of \(width)×\(signedHeight)")
        }
        let planesAt = isCore ? 22 : 26
        depth = bytes.littleEndian16(at: planesAt + 2)
        let method = isCore ? 0 : field(30)
        guard [1, 4, 8, 16, 24, 32].contains(depth) else {
            throw .unsupported(.bmp, feature: "\(depth) bits a pixel")
        }
        guard let compression = Compression(rawValue: method) else {
            throw .unsupported(.bmp, feature: "compression \(method)")
        }
        switch compression {
        case .rle8 where depth != 8, .rle4 where depth != 4:
            throw fail(30, "run lengths at \(depth) bits a pixel")
        case .bitfields where depth != 16 && depth != 32, .alphaBitfields where depth != 16 && depth != 32:
            throw fail(30, "bit fields at \(depth) bits a pixel")
        case .rle8 where isTopDown, .rle4 where isTopDown: throw fail(22, "run lengths from the top down")
        default: break
        }
        self.compression = compression

        let hasMasks = compression == .bitfields || compression == .alphaBitfields
        // The masks follow a 40-byte header and are part of longer ones.
        let masksAfter = hasMasks && size == 40 ? (compression == .bitfields ? 12 : 16) : 0
        let afterHeader = 14 + size + masksAfter
        guard bytes.count >= afterHeader else { throw .truncated(.bmp, offset: bytes.count) }
        let masks = Self.masks(bytes, hasMasks: hasMasks, depth: depth, size: size, after: masksAfter)
        self.masks = isIcon && depth == 32 && !hasMasks ? masks[..<3] + [0xff00_0000] : masks

        let declared = isIcon ? 0 : bytes.littleEndian32(at: 10)
        let entry = isCore ? 3 : 4
        var colors = 0
        if depth <= 8 {
            let used = isCore ? 0 : field(46)
            colors = used == 0 ? 1 << depth : min(used, 256)
            // The offset of the pixels is more reliable than the number of colors.
            if declared > afterHeader { colors = min(colors, (declared - afterHeader) / entry) }
            colors = min(colors, (bytes.count - afterHeader) / entry)
        }
        palette = (0..<colors).map { i in
            let at = afterHeader + i * entry
            return (bytes[at + 2], bytes[at + 1], bytes[at])
        }
        // An offset that points to the palette's place omitted the palette's size.
        data = declared > afterHeader ? declared : afterHeader + colors * entry
        // BITMAPV5HEADER: the color space `MBED` denotes a profile at an offset from the header's beginning.
        if size >= 124, field(14 + 56) == 0x4d42_4544 {
            let start = Self.fileHeaderSize + field(14 + 112)
            colorProfile = start..<(start + field(14 + 116))
        } else {
            colorProfile = nil
        }
        guard data < bytes.count else { throw .truncated(.bmp, offset: bytes.count) }
    }

    private static func masks(
        _ bytes: UnsafeRawBufferPointer, hasMasks: Bool, depth: Int, size: Int, after: Int
    ) -> [UInt32] {
        guard hasMasks else {
            return depth == 16 ? [0x7c00, 0x03e0, 0x001f, 0] : [0xff_0000, 0xff00, 0xff, 0]
        }
        let count = after > 0 ? after / 4 : min(4, max(0, (size - 40) / 4))
        return (0..<4).map { $0 < count ? UInt32(bytes.littleEndian32(at: 54 + 4 * $0)) : 0 }
    }

    /// Bytes per stored row, padded to a multiple of 4.
    var rowBytes: Int { (width * depth + 31) / 32 * 4 }

    var hasRuns: Bool { compression == .rle8 || compression == .rle4 }

    var hasAlpha: Bool { masks[3] != 0 && depth >= 16 }
}
