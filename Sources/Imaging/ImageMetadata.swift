/// The metadata of an image, from any of the containers in its file.
///
/// A decoder passes all EXIF and XMP data that it finds; of each kind the first counts. EXIF takes precedence
/// over XMP, as in Pillow's `exif_transpose`.
struct ImageMetadata: Sendable, Equatable {
    private var exif: Int?
    private var xmp: Int?

    /// The orientation, 1...8; 1 by default.
    var orientation: Int { exif ?? xmp ?? 1 }

    init() {}

    /// Reads a TIFF structure, with or without JPEG's prefix `Exif\0\0`.
    mutating func read(exif bytes: UnsafeRawBufferPointer) {
        guard exif == nil else { return }
        let hasPrefix = bytes.count > 6 && bytes.prefix(6).elementsEqual("Exif\0\0".utf8)
        exif = EXIF.storedOrientation(of: hasPrefix ? UnsafeRawBufferPointer(rebasing: bytes[6...]) : bytes)
    }

    /// Reads an XMP packet.
    mutating func read(xmp bytes: UnsafeRawBufferPointer) { xmp = xmp ?? XMP.orientation(of: bytes) }

    /// Reads an orientation that the format itself stores, as TIFF does.
    mutating func read(orientation: Int) {
        if exif == nil, (1...8).contains(orientation) { exif = orientation }
    }

    /// Reads a profile in ImageMagick's textual form: a newline, the kind, the number of bytes, and the bytes
    /// in hexadecimal.
    ///
    /// - Parameter keyword: The kind in the PNG chunk's keyword after `Raw profile type`: `exif`, `APP1` or
    ///   `xmp`.
    mutating func read(rawProfile text: UnsafeRawBufferPointer, keyword: String) {
        guard ["exif", "APP1", "xmp"].contains(keyword) else { return }
        let words = text.split(maxSplits: 2, omittingEmptySubsequences: true) {
            $0 == 0x0a || $0 == 0x20 || $0 == 0x0d
        }
        guard words.count == 3 else { return }
        var bytes: [UInt8] = [], high: UInt8?
        bytes.reserveCapacity(words[2].count / 2)
        for character in words[2] {
            guard let digit = Character(UnicodeScalar(character)).hexDigitValue else { continue }
            if let first = high {
                bytes.append(first << 4 | UInt8(digit))
                high = nil
            } else {
                high = UInt8(digit)
            }
        }
        bytes.withUnsafeBytes {
            let isXMP = keyword == "xmp" || $0.prefix(5).elementsEqual("http:".utf8)
            if isXMP { read(xmp: $0) } else { read(exif: $0) }
        }
    }
}

/// Reads the property `tiff:Orientation` from XMP (ISO 16684-1).
enum XMP {
    /// The prefix of XMP in JPEG's APP1 segments.
    static let namespace: StaticString = "http://ns.adobe.com/xap/1.0/\0"
    private static let name = Array("tiff:Orientation".utf8)
    /// The maximum length of a packet that is searched.
    private static let longest = 1 << 20

    /// Returns the orientation, 1...8, stored as an attribute or as an element.
    static func orientation(of bytes: UnsafeRawBufferPointer) -> Int? {
        let last = min(bytes.count, longest) - name.count - 3
        guard last >= 0 else { return nil }
        for at in 0...last where bytes[at] == name[0] {
            guard bytes[at..<(at + name.count)].elementsEqual(name) else { continue }
            var next = at + name.count
            func skip(_ set: String.UTF8View) {
                while next < bytes.count, set.contains(bytes[next]) { next += 1 }
            }
            // This accepts `="6"` and `>6<`, with white space where XML allows it.
            skip(" \t\r\n".utf8)
            guard next < bytes.count, bytes[next] == 0x3d || bytes[next] == 0x3e else { continue }
            next += 1
            skip(" \t\r\n\"'".utf8)
            if next < bytes.count, (0x31...0x38).contains(bytes[next]) { return Int(bytes[next] - 0x30) }
        }
        return nil
    }
}
