import _Builtin_intrinsics.intel

typealias Vector = SIMD16<Float>

/// 24 sums, two weights and a pixel in 32 registers need the fewest loads per multiply-add.
typealias FullTile<Sums: Columns> = TwelveRows<Sums>
typealias MediumTile<Sums: Columns> = EightRows<Sums>
typealias SmallTile<Sums: Columns> = FourRows<Sums>

extension Vector {
    /// Adds `a * b` with one rounding.
    @inline(__always) mutating func accumulate(_ a: Vector, _ b: Vector) { addProduct(a, b) }
}

@inline(__always) private func mask(_ count: Int) -> UInt16 { ~(~0 << UInt16(truncatingIfNeeded: count)) }

/// Loads the first `count` floats; the other lanes are zero.
@inline(__always) func loadFirst(_ count: Int, _ p: UnsafePointer<Float>) -> Vector {
    _mm512_maskz_loadu_ps(mask(count), p)
}
@inline(__always) func storeFirst(_ count: Int, _ v: Vector, _ p: UnsafeMutablePointer<Float>) {
    _mm512_mask_storeu_ps(p, mask(count), v)
}
