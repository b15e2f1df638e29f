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
        while channel < p.channels {
            var value = input[channel]
            if let scale = p.scale { value *= scale[channel] }
            if let shift = p.shift { value += shift[channel] }
            if let addend { value += addend[channel] }
            output[channel] = min(max(value, p.lowest), p.highest)
            channel &+= 1
        }
    }
}
