#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// A decoded, upright image with 8 bits per sample, or 16 if the options keep the depth.
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
    /// The bits per sample: 8, or 16 if the options keep the depth and the file has more than 8.
    public let depth: Int
    /// The sample values, `[height, width, channels]`; 16-bit samples take two bytes in native byte order.
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
        (depth, pixels) = (sink.header.depth, sink.pixels)
    }

    /// `[height, width, channels]`, whatever the depth: numbers up to 255, or up to 65,535.
    public var samples: [UInt16] {
        guard depth == 16 else { return pixels.map(UInt16.init) }
        return pixels.withUnsafeBytes { bytes in
            (0..<(bytes.count / 2)).map { bytes.loadUnaligned(fromByteOffset: 2 * $0, as: UInt16.self) }
        }
    }

    /// Decodes an image file, whose format is detected from its content and not from its name.
    public init(
        contentsOf path: String, options: DecodingOptions = .init(), appliesOrientation: Bool = true
    ) throws(ImageError) {
        self = try Image(
            decoding: FileBytes.read(path), options: options, appliesOrientation: appliesOrientation)
    }
}

extension Image {
    /// Returns the number of frames of an animation (GIF, APNG, WebP) or of pages of a TIFF; 1 for other files.
    ///
    /// `DecodingOptions.frame` selects one of them. Reduced-resolution pages and masks of a TIFF are not counted.
    ///
    /// - Parameter bytes: The content of the file.
    /// - Throws: `ImageError` if the format is not supported.
    public static func frameCount(in bytes: some ContiguousBytes) throws(ImageError) -> Int {
        try bytes.withImageBytes { bytes throws(ImageError) in
            let (decoder, start) = try ImageFormat.decoder(for: bytes)
            return decoder.frameCount(UnsafeRawBufferPointer(rebasing: bytes[start...]))
        }
    }
}
