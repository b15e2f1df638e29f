import Compression

/// An encoder for PNG (W3C PNG, third edition) with adaptive filters.
///
/// Each row is filtered such that the sum of the magnitudes of its bytes is minimal (§12.7).
public enum PNGEncoder {
    /// Encodes an image.
    ///
    /// - Parameters:
    ///   - pixels: The samples, `[height, width, channels]`, in native byte order; fewer than 2 GiB.
    ///   - width: The number of columns, at least 1.
    ///   - height: The number of rows, at least 1.
    ///   - channels: 1 for gray, 2 for gray and alpha, 3 for RGB, or 4 for RGB and alpha, not premultiplied.
    ///   - depth: The bits per sample, 8 or 16.
    ///   - colorProfile: The ICC profile to embed.
    ///   - exif: The EXIF data to embed, a TIFF structure without JPEG's prefix `Exif\0\0`.
    ///   - level: The compression level from 1 (fast) to 9 (small), as in zlib.
    /// - Returns: The content of the file.
    public static func encode(
        _ pixels: UnsafeRawBufferPointer, width: Int, height: Int, channels: Int, depth: Int = 8,
        colorProfile: [UInt8]? = nil, exif: [UInt8]? = nil, level: Int = 6
    ) -> [UInt8] {
        let stride = channels * depth / 8
        precondition(width > 0 && height > 0 && pixels.count == width * height * stride)
        precondition((1...4).contains(channels) && (depth == 8 || depth == 16))
        var file: [UInt8] = PNGChunks.signature
        let colorType: UInt8 = [0, 4, 2, 6][channels - 1]
        append("IHDR", word(width) + word(height) + [UInt8(depth), colorType, 0, 0, 0], to: &file)
        if let colorProfile {
            append("iCCP", Array("ICC profile\0\0".utf8) + Deflate.compress(colorProfile), to: &file)
        }
        if let exif { append("eXIf", exif, to: &file) }
        let rows = filtered(pixels, rowBytes: width * stride, height: height, stride: stride, depth: depth)
        append("IDAT", Deflate.compress(rows, level: level), to: &file)
        append("IEND", [], to: &file)
        return file
    }

    private static func word(_ value: Int) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
    }

    private static func append(_ type: String, _ data: [UInt8], to file: inout [UInt8]) {
        let body = Array(type.utf8) + data
        file += word(data.count)
        file += body
        file += word(Int(CRC32.checksum(body)))
    }

    /// Filters all rows and puts the number of its filter before each.
    private static func filtered(
        _ pixels: UnsafeRawBufferPointer, rowBytes: Int, height: Int, stride: Int, depth: Int
    ) -> [UInt8] {
        var trial = Trial(rowBytes: rowBytes, stride: stride)
        defer { trial.deallocate() }
        return [UInt8](unsafeUninitializedCapacity: (rowBytes + 1) * height) { output, count in
            guard let source = pixels.baseAddress, var to = output.baseAddress else { return }
            for y in 0..<height {
                trial.load(source + y * rowBytes, isWide: depth == 16)
                to.pointee = trial.best(to: to + 1)
                to += rowBytes + 1
            }
            count = output.count
        }
    }

    /// A row, the row above it, and the results of all filters.
    private struct Trial {
        private let rowBytes, stride: Int
        /// Rows with `stride` zeros before the first pixel.
        private var row, above: UnsafeMutablePointer<UInt8>
        private let candidates: UnsafeMutablePointer<UInt8>

        init(rowBytes: Int, stride: Int) {
            (self.rowBytes, self.stride) = (rowBytes, stride)
            row = .allocate(capacity: rowBytes + stride)
            above = .allocate(capacity: rowBytes + stride)
            candidates = .allocate(capacity: 5 * rowBytes)
            row.initialize(repeating: 0, count: rowBytes + stride)
            above.initialize(repeating: 0, count: rowBytes + stride)
            candidates.initialize(repeating: 0, count: 5 * rowBytes)
        }

        func deallocate() {
            row.deallocate()
            above.deallocate()
            candidates.deallocate()
        }

        /// Loads the next row and converts its samples to big-endian.
        mutating func load(_ source: UnsafeRawPointer, isWide: Bool) {
            swap(&row, &above)
            let to = UnsafeMutableRawPointer(row + stride)
            guard isWide else { return to.copyMemory(from: source, byteCount: rowBytes) }
            for i in 0..<(rowBytes / 2) {
                let sample = source.loadUnaligned(fromByteOffset: 2 &* i, as: UInt16.self)
                to.storeBytes(of: sample.bigEndian, toByteOffset: 2 &* i, as: UInt16.self)
            }
        }

        /// Writes the row with the filter of the smallest sum of magnitudes.
        ///
        /// - Returns: The number of the filter.
        func best(to output: UnsafeMutablePointer<UInt8>) -> UInt8 {
            let x = UnsafePointer(row + stride), b = UnsafePointer(above + stride)
            let a = UnsafePointer(row), c = UnsafePointer(above)
            var (best, least) = (0, Int.max)
            for filter in 0..<5 {
                let sum =
                    switch filter {
                    case 0: self.filter(0) { x[$0] }
                    case 1: self.filter(1) { x[$0] &- a[$0] }
                    case 2: self.filter(2) { x[$0] &- b[$0] }
                    case 3: self.filter(3) { x[$0] &- (a[$0] & b[$0]) &- (a[$0] ^ b[$0]) &>> 1 }
                    default: self.filter(4) { x[$0] &- Self.paeth(a[$0], b[$0], c[$0]) }
                    }
                if sum < least { (best, least) = (filter, sum) }
            }
            output.update(from: candidates + best * rowBytes, count: rowBytes)
            return UInt8(best)
        }

        /// Stores the result of a filter and returns the sum of the magnitudes of its bytes.
        @inline(__always) private func filter(_ number: Int, _ byte: (Int) -> UInt8) -> Int {
            let to = candidates + number &* rowBytes
            var sum: UInt64 = 0
            for i in 0..<rowBytes {
                let value = byte(i)
                to[i] = value
                sum &+= UInt64(min(value, 0 &- value))
            }
            return Int(truncatingIfNeeded: sum)
        }

        @inline(__always) private static func paeth(_ a: UInt8, _ b: UInt8, _ c: UInt8) -> UInt8 {
            let (left, up, corner) = (Int16(a), Int16(b), Int16(c))
            let pa = abs(up &- corner), pb = abs(left &- corner), pc = abs(left &+ up &- corner &- corner)
            return pa <= pb && pa <= pc ? a : pb <= pc ? b : c
        }
    }
}

extension Image {
    /// Encodes the image as PNG.
    ///
    /// - Parameters:
    ///   - colorProfile: The ICC profile to embed, for instance from `ImageMetadata`.
    ///   - exif: The EXIF data to embed. Its orientation is not adapted to that of the pixels.
    ///   - level: The compression level from 1 (fast) to 9 (small), as in zlib.
    /// - Returns: The content of the file.
    public func png(colorProfile: [UInt8]? = nil, exif: [UInt8]? = nil, level: Int = 6) -> [UInt8] {
        pixels.withUnsafeBytes {
            PNGEncoder.encode(
                $0, width: width, height: height, channels: channels, depth: depth,
                colorProfile: colorProfile,
                exif: exif, level: level)
        }
    }
}
