#if RELAXED_SIMD
import RelaxedSIMD
#endif

typealias Vector = SIMD4<Float>

#if arch(wasm32)
/// Eight sums and their operands fit the fifteen registers that browsers use, in whatever order a compiler that
/// knows of no limit puts the instructions; more sums would go through memory.
typealias FullTile<Sums: Columns> = FourRows<Sums>
typealias MediumTile<Sums: Columns> = TwoRows<Sums>
typealias SmallTile<Sums: Columns> = OneRow<Sums>
#elseif arch(arm64)
/// 24 sums, two weights and a pixel in 32 registers need the fewest loads per multiply-add.
typealias FullTile<Sums: Columns> = TwelveRows<Sums>
typealias MediumTile<Sums: Columns> = EightRows<Sums>
typealias SmallTile<Sums: Columns> = FourRows<Sums>
#else
/// Twelve sums hide the latency of multiply-adds and leave enough of the sixteen registers for the operands.
typealias FullTile<Sums: Columns> = SixRows<Sums>
typealias MediumTile<Sums: Columns> = FourRows<Sums>
typealias SmallTile<Sums: Columns> = TwoRows<Sums>
#endif

extension Vector {
    /// Adds `a * b`.
    @inline(__always) mutating func accumulate(_ a: Vector, _ b: Vector) {
        #if arch(arm64)
        addProduct(a, b)
        #elseif RELAXED_SIMD
        self = relaxed_multiply_add(a, b, self)
        #else
        // Without an FMA instruction `addProduct` would call libm.
        self += a * b
        #endif
    }
}

/// Loads the first `count` floats; the other lanes are zero.
@inline(__always) func loadFirst(_ count: Int, _ p: UnsafePointer<Float>) -> Vector {
    var v = Vector(repeating: 0)
    for lane in 0..<lanes where lane < count { v[lane] = p[lane] }
    return v
}
@inline(__always) func storeFirst(_ count: Int, _ v: Vector, _ p: UnsafeMutablePointer<Float>) {
    for lane in 0..<lanes where lane < count { p[lane] = v[lane] }
}
