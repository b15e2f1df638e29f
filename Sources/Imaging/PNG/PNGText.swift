import Compression

/// A text chunk that may hold metadata (PNG 3rd edition §11.3.3): XMP, or a raw profile in ImageMagick's
/// form.
struct PNGText {
    private let keyword: String
    private let text: UnsafeRawBufferPointer
    private let isCompressed: Bool

    /// The maximum length of decompressed text.
    private static let longest = 1 << 20

    /// - Parameter type: The chunk's type: `tEXt`, `zTXt` or `iTXt`.
    init?(_ content: UnsafeRawBufferPointer, type: String) {
        // A keyword has at most 79 bytes (§11.3.3.2).
        guard let end = content.prefix(80).firstIndex(of: 0) else { return nil }
        keyword = String(decoding: content[..<end], as: UTF8.self)
        var start = end + 1
        switch type {
        case "zTXt":
            isCompressed = true
            start += 1
        case "iTXt":
            guard start + 2 <= content.count else { return nil }
            isCompressed = content[start] == 1
            start += 2
            // The language tag and the translated keyword are skipped.
            for _ in 0..<2 {
                guard let end = content[start...].firstIndex(of: 0) else { return nil }
                start = end + 1
            }
        default: isCompressed = false
        }
        guard start <= content.count else { return nil }
        text = UnsafeRawBufferPointer(rebasing: content[start...])
    }

    /// Adds the chunk's EXIF or XMP to the metadata.
    func note(in metadata: inout ImageMetadata) {
        let profile = "Raw profile type "
        guard keyword == "XML:com.adobe.xmp" || keyword.hasPrefix(profile) else { return }
        let inflated = isCompressed ? (try? Inflate.decompress(text, .zlib, limit: Self.longest)) ?? [] : []
        inflated.withUnsafeBytes { inflated in
            let text = isCompressed ? inflated : text
            if keyword.hasPrefix(profile) {
                metadata.read(rawProfile: text, keyword: String(keyword.dropFirst(profile.count)))
            } else {
                metadata.read(xmp: text)
            }
        }
    }
}
