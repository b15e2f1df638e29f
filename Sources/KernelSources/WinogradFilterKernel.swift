import Kernels

/// The same tap, or the same product, of several filters.
private protocol Taps {
    static var zero: Self { get }
    /// Reads floats that may be unaligned; the numbers after `count` are zero.
    init(reading source: UnsafeRawPointer, count: Int)
    mutating func multiply(by other: Self)
    /// Adds the products with a number, each with two roundings.
    mutating func add(_ factor: Double, times other: Self)
    func write(_ target: UnsafeMutableRawPointer)
    init(reading numbers: UnsafePointer<Double>)
}

private struct EightTaps: Taps {
    private var a: SIMD8<Double>
    @inline(__always) private init(_ a: SIMD8<Double>) { self.a = a }
    @inline(__always) static var zero: EightTaps { EightTaps(.zero) }
    @inline(__always) init(reading numbers: UnsafePointer<Double>) {
        a = UnsafeRawPointer(numbers).loadUnaligned(as: SIMD8<Double>.self)
    }
    @inline(__always) init(reading source: UnsafeRawPointer, count: Int) {
        if count >= 8 {
            a = SIMD8<Double>(source.loadUnaligned(as: SIMD8<Float>.self))
            return
        }
        var eight = SIMD8<Float>.zero
        for lane in 0..<max(0, count) {
            eight[lane] = source.loadUnaligned(fromByteOffset: 4 &* lane, as: Float.self)
        }
        a = SIMD8<Double>(eight)
    }
    @inline(__always) mutating func multiply(by other: EightTaps) { a *= other.a }
    @inline(__always) mutating func add(_ factor: Double, times other: EightTaps) { a += factor * other.a }
    @inline(__always) func write(_ target: UnsafeMutableRawPointer) {
        target.storeBytes(of: SIMD8<Float>(a), as: SIMD8<Float>.self)
    }
}

/// Sixteen filters fill a cache line of the results.
private struct SixteenTaps: Taps {
    private var a, b: EightTaps
    @inline(__always) private init(_ a: EightTaps, _ b: EightTaps) { (self.a, self.b) = (a, b) }
    @inline(__always) static var zero: SixteenTaps { SixteenTaps(.zero, .zero) }
    @inline(__always) init(reading numbers: UnsafePointer<Double>) {
        (a, b) = (EightTaps(reading: numbers), EightTaps(reading: numbers + 8))
    }
    @inline(__always) init(reading source: UnsafeRawPointer, count: Int) {
        a = EightTaps(reading: source, count: count)
        b = EightTaps(reading: source + 32, count: count &- 8)
    }
    @inline(__always) mutating func multiply(by other: SixteenTaps) {
        a.multiply(by: other.a)
        b.multiply(by: other.b)
    }
    @inline(__always) mutating func add(_ factor: Double, times other: SixteenTaps) {
        a.add(factor, times: other.a)
        b.add(factor, times: other.b)
    }
    @inline(__always) func write(_ target: UnsafeMutableRawPointer) {
        a.write(target)
        b.write(target + 32)
    }
}

/// Computes G · g · Gᵀ for eight or sixteen filters and each input channel, in double precision with one final
/// rounding.
package func transformWinogradFilters(_ filters: UnsafePointer<WinogradFilters>) {
    let p = filters.pointee
    // The taps, and their products with G: at most 5 × 5 and 8 × 5.
    if p.width == 16 {
        withUnsafeTemporaryAllocation(of: SixteenTaps.self, capacity: 65) { transform(p, $0.baseAddress!) }
    } else {
        withUnsafeTemporaryAllocation(of: EightTaps.self, capacity: 65) { transform(p, $0.baseAddress!) }
    }
}

@inline(__always) private func transform<Several: Taps>(
    _ p: WinogradFilters, _ work: UnsafeMutablePointer<Several>
) {
    // Constant numbers of taps let the compiler unroll the loops.
    switch (p.tapsY, p.tapsX) {
    case (3, 3): transform(p, 3, 3, work)
    case (5, 5): transform(p, 5, 5, work)
    case (1, 7): transform(p, 1, 7, work)
    case (7, 1): transform(p, 7, 1, work)
    case (1, 3): transform(p, 1, 3, work)
    case (3, 1): transform(p, 3, 1, work)
    default: preconditionFailure("a window without a Winograd algorithm")
    }
}

@inline(__always) private func points(_ taps: Int) -> Int { taps == 1 ? 1 : taps &+ 3 }

@inline(__always) private func transform<Several: Taps>(
    _ p: WinogradFilters, _ tapsY: Int, _ tapsX: Int, _ taps: UnsafeMutablePointer<Several>
) {
    let (pointsY, pointsX) = (points(tapsY), points(tapsX)), halves = taps + tapsY &* tapsX
    let scales = Several(reading: p.scales)
    for input in 0..<p.inputs {
        let filter = p.filters + 4 &* input &* p.inputStride
        for tap in 0..<tapsY &* tapsX {
            taps[tap] = Several(reading: filter + 4 &* tap &* p.tapStride, count: p.count)
            taps[tap].multiply(by: scales)
        }
        for y in 0..<pointsY {
            for x in 0..<tapsX {
                var sum = Several.zero
                for r in 0..<tapsY { sum.add(p.left[y &* tapsY &+ r], times: taps[r &* tapsX &+ x]) }
                halves[y &* tapsX &+ x] = sum
            }
        }
        var target = UnsafeMutableRawPointer(p.output + input &* p.outputStride)
        for y in 0..<pointsY {
            for x in 0..<pointsX {
                var sum = Several.zero
                for s in 0..<tapsX { sum.add(p.right[x &* tapsX &+ s], times: halves[y &* tapsX &+ s]) }
                sum.write(target)
                target += 4 &* p.positionStride
            }
        }
    }
}
