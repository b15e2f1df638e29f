import VectorOperations

typealias IntVector = SIMD4<Int32>
typealias HalfVector = SIMD4<UInt16>
typealias ByteVector = SIMD4<UInt8>
/// Vectors with twice as many elements as a vector of floats has lanes.
typealias BytePair = SIMD8<UInt8>
typealias HalfPair = SIMD8<UInt16>

#if arch(arm64)
typealias FullLowPrecisionTile<Sums: LowPrecisionColumns> = TwelveLowPrecisionRows<Sums>
typealias MediumLowPrecisionTile<Sums: LowPrecisionColumns> = EightLowPrecisionRows<Sums>
typealias SmallLowPrecisionTile<Sums: LowPrecisionColumns> = FourLowPrecisionRows<Sums>
#else
typealias FullLowPrecisionTile<Sums: LowPrecisionColumns> = SixLowPrecisionRows<Sums>
typealias MediumLowPrecisionTile<Sums: LowPrecisionColumns> = FourLowPrecisionRows<Sums>
typealias SmallLowPrecisionTile<Sums: LowPrecisionColumns> = TwoLowPrecisionRows<Sums>
#endif

@inline(__always) func floats(_ v: ByteVector) -> Vector { vector_floats_of_bytes_4(v) }
@inline(__always) func floats(_ v: HalfVector) -> Vector { vector_floats_of_bfloat16_4(v) }
@inline(__always) func floats(_ v: IntVector) -> Vector { vector_floats_of_ints_4(v) }
@inline(__always) func bytes(_ v: Vector) -> ByteVector { vector_bytes_of_floats_4(v) }
@inline(__always) func rounded(_ v: Vector) -> Vector { vector_rounded_4(v) }
@inline(__always) func bfloat16(_ v: Vector) -> HalfVector { vector_bfloat16_of_floats_4(v) }
@inline(__always) func largest(_ a: BytePair, _ b: BytePair) -> BytePair { vector_largest_4(a, b) }
@inline(__always) func sum(_ a: HalfPair, _ b: BytePair) -> HalfPair { vector_sum_4(a, b) }
@inline(__always) func floats(_ v: HalfPair) -> (low: Vector, high: Vector) {
    (vector_low_floats_4(v), vector_high_floats_4(v))
}

/// The bits of `x` that `dot` wants flipped.
var flippedBits: Int32 { vector_flipped_bits_4() }

/// Adds the products of each lane's four bytes, where `x` is unsigned, but for its flipped bits, and `weights` signed.
@inline(__always) func dot(_ sum: IntVector, _ x: IntVector, _ weights: IntVector) -> IntVector {
    vector_dot_bytes_4(sum, x, weights)
}
