/// What the bytes are, found by their content, never by a name.
public enum ImageFormat: String, Sendable, CaseIterable, CustomStringConvertible {
    case jpeg, png, gif, bmp
    /// Recognized so that an error can name them; not decoded.
    case webp, avif, heic, tiff, svg, html, gitLFSPointer, empty, unknown

    /// As people write it.
    public var description: String {
        switch self {
        case .jpeg, .png, .gif, .bmp, .avif, .heic, .tiff, .svg, .html: rawValue.uppercased()
        case .webp: "WebP"
        case .gitLFSPointer: "Git LFS pointer"
        case .empty: "empty file"
        case .unknown: "unknown format"
        }
    }
}

extension ImageFormat {
    /// Looks at the first bytes. JPEG and PNG are also found behind a little junk.
    ///
    /// - Returns: the format, and where it starts: not at 0 only if junk precedes a JPEG or PNG.
    static func locate(_ bytes: UnsafeRawBufferPointer) -> (format: ImageFormat, start: Int) {
        if bytes.isEmpty { return (.empty, 0) }
        func has(_ prefix: [UInt8], at offset: Int = 0) -> Bool {
            bytes.count >= offset + prefix.count
                && bytes[offset..<(offset + prefix.count)].elementsEqual(prefix)
        }
        func has(_ prefix: String, at offset: Int = 0) -> Bool { has(Array(prefix.utf8), at: offset) }

        if has([0xff, 0xd8, 0xff]) { return (.jpeg, 0) }
        if has(PNGChunks.signature) { return (.png, 0) }
        if has("GIF87a") || has("GIF89a") { return (.gif, 0) }
        if has("RIFF"), has("WEBP", at: 8) { return (.webp, 0) }
        if has("II*\0") || has("MM\0*") || has("II+\0") || has("MM\0+") { return (.tiff, 0) }
        if has("ftyp", at: 4) {
            // ISO/IEC 14496-12 §4.3: a major brand, a version, then compatible brands.
            let size = min(bytes.count, max(16, Int(bytes[3])))
            let brands = stride(from: 8, through: size - 4, by: 4).map {
                String(decoding: bytes[$0..<($0 + 4)], as: UTF8.self)
            }
            if brands.contains(where: { ["avif", "avis"].contains($0) }) { return (.avif, 0) }
            if brands.contains(where: {
                ["heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"].contains($0)
            }) {
                return (.heic, 0)
            }
        }
        // "BM" is two letters of any text: the header that follows must be one too.
        if has("BM"), bytes.count >= 18 {
            let size = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 14, as: UInt32.self))
            if size == 12 || (16...256).contains(size) { return (.bmp, 0) }
        }
        if has("version https://git-lfs") || has("version http://git-media") { return (.gitLFSPointer, 0) }
        if let text = markup(bytes) { return (text, 0) }
        return afterJunk(bytes) ?? (.unknown, 0)
    }

    /// HTML and SVG, behind a byte order mark, white space, comments and declarations.
    private static func markup(_ bytes: UnsafeRawBufferPointer) -> ImageFormat? {
        let head = String(decoding: bytes.prefix(1024), as: UTF8.self).lowercased()
        let text = head.drop { $0.isWhitespace || $0 == "\u{feff}" }
        guard text.first == "<" else { return nil }
        let html = ["<!doctype html", "<html", "<head", "<body"].compactMap {
            text.firstRange(of: $0)?.lowerBound
        }.min()
        let svg = text.firstRange(of: "<svg")?.lowerBound
        guard let svg else { return html == nil ? nil : .html }
        return html.map { $0 < svg } ?? false ? .html : .svg
    }

    /// How far a careless tool may have pushed the picture: a blank line, a header of its own.
    private static let longestJunk = 1024

    private static func afterJunk(_ bytes: UnsafeRawBufferPointer) -> (ImageFormat, Int)? {
        for start in 1..<max(1, min(longestJunk, bytes.count - 8)) {
            if bytes[start] == 0xff, bytes[start + 1] == 0xd8, bytes[start + 2] == 0xff,
                isFirstMarker(bytes[start + 3])
            {
                return (.jpeg, start)
            }
            if bytes[start] == 0x89, bytes[start..<(start + 8)].elementsEqual(PNGChunks.signature) {
                return (.png, start)
            }
        }
        return nil
    }

    /// Markers that begin a real file: tables, frames, APPn, comments.
    private static func isFirstMarker(_ marker: UInt8) -> Bool {
        (0xe0...0xef).contains(marker) || [0xfe, 0xdb, 0xc4, 0xdd].contains(marker)
            || (0xc0...0xcf).contains(marker)
    }
}
