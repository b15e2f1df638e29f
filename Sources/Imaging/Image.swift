#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// A decoded picture, upright, 8 bits a channel.
///
///     let image = try Image(contentsOf: "photo.jpg")
///     print(image.width, image.height, image.format, image.warnings)
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

    /// - Parameter appliesOrientation: turn and mirror the picture as its EXIF orientation says.
    public init(
        decoding bytes: UnsafeRawBufferPointer, options: DecodingOptions = .init(), appliesOrientation: Bool = true
    ) throws(ImageError) {
        var sink = PixelSink(maximumBytes: options.maximumBytes, appliesOrientation: appliesOrientation)
        warnings = try decode(bytes, options: options, into: &sink)
        sink.finish()
        (width, height) = (sink.width, sink.height)
        (channels, orientation, format) = (sink.header.channels, sink.header.orientation, sink.header.format)
        pixels = sink.pixels
    }

    /// Decodes bytes that are already in memory.
    public init(
        decoding bytes: [UInt8], options: DecodingOptions = .init(), appliesOrientation: Bool = true
    ) throws(ImageError) {
        let result: Result<Image, ImageError> = bytes.withUnsafeBytes { bytes in
            do throws(ImageError) {
                return .success(try Image(decoding: bytes, options: options, appliesOrientation: appliesOrientation))
            } catch { return .failure(error) }
        }
        self = try result.get()
    }

    /// Decodes a file, by its content; its name does not matter.
    ///
    /// - Throws: `ImageError`, or what reading the file throws.
    public init(contentsOf path: String, options: DecodingOptions = .init(), appliesOrientation: Bool = true) throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
        self = try data.withUnsafeBytes {
            try Image(decoding: $0, options: options, appliesOrientation: appliesOrientation)
        }
    }
}

/// Keeps every row, each pixel put where the orientation wants it.
struct PixelSink: RowSink {
    private(set) var header = ImageHeader(format: .unknown, width: 0, height: 0, channels: 3, orientation: 1)
    private(set) var pixels: [UInt8] = []
    private var placement = Placement(width: 0, height: 0, orientation: 1)
    private var y = 0
    let maximumBytes: Int
    let appliesOrientation: Bool

    init(maximumBytes: Int, appliesOrientation: Bool) {
        (self.maximumBytes, self.appliesOrientation) = (maximumBytes, appliesOrientation)
    }

    var width: Int { placement.width }
    var height: Int { placement.height }

    mutating func begin(_ header: ImageHeader) throws(ImageError) {
        self.header = header
        y = 0
        let (bytes, overflow) = (header.width * header.channels).multipliedReportingOverflow(by: header.height)
        guard !overflow, bytes <= maximumBytes else {
            throw .overLimit(what: "bytes", declared: overflow ? Int.max : bytes, limit: maximumBytes)
        }
        placement = Placement(
            width: header.width, height: header.height, orientation: appliesOrientation ? header.orientation : 1)
        // Every byte is written once: by `append`, or by `finish` where rows do not come.
        pixels = [UInt8](unsafeUninitializedCapacity: bytes) { _, count in count = bytes }
    }

    /// Makes rows that never came black.
    mutating func finish() {
        guard y < header.height else { return }
        let black = [UInt8](repeating: 0, count: header.width * header.channels)
        black.withUnsafeBufferPointer { if let row = $0.baseAddress { while y < header.height { append(row: row) } } }
    }

    mutating func append(row: UnsafePointer<UInt8>) {
        guard y < header.height else { return }
        let (width, channels) = (header.width, header.channels)
        let (start, step) = (placement.start(ofRow: y) * channels, placement.step * channels)
        y += 1
        pixels.withUnsafeMutableBufferPointer { pixels in
            // Unsafe: placement maps the header's rows and columns one to one onto `pixels`.
            guard let base = pixels.baseAddress else { return }
            if step == channels { return (base + start).update(from: row, count: width * channels) }
            for x in 0..<width {
                for channel in 0..<channels { base[start + x * step + channel] = row[x * channels + channel] }
            }
        }
    }
}
