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
    let d0 = d[0], d1 = d[1], d2 = d[2], d3 = d[3], d4 = d[4], d5 = d[5]
    to[0] = plus(plus(d4, -5, d2), 4, d0)
    let even = plus(d4, -4, d2), odd = plus(d3, -4, d1)
    to[1] = even + odd
    to[2] = even - odd
    let even2 = d4 - d2, odd2 = d3 - d1
    to[3] = plus(even2, 2, odd2)
    to[4] = plus(even2, -2, odd2)
    to[5] = plus(plus(d5, -5, d3), 4, d1)
}

@inline(__always) private func evaluateEight(_ d: Strided, _ to: Strided) {
    let d1 = d[1], d2 = d[2], d3 = d[3], d4 = d[4], d5 = d[5], d6 = d[6]
    to[0] = plus(plus(plus(d6, -5.25, d4), 5.25, d2), -1, d[0])
    to[7] = plus(plus(plus(d[7], -5.25, d5), 5.25, d3), -1, d1)
    @inline(__always) func pair(_ point: Float, _ c1: Float, _ c0: Float, at index: Int) {
        let even = plus(plus(d6, c1, d4), c0, d2), odd = plus(plus(d5, c1, d3), c0, d1)
        to[index] = plus(even, point, odd)
        to[index &+ 1] = plus(even, -point, odd)
    }
    pair(1, -4.25, 1, at: 1)
    pair(2, -1.25, 0.25, at: 3)
    pair(0.5, -5, 4, at: 5)
}

@inline(__always) private func evaluateTen(_ d: Strided, _ to: Strided) {
    let d1 = d[1], d2 = d[2], d3 = d[3], d4 = d[4], d5 = d[5], d6 = d[6], d7 = d[7], d8 = d[8]
    to[0] = plus(plus(plus(plus(d8, -6.8125, d6), 13.453125, d4), -9.203125, d2), 1.5625, d[0])
    to[9] = plus(plus(plus(plus(d[9], -6.8125, d7), 13.453125, d5), -9.203125, d3), 1.5625, d1)
    @inline(__always) func pair(_ point: Float, _ c2: Float, _ c1: Float, _ c0: Float, at index: Int) {
        let even = plus(plus(plus(d8, c2, d6), c1, d4), c0, d2),
            odd = plus(plus(plus(d7, c2, d5), c1, d3), c0, d1)
        to[index] = plus(even, point, odd)
        to[index &+ 1] = plus(even, -point, odd)
    }
    pair(1, -5.8125, 7.640625, -1.5625, at: 1)
    pair(2, -2.8125, 2.203125, -0.390625, at: 3)
    pair(0.5, -6.5625, 11.8125, -6.25, at: 5)
    pair(1.25, -5.25, 5.25, -1, at: 7)
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

/// Computes Aᵀ · `v`: row i of Aᵀ holds the i-th powers of the points, and 1 for ∞ in the last row.
@inline(__always) private func interpolate(_ points: Int, _ v: Strided) -> (Vector, Vector, Vector, Vector) {
    let a = v[1], b = v[2], c = v[3], d = v[4]
    let sum1 = a + b, difference1 = a - b, sum2 = c + d, difference2 = c - d
    var y0 = v[0] + sum1 + sum2, y1 = plus(difference1, 2, difference2), y2 = plus(sum1, 4, sum2),
        y3 = plus(difference1, 8, difference2)
    if points > 6 {
        let e = v[5], f = v[6], sum = e + f, difference = e - f
        (y0, y1, y2, y3) = (
            y0 + sum, plus(y1, 0.5, difference), plus(y2, 0.25, sum), plus(y3, 0.125, difference)
        )
    }
    if points > 8 {
        let e = v[7], f = v[8], sum = e + f, difference = e - f
        (y0, y1, y2, y3) = (
            y0 + sum, plus(y1, 1.25, difference), plus(y2, 1.5625, sum), plus(y3, 1.953125, difference)
        )
    }
    return (y0, y1, y2, y3 + v[points &- 1])
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
