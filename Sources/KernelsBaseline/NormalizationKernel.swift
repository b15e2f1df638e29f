import Kernels

/// Local response normalization with the exponent 0.75: x^0.75 is √x · √√x.
package func normalize(_ row: UnsafePointer<NormalizationRow>) {
    let p = row.pointee
    let bias = Vector(repeating: p.bias), alpha = Vector(repeating: p.alpha)
    for pixel in 0..<p.pixels {
        let input = p.input + pixel &* p.inputPixelStride, output = p.output + pixel &* p.outputPixelStride
        var channel = 0
        while channel < p.channels {
            let value = loadUpTo(p.channels &- channel, input + channel)
            store(value * value, p.squares + p.radius + channel)
            channel &+= lanes
        }
        channel = 0
        while channel < p.channels {
            var energy = load(p.squares + channel)
            for neighbour in 1..<max(1, 2 &* p.radius &+ 1) { energy += load(p.squares + channel + neighbour) }
            let root = squareRoot(bias + alpha * energy)
            let value = loadUpTo(p.channels &- channel, input + channel) / (root * squareRoot(root))
            if channel &+ lanes <= p.channels { store(value, output + channel) } else { storeFirst(p.channels &- channel, value, output + channel) }
            channel &+= lanes
        }
    }
}

@inline(__always) private func loadUpTo(_ count: Int, _ p: UnsafePointer<Float>) -> Vector {
    count >= lanes ? load(p) : loadFirst(count, p)
}
