import Kernels

/// Computes a row of a depthwise convolution.
///
/// The last vector of channels may be read beyond the pixel's end; what lies there is ignored.
package func convolveDepthwise(_ row: UnsafePointer<WindowRow>, _ filter: UnsafePointer<DepthwiseFilter>) {
    let p = row.pointee, f = filter.pointee
    var channel = 0
    while channel &+ lanes < p.channels {
        allPixels(p, f, channel, TwoVectors.self)
        channel &+= 2 &* lanes
    }
    if channel < p.channels { allPixels(p, f, channel, OneVector.self) }
}

@inline(__always) private func allPixels<Sums: Columns>(
    _ p: WindowRow, _ f: DepthwiseFilter, _ channel: Int, _ sums: Sums.Type
) {
    let weights = f.weights + channel / lanes &* f.vectorStride, bias = Sums(reading: f.bias + channel)
    let step = p.stride &* p.inputPixelStride
    if p.width < 4 {
        for x in 0..<p.width {
            write(pixel(p, p.input + channel + x &* step, weights, f.vectorStride, bias), p, f, channel, x)
        }
        return
    }
    // Four pixels share the filter's loads, and their sums hide each other's latency. The last group of four
    // may overlap the previous one.
    var x = 0
    while x < p.width {
        let first = min(x, p.width &- 4), window = p.input + channel + first &* step
        let sums =
            p.stride == 1
            ? neighbours(p, window, weights, f.vectorStride, bias)
            : pixels(p, window, weights, f.vectorStride, bias)
        write(sums.0, p, f, channel, first)
        write(sums.1, p, f, channel, first &+ 1)
        write(sums.2, p, f, channel, first &+ 2)
        write(sums.3, p, f, channel, first &+ 3)
        x &+= 4
    }
}

@inline(__always) private func write<Sums: Columns>(
    _ sums: Sums, _ p: WindowRow, _ f: DepthwiseFilter, _ channel: Int, _ x: Int
) {
    var sums = sums
    sums.restrict(Vector(repeating: f.lowest), Vector(repeating: f.highest))
    let output = p.output + channel + x &* p.outputPixelStride, left = p.channels &- channel
    if left >= Sums.vectors &* lanes { sums.write(output) } else { sums.write(output, channels: left) }
}

/// Computes four adjacent pixels at stride 1, which share most of their inputs.
@inline(__always) private func neighbours<Sums: Columns>(
    _ p: WindowRow, _ window: UnsafePointer<Float>, _ filter: UnsafePointer<Float>, _ vectorStride: Int,
    _ bias: Sums
) -> (Sums, Sums, Sums, Sums) {
    var (a, b, c, d) = (bias, bias, bias, bias)
    let step = p.inputPixelStride
    var weights = filter
    for r in 0..<p.windowHeight {
        var input = window + r &* p.inputRowStride
        var i0 = Sums(reading: input), i1 = Sums(reading: input + step), i2 = Sums(reading: input + 2 &* step)
        input += 3 &* step
        for _ in 0..<p.windowWidth {
            let i3 = Sums(reading: input), w = Sums(reading: weights, distance: vectorStride)
            a.accumulate(i0, w)
            b.accumulate(i1, w)
            c.accumulate(i2, w)
            d.accumulate(i3, w)
            (i0, i1, i2) = (i1, i2, i3)
            input += step
            weights += lanes
        }
    }
    return (a, b, c, d)
}

/// Computes four pixels at a larger stride.
@inline(__always) private func pixels<Sums: Columns>(
    _ p: WindowRow, _ window: UnsafePointer<Float>, _ filter: UnsafePointer<Float>, _ vectorStride: Int,
    _ bias: Sums
) -> (Sums, Sums, Sums, Sums) {
    var (a, b, c, d) = (bias, bias, bias, bias)
    let step = p.stride &* p.inputPixelStride
    var weights = filter
    for r in 0..<p.windowHeight {
        var input = window + r &* p.inputRowStride
        for _ in 0..<p.windowWidth {
            let w = Sums(reading: weights, distance: vectorStride)
            a.accumulate(Sums(reading: input), w)
            b.accumulate(Sums(reading: input + step), w)
            c.accumulate(Sums(reading: input + 2 &* step), w)
            d.accumulate(Sums(reading: input + 3 &* step), w)
            input += p.inputPixelStride
            weights += lanes
        }
    }
    return (a, b, c, d)
}

@inline(__always) private func pixel<Sums: Columns>(
    _ p: WindowRow, _ window: UnsafePointer<Float>, _ filter: UnsafePointer<Float>, _ vectorStride: Int,
    _ bias: Sums
) -> Sums {
    var sum = bias, weights = filter
    for r in 0..<p.windowHeight {
        var input = window + r &* p.inputRowStride
        for _ in 0..<p.windowWidth {
            sum.accumulate(Sums(reading: input), Sums(reading: weights, distance: vectorStride))
            input += p.inputPixelStride
            weights += lanes
        }
    }
    return sum
}
