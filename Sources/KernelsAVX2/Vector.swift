typealias Vector = SIMD8<Float>

extension Vector {
    /// Adds `a * b`, rounded once.
    @inline(__always) mutating func accumulate(_ a: Vector, _ b: Vector) { addProduct(a, b) }
}
