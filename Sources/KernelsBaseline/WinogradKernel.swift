import Kernels

@inline(__always) private var lanes: Int { Vector.scalarCount }

private typealias Six = (Vector, Vector, Vector, Vector, Vector, Vector)
private typealias Four = (Vector, Vector, Vector, Vector)

/// Bᵀ · v for the points 0, ±1, ±2, ∞.
///
/// - Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015, §4.1.
@inline(__always) private func forward(_ v: Six) -> Six {
    let four = Vector(repeating: 4), five = Vector(repeating: 5), two = Vector(repeating: 2)
    let a = v.4 - four * v.2, b = v.3 - four * v.1
    let c = v.4 - v.2, d = two * (v.3 - v.1)
    return (four * v.0 - five * v.2 + v.4, a + b, a - b, c + d, c - d, four * v.1 - five * v.3 + v.5)
}

/// Aᵀ · v.
@inline(__always) private func backward(_ v: Six) -> Four {
    let two = Vector(repeating: 2), four = Vector(repeating: 4), eight = Vector(repeating: 8)
    let a = v.1 + v.2, b = v.1 - v.2, c = v.3 + v.4, d = v.3 - v.4
    return (v.0 + a + c, b + two * d, a + four * c, b + eight * d + v.5)
}

/// Bᵀ · tile · B. Channels are a multiple of the vector's width.
package func transformWinogradInput(_ tile: UnsafePointer<WinogradInput>) {
    let p = tile.pointee
    withUnsafeTemporaryAllocation(of: Vector.self, capacity: 36) { buffer in
        let work = buffer.baseAddress!
        var channel = 0
        while channel < p.channels {
            for x in 0..<6 {
                let column = p.input + channel + x &* p.pixelStride
                let v = forward(
                    (
                        load(column), load(column + p.rowStride), load(column + 2 &* p.rowStride), load(column + 3 &* p.rowStride),
                        load(column + 4 &* p.rowStride), load(column + 5 &* p.rowStride)
                    ))
                (work[x], work[6 &+ x], work[12 &+ x], work[18 &+ x], work[24 &+ x], work[30 &+ x]) = v
            }
            for y in 0..<6 {
                let row = work + 6 &* y
                let v = forward((row[0], row[1], row[2], row[3], row[4], row[5]))
                let output = p.output + channel + 6 &* y &* p.matrixStride
                store(v.0, output); store(v.1, output + p.matrixStride); store(v.2, output + 2 &* p.matrixStride)
                store(v.3, output + 3 &* p.matrixStride); store(v.4, output + 4 &* p.matrixStride); store(v.5, output + 5 &* p.matrixStride)
            }
            channel &+= lanes
        }
    }
}

/// Aᵀ · products · A, with bias and clamp. Channels are a multiple of the vector's width.
package func transformWinogradOutput(_ tile: UnsafePointer<WinogradOutput>) {
    let p = tile.pointee
    let lowest = Vector(repeating: p.lowest), highest = Vector(repeating: p.highest)
    withUnsafeTemporaryAllocation(of: Vector.self, capacity: 24) { buffer in
        let work = buffer.baseAddress!
        var channel = 0
        while channel < p.channels {
            let bias = load(p.bias + channel)
            for x in 0..<6 {
                let column = p.products + channel + x &* p.matrixStride, step = 6 &* p.matrixStride
                let v = backward(
                    (load(column), load(column + step), load(column + 2 &* step), load(column + 3 &* step), load(column + 4 &* step), load(column + 5 &* step)))
                (work[x], work[6 &+ x], work[12 &+ x], work[18 &+ x]) = v
            }
            for y in 0..<p.height {
                let row = work + 6 &* y
                let v = backward((row[0], row[1], row[2], row[3], row[4], row[5]))
                let output = p.output + channel + y &* p.rowStride
                store(clamp(v.0 + bias, lowest, highest), output)
                if p.width > 1 { store(clamp(v.1 + bias, lowest, highest), output + p.pixelStride) }
                if p.width > 2 { store(clamp(v.2 + bias, lowest, highest), output + 2 &* p.pixelStride) }
                if p.width > 3 { store(clamp(v.3 + bias, lowest, highest), output + 3 &* p.pixelStride) }
            }
            channel &+= lanes
        }
    }
}
