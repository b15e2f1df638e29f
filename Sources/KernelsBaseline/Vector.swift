typealias Vector = SIMD4<Float>

extension Vector {
    /// Adds `a * b`.
    @inline(__always) mutating func accumulate(_ a: Vector, _ b: Vector) {
        #if arch(arm64)
        addProduct(a, b)
        #else
        // Without an FMA instruction `addProduct` would call libm.
        self += a * b
        #endif
    }
}
