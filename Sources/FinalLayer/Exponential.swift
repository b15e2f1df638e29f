/// Computes eˣ in single precision, with a relative error below 2e-7 for x in [-87, 88]; x is clamped to this
/// range.
///
/// It reduces the range by ln 2 in two parts and evaluates a polynomial of degree 6 on [-ln 2 / 2, ln 2 / 2].
/// Additions and multiplications alone give the same bits on every processor.
///
/// - Source: the coefficients of `expf` in Moshier's Cephes.
@inline(__always)
func exponential(_ x: SIMD4<Float>) -> SIMD4<Float> {
    let clamped = x.clamped(lowerBound: SIMD4(repeating: -87), upperBound: SIMD4(repeating: 88))
    // Adding and subtracting 1.5 * 2^23 rounds to the nearest integer, for which SSE2 has no instruction.
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
