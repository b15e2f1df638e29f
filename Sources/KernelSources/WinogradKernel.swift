import Kernels

/// A strided view of vectors in memory; the step is in floats.
private struct Strided {
    var pointer: UnsafeMutablePointer<Float>
    var step: Int
    @inline(__always) subscript(index: Int) -> Vector {
        get { load(pointer + index &* step) }
        nonmutating set { store(newValue, pointer + index &* step) }
    }
}

/// Returns `base + a * b`.
@inline(__always) private func plus(_ base: Vector, _ a: Float, _ b: Vector) -> Vector {
    var sum = base
    sum.accumulate(Vector(repeating: a), b)
    return sum
}

// MARK: Into points

/// Computes Bᵀ · `from`.
///
/// Row i of Bᵀ holds the coefficients, from x⁰ up, of the product of (x - p) over all finite points p but the
/// i-th; the last row holds those of the product over all. The rows of a pair ±p share their even and odd
/// halves.
///
/// - Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015, §4.1, for six points.
@inline(__always) private func evaluate(_ points: Int, _ from: Strided, _ to: Strided) {
    switch points {
    case 6: evaluateSix(from, to)
    case 8: evaluateEight(from, to)
    default: evaluateTen(from, to)
    }
}

@inline(__always) private func evaluateSix(_ d: Strided, _ to: Strided) {
    let d1 = d[1], d2 = d[2], d3 = d[3], d4 = d[4]
    let (a, b) = WinogradPoints.ofThreeTaps
    let all = coefficients(a, b)
    to[0] = plus(plus(d4, all.c1, d2), all.c0, d[0])
    to[5] = plus(plus(d[5], all.c1, d3), all.c0, d1)
    @inline(__always) func pair(_ point: Float, without other: Float, at index: Int) {
        let even = plus(d4, -other * other, d2), odd = plus(d3, -other * other, d1)
        to[index] = plus(even, point, odd)
        to[index &+ 1] = plus(even, -point, odd)
    }
    pair(a, without: b, at: 1)
    pair(b, without: a, at: 3)
}

@inline(__always) private func evaluateEight(_ d: Strided, _ to: Strided) {
    let d1 = d[1], d2 = d[2], d3 = d[3], d4 = d[4], d5 = d[5], d6 = d[6]
    let (a, b, c) = WinogradPoints.ofFiveTaps
    let all = coefficients(a, b, c)
    to[0] = plus(plus(plus(d6, all.c2, d4), all.c1, d2), all.c0, d[0])
    to[7] = plus(plus(plus(d[7], all.c2, d5), all.c1, d3), all.c0, d1)
    @inline(__always) func pair(_ point: Float, _ others: (c1: Float, c0: Float), at index: Int) {
        let even = plus(plus(d6, others.c1, d4), others.c0, d2),
            odd = plus(plus(d5, others.c1, d3), others.c0, d1)
        to[index] = plus(even, point, odd)
        to[index &+ 1] = plus(even, -point, odd)
    }
    pair(a, coefficients(b, c), at: 1)
    pair(b, coefficients(a, c), at: 3)
    pair(c, coefficients(a, b), at: 5)
}

@inline(__always) private func evaluateTen(_ d: Strided, _ to: Strided) {
    let d1 = d[1], d2 = d[2], d3 = d[3], d4 = d[4], d5 = d[5], d6 = d[6], d7 = d[7], d8 = d[8]
    let (a, b, c, e) = WinogradPoints.ofSevenTaps
    let all = coefficients(a, b, c, e)
    to[0] = plus(plus(plus(plus(d8, all.c3, d6), all.c2, d4), all.c1, d2), all.c0, d[0])
    to[9] = plus(plus(plus(plus(d[9], all.c3, d7), all.c2, d5), all.c1, d3), all.c0, d1)
    @inline(__always) func pair(_ point: Float, _ others: (c2: Float, c1: Float, c0: Float), at index: Int) {
        let even = plus(plus(plus(d8, others.c2, d6), others.c1, d4), others.c0, d2),
            odd = plus(plus(plus(d7, others.c2, d5), others.c1, d3), others.c0, d1)
        to[index] = plus(even, point, odd)
        to[index &+ 1] = plus(even, -point, odd)
    }
    pair(a, coefficients(b, c, e), at: 1)
    pair(b, coefficients(a, c, e), at: 3)
    pair(c, coefficients(a, b, e), at: 5)
    pair(e, coefficients(a, b, c), at: 7)
}

// The coefficients of (x² - a²)(x² - b²)… without the leading 1: `c0` belongs to 1, `c1` to x², and so on.

@inline(__always) private func coefficients(_ a: Float, _ b: Float) -> (c1: Float, c0: Float) {
    (-(a * a + b * b), a * a * b * b)
}

@inline(__always) private func coefficients(_ a: Float, _ b: Float, _ c: Float) -> (
    c2: Float, c1: Float, c0: Float
) {
    let two = coefficients(a, b), square = c * c
    return (two.c1 - square, two.c0 - square * two.c1, -square * two.c0)
}

@inline(__always) private func coefficients(_ a: Float, _ b: Float, _ c: Float, _ d: Float) -> (
    c3: Float, c2: Float, c1: Float, c0: Float
) {
    let three = coefficients(a, b, c), square = d * d
    return (three.c2 - square, three.c1 - square * three.c2, three.c0 - square * three.c1, -square * three.c0)
}

