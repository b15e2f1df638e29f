/// The parts of the inverse DCT that the kernels do not cover: multipliers, flat blocks and reduced sizes.
enum JPEGTransform {
    /// Returns the 64 multipliers of a block's coefficients.
    static func multipliers(_ table: [UInt16], _ transform: InverseDCT, blockSize: Int) -> [Int16] {
        guard transform == .fast, blockSize == 8 else { return table.map { Int16(bitPattern: $0) } }
        // These are the AAN scale factors cos(kπ/16)·√2, multiplied for row and column with 14 bits, of which
        // two stay.
        let scale: [Double] = [
            1, 1.387039845, 1.306562965, 1.175875602, 1, 0.785694958, 0.541196100, 0.275899379,
        ]
        return table.indices.map { index in
            let factor = Int((scale[index / 8] * scale[index % 8] * 16384).rounded())
            return Int16(truncatingIfNeeded: (Int(table[index]) * factor + 2048) >> 12)
        }
    }

    /// Transforms a block that has only a DC coefficient.
    @inline(__always) static func flat(
        _ coefficient: Int16, _ multiplier: Int16, _ transform: InverseDCT, size: Int,
        to output: UnsafeMutablePointer<UInt8>, stride: Int
    ) {
        // Values that exceed 16 bits wrap, as in libjpeg-turbo's SIMD code.
        let value = coefficient &* multiplier
        let sample: Int32
        switch size {
        case 8:
            // The accurate transform's first pass keeps two more bits in 16 bits.
            sample = transform == .fast ? Int32(value) >> 5 : (Int32(value &<< 2) &+ 16) >> 5
        case 1:
            // libjpeg-turbo computes this without SIMD: the sample wraps to ten bits.
            sample = (((Int32(coefficient) &* Int32(multiplier) &+ 4) >> 3) &<< 22) >> 22
        default: sample = (Int32(value) &+ 4) >> 3
        }
        let byte = UInt8(truncatingIfNeeded: min(max(sample &+ 128, 0), 255))
        if size == 8 {
            let bytes = UInt64(byte) &* 0x0101_0101_0101_0101
            var line = UnsafeMutableRawPointer(output)
            for _ in 0..<8 {
                line.storeBytes(of: bytes, as: UInt64.self)
                line += stride
            }
        } else {
            for y in 0..<size { (output + y &* stride).update(repeating: byte, count: size) }
        }
    }
}
