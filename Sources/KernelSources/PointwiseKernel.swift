import Kernels

/// Scales, shifts, adds and clamps a row of pixels.
package func mapPoints(_ row: UnsafePointer<PointwiseRow>) {
    let p = row.pointee
    let lowest = Vector(repeating: p.lowest), highest = Vector(repeating: p.highest)
    for pixel in 0..<p.pixels {
        let input = p.input + pixel &* p.inputPixelStride, output = p.output + pixel &* p.outputPixelStride
        let addend = p.addend.map { $0 + pixel &* p.addendPixelStride }
        var channel = 0
        while channel &+ lanes <= p.channels {
            var value = load(input + channel)
            if let scale = p.scale { value *= load(scale + channel) }
            if let shift = p.shift { value += load(shift + channel) }
            if let addend { value += load(addend + channel) }
            store(clamp(value, lowest, highest), output + channel)
            channel &+= lanes
        }
        let left = p.channels &- channel
        if left > 0 {
            var value = loadFirst(left, input + channel)
            if let scale = p.scale { value *= loadFirst(left, scale + channel) }
            if let shift = p.shift { value += loadFirst(left, shift + channel) }
            if let addend { value += loadFirst(left, addend + channel) }
            storeFirst(left, clamp(value, lowest, highest), output + channel)
        }
    }
}
