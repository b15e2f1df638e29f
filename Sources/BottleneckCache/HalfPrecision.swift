/// Half-precision numbers (IEEE 754 binary16) as the cache stores them, converted in software because
/// baseline x86-64 has no instructions for them.
package enum HalfPrecision {
    /// Returns the nearest half-precision number, ties to even; nil beyond ±65504 and for NaN.
    ///
    /// The relative error is at most 2⁻¹¹; below 2⁻¹⁴ the absolute error is at most 2⁻²⁵.
    static func bits(_ value: Float) -> UInt16? {
        guard value.magnitude < 65520 else { return nil }
        let sign = UInt16(truncatingIfNeeded: value.bitPattern >> 16) & 0x8000
        let magnitude = value.magnitude
        guard magnitude >= 0x1p-14 else {
            // Adding ½ gives the sum a unit in the last place of 2⁻²⁴, that of half-precision subnormals.
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

    /// Returns the vector rounded to half precision, or unchanged if an element is out of range.
    package static func rounded(_ vector: [Float]) -> [Float] {
        var isInRange = true
        let result = [Float](unsafeUninitializedCapacity: vector.count) { floats, filled in
            for (index, number) in vector.enumerated() {
                let bits = bits(number)
                isInRange = isInRange && bits != nil
                floats.initializeElement(at: index, to: value(bits ?? 0))
            }
            filled = vector.count
        }
        return isInRange ? result : vector
    }

    /// Returns the bits of a vector that is exact in half precision, otherwise nil.
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
