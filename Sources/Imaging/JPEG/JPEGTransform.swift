/// What inverse cosine transforms need and the kernels do not do: multipliers, blocks of one colour, smaller blocks.
enum JPEGTransform {
    /// Multipliers of a block's coefficients, 64 of them.
    static func multipliers(_ table: [UInt16], _ transform: InverseDCT, blockSize: Int) -> [Int32] {
        guard transform == .fast, blockSize == 8 else { return table.map { Int32($0) } }
        // The AAN scale factors cos(kπ/16)·√2, of row times column, with 14 bits; two bits stay.
        let scale: [Double] = [1, 1.387039845, 1.306562965, 1.175875602, 1, 0.785694958, 0.541196100, 0.275899379]
        return table.indices.map { index in
            let factor = Int32((scale[index / 8] * scale[index % 8] * 16384).rounded())
            return (Int32(table[index]) * factor + 2048) >> 12
        }
    }

    /// A block whose only coefficient is the first.
    static func flat(
        _ coefficient: Int16, _ multiplier: Int32, _ transform: InverseDCT, size: Int, to output: UnsafeMutablePointer<UInt8>, stride: Int
    ) {
        let value = Int32(coefficient) &* multiplier
        let sample: Int32
        if transform == .fast && size == 8 {
            sample = value >> 5
        } else {
            // Both passes' rounding: the first is exact.
            sample = (value &+ 4) >> 3
        }
        let byte = UInt8(min(max(sample &+ 128, 0), 255))
        for y in 0..<size { (output + y &* stride).update(repeating: byte, count: size) }
    }
}
