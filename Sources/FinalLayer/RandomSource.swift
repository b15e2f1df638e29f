/// The xoshiro256** generator seeded by SplitMix64 (Blackman and Vigna), which gives the same numbers on
/// every platform and in every version.
package struct RandomSource: RandomNumberGenerator, Sendable {
    private var s: (UInt64, UInt64, UInt64, UInt64)

    package init(seed: UInt64) {
        var state = seed
        func mixed() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
        s = (mixed(), mixed(), mixed(), mixed())
    }

    package mutating func next() -> UInt64 {
        func rotated(_ x: UInt64, _ k: UInt64) -> UInt64 { (x << k) | (x >> (64 - k)) }
        let result = rotated(s.1 &* 5, 7) &* 9
        let t = s.1 << 17
        s.2 ^= s.0; s.3 ^= s.1; s.1 ^= s.2; s.0 ^= s.3
        s.2 ^= t
        s.3 = rotated(s.3, 45)
        return result
    }

    /// Returns a number of `0..<bound`, uniform up to a bias below `bound / 2^64`.
    package mutating func index(below bound: Int) -> Int {
        Int(next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// Returns a uniform number in [0, 1) with 24 bits.
    package mutating func unit() -> Float { Float(next() >> 40) * 0x1p-24 }

    /// Returns a standard normal number, redrawn beyond two standard deviations like TensorFlow's
    /// `truncated_normal`.
    ///
    /// It uses rejection sampling, so that the bits depend on no library's logarithm or cosine.
    package mutating func truncatedNormal() -> Float {
        while true {
            let x = unit() * 4 - 2
            if unit() < exponential(SIMD4(repeating: -0.5 * x * x))[0] { return x }
        }
    }

    /// Returns a random permutation of `0..<count` (Fisher and Yates).
    package mutating func permutation(of count: Int) -> [Int] {
        var order = Array(0..<count)
        for last in stride(from: count - 1, to: 0, by: -1) { order.swapAt(last, index(below: last + 1)) }
        return order
    }
}