/// Computes Bᵀ · tile · B; the channels are a multiple of the vector's lanes.
package func transformWinogradInput(_ tile: UnsafePointer<WinogradInput>) {
    let p = tile.pointee
    let input = UnsafeMutablePointer(mutating: p.input)
    var channel = 0
    if p.pointsY == 1 || p.pointsX == 1 {
        let (points, step) = p.pointsY == 1 ? (p.pointsX, p.pixelStride) : (p.pointsY, p.rowStride)
        while channel < p.channels {
            evaluate(
                points, Strided(pointer: input + channel, step: step),
                Strided(pointer: p.output + channel, step: p.matrixStride))
            channel &+= lanes
        }
        return
    }
    withUnsafeTemporaryAllocation(of: Vector.self, capacity: 80) { buffer in
        let work = UnsafeMutableRawPointer(buffer.baseAddress!).assumingMemoryBound(to: Float.self)
        let row = p.pointsX &* lanes
        while channel < p.channels {
            for x in 0..<p.pointsX {
                let column = input + channel + x &* p.pixelStride
                evaluate(
                    p.pointsY, Strided(pointer: column, step: p.rowStride),
                    Strided(pointer: work + x &* lanes, step: row))
            }
            for y in 0..<p.pointsY {
                let output = p.output + channel + y &* p.pointsX &* p.matrixStride
                evaluate(
                    p.pointsX, Strided(pointer: work + y &* row, step: lanes),
                    Strided(pointer: output, step: p.matrixStride))
            }
            channel &+= lanes
        }
    }
}

// MARK: Back from points

/// Four outputs of a tile along an axis, as the products of more and more points are added.
private struct Outputs {
    var y0, y1, y2, y3: Vector

    /// Begins with the products of 0, of the first pair ± `point`, and of ∞.
    @inline(__always) init(_ point: Float, of v: Strided, last: Vector) {
        let sum = v[1] + v[2], difference = v[1] - v[2]
        (y0, y1, y2) = (v[0] + sum, point * difference, point * point * sum)
        y3 = plus(last, point * point * point, difference)
    }

    /// Adds the products of another pair ± `point`, each times the power of its point that belongs to the output.
    @inline(__always) mutating func add(_ point: Float, at index: Int, of v: Strided) {
        let sum = v[index] + v[index &+ 1], difference = v[index] - v[index &+ 1]
        y0 = y0 + sum
        y1 = plus(y1, point, difference)
        y2 = plus(y2, point * point, sum)
        y3 = plus(y3, point * point * point, difference)
    }
}

/// Computes Aᵀ · `v`: row i of Aᵀ holds the i-th powers of the points, and 1 for ∞ in the last row.
@inline(__always) private func interpolate(_ points: Int, _ v: Strided) -> (Vector, Vector, Vector, Vector) {
    let last = v[points &- 1]
    var y: Outputs
    switch points {
    case 6:
        let (a, b) = WinogradPoints.ofThreeTaps
        y = Outputs(a, of: v, last: last)
        y.add(b, at: 3, of: v)
    case 8:
        let (a, b, c) = WinogradPoints.ofFiveTaps
        y = Outputs(a, of: v, last: last)
        y.add(b, at: 3, of: v)
        y.add(c, at: 5, of: v)
    default:
        let (a, b, c, d) = WinogradPoints.ofSevenTaps
        y = Outputs(a, of: v, last: last)
        y.add(b, at: 3, of: v)
        y.add(c, at: 5, of: v)
        y.add(d, at: 7, of: v)
    }
    return (y.y0, y.y1, y.y2, y.y3)
}

/// Computes Aᵀ · products · A and applies the bias and the clamp; the channels are a multiple of the vector's
/// lanes.
package func transformWinogradOutput(_ tile: UnsafePointer<WinogradOutput>) {
    let p = tile.pointee
    let products = UnsafeMutablePointer(mutating: p.products)
    let lowest = Vector(repeating: p.lowest), highest = Vector(repeating: p.highest)
    /// Writes the first `count` of four pixels.
    @inline(__always) func write(
        _ y: (Vector, Vector, Vector, Vector), _ count: Int, _ channel: Int,
        _ to: UnsafeMutablePointer<Float>, _ step: Int
    ) {
        let bias = load(p.bias + channel)
        store(clamp(y.0 + bias, lowest, highest), to)
        if count > 1 { store(clamp(y.1 + bias, lowest, highest), to + step) }
        if count > 2 { store(clamp(y.2 + bias, lowest, highest), to + 2 &* step) }
        if count > 3 { store(clamp(y.3 + bias, lowest, highest), to + 3 &* step) }
    }
    var channel = 0
    if p.pointsY == 1 || p.pointsX == 1 {
        let (points, count, step) =
            p.pointsY == 1 ? (p.pointsX, p.width, p.pixelStride) : (p.pointsY, p.height, p.rowStride)
        while channel < p.channels {
            let y = interpolate(points, Strided(pointer: products + channel, step: p.matrixStride))
            write(y, count, channel, p.output + channel, step)
            channel &+= lanes
        }
        return
    }
    withUnsafeTemporaryAllocation(of: Vector.self, capacity: 40) { buffer in
        let work = UnsafeMutableRawPointer(buffer.baseAddress!).assumingMemoryBound(to: Float.self)
        let row = p.pointsX &* lanes
        while channel < p.channels {
            for x in 0..<p.pointsX {
                let column = products + channel + x &* p.matrixStride,
                    target = Strided(pointer: work + x &* lanes, step: row)
                let y = interpolate(p.pointsY, Strided(pointer: column, step: p.pointsX &* p.matrixStride))
                (target[0], target[1], target[2], target[3]) = y
            }
            for y in 0..<p.height {
                let pixels = interpolate(p.pointsX, Strided(pointer: work + y &* row, step: lanes))
                write(pixels, p.width, channel, p.output + channel + y &* p.rowStride, p.pixelStride)
            }
            channel &+= lanes
        }
    }
}
