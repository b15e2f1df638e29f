import Compression
import Imaging

/// One file through every reader, with options that its number chooses.
package enum Trial {
    /// What the decoder made of the file.
    package enum Outcome: Sendable { case read, warned, refused }

    /// Small limits keep a run fast; they are checked before anything is allocated, whatever their size.
    package static let pixels = 1 << 22
    package static let bytes = 4 * pixels

    /// - Parameter number: the file's, so that the same one is always tried the same way.
    package static func run(_ file: [UInt8], number: Int) -> Outcome {
        var options = DecodingOptions()
        (options.maximumPixels, options.maximumBytes) = (pixels, bytes)
        options.keepsAlpha = number & 1 == 1
        options.readsCgBI = number & 2 == 2
        options.inverseDCT = number & 4 == 4 ? .fast : .accurate
        options.scaleDenominator = 1 << (number / 8 % 4)
        let outcome = file.withUnsafeBytes { bytes in
            readPieces(bytes, number)
            resize(bytes, options, number)
            return decode(bytes, options)
        }
        options.isStrict = true
        let strictly = file.withUnsafeBytes { decode($0, options) }
        // What is not perfect is never accepted strictly, and what is perfect always is.
        precondition(
            (outcome == .read) == (strictly == .read) && strictly != .warned,
            "strict: \(strictly), otherwise \(outcome)")
        return outcome
    }

    private static func decode(_ bytes: UnsafeRawBufferPointer, _ options: DecodingOptions) -> Outcome {
        do throws(ImageError) {
            let image = try Image(decoding: bytes, options: options)
            let header = try ImageHeader(of: bytes, options: options)
            let stored = image.orientation < 5 ? (image.width, image.height) : (image.height, image.width)
            precondition(
                image.pixels.count == image.width * image.height * image.channels,
                "\(image.pixels.count) bytes")
            precondition(image.width * image.height <= options.maximumPixels, "more pixels than the limit")
            precondition(
                (header.width, header.height) == stored && header.channels == image.channels, "\(header)")
            return image.warnings.isEmpty ? .read : .warned
        } catch {
            return .refused
        }
    }

    private static func resize(_ bytes: UnsafeRawBufferPointer, _ options: DecodingOptions, _ number: Int) {
        let (width, height) = (1 + number % 23, 1 + number % 17)
        let output = UnsafeMutablePointer<Float>.allocate(capacity: width * height * 3)
        defer { output.deallocate() }
        var resizer = InputResizer(
            output: output, width: width, height: height,
            filter: number % 3 == 0 ? .antialiased : .legacyBilinear)
        _ = try? Imaging.decode(bytes, options: options, into: &resizer)
    }

    /// The readers that pictures reach only through other checks.
    private static func readPieces(_ bytes: UnsafeRawBufferPointer, _ number: Int) {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[min(bytes.count, number % 64)...])
        for container in [DeflateContainer.raw, .zlib, .gzip] {
            _ = try? Inflate.decompress(bytes, container, limit: 1 << 20)
        }
        _ = try? Inflate.decompress(rest, .raw, limit: 1 << 16)
        _ = (EXIF.orientation(of: bytes), EXIF.orientation(of: rest))
    }
}
