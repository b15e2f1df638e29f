import VectorOperations

typealias IntVector = SIMD8<Int32>
typealias HalfVector = SIMD8<UInt16>
typealias ByteVector = SIMD8<UInt8>
/// Vectors with twice as many elements as a vector of floats has lanes.
typealias BytePair = SIMD16<UInt8>
typealias HalfPair = SIMD16<UInt16>

typealias FullLowPrecisionTile<Sums: LowPrecisionColumns> = SixLowPrecisionRows<Sums>
typealias MediumLowPrecisionTile<Sums: LowPrecisionColumns> = FourLowPrecisionRows<Sums>
typealias SmallLowPrecisionTile<Sums: LowPrecisionColumns> = TwoLowPrecisionRows<Sums>

@inline(__always) func floats(_ v: ByteVector) -> Vector { vector_floats_of_bytes_8(v) }
@inline(__always) func floats(_ v: HalfVector) -> Vector { vector_floats_of_bfloat16_8(v) }
@inline(__always) func floats(_ v: IntVector) -> Vector { vector_floats_of_ints_8(v) }
@inline(__always) func bytes(_ v: Vector) -> ByteVector { vector_bytes_of_floats_8(v) }
@inline(__always) func rounded(_ v: Vector) -> Vector { vector_rounded_8(v) }
@inline(__always) func bfloat16(_ v: Vector) -> HalfVector { vector_bfloat16_of_floats_8(v) }
@inline(__always) func largest(_ a: BytePair, _ b: BytePair) -> BytePair { vector_largest_8(a, b) }
@inline(__always) func sum(_ a: HalfPair, _ b: BytePair) -> HalfPair { vector_sum_8(a, b) }
@inline(__always) func floats(_ v: HalfPair) -> (low: Vector, high: Vector) {
    (vector_low_floats_8(v), vector_high_floats_8(v))
}

/// No bits of `x` are flipped for `dot`.
var flippedBits: Int32 { 0 }

/// Adds the products of each lane's four bytes, where `x` is unsigned and `weights` signed.
@inline(__always) func dot(_ sum: IntVector, _ x: IntVector, _ weights: IntVector) -> IntVector {
    vector_dot_bytes_8(sum, x, weights)
}
