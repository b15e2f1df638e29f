import Compression
#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The metadata of an image, from any of the containers in its file.
///
///     let metadata = try ImageMetadata(of: data)
///     print(metadata.orientation, metadata.exif?.count, metadata.colorProfile?.count)
///
/// Of each kind the first counts. EXIF takes precedence over XMP, as in Pillow's `exif_transpose`.
public struct ImageMetadata: Sendable, Equatable {
    /// The EXIF data (JEITA CP-3451), a TIFF structure without the prefix `Exif\0\0`; nil if there is none.
    public private(set) var exif: [UInt8]?
    /// The XMP packet (ISO 16684-1); nil if there is none.
    public private(set) var xmp: [UInt8]?
    private var profile = Profile.none
    /// The orientation from EXIF or from the format itself.
    private var storedOrientation: Int?

    /// A color profile as it is stored in the file.
    private enum Profile: Sendable, Equatable {
        case none
        case whole([UInt8])
        /// A zlib stream.
        case compressed([UInt8])
        /// The numbered pieces from JPEG segments, and their declared count.
        case pieces([Int: [UInt8]], count: Int)
    }

    /// The maximum size of a decompressed profile.
    private static let longestProfile = 64 << 20

    /// The orientation, 1...8 (TIFF 6.0, tag 0x0112); 1 by default.
    public var orientation: Int {
        storedOrientation ?? xmp.flatMap { packet in packet.withUnsafeBytes { XMP.orientation(of: $0) } } ?? 1
    }

    /// The ICC profile; nil if there is none or if parts are missing.
    public var colorProfile: [UInt8]? {
        switch profile {
        case .none: return nil
        case .whole(let bytes): return bytes
        case .compressed(let bytes):
            return try? Inflate.decompress(bytes, .zlib, limit: Self.longestProfile)
        case .pieces(let pieces, let count):
            guard count > 0, pieces.count == count else { return nil }
            return (1...count).flatMap { pieces[$0] ?? [] }
        }
    }

    init() {}

    /// Reads the metadata of a file without decoding its pixels.
    ///
    /// - Parameters:
    ///   - bytes: The content of the file.
    ///   - options: The limits and other settings, as for decoding.
    public init(of bytes: some ContiguousBytes, options: DecodingOptions = .init()) throws(ImageError) {
        self = try bytes.withImageBytes { bytes throws(ImageError) in
            let (decoder, start) = try ImageFormat.decoder(for: bytes)
            do throws(ImageError) {
                return try decoder.init(UnsafeRawBufferPointer(rebasing: bytes[start...]), options: options)
                    .metadata
            } catch { throw error.moved(by: start) }
        }
    }

    /// Reads a TIFF structure, with or without JPEG's prefix `Exif\0\0`.
    mutating func read(exif bytes: UnsafeRawBufferPointer) {
        let hasPrefix = bytes.count > 6 && bytes.prefix(6).elementsEqual("Exif\0\0".utf8)
        let content = hasPrefix ? UnsafeRawBufferPointer(rebasing: bytes[6...]) : bytes
        if exif == nil { exif = Array(content) }
        if storedOrientation == nil { storedOrientation = EXIF.storedOrientation(of: content) }
    }

    /// Reads an XMP packet.
    mutating func read(xmp bytes: UnsafeRawBufferPointer) {
        let hasNamespace = bytes.starts(with: XMP.namespaceBytes)
        if xmp == nil { xmp = Array(hasNamespace ? bytes[XMP.namespaceBytes.count...] : bytes[...]) }
    }

    /// Reads an ICC profile, which may be compressed as a zlib stream.
    mutating func read(colorProfile bytes: UnsafeRawBufferPointer, isCompressed: Bool = false) {
        guard profile == .none else { return }
        profile = isCompressed ? .compressed(Array(bytes)) : .whole(Array(bytes))
    }

    /// Reads a JPEG segment of an ICC profile: `ICC_PROFILE\0`, the one-based number of the segment, the number of
    /// segments, and the data.
    ///
    /// - Source: ICC.1:2022 Annex B.4.
    mutating func read(colorProfileSegment bytes: UnsafeRawBufferPointer) {
        guard bytes.count > 14 else { return }
        var pieces: [Int: [UInt8]] = [:]
        if case .pieces(let earlier, _) = profile { pieces = earlier }
        let number = Int(bytes[12])
        if pieces[number] == nil { pieces[number] = Array(bytes[14...]) }
        profile = .pieces(pieces, count: Int(bytes[13]))
    }

    /// Reads an orientation that the format itself stores, as TIFF does.
    mutating func read(orientation: Int) {
        if storedOrientation == nil, (1...8).contains(orientation) { storedOrientation = orientation }
    }

    /// Reads a profile in ImageMagick's textual form: a newline, the kind, the number of bytes, and the bytes
    /// in hexadecimal.
    ///
    /// - Parameter keyword: The kind in the PNG chunk's keyword after `Raw profile type`: `exif`, `APP1`, `xmp`,
    ///   `icc` or `icm`.
    mutating func read(rawProfile text: UnsafeRawBufferPointer, keyword: String) {
        guard ["exif", "APP1", "xmp", "icc", "icm"].contains(keyword) else { return }
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
            if keyword.hasPrefix("ic") { return read(colorProfile: $0) }
            let isXMP = keyword == "xmp" || $0.prefix(5).elementsEqual("http:".utf8)
            if isXMP { read(xmp: $0) } else { read(exif: $0) }
        }
    }
}

/// Reads the property `tiff:Orientation` from XMP (ISO 16684-1).
enum XMP {
    /// The prefix of XMP in JPEG's APP1 segments.
    static let namespace: StaticString = "http://ns.adobe.com/xap/1.0/\0"
    static let namespaceBytes = Array("http://ns.adobe.com/xap/1.0/\0".utf8)
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
