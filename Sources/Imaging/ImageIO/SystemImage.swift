#if canImport(ImageIO)
import CoreGraphics
import Foundation
import ImageIO

/// A format that Apple's systems decode.
protocol SystemFormat {
    static var format: ImageFormat { get }
}
enum HEIC: SystemFormat { static let format = ImageFormat.heic }
enum AVIF: SystemFormat { static let format = ImageFormat.avif }

/// A decoder for a format that ImageIO, which comes with Apple's systems, decodes: the first image of the file.
///
/// EXIF is not available as bytes; its orientation is. Colors are those of the image's own color space.
struct SystemImage<Format: SystemFormat>: ImageDecoder {
    static var format: ImageFormat { Format.format }

    static func recognizes(_ bytes: UnsafeRawBufferPointer) -> Bool {
        ImageFormat.recognized(bytes) == Format.format
    }

    let width, height: Int
    let channels: Int
    let metadata: ImageMetadata
    private let image: CGImage
    private let fileSize: Int
    private(set) var warnings: [DecodingWarning] = []

    init(_ bytes: UnsafeRawBufferPointer, options: DecodingOptions) throws(ImageError) {
        guard options.frame == 0 else {
            throw .malformed(Format.format, offset: bytes.count, reason: "no frame \(options.frame)")
        }
        fileSize = bytes.count
        // The pixels are decoded when the image is drawn.
        let data = Data(bytes) as CFData
        guard let source = CGImageSourceCreateWithData(data, nil),
            let image = CGImageSourceCreateImageAtIndex(source, 0, nil), image.width > 0, image.height > 0
        else { throw .truncated(Format.format, offset: bytes.count) }
        self.image = image
        (width, height) = (image.width, image.height)
        let opaque: [CGImageAlphaInfo] = [.none, .noneSkipFirst, .noneSkipLast]
        channels = options.keepsAlpha && !opaque.contains(image.alphaInfo) ? 4 : 3
        var metadata = ImageMetadata()
        let properties = CGImageSourceCopyPropertiesAtIndex(source, 0, nil) as? [CFString: Any]
        if let orientation = properties?[kCGImagePropertyOrientation] as? Int {
            metadata.read(orientation: orientation)
        }
        if let profile = image.colorSpace?.copyICCData() {
            (profile as Data).withUnsafeBytes { metadata.read(colorProfile: $0) }
        }
        self.metadata = metadata
    }

    /// The cost; the system's decoder holds the image once more.
    var cost: DecodingCost {
        DecodingCost(memory: 2 * 4 * width * height, stored: fileSize, leastStored: 0)
    }

    mutating func decode<Sink: RowSink>(into sink: inout Sink) throws(ImageError) {
        let own = image.colorSpace.flatMap { $0.model == .rgb ? $0 : nil }
        let alpha: CGImageAlphaInfo = channels == 4 ? .premultipliedLast : .noneSkipLast
        guard let space = own ?? CGColorSpace(name: CGColorSpace.sRGB),
            let context = CGContext(
                data: nil, width: width, height: height, bitsPerComponent: 8, bytesPerRow: 4 * width,
                space: space, bitmapInfo: alpha.rawValue)
        else { throw .outOfMemory(bytes: 4 * width * height) }
        context.draw(image, in: CGRect(x: 0, y: 0, width: width, height: height))
        guard let data = context.data else { throw .outOfMemory(bytes: 4 * width * height) }
        let pixels = data.assumingMemoryBound(to: UInt8.self)
        let row = UnsafeMutablePointer<UInt8>.allocate(capacity: channels * width)
        defer { row.deallocate() }
        for y in 0..<height {
            let from = pixels + 4 * width * y
            for x in 0..<width {
                let pixel = from + 4 * x
                let a = channels == 4 ? Int(pixel[3]) : 255
                for channel in 0..<3 {
                    // The context multiplies colors by alpha.
                    let value = Int(pixel[channel])
                    row[channels * x + channel] = UInt8(a == 0 ? 0 : min(255, (value * 255 + a / 2) / a))
                }
                if channels == 4 { row[4 * x + 3] = pixel[3] }
            }
            sink.append(row: row)
        }
    }
}
#endif
