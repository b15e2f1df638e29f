/// Formats that are recognized but not decoded, so that errors can name them and images embedded in them are
/// ignored.
extension ImageFormat {
    public static let avif = ImageFormat("AVIF")
    public static let heic = ImageFormat("HEIC")
    public static let svg = ImageFormat("SVG")
    public static let html = ImageFormat("HTML", isPicture: false)
    public static let gitLFSPointer = ImageFormat("Git LFS pointer", isPicture: false)
    public static let tga = ImageFormat("TGA")
    public static let cameraRaw = ImageFormat("camera raw file")
    public static let mail = ImageFormat("mail message", isPicture: false)

    /// The signature of a format: bytes at an offset.
    private struct Signature {
        let name: String
        let bytes: [UInt8]
        let offset: Int

        init(_ name: String, _ text: String, at offset: Int = 0) {
            // Code points up to 255 represent bytes.
            bytes = text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
            (self.name, self.offset) = (name, offset)
        }

        func begins(_ file: UnsafeRawBufferPointer) -> Bool {
            file.count >= offset + bytes.count
                && file[offset..<(offset + bytes.count)].elementsEqual(bytes)
        }
    }

    /// The signatures of images; longer ones precede their own prefixes.
    private static let pictures: [Signature] = [
        .init("JPEG XL", "\u{ff}\u{0a}"), .init("JPEG XL", "\0\0\0\u{0c}JXL \r\n\u{87}\n"),
        .init("JPEG 2000", "\0\0\0\u{0c}jP  \r\n\u{87}\n"),
        .init("JPEG 2000", "\u{ff}\u{4f}\u{ff}\u{51}"),
        .init("PSD", "8BPS"), .init("DDS", "DDS "), .init("XCF", "gimp xcf"), .init("OpenEXR", "v/1\u{01}"),
        .init("Radiance HDR", "#?RADIANCE"), .init("Radiance HDR", "#?RGBE"),
        .init("PFM", "PF\n"), .init("PFM", "Pf\n"), .init("WMF", "\u{d7}\u{cd}\u{c6}\u{9a}"),
        .init("EMF", " EMF", at: 40), .init("JPEG XR", "II\u{bc}\u{01}"), .init("BPG", "BPG\u{fb}"),
        .init("FLIF", "FLIF"), .init("MNG", "\u{8a}MNG\r\n\u{1a}\n"), .init("JNG", "\u{8b}JNG\r\n\u{1a}\n"),
        .init("KTX", "\u{ab}KTX "), .init("DPX", "SDPX"), .init("DPX", "XPDS"), .init("FITS", "SIMPLE  ="),
        .init("SGI", "\u{01}\u{da}\0"), .init("SGI", "\u{01}\u{da}\u{01}"),
        .init("Sun raster", "\u{59}\u{a6}\u{6a}\u{95}"),
        .init("DICOM", "DICM", at: 128), .init("DjVu", "AT&TFORM"), .init("farbfeld", "farbfeld"),
        .init("XPM", "/* XPM */"), .init("PCX", "\n\u{05}\u{01}\u{08}"), .init("PCX", "\n\u{05}\u{01}\u{01}"),
        .init("MIFF", "id=ImageMagick"), .init("NRRD", "NRRD000"), .init("VICAR", "LBLSIZE="),
        .init("bitmap without a file header", "\u{28}\0\0\0"), .init("icns", "icns"),
        // Camera raw files that are not TIFF.
        .init("camera raw file", "II\u{1a}\0\0\0HEAPCCDR"), .init("camera raw file", "IIRO"),
        .init("camera raw file", "IIRS"), .init("camera raw file", "MMOR"),
        .init("camera raw file", "IIU\0"), .init("camera raw file", "FOVb"),
        .init("camera raw file", "\0MRM"), .init("camera raw file", "FUJIFILMCCD-RAW"),
        .init("camera raw file", "ARRI"),
    ]

