import Compression
import Imaging

/// One file through every reader, with options that its number chooses.
enum Trial {
    enum Outcome { case read, warned, refused }

    /// Small limits keep a run fast; they are checked before anything is allocated, whatever their size.
    private static let pixels = 1 << 22

    static func run(_ file: [UInt8], number: Int) -> Outcome {
        var options = DecodingOptions()
        options.maximumPixels = pixels
        options.maximumBytes = 4 * pixels
        options.keepsAlpha = number & 1 == 1
        options.readsCgBI = number & 2 == 2
        options.inverseDCT = number & 4 == 4 ? .fast : .accurate
        options.isStrict = number % 11 == 0
        options.scaleDenominator = 1 << (number / 8 % 4)
        return file.withUnsafeBytes { bytes in
            _ = ImageFormat.sniff(bytes)
            _ = try? header(of: bytes, options: options)
            readPieces(bytes, number)
            do throws(ImageError) {
                if number % 3 == 0 {
                    try resize(bytes, options, number)
                    return .read
                }
                let image = try Image(decoding: bytes, options: options)
                precondition(image.pixels.count == image.width * image.height * image.channels)
                return image.warnings.isEmpty ? .read : .warned
            } catch {
                return .refused
            }
        }
    }

    private static func resize(_ bytes: UnsafeRawBufferPointer, _ options: DecodingOptions, _ number: Int) throws(ImageError) {
        let (width, height) = (23, 17)
        let output = UnsafeMutablePointer<Float>.allocate(capacity: width * height * 3)
        defer { output.deallocate() }
        var resizer = InputResizer(
            output: output, width: width, height: height, filter: number % 2 == 0 ? .legacyBilinear : .antialiased)
        try decode(bytes, options: options, into: &resizer)
    }

    /// The readers that pictures reach only through other checks.
    private static func readPieces(_ bytes: UnsafeRawBufferPointer, _ number: Int) {
        let start = min(bytes.count, number % 64)
        let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
        let container: DeflateContainer = [.raw, .zlib, .gzip][number % 3]
        _ = try? Inflate.decompress(number % 5 == 0 ? rest : bytes, container, limit: 1 << 20)
        _ = EXIF.orientation(of: rest)
    }
}
