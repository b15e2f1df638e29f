/// Makes samples of 8 bits of stored ones: undoes differences, and widens or narrows.
///
/// Fewer bits are scaled up; of more, the highest 8 are kept, as PNG does and Pillow.
struct TIFFSamples {
    private let bits: Int
    private let isLittleEndian: Bool
    /// Whether indices are meant, which are not scaled.
    private let isScaled: Bool
    /// Of 1, 2 and 4 bits: the samples of each byte.
    private let expanded: [UInt64]

    init(bits: Int, isLittleEndian: Bool, isScaled: Bool) {
        (self.bits, self.isLittleEndian) = (bits, isLittleEndian)
        self.isScaled = isScaled
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

    /// - Parameters:
    ///   - row: `count` samples.
    ///   - output: room for `count` samples and 8 more.
    func convert(_ row: UnsafePointer<UInt8>, count: Int, to output: UnsafeMutablePointer<UInt8>) {
        switch bits {
        case 8: output.update(from: row, count: count)
        case 16:
            let high = row + (isLittleEndian ? 1 : 0)
            for i in 0..<count { output[i] = high[2 &* i] }
        case 1, 2, 4:
            let perByte = 8 / bits
            expanded.withUnsafeBufferPointer { expanded in
                guard let expanded = expanded.baseAddress else { return }
                var (from, to) = (row, 0)
                while to < count {
                    // Unsafe: at most 8 samples begin before `count`.
                    UnsafeMutableRawPointer(output + to).storeBytes(
                        of: expanded[Int(from.pointee)].littleEndian, as: UInt64.self)
                    from += 1
                    to &+= perByte
                }
            }
        default: convertBits(row, count: count, to: output)
        }
    }

    /// Samples that begin anywhere in a byte.
    private func convertBits(
        _ row: UnsafePointer<UInt8>, count: Int, to output: UnsafeMutablePointer<UInt8>
    ) {
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
                !isScaled ? stored : bits > 8 ? stored >> (bits - 8) : stored * 255 / (1 << bits - 1)
            output[i] = UInt8(truncatingIfNeeded: value)
        }
    }

    /// Sums the differences between neighbours (TIFF 6.0 §14), of 8 or 16 bits.
    ///
    /// - Parameters:
    ///   - row: `count` samples, and `PNGDefilter.slack` readable bytes.
    ///   - stride: samples a pixel.
    ///   - output: room for them and for the slack.
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