    /// The signatures of files of other kinds.
    private static let others: [Signature] = [
        // Documents.
        .init("PDF", "%PDF-"), .init("PostScript", "%!PS"), .init("PostScript", "\u{c5}\u{d0}\u{d3}\u{c6}"),
        .init("RTF", "{\\rtf"), .init("Office document", "\u{d0}\u{cf}\u{11}\u{e0}\u{a1}\u{b1}\u{1a}\u{e1}"),
        // Audio and video.
        .init("MP3", "ID3"), .init("FLAC", "fLaC"), .init("Ogg", "OggS"), .init("Monkey's Audio", "MAC "),
        .init("WAV", "WAVE", at: 8), .init("AIFF", "AIFF", at: 8), .init("AVI", "AVI ", at: 8),
        .init("Windows Media", "\u{30}\u{26}\u{b2}\u{75}\u{8e}\u{66}\u{cf}\u{11}"),
        .init("Matroska", "\u{1a}\u{45}\u{df}\u{a3}"), .init("FLV", "FLV\u{01}"),
        .init("MPEG", "\0\0\u{01}\u{ba}"), .init("MPEG", "\0\0\u{01}\u{b3}"),
        .init("Flash", "FWS"), .init("Flash", "CWS"),
        // Archives, programs, data.
        .init("ZIP archive", "PK\u{03}\u{04}"), .init("ZIP archive", "PK\u{05}\u{06}"),
        .init("gzip file", "\u{1f}\u{8b}\u{08}"), .init("bzip2 file", "BZh"),
        .init("xz file", "\u{fd}7zXZ\0"), .init("zstd file", "\u{28}\u{b5}\u{2f}\u{fd}"),
        .init("7z archive", "7z\u{bc}\u{af}\u{27}\u{1c}"), .init("RAR archive", "Rar!\u{1a}\u{07}"),
        .init("tar archive", "ustar", at: 257), .init("cabinet", "MSCF"),
        .init("program", "\u{7f}ELF"), .init("program", "\u{cf}\u{fa}\u{ed}\u{fe}"),
        .init("program", "\u{ca}\u{fe}\u{ba}\u{be}"), .init("program", "MZ\u{90}\0"),
        .init("SQLite database", "SQLite format 3\0"), .init("HDF5", "\u{89}HDF\r\n\u{1a}\n"),
        .init("NumPy array", "\u{93}NUMPY"), .init("MATLAB file", "MATLAB "), .init("Parquet", "PAR1"),
        .init("Arrow file", "ARROW1"), .init("Arrow file", "FEA1"), .init("Avro file", "Obj\u{01}"),
        .init("Hadoop sequence file", "SEQ\u{06}"), .init("MXNet record file", "\u{0a}\u{23}\u{d7}\u{ce}"),
        .init("LMDB database", "\u{de}\u{c0}\u{ef}\u{be}", at: 16), .init("WARC archive", "WARC/"),
        .init("ar archive", "!<arch>\n"), .init("cpio archive", "070701"), .init("cpio archive", "070707"),
        .init("git pack", "PACK\0\0\0"), .init("disc image", "CD001", at: 32769),
        .init("thumbnail cache", "CMMM"), .init("WebAssembly", "\0asm"),
        .init("AppleDouble", "\0\u{05}\u{16}\u{07}\0\u{02}\0\0"),
        .init("macOS .DS_Store", "\0\0\0\u{01}Bud1"), .init("font", "OTTO\0"), .init("font", "wOFF"),
        .init("font", "wOF2"), .init("font", "\0\u{01}\0\0\0"),
        .init("RIFF file", "RIFF"), .init("RIFF file", "RIFX"), .init("IFF file", "FORM"),
        .init("Git LFS pointer", "version https://git-lfs"),
        .init("Git LFS pointer", "version http://git-media"),
    ]

    /// Returns the kind of a file that cannot be decoded; nil if it is unknown.
    static func recognized(_ bytes: UnsafeRawBufferPointer) -> ImageFormat? {
        if TIFFDirectory.isCameraRaw(bytes) { return .cameraRaw }
        if let found = pictures.first(where: { $0.begins(bytes) }) { return ImageFormat(found.name) }
        if let found = others.first(where: { $0.begins(bytes) }) {
            return ImageFormat(found.name, isPicture: false)
        }
        return brand(bytes) ?? container(bytes) ?? markup(bytes) ?? text(bytes)
            ?? (isMPEGAudio(bytes) ? ImageFormat("MP3", isPicture: false) : nil)
            ?? (isTGA(bytes) ? .tga : nil)
    }

