/// An approximation of the inverse Hessian from the last steps and gradient changes (L-BFGS).
///
/// - Source: Nocedal and Wright, "Numerical Optimization", algorithm 7.4.
struct QuasiNewtonMemory {
    private let capacity: Int
    private var steps: [FloatBuffer] = []
    private var changes: [FloatBuffer] = []
    private let count: Int

    init(count: Int, capacity: Int) { (self.count, self.capacity) = (count, capacity) }

    /// Adds a pair of `step` and `change`, unless its curvature is too small to be reliable.
    mutating func append(step: UnsafePointer<Float>, change: UnsafePointer<Float>) {
        let curvature = dot(step, change, count)
        guard curvature > 1e-7 * (dot(step, step, count) * dot(change, change, count)).squareRoot() else {
            return
        }
        let full = steps.count == capacity
        let (s, y) =
            full ? (steps.removeFirst(), changes.removeFirst()) : (FloatBuffer(count), FloatBuffer(count))
        s.base.update(from: step, count: count)
        y.base.update(from: change, count: count)
        steps.append(s)
        changes.append(y)
    }

    /// Adapts the memory to a Hessian to whose first `weights` diagonal elements `shift` is added.
    mutating func shiftHessian(by shift: Float, weights: Int) {
        for (s, y) in zip(steps, changes) { addScaled(shift, s.base, to: y.base, weights) }
        // A negative shift can make the curvature of an inaccurate pair vanish.
        let kept = steps.indices.filter { dot(steps[$0].base, changes[$0].base, count) > 0 }
        (steps, changes) = (kept.map { steps[$0] }, kept.map { changes[$0] })
    }

    /// Writes -H·gradient to `direction`, where H approximates the inverse Hessian.
    ///
    /// - Parameter precondition: Multiplies a vector by an approximation of the inverse Hessian, which the pairs refine;
    ///   nil takes a multiple of the identity.
    func descend(
        _ gradient: UnsafePointer<Float>, into direction: UnsafeMutablePointer<Float>,
        precondition: ((UnsafeMutablePointer<Float>) -> Void)? = nil
    ) {
        for k in 0..<count { direction[k] = -gradient[k] }
        guard let s = steps.last, let y = changes.last else {
            precondition?(direction)
            return
        }
        var weights = [Double](repeating: 0, count: steps.count)
        for i in steps.indices.reversed() {
            weights[i] = dot(steps[i].base, direction, count) / dot(steps[i].base, changes[i].base, count)
            addScaled(Float(-weights[i]), changes[i].base, to: direction, count)
        }
        if let precondition {
            precondition(direction)
        } else {
            let scale = Float(dot(s.base, y.base, count) / dot(y.base, y.base, count))
            for k in 0..<count { direction[k] *= scale }
        }
        for i in steps.indices {
            let back = dot(changes[i].base, direction, count) / dot(steps[i].base, changes[i].base, count)
            addScaled(Float(weights[i] - back), steps[i].base, to: direction, count)
        }
    }
}

/// Returns Σ aₖ·bₖ, with single-precision lanes over 256 numbers at a time and their sums in double
/// precision. `count` is a multiple of 4.
func dot(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int) -> Double {
    var total: Double = 0, start = 0
    while start < count {
        let end = min(start + 256, count)
        var sum = SIMD4<Float>(), k = start
        while k < end {
            sum += SIMD4(at: a + k) * SIMD4(at: b + k)
            k &+= 4
        }
        total += Double(sum.sum())
        start = end
    }
    return total
}

/// Computes b += scale · a; `count` is a multiple of 4.
func addScaled(_ scale: Float, _ a: UnsafePointer<Float>, to b: UnsafeMutablePointer<Float>, _ count: Int) {
    var k = 0
    while k < count {
        (SIMD4(at: b + k) + SIMD4(at: a + k) * scale).store(at: b + k)
        k &+= 4
    }
}
