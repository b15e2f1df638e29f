#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// A decoded picture, upright, 8 bits a channel.
///
///     let image = try Image(contentsOf: "photo.jpg")
///     print(image.format, image.width, image.height, image.pixels[0], image.warnings)
///
/// Color profiles and gamma are ignored. To decode without holding a whole picture, give `decode(_:options:into:)` a `RowSink`.
public struct Image: Sendable {
    public let width, height: Int
    /// 3: RGB, 4: RGB and alpha, not premultiplied.
    public let channels: Int
    /// `[height, width, channels]`.
    public let pixels: [UInt8]
    /// The EXIF orientation the file had, 1...8; already applied to the pixels unless that was declined.
    public let orientation: Int
    public let format: ImageFormat
    /// What was wrong with the file and could be worked around.
    public let warnings: [DecodingWarning]

    /// Decodes bytes that are in memory, by their content: `[UInt8]`, `Data`, or a buffer.
    ///
    /// - Parameter appliesOrientation: turn and mirror the picture as its EXIF orientation says.
    public init(
        decoding bytes: some ContiguousBytes, options: DecodingOptions = .init(),
        appliesOrientation: Bool = true
    ) throws(ImageError) {
        var sink = PixelSink(maximumBytes: options.maximumBytes, appliesOrientation: appliesOrientation)
        warnings = try decode(bytes, options: options, into: &sink)
        sink.finish()
        (width, height) = (sink.width, sink.height)
        (channels, orientation, format) = (sink.header.channels, sink.header.orientation, sink.header.format)
        pixels = sink.pixels
    }

    /// Decodes a file, by its content; its name does not matter.
    public init(
        contentsOf path: String, options: DecodingOptions = .init(), appliesOrientation: Bool = true
    ) throws(ImageError) {
        self = try Image(
            decoding: FileBytes.read(path), options: options, appliesOrientation: appliesOrientation)
    }
}
