/// Half-precision numbers (IEEE 754 binary16) as the cache stores them, without the processor's help: baseline x86-64 has none.
package enum HalfPrecision {
    /// The nearest half-precision number, ties to even; nil beyond ±65504 and for what is no number.
    ///
    /// The relative error is at most 2⁻¹¹, below 2⁻¹⁴ the absolute error at most 2⁻²⁵.
    static func bits(_ value: Float) -> UInt16? {
        guard value.magnitude < 65520 else { return nil }
        let sign = UInt16(truncatingIfNeeded: value.bitPattern >> 16) & 0x8000
        let magnitude = value.magnitude
        guard magnitude >= 0x1p-14 else {
            // The sum's unit in the last place is the smallest half's, 2⁻²⁴.
            let subnormal = (magnitude + 0.5).bitPattern &- Float(0.5).bitPattern
            return sign | UInt16(truncatingIfNeeded: subnormal)
        }
        let bits = magnitude.bitPattern, rounded = bits &+ 0xFFF &+ ((bits >> 13) & 1)
        return sign | UInt16(truncatingIfNeeded: (rounded &- (112 << 23)) >> 13)
    }

    @inline(__always)
    static func value(_ bits: UInt16) -> Float {
        let magnitude = Float(bitPattern: UInt32(bits & 0x7FFF) << 13) * 0x1p112
        return Float(bitPattern: magnitude.bitPattern | UInt32(bits & 0x8000) << 16)
    }

    /// The vector in half precision, where all its numbers are within range; else as it is.
    package static func rounded(_ vector: [Float]) -> [Float] {
        var result = vector
        for index in result.indices {
            guard let bits = bits(result[index]) else { return vector }
            result[index] = value(bits)
        }
        return result
    }

    /// The bits of a vector that loses nothing in half precision; nil for any other.
    static func exactBits(_ vector: [Float]) -> [UInt16]? {
        var result: [UInt16] = []
        result.reserveCapacity(vector.count)
        for number in vector {
            guard let bits = bits(number), value(bits).bitPattern == number.bitPattern else { return nil }
            result.append(bits)
        }
        return result
    }
}
