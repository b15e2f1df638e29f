import Kernels

/// Convolves each channel with a filter of its own.
package func convolveDepthwise(_ row: UnsafePointer<WindowRow>, _ filter: UnsafePointer<DepthwiseFilter>) {
    let p = row.pointee, f = filter.pointee
    var channel = 0
    while channel &+ lanes <= p.channels {
        if p.stride == 1 { neighbours(p, f, channel) } else { pixels(p, f, channel) }
        channel &+= lanes
    }
    if channel < p.channels { lastChannels(p, f, channel) }
}

/// Four neighbouring pixels at once: they share the filter and most of their inputs, and their sums hide each other's latency.
@inline(__always) private func neighbours(_ p: WindowRow, _ f: DepthwiseFilter, _ channel: Int) {
    let firstWeights = f.weights + channel / lanes &* f.vectorStride, bias = load(f.bias + channel), step = p.inputPixelStride
    var x = 0
    while x &+ 4 <= p.width {
        var a = bias, b = bias, c = bias, d = bias
        let window = p.input + channel + x &* step
        var weights = firstWeights
        for r in 0..<p.windowHeight {
            var input = window + r &* p.inputRowStride
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
                weights += lanes
            }
        }
        write(p, f, channel, x, (a, b, c, d))
        x &+= 4
    }
    lastPixels(p, f, channel, from: x)
}

/// Four pixels at once: they share the filter.
@inline(__always) private func pixels(_ p: WindowRow, _ f: DepthwiseFilter, _ channel: Int) {
    let firstWeights = f.weights + channel / lanes &* f.vectorStride, bias = load(f.bias + channel), step = p.stride &* p.inputPixelStride
    var x = 0
    while x &+ 4 <= p.width {
        var a = bias, b = bias, c = bias, d = bias
        let window = p.input + channel + x &* step
        var weights = firstWeights
        for r in 0..<p.windowHeight {
            var input = window + r &* p.inputRowStride
            for _ in 0..<p.windowWidth {
                let w = load(weights)
                a.accumulate(load(input), w)
                b.accumulate(load(input + step), w)
                c.accumulate(load(input + 2 &* step), w)
                d.accumulate(load(input + 3 &* step), w)
                input += p.inputPixelStride
                weights += lanes
            }
        }
        write(p, f, channel, x, (a, b, c, d))
        x &+= 4
    }
    lastPixels(p, f, channel, from: x)
}

@inline(__always) private func write(
    _ p: WindowRow, _ f: DepthwiseFilter, _ channel: Int, _ x: Int, _ sums: (Vector, Vector, Vector, Vector)
) {
    let lowest = Vector(repeating: f.lowest), highest = Vector(repeating: f.highest)
    let output = p.output + channel + x &* p.outputPixelStride
    store(clamp(sums.0, lowest, highest), output)
    store(clamp(sums.1, lowest, highest), output + p.outputPixelStride)
    store(clamp(sums.2, lowest, highest), output + 2 &* p.outputPixelStride)
    store(clamp(sums.3, lowest, highest), output + 3 &* p.outputPixelStride)
}

@inline(__always) private func lastPixels(_ p: WindowRow, _ f: DepthwiseFilter, _ channel: Int, from first: Int) {
    let lowest = Vector(repeating: f.lowest), highest = Vector(repeating: f.highest)
    let firstWeights = f.weights + channel / lanes &* f.vectorStride
    var x = first
    while x < p.width {
        var sum = load(f.bias + channel), weights = firstWeights
        for r in 0..<p.windowHeight {
            var input = p.input + channel + r &* p.inputRowStride + x &* p.stride &* p.inputPixelStride
            for _ in 0..<p.windowWidth {
                sum.accumulate(load(input), load(weights))
                input += p.inputPixelStride
                weights += lanes
            }
        }
        store(clamp(sum, lowest, highest), p.output + channel + x &* p.outputPixelStride)
        x &+= 1
    }
}

/// Channels that fill no vector.
private func lastChannels(_ p: WindowRow, _ f: DepthwiseFilter, _ channel: Int) {
    let lowest = Vector(repeating: f.lowest), highest = Vector(repeating: f.highest), count = p.channels &- channel
    for x in 0..<p.width {
        var sum = load(f.bias + channel), weights = f.weights + channel / lanes &* f.vectorStride
        for r in 0..<p.windowHeight {
            var input = p.input + channel + r &* p.inputRowStride + x &* p.stride &* p.inputPixelStride
            for _ in 0..<p.windowWidth {
                sum.accumulate(loadFirst(count, input), load(weights))
                input += p.inputPixelStride
                weights += lanes
            }
        }
        storeFirst(count, clamp(sum, lowest, highest), p.output + channel + x &* p.outputPixelStride)
    }
}
