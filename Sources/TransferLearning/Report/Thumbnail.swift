import SystemFiles
import Imaging
#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Thumbnails embedded in a page.
enum Thumbnail {
    /// Returns a `data:` URL of a PNG of at most `side` pixels per side; nil if the image cannot be decoded.
    static func address(of path: String, side: Int = 112) -> String? {
        guard let bytes = try? FileSystem.read(FilePath(path)) else { return nil }
        var options = DecodingOptions()
        options.scaleDenominator = bytes.count > 400_000 ? 4 : 1
        guard let image = try? Image(decoding: bytes, options: options) else { return nil }
        let (width, height, pixels) = reduced(image, side: side)
        let file = pixels.withUnsafeBytes {
            PNGEncoder.encode($0, width: width, height: height, channels: 3)
        }
        return "data:image/png;base64," + Data(file).base64EncodedString()
    }

    /// Reduces an image to RGB by averaging over boxes.
    private static func reduced(_ image: Image, side: Int) -> (width: Int, height: Int, pixels: [UInt8]) {
        let longest = max(image.width, image.height)
        let width = max(1, longest > side ? image.width * side / longest : image.width)
        let height = max(1, longest > side ? image.height * side / longest : image.height)
        var pixels = [UInt8](repeating: 0, count: width * height * 3)
        for y in 0..<height {
            let rows =
                y * image.height
                / height..<max((y + 1) * image.height / height, y * image.height / height + 1)
            for x in 0..<width {
                let columns =
                    x * image.width / width..<max((x + 1) * image.width / width, x * image.width / width + 1)
                for c in 0..<3 {
                    var sum = 0
                    for row in rows {
                        for column in columns {
                            sum += Int(image.pixels[(row * image.width + column) * image.channels + c])
                        }
                    }
                    pixels[(y * width + x) * 3 + c] = UInt8(sum / (rows.count * columns.count))
                }
            }
        }
        return (width, height, pixels)
    }
}
