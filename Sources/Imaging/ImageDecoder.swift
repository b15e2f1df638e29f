#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The decoder of one format.
///
/// A format is a folder with one such type, a row in `ImageFormat.decoders`, and nothing else: the README beside this file tells how
/// to add one. What is the same for all formats is done once, in `decode(_:options:into:)`: limits, orientation, strictness.
protocol ImageDecoder {
    /// The format, by the name that people know it by.
    static var format: ImageFormat { get }

    /// Whether the file begins as files of the format do. The bytes are a whole file, perhaps an empty one.
    static func recognizes(_ bytes: UnsafeRawBufferPointer) -> Bool

    /// Reads everything but pixels, and allocates nothing that grows with the picture.
    ///
    /// - Parameter bytes: the file; valid as long as the decoder lives.
    init(_ bytes: UnsafeRawBufferPointer, options: DecodingOptions) throws(ImageError)

    /// Size in pixels as the file declares it, each under 2^31.
    var width: Int { get }
    var height: Int { get }
    /// Size in pixels of the rows that come; another than the declared one only where the decoder scales.
    var outputWidth: Int { get }
    var outputHeight: Int { get }
    /// 3, or 4 where the picture has transparency and the options keep it.
    var channels: Int { get }
    /// What the file says of the picture apart from its pixels; orientation comes from it.
    var metadata: ImageMetadata { get }
    /// What decoding takes; asked for only once the size is admitted.
    var cost: DecodingCost { get }
    /// What was wrong and could be worked around: in the headers at first, in the pixels too after decoding.
    var warnings: [DecodingWarning] { get }

    /// Decodes the pixels. The sink has begun, with the header that follows from the properties above.
    mutating func decode<Sink: RowSink>(into sink: inout Sink) throws(ImageError)
}

extension ImageDecoder {
    var outputWidth: Int { width }
    var outputHeight: Int { height }
    var metadata: ImageMetadata { ImageMetadata() }

    fileprivate var header: ImageHeader {
        ImageHeader(
            format: Self.format, width: outputWidth, height: outputHeight, channels: channels,
            orientation: metadata.orientation)
    }
}

extension ImageFormat {
    /// The formats that are read, in the order in which a file is held against them.
    static let decoders: [any ImageDecoder.Type] = [
        JPEG.self, PNG.self, GIF.self, BMP.self, WebP.self, PNM.self, QOI.self,
    ]
}

/// Decodes a picture by its content and hands its rows to a sink.
///
/// - Returns: what was wrong and could be worked around; empty for a sound file.
/// - Throws: `ImageError.unsupported` for what is recognized and not decoded, with the format's name.
@discardableResult
public func decode<Sink: RowSink>(
    _ bytes: some ContiguousBytes, options: DecodingOptions = .init(), into sink: inout Sink
) throws(ImageError) -> [DecodingWarning] {
    try bytes.withImageBytes { bytes throws(ImageError) in
        let (decoder, start) = try ImageFormat.decoder(for: bytes)
        let junk = start == 0 ? [] : [DecodingWarning(offset: 0, "\(start) bytes before the picture")]
        try options.accept(junk, of: decoder.format)
        do throws(ImageError) {
            let picture = UnsafeRawBufferPointer(rebasing: bytes[start...])
            return junk
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
    /// Reads what the file says of itself, without decoding it.
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
    /// `withUnsafeBytes` that keeps the error's type.
    func withImageBytes<T>(_ body: (UnsafeRawBufferPointer) throws(ImageError) -> T) throws(ImageError) -> T {
        let result: Result<T, ImageError> = withUnsafeBytes { bytes in
            do throws(ImageError) { return .success(try body(bytes)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}
