#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The decoder of one image format.
///
/// A format is a folder with one such type and an entry in `ImageFormat.decoders`; the README in this folder
/// describes how to add one. What is common to all formats, namely limits, orientation and strictness, is
/// done in `decode(_:options:into:)`.
protocol ImageDecoder: SendableMetatype {
    /// The format with its usual name.
    static var format: ImageFormat { get }

    /// Whether a file begins like files of this format; the bytes are the whole file, which may be empty.
    static func recognizes(_ bytes: UnsafeRawBufferPointer) -> Bool

    /// Returns the number of frames or pages of a file; 1 by default.
    static func frameCount(_ bytes: UnsafeRawBufferPointer) -> Int

    /// Reads everything but the pixels, without allocations that grow with the image.
    ///
    /// - Parameter bytes: The file, which stays valid as long as the decoder lives.
    init(_ bytes: UnsafeRawBufferPointer, options: DecodingOptions) throws(ImageError)

    /// The declared size in pixels, each below 2³¹.
    var width: Int { get }
    var height: Int { get }
    /// The size in pixels of the decoded rows, which differs from the declared size only if the decoder
    /// scales.
    var outputWidth: Int { get }
    var outputHeight: Int { get }
    /// The number of channels: 3, or 4 if the image has transparency and the options keep it.
    var channels: Int { get }
    /// The bits per sample of the decoded rows: 8, or 16 if the file has more and the options keep them.
    var depth: Int { get }
    /// The metadata, which includes the orientation.
    var metadata: ImageMetadata { get }
    /// The cost of decoding, which is requested only after the size was admitted.
    var cost: DecodingCost { get }
    /// The faults that were worked around: initially those of the headers, after decoding also those of the
    /// pixels.
    var warnings: [DecodingWarning] { get }

    /// Decodes the pixels into a sink that has already begun with the header.
    mutating func decode<Sink: RowSink>(into sink: inout Sink) throws(ImageError)
}

extension ImageDecoder {
    static func frameCount(_ bytes: UnsafeRawBufferPointer) -> Int { 1 }
    var outputWidth: Int { width }
    var outputHeight: Int { height }
    var depth: Int { 8 }
    var metadata: ImageMetadata { ImageMetadata() }

    fileprivate var header: ImageHeader {
        ImageHeader(
            format: Self.format, width: outputWidth, height: outputHeight, channels: channels,
            orientation: metadata.orientation, depth: depth)
    }
}

extension ImageFormat {
    /// The supported formats, in the order in which a file is compared with them.
    static let decoders: [any ImageDecoder.Type] =
        [JPEG.self, PNG.self, GIF.self, BMP.self, WebP.self, TIFF.self, PNM.self, QOI.self, ICO.self]
        + systemDecoders

    #if canImport(ImageIO)
    private static let systemDecoders: [any ImageDecoder.Type] = [
        SystemImage<HEIC>.self, SystemImage<AVIF>.self,
    ]
    #else
    private static let systemDecoders: [any ImageDecoder.Type] = []
    #endif
}

/// Decodes an image, whose format is detected from its content, and passes its rows to a sink.
///
/// - Returns: The faults that were worked around; empty for an intact file.
/// - Throws: `ImageError`; `.unsupported` carries the name of a format that is recognized but not decoded.
@discardableResult
public func decode<Sink: RowSink>(
    _ bytes: some ContiguousBytes, options: DecodingOptions = .init(), into sink: inout Sink
) throws(ImageError) -> [DecodingWarning] {
    try bytes.withImageBytes { bytes throws(ImageError) in
        let (decoder, start) = try ImageFormat.decoder(for: bytes)
        let padding = start == 0 ? [] : [DecodingWarning(offset: 0, "\(start) bytes before the picture")]
        try options.accept(padding, of: decoder.format)
        do throws(ImageError) {
            let picture = UnsafeRawBufferPointer(rebasing: bytes[start...])
            return padding
                + (try decode(decoder, picture, options, into: &sink)).map {
                    DecodingWarning(offset: $0.offset + start, $0.description)
                }
        } catch { throw error.moved(by: start) }
    }
}

private func decode<Decoder: ImageDecoder, Sink: RowSink>(
    _ type: Decoder.Type, _ bytes: UnsafeRawBufferPointer, _ options: DecodingOptions, into sink: inout Sink
) throws(ImageError) -> [DecodingWarning] {
    var picture = try type.init(bytes, options: options)
    try options.accept(picture.warnings, of: type.format)
    try options.admit(width: picture.width, height: picture.height)
    try options.admit(picture.cost, of: type.format, end: bytes.count)
    try sink.begin(picture.header)
    try picture.decode(into: &sink)
    try options.accept(picture.warnings, of: type.format)
    return picture.warnings
}

extension ImageHeader {
    /// Reads an image's header without decoding its pixels.
    public init(of bytes: some ContiguousBytes, options: DecodingOptions = .init()) throws(ImageError) {
        self = try bytes.withImageBytes { bytes throws(ImageError) in
            let (decoder, start) = try ImageFormat.decoder(for: bytes)
            do throws(ImageError) {
                return try decoder.init(UnsafeRawBufferPointer(rebasing: bytes[start...]), options: options)
                    .header
            } catch { throw error.moved(by: start) }
        }
    }
}

extension ContiguousBytes {
    /// Calls `withUnsafeBytes` and preserves the type of the error.
    func withImageBytes<T>(_ body: (UnsafeRawBufferPointer) throws(ImageError) -> T) throws(ImageError) -> T {
        let result: Result<T, ImageError> = withUnsafeBytes { bytes in
            do throws(ImageError) { return .success(try body(bytes)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}
