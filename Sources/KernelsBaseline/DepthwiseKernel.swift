import Kernels

/// Convolves each channel with a filter of its own.
package func convolveDepthwise(_ row: UnsafePointer<WindowRow>, _ filter: UnsafePointer<DepthwiseFilter>) {
    let p = row.pointee, f = filter.pointee
    var channel = 0
    while channel &+ lanes <= p.channels {
        if p.stride == 1 { unitStride(p, f, channel) } else { anyStride(p, f, channel, from: 0) }
        channel &+= lanes
    }
    while channel < p.channels {
        scalar(p, f, channel)
        channel &+= 1
    }
}

/// Four neighbouring pixels at once: they share most of their inputs and all of the filter.
@inline(__always) private func unitStride(_ p: WindowRow, _ f: DepthwiseFilter, _ channel: Int) {
    let lowest = Vector(repeating: f.lowest), highest = Vector(repeating: f.highest)
    let bias = load(f.bias + channel), step = p.inputPixelStride
    var x = 0
    while x &+ 4 <= p.width {
        var a = bias, b = bias, c = bias, d = bias
        var weights = f.weights + channel
        for r in 0..<p.windowHeight {
            var input = p.input + channel + r &* p.inputRowStride + x &* step
            var i0 = load(input), i1 = load(input + step), i2 = load(input + 2 &* step)
            input += 3 &* step
            for _ in 0..<p.windowWidth {
                let i3 = load(input), w = load(weights)
                a.accumulate(i0, w)
                b.accumulate(i1, w)
                c.accumulate(i2, w)
                d.accumulate(i3, w)
                (i0, i1, i2) = (i1, i2, i3)
                input += step
                weights += p.channels
            }
        }
        let output = p.output + channel + x &* p.outputPixelStride
        store(clamp(a, lowest, highest), output)
        store(clamp(b, lowest, highest), output + p.outputPixelStride)
        store(clamp(c, lowest, highest), output + 2 &* p.outputPixelStride)
        store(clamp(d, lowest, highest), output + 3 &* p.outputPixelStride)
        x &+= 4
    }
    anyStride(p, f, channel, from: x)
}

@inline(__always) private func anyStride(_ p: WindowRow, _ f: DepthwiseFilter, _ channel: Int, from first: Int) {
    let lowest = Vector(repeating: f.lowest), highest = Vector(repeating: f.highest)
    let bias = load(f.bias + channel)
    var x = first
    while x < p.width {
        var sum = bias
        var weights = f.weights + channel
        for r in 0..<p.windowHeight {
            var input = p.input + channel + r &* p.inputRowStride + x &* p.stride &* p.inputPixelStride
            for _ in 0..<p.windowWidth {
                sum.accumulate(load(input), load(weights))
                input += p.inputPixelStride
                weights += p.channels
            }
        }
        store(clamp(sum, lowest, highest), p.output + channel + x &* p.outputPixelStride)
        x &+= 1
    }
}

private func scalar(_ p: WindowRow, _ f: DepthwiseFilter, _ channel: Int) {
    for x in 0..<p.width {
        var sum = f.bias[channel]
        for r in 0..<p.windowHeight {
            for s in 0..<p.windowWidth {
                let input = p.input[channel + r * p.inputRowStride + (x * p.stride + s) * p.inputPixelStride]
                sum += input * f.weights[(r * p.windowWidth + s) * p.channels + channel]
            }
        }
        p.output[channel + x * p.outputPixelStride] = min(max(sum, f.lowest), f.highest)
    }
}
