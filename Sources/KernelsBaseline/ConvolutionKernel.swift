import Kernels

@inline(__always) private var lanes: Int { Vector.scalarCount }

@inline(__always) func load(_ p: UnsafePointer<Float>) -> Vector { UnsafeRawPointer(p).loadUnaligned(as: Vector.self) }
@inline(__always) func store(_ v: Vector, _ p: UnsafeMutablePointer<Float>) { UnsafeMutableRawPointer(p).storeBytes(of: v, as: Vector.self) }
@inline(__always) func clamp(_ v: Vector, _ lowest: Vector, _ highest: Vector) -> Vector {
    let v = v.replacing(with: lowest, where: v .< lowest)
    return v.replacing(with: highest, where: v .> highest)
}

/// Twelve accumulators: they hide the latency of two multiply-adds a cycle and leave room for the operands in sixteen registers.
package func convolve(_ panel: UnsafePointer<ConvolutionPanel>) {
    let p = panel.pointee
    if p.channels == 2 * lanes {
        for tile in 0..<p.tiles { wideTile(p, tile &* ConvolutionPanel.tileRows) }
    } else if p.channels == lanes {
        for tile in 0..<p.tiles { narrowTile(p, tile &* ConvolutionPanel.tileRows) }
    } else {
        for tile in 0..<p.tiles { raggedTile(p, tile &* ConvolutionPanel.tileRows) }
    }
}

@inline(__always) private func wideTile(_ p: ConvolutionPanel, _ row: Int) {
    let inputs = p.inputOffsets + row, outputs = p.outputOffsets + row
    let o0 = p.output + Int(outputs[0]), o1 = p.output + Int(outputs[1]), o2 = p.output + Int(outputs[2])
    let o3 = p.output + Int(outputs[3]), o4 = p.output + Int(outputs[4]), o5 = p.output + Int(outputs[5])
    var a0, a1, b0, b1, c0, c1, d0, d1, e0, e1, f0, f1: Vector
    if p.isFirst {
        let low = load(p.bias), high = load(p.bias + lanes)
        (a0, b0, c0, d0, e0, f0) = (low, low, low, low, low, low)
        (a1, b1, c1, d1, e1, f1) = (high, high, high, high, high, high)
    } else {
        (a0, a1, b0, b1) = (load(o0), load(o0 + lanes), load(o1), load(o1 + lanes))
        (c0, c1, d0, d1) = (load(o2), load(o2 + lanes), load(o3), load(o3 + lanes))
        (e0, e1, f0, f1) = (load(o4), load(o4 + lanes), load(o5), load(o5 + lanes))
    }
    let i0 = p.input + Int(inputs[0]), i1 = p.input + Int(inputs[1]), i2 = p.input + Int(inputs[2])
    let i3 = p.input + Int(inputs[3]), i4 = p.input + Int(inputs[4]), i5 = p.input + Int(inputs[5])
    var weights = p.weights
    for run in 0..<p.runCount {
        let offset = Int(p.runs[run].offset), length = Int(p.runs[run].length)
        let r0 = i0 + offset, r1 = i1 + offset, r2 = i2 + offset, r3 = i3 + offset, r4 = i4 + offset, r5 = i5 + offset
        var k = 0
        while k < length {
            let w0 = load(weights), w1 = load(weights + lanes)
            var x = Vector(repeating: r0[k])
            a0.accumulate(x, w0); a1.accumulate(x, w1)
            x = Vector(repeating: r1[k])
            b0.accumulate(x, w0); b1.accumulate(x, w1)
            x = Vector(repeating: r2[k])
            c0.accumulate(x, w0); c1.accumulate(x, w1)
            x = Vector(repeating: r3[k])
            d0.accumulate(x, w0); d1.accumulate(x, w1)
            x = Vector(repeating: r4[k])
            e0.accumulate(x, w0); e1.accumulate(x, w1)
            x = Vector(repeating: r5[k])
            f0.accumulate(x, w0); f1.accumulate(x, w1)
            weights += 2 &* lanes
            k &+= 1
        }
    }
    if p.isLast {
        if let residual = p.residual, let offsets = p.residualOffsets {
            let q = offsets + row
            let s0 = residual + Int(q[0]), s1 = residual + Int(q[1]), s2 = residual + Int(q[2])
            let s3 = residual + Int(q[3]), s4 = residual + Int(q[4]), s5 = residual + Int(q[5])
            a0 += load(s0); a1 += load(s0 + lanes); b0 += load(s1); b1 += load(s1 + lanes)
            c0 += load(s2); c1 += load(s2 + lanes); d0 += load(s3); d1 += load(s3 + lanes)
            e0 += load(s4); e1 += load(s4 + lanes); f0 += load(s5); f1 += load(s5 + lanes)
        }
        let lowest = Vector(repeating: p.lowest), highest = Vector(repeating: p.highest)
        (a0, a1) = (clamp(a0, lowest, highest), clamp(a1, lowest, highest))
        (b0, b1) = (clamp(b0, lowest, highest), clamp(b1, lowest, highest))
        (c0, c1) = (clamp(c0, lowest, highest), clamp(c1, lowest, highest))
        (d0, d1) = (clamp(d0, lowest, highest), clamp(d1, lowest, highest))
        (e0, e1) = (clamp(e0, lowest, highest), clamp(e1, lowest, highest))
        (f0, f1) = (clamp(f0, lowest, highest), clamp(f1, lowest, highest))
    }
    store(a0, o0); store(a1, o0 + lanes); store(b0, o1); store(b1, o1 + lanes)
    store(c0, o2); store(c1, o2 + lanes); store(d0, o3); store(d1, o3 + lanes)
    store(e0, o4); store(e1, o4 + lanes); store(f0, o5); store(f1, o5 + lanes)
}

