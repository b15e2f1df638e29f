/// What a file says of its picture apart from the pixels, in whichever of its containers.
///
/// A decoder hands in the EXIF and XMP that it meets; what comes first counts. EXIF goes before XMP, as in Pillow's `exif_transpose`.
struct ImageMetadata: Sendable, Equatable {
    private var exif: Int?
    private var xmp: Int?

    /// The orientation, 1...8; 1 where nothing says otherwise.
    var orientation: Int { exif ?? xmp ?? 1 }

    init() {}

    /// Takes a TIFF structure, with or without the `Exif\0\0` that JPEG puts before it.
    mutating func read(exif bytes: UnsafeRawBufferPointer) {
        guard exif == nil else { return }
        let hasPrefix = bytes.count > 6 && bytes.prefix(6).elementsEqual("Exif\0\0".utf8)
        exif = EXIF.storedOrientation(of: hasPrefix ? UnsafeRawBufferPointer(rebasing: bytes[6...]) : bytes)
    }

    /// Takes an XMP packet.
    mutating func read(xmp bytes: UnsafeRawBufferPointer) { xmp = xmp ?? XMP.orientation(of: bytes) }

    /// Takes an orientation that a format stores itself, as TIFF does.
    mutating func read(orientation: Int) {
        if exif == nil, (1...8).contains(orientation) { exif = orientation }
    }

    /// Takes a profile that ImageMagick wrote as text: a newline, the kind, the number of bytes, and the bytes in hexadecimal.
    ///
    /// - Parameter keyword: of the PNG text chunk: `Raw profile type exif`, `APP1` or `xmp`.
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

/// What the decoder wants of XMP (ISO 16684-1): the property `tiff:Orientation`.
enum XMP {
    /// How JPEG's APP1 segments of XMP begin.
    static let namespace: StaticString = "http://ns.adobe.com/xap/1.0/\0"
    private static let name = Array("tiff:Orientation".utf8)
    /// The longest packet that is searched.
    private static let longest = 1 << 20

    /// The orientation, 1...8, written as an attribute or as an element.
    static func orientation(of bytes: UnsafeRawBufferPointer) -> Int? {
        let last = min(bytes.count, longest) - name.count - 3
        guard last >= 0 else { return nil }
        for at in 0...last where bytes[at] == name[0] {
            guard bytes[at..<(at + name.count)].elementsEqual(name) else { continue }
            var next = at + name.count
            func skip(_ set: String.UTF8View) {
                while next < bytes.count, set.contains(bytes[next]) { next += 1 }
            }
            // `="6"` or `>6<`, with white space where XML allows it.
            skip(" \t\r\n".utf8)
            guard next < bytes.count, bytes[next] == 0x3d || bytes[next] == 0x3e else { continue }
            next += 1
            skip(" \t\r\n\"'".utf8)
            if next < bytes.count, (0x31...0x38).contains(bytes[next]) { return Int(bytes[next] - 0x30) }
        }
        return nil
    }
}
