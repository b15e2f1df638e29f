/// eˣ in single precision, relative error under 2e-7 for x in [-87, 88] and clamped outside.
///
/// Range reduction by ln 2 in two parts and a polynomial of degree 6 on [-ln 2 / 2, ln 2 / 2] (coefficients of Moshier's Cephes
/// `expf`). Only additions and multiplications: the same bits on every processor, and no call per number.
@inline(__always)
func exponential(_ x: SIMD4<Float>) -> SIMD4<Float> {
    let clamped = x.clamped(lowerBound: SIMD4(repeating: -87), upperBound: SIMD4(repeating: 88))
    // Adding and taking away 1.5 * 2^23 rounds to the nearest integer; SSE2 has no instruction for it.
    let magic: Float = 12_582_912
    let n = (clamped * 1.442_695_04 + magic) - magic
    let r = clamped - n * 0.693_359_375 - n * -2.121_944_4e-4
    var p = SIMD4<Float>(repeating: 1.987_569_15e-4)
    p = p * r + 1.398_199_95e-3
    p = p * r + 8.333_451_9e-3
    p = p * r + 4.166_579_6e-2
    p = p * r + 1.666_666_55e-1
    p = p * r + 5.000_000_1e-1
    let mantissa = p * r * r + r + 1
    let exponent =
        SIMD4<Int32>(truncatingIfNeeded: (n + magic).bits)
        &+ (127 &- Int32(truncatingIfNeeded: magic.bitPattern))
    return mantissa * SIMD4<Float>(bits: exponent &<< 23)
}

extension SIMD4<Float> {
    @inline(__always) var bits: SIMD4<Int32> { unsafeBitCast(self, to: SIMD4<Int32>.self) }
    @inline(__always) init(bits: SIMD4<Int32>) { self = unsafeBitCast(bits, to: SIMD4<Float>.self) }
    @inline(__always) init(at pointer: UnsafePointer<Float>) {
        self = UnsafeRawPointer(pointer).loadUnaligned(as: SIMD4<Float>.self)
    }
    @inline(__always) func store(at pointer: UnsafeMutablePointer<Float>) {
        UnsafeMutableRawPointer(pointer).storeBytes(of: self, as: SIMD4<Float>.self)
    }
}
