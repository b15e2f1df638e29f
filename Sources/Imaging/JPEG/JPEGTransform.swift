/// What inverse cosine transforms need and the kernels do not do: multipliers, blocks of one colour, smaller blocks.
enum JPEGTransform {
    /// Multipliers of a block's coefficients, 64 of them.
    static func multipliers(_ table: [UInt16], _ transform: InverseDCT, blockSize: Int) -> [Int16] {
        guard transform == .fast, blockSize == 8 else { return table.map { Int16(bitPattern: $0) } }
        // The AAN scale factors cos(kπ/16)·√2, of row times column, with 14 bits; two bits stay.
        let scale: [Double] = [
            1, 1.387039845, 1.306562965, 1.175875602, 1, 0.785694958, 0.541196100, 0.275899379,
        ]
        return table.indices.map { index in
            let factor = Int((scale[index / 8] * scale[index % 8] * 16384).rounded())
            return Int16(truncatingIfNeeded: (Int(table[index]) * factor + 2048) >> 12)
        }
    }

    /// A block whose only coefficient is the first.
    @inline(__always) static func flat(
        _ coefficient: Int16, _ multiplier: Int16, _ transform: InverseDCT, size: Int,
        to output: UnsafeMutablePointer<UInt8>, stride: Int
    ) {
        // Values too large for 16 bits wrap, as in libjpeg-turbo's vectors.
        let value = coefficient &* multiplier
        let sample: Int32
        switch size {
        case 8:
            // The accurate one's first pass leaves two more bits, with 16 to hold them.
            sample = transform == .fast ? Int32(value) >> 5 : (Int32(value &<< 2) &+ 16) >> 5
        case 1:
            // Not done in vectors there: the sample wraps in ten bits.
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
