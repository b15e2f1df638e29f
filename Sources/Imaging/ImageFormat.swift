#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// What the bytes are, found by their content, never by a name.
///
/// Formats are told apart by name, so that each can be declared where its decoder is.
public struct ImageFormat: Sendable, Hashable, CustomStringConvertible {
    /// The name, as people write it.
    public let description: String

    init(_ name: String) { description = name }

    public static let empty = ImageFormat("empty file")
    public static let unknown = ImageFormat("unknown format")
}

extension ImageFormat {
    /// Found by the content of a file.
    public init(of bytes: some ContiguousBytes) {
        self = bytes.withUnsafeBytes { bytes in
            Self.locate(bytes)?.decoder.format ?? Self.named(bytes)
        }
    }

    /// Whether pictures of the format are read.
    public var isRead: Bool { Self.decoders.contains { $0.format == self } }

    /// The decoder for a file, and where its picture starts: not at 0 only if junk precedes a JPEG or PNG.
    ///
    /// - Throws: why there is none.
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
        // A picture inside a file of another kind is not what the file is.
        guard !bytes.isEmpty, recognized(bytes) == nil else { return nil }
        return behindJunk(bytes)
    }

    private static func named(_ bytes: UnsafeRawBufferPointer) -> ImageFormat {
        bytes.isEmpty ? .empty : recognized(bytes) ?? .unknown
    }

    /// How far a careless tool may have pushed the picture: a blank line, a header of its own.
    private static let longestJunk = 1024

    private static func behindJunk(_ bytes: UnsafeRawBufferPointer) -> (any ImageDecoder.Type, Int)? {
        for start in 1..<max(1, min(longestJunk, bytes.count - 8)) {
            if bytes[start] == 0xff, bytes[start + 1] == 0xd8, bytes[start + 2] == 0xff,
                isFirstMarker(bytes[start + 3])
            {
                return (JPEG.self, start)
            }
            if bytes[start] == 0x89, bytes[start..<(start + 8)].elementsEqual(PNGChunks.signature) {
                return (PNG.self, start)
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
