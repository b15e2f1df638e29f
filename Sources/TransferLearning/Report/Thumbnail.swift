import Imaging

/// A small RGB picture, `[height, width, 3]`.
struct Thumbnail: Sendable, Equatable {
    let width, height: Int
    let pixels: [UInt8]

    /// Makes thumbnails of a picture by averaging over boxes, upright and with its proportions.
    ///
    /// - Parameter sides: The greatest width and height of each.
    /// - Returns: The thumbnails; none if the picture cannot be decoded.
    static func make(_ bytes: [UInt8], sides: [Int], limits: PictureLimits) -> [Thumbnail] {
        guard let largest = sides.max() else { return [] }
        var options = DecodingOptions(limits)
        options.readsCgBI = true
        if let header = try? ImageHeader(of: bytes, options: options) {
            let shrink = max(header.uprightWidth, header.uprightHeight) / (2 * largest)
            options.scaleDenominator = [8, 4, 2].first { $0 <= shrink } ?? 1
        }
        guard let image = try? Image(decoding: bytes, options: options) else { return [] }
        return sides.map { Thumbnail(image, side: $0) }
    }

    private init(_ image: Image, side: Int) {
        let longest = max(image.width, image.height)
        let width = max(1, longest > side ? image.width * side / longest : image.width)
        let height = max(1, longest > side ? image.height * side / longest : image.height)
        var pixels = [UInt8](repeating: 0, count: width * height * 3)
        image.pixels.withUnsafeBufferPointer { source in
            for y in 0..<height {
                let top = y * image.height / height, bottom = max((y + 1) * image.height / height, top + 1)
                for x in 0..<width {
                    let left = x * image.width / width, right = max((x + 1) * image.width / width, left + 1)
                    var sums = SIMD4<Int32>()
                    for row in top..<bottom {
                        for column in left..<right {
                            let p = (row * image.width + column) * image.channels
                            sums &+= SIMD4(Int32(source[p]), Int32(source[p + 1]), Int32(source[p + 2]), 1)
                        }
                    }
                    for c in 0..<3 { pixels[(y * width + x) * 3 + c] = UInt8(sums[c] / sums[3]) }
                }
            }
        }
        (self.width, self.height, self.pixels) = (width, height, pixels)
    }
}
