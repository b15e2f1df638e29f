import Compression
import Imaging

/// Passes one file to every reader, with options derived from its number.
package enum Trial {
    /// The decoder's result.
    package enum Outcome: Sendable { case read, warned, refused }

    /// The limits, which are small to keep runs fast; they are checked before allocations.
    package static let pixels = 1 << 22
    package static let bytes = 4 * pixels

    /// - Parameter number: The file's number, so that a file is always tried with the same options.
    package static func run(_ file: [UInt8], number: Int) -> Outcome {
        var options = DecodingOptions()
        (options.maximumPixels, options.maximumBytes) = (pixels, bytes)
        options.keepsAlpha = number & 1 == 1
        options.readsCgBI = number & 2 == 2
        options.inverseDCT = number & 4 == 4 ? .fast : .accurate
        options.scaleDenominator = 1 << (number / 8 % 4)
        options.keepsDepth = number & 32 == 32
        options.frame = number % 5 == 0 ? number / 5 % 4 : 0
        let outcome = file.withUnsafeBytes { bytes in
            readPieces(bytes, number)
            resize(bytes, options, number)
            return decode(bytes, options)
        }
        options.isStrict = true
        let strictly = file.withUnsafeBytes { decode($0, options) }
        // A file is accepted strictly if and only if it decodes without warnings.
        precondition(
            (outcome == .read) == (strictly == .read) && strictly != .warned,
            "strict: \(strictly), otherwise \(outcome)")
        return outcome
    }

    private static func decode(_ bytes: UnsafeRawBufferPointer, _ options: DecodingOptions) -> Outcome {
        do throws(ImageError) {
            let image = try Image(decoding: bytes, options: options)
            let header = try ImageHeader(of: bytes, options: options)
            let metadata = try ImageMetadata(of: bytes, options: options)
            let stored = image.orientation < 5 ? (image.width, image.height) : (image.height, image.width)
            precondition(
                image.pixels.count == image.width * image.height * image.channels * image.depth / 8,
                "\(image.pixels.count) bytes")
            precondition(image.width * image.height <= options.maximumPixels, "more pixels than the limit")
            precondition(
                (header.width, header.height) == stored && header.channels == image.channels
                    && header.depth == image.depth && header.orientation == metadata.orientation, "\(header)")
            let frames = try Image.frameCount(in: bytes)
            precondition(frames > 0, "\(frames) frames")
            _ = (metadata.exif, metadata.colorProfile)
            return image.warnings.isEmpty ? .read : .warned
        } catch {
            return .refused
        }
    }

    private static func resize(_ bytes: UnsafeRawBufferPointer, _ options: DecodingOptions, _ number: Int) {
        // A network's input is made of samples of 8 bits.
        var options = options
        options.keepsDepth = false
        let (width, height) = (1 + number % 23, 1 + number % 17)
        let output = UnsafeMutablePointer<Float>.allocate(capacity: width * height * 3)
        defer { output.deallocate() }
        var resizer = InputResizer(
            output: output, width: width, height: height,
            filter: number % 3 == 0 ? .antialiased : .legacyBilinear)
        _ = try? Imaging.decode(bytes, options: options, into: &resizer)
    }

    /// Passes the bytes to readers that images reach only after other checks.
    private static func readPieces(_ bytes: UnsafeRawBufferPointer, _ number: Int) {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[min(bytes.count, number % 64)...])
        for container in [DeflateContainer.raw, .zlib, .gzip] {
            _ = try? Inflate.decompress(bytes, container, limit: 1 << 20)
        }
        _ = try? Inflate.decompress(rest, .raw, limit: 1 << 16)
        _ = (EXIF.orientation(of: bytes), EXIF.orientation(of: rest))
    }
}
