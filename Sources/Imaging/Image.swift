#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// A decoded, upright image with 8 bits per channel.
///
///     let image = try Image(contentsOf: "photo.jpg")
///     print(image.format, image.width, image.height, image.pixels[0], image.warnings)
///
/// Color profiles and gamma are ignored. To decode without holding the whole image, pass a `RowSink` to
/// `decode(_:options:into:)`.
public struct Image: Sendable {
    public let width, height: Int
    /// The number of channels: 3 for RGB, or 4 for RGB and alpha, not premultiplied.
    public let channels: Int
    /// The pixel values, `[height, width, channels]`.
    public let pixels: [UInt8]
    /// The file's EXIF orientation, 1...8; it is already applied to the pixels unless that was declined.
    public let orientation: Int
    public let format: ImageFormat
    /// The faults in the file that decoding worked around.
    public let warnings: [DecodingWarning]

    /// Decodes an image in memory, whose format is detected from its content.
    ///
    /// - Parameters:
    ///   - bytes: The file's bytes: `[UInt8]`, `Data`, or a buffer.
    ///   - options: The options for decoding.
    ///   - appliesOrientation: Whether to rotate and mirror the image according to its EXIF orientation.
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

    /// Decodes an image file, whose format is detected from its content and not from its name.
    public init(
        contentsOf path: String, options: DecodingOptions = .init(), appliesOrientation: Bool = true
    ) throws(ImageError) {
        self = try Image(
            decoding: FileBytes.read(path), options: options, appliesOrientation: appliesOrientation)
    }
}
