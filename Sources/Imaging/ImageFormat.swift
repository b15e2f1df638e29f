#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The format of a file, detected from its content and never from its name.
///
/// Formats are identified by their names, so that each can be declared beside its decoder.
public struct ImageFormat: Sendable, Hashable, CustomStringConvertible {
    /// The format's usual name.
    public let description: String
    /// Whether a file of this format is a picture. Archives, documents, sound, video and data are none, even where they
    /// hold some.
    public let isPicture: Bool

    init(_ name: String, isPicture: Bool = true) { (description, self.isPicture) = (name, isPicture) }

    public static let empty = ImageFormat("empty file", isPicture: false)
    public static let unknown = ImageFormat("unknown format", isPicture: false)
}

extension ImageFormat {
    /// Detects the format of a file's content.
    public init(of bytes: some ContiguousBytes) {
        self = bytes.withUnsafeBytes { bytes in
            Self.locate(bytes)?.decoder.format ?? Self.named(bytes)
        }
    }

    /// Whether images of this format can be decoded.
    public var isRead: Bool { Self.decoders.contains { $0.format == self } }

    /// Returns the decoder for a file and the offset of its image, which is not 0 only if padding precedes a
    /// JPEG or PNG.
    ///
    /// - Throws: `ImageError` if no decoder fits.
    static func decoder(for bytes: UnsafeRawBufferPointer) throws(ImageError) -> (any ImageDecoder.Type, Int)
    {
        if let (decoder, start) = locate(bytes) { return (decoder, start) }
        switch named(bytes) {
        case .empty: throw .truncated(.empty, offset: 0)
        case .unknown: throw .unrecognized
        case let format: throw .unsupported(format, feature: nil)
        }
    }

    private static func locate(_ bytes: UnsafeRawBufferPointer) -> (
        decoder: any ImageDecoder.Type, start: Int
    )? {
        if let decoder = decoders.first(where: { $0.recognizes(bytes) }) { return (decoder, 0) }
        // An image embedded in a file of another known kind is ignored, even if that begins like padding.
        guard !bytes.isEmpty, recognized(bytes) == nil else { return nil }
        return behindPadding(bytes)
    }

    private static func named(_ bytes: UnsafeRawBufferPointer) -> ImageFormat {
        bytes.isEmpty ? .empty : recognized(bytes) ?? .unknown
    }

    /// The maximum length of the padding before an image.
    private static let longestPadding = 1024

    /// Finds a JPEG or PNG behind padding: zeros, a byte order mark, or white space such as the blank line that a
    /// faulty script writes.
    ///
    /// Other bytes belong to a container, such as a record file or a database. An image in it is one of its parts, and
    /// not what the file is, so that it is not decoded, whether the container is recognized or not.
    private static func behindPadding(_ bytes: UnsafeRawBufferPointer) -> (any ImageDecoder.Type, Int)? {
        let padding: Set<UInt8> = [0, 0x09, 0x0a, 0x0d, 0x20, 0xef, 0xbb, 0xbf]
        guard let start = bytes.prefix(longestPadding).firstIndex(where: { !padding.contains($0) }),
            start + 8 < bytes.count
        else { return nil }
        if bytes[start] == 0xff, bytes[start + 1] == 0xd8, bytes[start + 2] == 0xff,
            isFirstMarker(bytes[start + 3])
        {
            return (JPEG.self, start)
        }
        return bytes[start..<(start + 8)].elementsEqual(PNGChunks.signature) ? (PNG.self, start) : nil
    }

    /// Returns whether a marker can be the first after SOI: tables, frames, APPn or comments.
    private static func isFirstMarker(_ marker: UInt8) -> Bool {
        (0xe0...0xef).contains(marker) || [0xfe, 0xdb, 0xc4, 0xdd].contains(marker)
            || (0xc0...0xcf).contains(marker)
    }
}
