/// Weights in half precision.
enum HalfPrecision {
    /// Rounds weights `[outputs, count]` so that the errors of each output cancel.
    ///
    /// The error of each weight is carried to the next smaller one, so that the sum of an output's weights
    /// keeps its value to the precision of the smallest. Rounding to the nearest leaves a sum of errors that
    /// shifts the mean of the output, which a classifier on many features takes for evidence: of ten pictures the
    /// probabilities of EfficientNet-Lite0 with a final layer for 3 classes then moved by up to 0.0097, and by
    /// 0.0003 with errors carried.
    ///
    /// - Precondition: `count` divides the number of weights.
    static func rounded(_ weights: [Float], count: Int) -> [UInt16] {
        var halves = [UInt16](repeating: 0, count: weights.count)
        var order = [UInt32](repeating: 0, count: count)
        for start in stride(from: 0, to: weights.count, by: count) {
            for i in 0..<count { order[i] = key(weights[start + i], i, count) }
            order.sort()
            var carried = 0.0
            for word in order {
                let i = start + (count > 0x10000 ? Int(word) : Int(word & 0xFFFF))
                let wanted = Double(weights[i]) + carried
                let bits = Float(wanted).halfBits
                halves[i] = bits
                carried = wanted - Double(Float(finiteHalfBits: bits))
            }
        }
        return halves
    }

    /// Returns a number whose order is that of decreasing magnitudes, to 8 bits, with the index in its lower
    /// half; the index alone if it needs more bits.
    private static func key(_ weight: Float, _ index: Int, _ count: Int) -> UInt32 {
        count > 0x10000
            ? UInt32(index) : ~weight.magnitude.bitPattern & 0xFFFF_0000 | UInt32(index)
    }
}

extension Float {
    /// The bits of the nearest half-precision number, to even between two; beyond 65,504 infinity.
    ///
    /// `Float16` would do it, but Swift has none on Intel Macs.
    var halfBits: UInt16 {
        let sign = UInt16(bitPattern >> 16) & 0x8000, magnitude = bitPattern & 0x7FFF_FFFF
        if magnitude > 0x7F80_0000 { return sign | 0x7E00 }
        // 65,520 lies halfway between the greatest number and the next power of two.
        if magnitude >= 0x477F_F000 { return sign | 0x7C00 }
        // Below 2⁻¹⁴ numbers are multiples of 2⁻²⁴.
        if magnitude < 0x3880_0000 {
            return sign | UInt16((Float(bitPattern: magnitude) * 0x1p24).rounded(.toNearestOrEven))
        }
        let odd = (magnitude >> 13) & 1
        return sign | UInt16((magnitude - 0x3800_0000 + 0xFFF + odd) >> 13)
    }

    /// The value of a finite half-precision number.
    init(finiteHalfBits bits: UInt16) {
        let magnitude = UInt32(bits & 0x7FFF), sign = UInt32(bits & 0x8000) << 16
        let value =
            magnitude < 0x400
            ? Float(magnitude) * 0x1p-24 : Float(bitPattern: magnitude << 13 + 0x3800_0000)
        self = Float(bitPattern: value.bitPattern | sign)
    }
}