    /// Detects ISO base media files (ISO/IEC 14496-12 §4.3) by their major and compatible brands.
    private static func brand(_ bytes: UnsafeRawBufferPointer) -> ImageFormat? {
        guard bytes.count >= 12, bytes[4..<8].elementsEqual("ftyp".utf8) else { return nil }
        let size = min(bytes.count, max(16, Int(bytes[3])))
        let brands = stride(from: 8, through: size - 4, by: 4).map {
            String(decoding: bytes[$0..<($0 + 4)], as: UTF8.self)
        }
        if brands[0] == "crx " { return .cameraRaw }
        if brands.contains(where: { ["avif", "avis"].contains($0) }) { return .avif }
        let heif = ["heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"]
        if brands.contains(where: heif.contains) { return .heic }
        if brands[0] == "jp2 " || brands[0] == "jpx " { return ImageFormat("JPEG 2000") }
        let isSound = ["M4A ", "M4B "].contains(brands[0])
        return ImageFormat(isSound ? "MPEG-4 audio" : "MPEG-4 video", isPicture: false)
    }

    /// Detects HTML and SVG, which may follow a byte order mark, white space, comments and declarations.
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

    /// Detects mail (RFC 5322) by header fields or a multipart boundary, and PDF, which other bytes may
    /// precede.
    private static func text(_ bytes: UnsafeRawBufferPointer) -> ImageFormat? {
        let fields = [
            "return-path", "received", "from", "to", "subject", "date", "message-id", "mime-version",
            "delivered-to", "reply-to", "x-mozilla-status", "x-priority", "content-type",
            "content-disposition",
            "content-transfer-encoding", "dkim-signature", "arc-seal", "authentication-results",
        ]
        let head = bytes.prefix(1024)
        if head.starts(with: "From ".utf8) { return .mail }
        if let colon = head.firstIndex(of: 0x3a), colon < 40 {
            if fields.contains(String(decoding: head[..<colon], as: UTF8.self).lowercased()) { return .mail }
        }
        if head.starts(with: "--".utf8),
            String(decoding: head, as: UTF8.self).lowercased().contains("content-")
        {
            return .mail
        }
        return String(decoding: head, as: UTF8.self).contains("%PDF-1")
            ? ImageFormat("PDF", isPicture: false) : nil
    }

    /// Detects MPEG audio layer III by two consecutive frame headers (ISO/IEC 11172-3 §2.4.1.3).
    private static func isMPEGAudio(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let rates = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]
        func frame(_ at: Int) -> Int? {
            guard at + 4 <= bytes.count, bytes[at] == 0xff, bytes[at + 1] & 0xfe == 0xfa else { return nil }
            let (rate, frequency) = (Int(bytes[at + 2] >> 4), Int(bytes[at + 2] >> 2 & 3))
            guard (1...14).contains(rate), frequency < 3 else { return nil }
            return 144_000 * rates[rate] / [44_100, 48_000, 32_000][frequency] + Int(bytes[at + 2] >> 1 & 1)
        }
        guard let length = frame(0) else { return false }
        return frame(length) != nil
    }

    /// Detects TGA, which has no signature, by the footer of version 2.0, or by consistent header fields and
    /// a sufficient file size.
    private static func isTGA(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count > 18 else { return false }
        if bytes.count >= 44, bytes.suffix(18).starts(with: "TRUEVISION-XFILE.".utf8) { return true }
        let (map, kind, depth) = (bytes[1], bytes[2], Int(bytes[16]))
        let (width, height) = (bytes.littleEndian16(at: 12), bytes.littleEndian16(at: 14))
        guard width > 0, height > 0, width <= 16384, height <= 16384, bytes[17] & 0xc0 == 0 else {
            return false
        }
        let mapEntry = bytes[7], mapCount = bytes.littleEndian16(at: 5)
        switch (map, kind & 7) {
        case (1, 1):
            guard [1, 9].contains(kind), depth == 8, [15, 16, 24, 32].contains(mapEntry),
                (1...256).contains(mapCount)
            else { return false }
        case (0, 2):
            guard [2, 10].contains(kind), [15, 16, 24, 32].contains(depth), mapCount == 0, mapEntry == 0
            else { return false }
        case (0, 3):
            guard [3, 11].contains(kind), depth == 8, mapCount == 0, mapEntry == 0 else { return false }
        default: return false
        }
        let pixels = width * height * ((depth + 7) / 8)
        // A run has at most 128 pixels.
        return bytes.count - 18 >= (kind >= 8 ? pixels / 128 : pixels)
    }
}
