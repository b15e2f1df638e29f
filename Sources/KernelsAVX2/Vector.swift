import _Builtin_intrinsics.intel

typealias Vector = SIMD8<Float>

/// Twelve sums hide the latency of multiply-adds and leave enough of the sixteen registers for the operands.
typealias FullTile<Sums: Columns> = SixRows<Sums>
typealias MediumTile<Sums: Columns> = FourRows<Sums>
typealias SmallTile<Sums: Columns> = TwoRows<Sums>

extension Vector {
    /// Adds `a * b` with one rounding.
    @inline(__always) mutating func accumulate(_ a: Vector, _ b: Vector) { addProduct(a, b) }
}

/// Returns a mask in which the lanes below `count` have their highest bit set.
@inline(__always) private func mask(_ count: Int) -> __m256i {
    let numbers = SIMD8<Int32>(0, 1, 2, 3, 4, 5, 6, 7)
    return unsafeBitCast(
        numbers &- SIMD8<Int32>(repeating: Int32(truncatingIfNeeded: count)), to: __m256i.self)
}

/// Loads the first `count` floats; the other lanes are zero.
@inline(__always) func loadFirst(_ count: Int, _ p: UnsafePointer<Float>) -> Vector {
    _mm256_maskload_ps(p, mask(count))
}
@inline(__always) func storeFirst(_ count: Int, _ v: Vector, _ p: UnsafeMutablePointer<Float>) {
    _mm256_maskstore_ps(p, mask(count), v)
}