/// A panel of half the width.
@inline(__always) private func narrowTile(_ p: ConvolutionPanel, _ row: Int) {
    let inputs = p.inputOffsets + row, outputs = p.outputOffsets + row
    let o0 = p.output + Int(outputs[0]), o1 = p.output + Int(outputs[1]), o2 = p.output + Int(outputs[2])
    let o3 = p.output + Int(outputs[3]), o4 = p.output + Int(outputs[4]), o5 = p.output + Int(outputs[5])
    var a, b, c, d, e, f: Vector
    if p.isFirst {
        let low = load(p.bias)
        (a, b, c, d, e, f) = (low, low, low, low, low, low)
    } else {
        (a, b, c, d, e, f) = (load(o0), load(o1), load(o2), load(o3), load(o4), load(o5))
    }
    let i0 = p.input + Int(inputs[0]), i1 = p.input + Int(inputs[1]), i2 = p.input + Int(inputs[2])
    let i3 = p.input + Int(inputs[3]), i4 = p.input + Int(inputs[4]), i5 = p.input + Int(inputs[5])
    var weights = p.weights
    for run in 0..<p.runCount {
        let offset = Int(p.runs[run].offset), length = Int(p.runs[run].length)
        let r0 = i0 + offset, r1 = i1 + offset, r2 = i2 + offset, r3 = i3 + offset, r4 = i4 + offset, r5 = i5 + offset
        var k = 0
        while k < length {
            let w = load(weights)
            a.accumulate(Vector(repeating: r0[k]), w)
            b.accumulate(Vector(repeating: r1[k]), w)
            c.accumulate(Vector(repeating: r2[k]), w)
            d.accumulate(Vector(repeating: r3[k]), w)
            e.accumulate(Vector(repeating: r4[k]), w)
            f.accumulate(Vector(repeating: r5[k]), w)
            weights += 2 &* lanes
            k &+= 1
        }
    }
    if p.isLast {
        if let residual = p.residual, let offsets = p.residualOffsets {
            let q = offsets + row
            a += load(residual + Int(q[0])); b += load(residual + Int(q[1])); c += load(residual + Int(q[2]))
            d += load(residual + Int(q[3])); e += load(residual + Int(q[4])); f += load(residual + Int(q[5]))
        }
        let lowest = Vector(repeating: p.lowest), highest = Vector(repeating: p.highest)
        (a, b, c) = (clamp(a, lowest, highest), clamp(b, lowest, highest), clamp(c, lowest, highest))
        (d, e, f) = (clamp(d, lowest, highest), clamp(e, lowest, highest), clamp(f, lowest, highest))
    }
    store(a, o0); store(b, o1); store(c, o2); store(d, o3); store(e, o4); store(f, o5)
}

/// A panel whose channels do not fill vectors: it is computed aside, whole, and the channels that exist are taken over.
private func raggedTile(_ p: ConvolutionPanel, _ row: Int) {
    let none = Vector(repeating: 0)
    var scratch = (none, none, none, none, none, none, none, none, none, none, none, none)
    let width = Int32(2 &* lanes)
    var scratchOffsets: (Int32, Int32, Int32, Int32, Int32, Int32) = (0, width, 2 &* width, 3 &* width, 4 &* width, 5 &* width)
    withUnsafeMutableBytes(of: &scratch) { scratch in
        withUnsafeBytes(of: &scratchOffsets) { offsets in
            let sums = scratch.baseAddress!.assumingMemoryBound(to: Float.self)
            if !p.isFirst {
                for pixel in 0..<ConvolutionPanel.tileRows {
                    let output = p.output + Int(p.outputOffsets[row + pixel])
                    for channel in 0..<p.channels { sums[pixel * 2 * lanes + channel] = output[channel] }
                }
            }
            var whole = p
            whole.output = sums
            whole.outputOffsets = offsets.baseAddress!.assumingMemoryBound(to: Int32.self) - row
            whole.isLast = false
            wideTile(whole, row)
            for pixel in 0..<ConvolutionPanel.tileRows {
                let output = p.output + Int(p.outputOffsets[row + pixel])
                for channel in 0..<p.channels {
                    var sum = sums[pixel * 2 * lanes + channel]
                    if p.isLast {
                        if let residual = p.residual, let offsets = p.residualOffsets { sum += residual[Int(offsets[row + pixel]) + channel] }
                        sum = min(max(sum, p.lowest), p.highest)
                    }
                    output[channel] = sum
                }
            }
        }
    }
}
