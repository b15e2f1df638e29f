/// An unsigned integer that holds a decoded sample.
protocol TIFFSample: FixedWidthInteger, UnsignedInteger {}
extension UInt8: TIFFSample {}
extension UInt16: TIFFSample {}

/// Converts stored samples to 8 or 16 bits per sample, and reverses horizontal differencing.
///
/// Fewer bits are scaled to the full range. Of more bits than the result has, the upper ones are kept, as for PNG and
/// in Pillow.
struct TIFFSamples {
    private let bits: Int
    private let isLittleEndian: Bool
    /// Whether samples are scaled to the full range; palette indices are not.
    private let isScaled: Bool
    /// The samples in each byte value, for 1, 2 and 4 bits per sample.
    private let expanded: [UInt64]

    init(bits: Int, isLittleEndian: Bool, isScaled: Bool) {
        (self.bits, self.isLittleEndian, self.isScaled) = (bits, isLittleEndian, isScaled)
        guard [1, 2, 4].contains(bits) else {
            expanded = []
            return
        }
        expanded = (0..<256).map { byte in
            (0..<(8 / bits)).reduce(UInt64(0)) { samples, index in
                let stored = byte >> (8 - bits - index * bits) & (1 << bits - 1)
                let value = isScaled ? stored * 255 / (1 << bits - 1) : stored
                return samples | UInt64(value) << UInt64(8 * index)
            }
        }
    }

    /// Converts a row of samples.
    ///
    /// - Parameters:
    ///   - row: The `count` stored samples.
    ///   - count: The number of samples.
    ///   - output: The converted samples, followed by room for 8 more. 16 bits are meant for more than 8 stored bits.
    @inline(__always) func convert<Sample: TIFFSample>(
        _ row: UnsafePointer<UInt8>, count: Int, to output: UnsafeMutablePointer<Sample>
    ) {
        switch bits {
        case 8: for i in 0..<count { output[i] = Sample(truncatingIfNeeded: row[i]) }
        case 16 where Sample.bitWidth == 8:
            let high = row + (isLittleEndian ? 1 : 0)
            for i in 0..<count { output[i] = Sample(truncatingIfNeeded: high[2 &* i]) }
        case 16:
            let source = UnsafeRawPointer(row)
            for i in 0..<count {
                let stored = source.loadUnaligned(fromByteOffset: 2 &* i, as: UInt16.self)
                output[i] = Sample(
                    truncatingIfNeeded: isLittleEndian ? stored.littleEndian : stored.bigEndian)
            }
        case 1 where Sample.bitWidth == 8, 2 where Sample.bitWidth == 8, 4 where Sample.bitWidth == 8:
            let perByte = 8 / bits, target = UnsafeMutableRawPointer(output)
            expanded.withUnsafeBufferPointer { expanded in
                guard let expanded = expanded.baseAddress else { return }
                var (from, to) = (row, 0)
                while to < count {
                    // Unsafe: at most 8 samples begin before `count`.
                    target.storeBytes(
                        of: expanded[Int(from.pointee)].littleEndian, toByteOffset: to, as: UInt64.self)
                    from += 1
                    to &+= perByte
                }
            }
        default: convertBits(row, count: count, to: output)
        }
    }

    /// Converts samples that are not aligned to bytes.
    private func convertBits<Sample: TIFFSample>(
        _ row: UnsafePointer<UInt8>, count: Int, to output: UnsafeMutablePointer<Sample>
    ) {
        let width = Sample.bitWidth
        var (buffer, held, from) = (0, 0, row)
        for i in 0..<count {
            while held < bits {
                buffer = buffer << 8 | Int(from.pointee)
                from += 1
                held += 8
            }
            held -= bits
            let stored = buffer >> held & (1 << bits - 1)
            buffer &= 1 << held - 1
            let value =
                if !isScaled {
                    stored
                } else if bits > width {
                    stored >> (bits - width)
                } else {
                    stored * (1 << width - 1) / (1 << bits - 1)
                }
            output[i] = Sample(truncatingIfNeeded: value)
        }
    }

    /// Reverses horizontal differencing of 8- or 16-bit samples.
    ///
    /// - Parameters:
    ///   - row: The `count` differences, followed by `PNGDefilter.slack` readable bytes.
    ///   - count: The number of samples.
    ///   - stride: The number of samples per pixel.
    ///   - output: The samples in the file's byte order, followed by room for `PNGDefilter.slack` bytes.
    /// - Source: TIFF 6.0 §14.
    func sum(
        _ row: UnsafePointer<UInt8>, count: Int, stride: Int, to output: UnsafeMutablePointer<UInt8>
    ) {
        if bits == 8 {
            if stride <= 4 {
                _ = PNGDefilter.apply(1, raw: row, above: row, to: output, count: count, stride: stride)
            } else {
                for i in 0..<count { output[i] = row[i] &+ (i < stride ? 0 : output[i &- stride]) }
            }
            return
        }
        let (source, target) = (UnsafeRawPointer(row), UnsafeMutableRawPointer(output))
        for i in 0..<count {
            let stored = source.loadUnaligned(fromByteOffset: 2 &* i, as: UInt16.self)
            let difference = isLittleEndian ? stored.littleEndian : stored.bigEndian
            var left: UInt16 = 0
            if i >= stride {
                let before = target.loadUnaligned(fromByteOffset: 2 &* (i &- stride), as: UInt16.self)
                left = isLittleEndian ? before.littleEndian : before.bigEndian
            }
            let value = left &+ difference
            target.storeBytes(
                of: isLittleEndian ? value.littleEndian : value.bigEndian, toByteOffset: 2 &* i,
                as: UInt16.self)
        }
    }
}
