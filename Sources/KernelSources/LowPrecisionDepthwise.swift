import Kernels
import VectorOperations

/// Computes a row of a depthwise convolution over values.
///
/// Sums of products of 8-bit integers are exact in floats, so that the results are the same in every
/// instruction set.
package func convolveLowPrecisionDepthwise(
    _ row: UnsafePointer<LowPrecisionWindowRow>, _ filter: UnsafePointer<LowPrecisionFilter>
) {
    let p = row.pointee, f = filter.pointee
    switch p.inputKind {
    case .uint8: depthwise(p, f, ByteAccess.self)
    case .bfloat16, .roundedFloat32:
        let state = vector_ignore_denormals()
        if p.inputKind == .bfloat16 {
            depthwise(p, f, BFloat16Access.self)
        } else {
            depthwise(p, f, FloatAccess.self)
        }
        vector_restore_denormals(state)
    case .float32: depthwise(p, f, FloatAccess.self)
    }
}

@inline(__always) private func depthwise<A: StorageAccess>(
    _ p: LowPrecisionWindowRow, _ f: LowPrecisionFilter, _ access: A.Type
) {
    var channel = 0
    while channel < p.channels {
        var x = 0
        while x < p.width {
            if p.width < 4 {
                onePixel(p, f, access, channel, x)
                x &+= 1
            } else {
                // The last group of four may overlap the previous one.
                let first = min(x, p.width &- 4)
                if p.stride == 1 {
                    neighbours(p, f, access, channel, first)
                } else {
                    fourPixels(p, f, access, channel, first)
                }
                x &+= 4
            }
        }
        channel &+= lanes
    }
}

/// Computes four adjacent pixels at stride 1, which share most of their inputs and all of the filter.
@inline(__always) private func neighbours<A: StorageAccess>(
    _ p: LowPrecisionWindowRow, _ f: LowPrecisionFilter, _ access: A.Type, _ channel: Int, _ x: Int
) {
    let start = f.factors == nil ? load(f.bias + channel) : Vector(repeating: 0), step = p.inputPixelStride
    var a = start, b = start, c = start, d = start
    var weights = f.weights + channel
    for r in 0..<p.windowHeight {
        var input = p.input + channel &* A.size + r &* p.inputRowStride + x &* step
        var i0 = A.read(input), i1 = A.read(input + step), i2 = A.read(input + 2 &* step)
        input += 3 &* step
        for _ in 0..<p.windowWidth {
            let i3 = A.read(input), w = load(weights)
            a.accumulate(i0, w)
            b.accumulate(i1, w)
            c.accumulate(i2, w)
            d.accumulate(i3, w)
            (i0, i1, i2) = (i1, i2, i3)
            input += step
            weights += f.stride
        }
    }
    finish(a, p, f, channel, x)
    finish(b, p, f, channel, x &+ 1)
    finish(c, p, f, channel, x &+ 2)
    finish(d, p, f, channel, x &+ 3)
}

/// Computes four pixels at a larger stride.
@inline(__always) private func fourPixels<A: StorageAccess>(
    _ p: LowPrecisionWindowRow, _ f: LowPrecisionFilter, _ access: A.Type, _ channel: Int, _ x: Int
) {
    let start = f.factors == nil ? load(f.bias + channel) : Vector(repeating: 0),
        step = p.stride &* p.inputPixelStride
    var a = start, b = start, c = start, d = start
    var weights = f.weights + channel
    for r in 0..<p.windowHeight {
        var input = p.input + channel &* A.size + r &* p.inputRowStride + x &* step
        for _ in 0..<p.windowWidth {
            let w = load(weights)
            a.accumulate(A.read(input), w)
            b.accumulate(A.read(input + step), w)
            c.accumulate(A.read(input + 2 &* step), w)
            d.accumulate(A.read(input + 3 &* step), w)
            input += p.inputPixelStride
            weights += f.stride
        }
    }
    finish(a, p, f, channel, x)
    finish(b, p, f, channel, x &+ 1)
    finish(c, p, f, channel, x &+ 2)
    finish(d, p, f, channel, x &+ 3)
}

@inline(__always) private func onePixel<A: StorageAccess>(
    _ p: LowPrecisionWindowRow, _ f: LowPrecisionFilter, _ access: A.Type, _ channel: Int, _ x: Int
) {
    var sum = f.factors == nil ? load(f.bias + channel) : Vector(repeating: 0)
    var weights = f.weights + channel
    for r in 0..<p.windowHeight {
        var input = p.input + channel &* A.size + r &* p.inputRowStride + x &* p.stride &* p.inputPixelStride
        for _ in 0..<p.windowWidth {
            sum.accumulate(A.read(input), load(weights))
            input += p.inputPixelStride
            weights += f.stride
        }
    }
    finish(sum, p, f, channel, x)
}

@inline(__always) private func finish(
    _ sum: Vector, _ p: LowPrecisionWindowRow, _ f: LowPrecisionFilter, _ channel: Int, _ x: Int
) {
    var value = sum
    if let factors = f.factors { value = value * load(factors + channel) + load(f.bias + channel) }
    put(value, p, channel, x)
}

/// Clamps and writes one vector of an output pixel.
@inline(__always) func put(_ value: Vector, _ p: LowPrecisionWindowRow, _ channel: Int, _ x: Int) {
    write(
        clamp(value, Vector(repeating: p.lowest), Vector(repeating: p.highest)),
        p.output + x &* p.outputPixelStride + channel &* size(of: p.outputKind), p.outputKind,
        count: p.channels &- channel)
}

/// Converts a row of pixels from one storage kind to another.
package func convertStorage(_ conversion: UnsafePointer<StorageConversion>) {
    let p = conversion.pointee
    if p.inputKind == .float32 {
        if p.outputKind == .uint8, p.channels &+ p.padding == 4 { return convertColors(p) }
        if p.outputKind == .bfloat16, 2 &* p.channels &+ p.padding == 8 { return convertColors(p) }
    }
    let factor = Vector(repeating: p.factor), shift = Vector(repeating: p.shift)
    let lowest = Vector(repeating: p.lowest), highest = Vector(repeating: p.highest)
    let inputSize = size(of: p.inputKind), outputSize = size(of: p.outputKind)
    for pixel in 0..<p.pixels {
        let input = p.input + pixel &* p.inputPixelStride, output = p.output + pixel &* p.outputPixelStride
        var channel = 0
        while channel < p.channels {
            let value = clamp(
                read(input + channel &* inputSize, p.inputKind) * factor + shift, lowest, highest)
            write(value, output + channel &* outputSize, p.outputKind, count: p.channels &- channel)
            channel &+= lanes
        }
        for byte in 0..<p.padding {
            output.storeBytes(of: 0, toByteOffset: p.channels &* outputSize &+ byte, as: UInt8.self)
        }
    }
}

/// Converts up to four floats per pixel, including channels of padding, which become zero.
@inline(__always) private func convertColors(_ p: StorageConversion) {
    typealias Four = SIMD4<Float>
    let factor = Four(repeating: p.factor), shift = Four(repeating: p.shift)
    let lowest = Four(repeating: p.lowest), highest = Four(repeating: p.highest)
    let shortMask: UInt32 = ~0 >> UInt32(8 &* p.padding), mask: UInt64 = ~0 >> UInt64(8 &* p.padding)
    for pixel in 0..<p.pixels {
        let output = p.output + pixel &* p.outputPixelStride
        var value = (p.input + pixel &* p.inputPixelStride).loadUnaligned(as: Four.self) * factor + shift
        value = value.replacing(with: lowest, where: value .< lowest)
        value = value.replacing(with: highest, where: value .> highest)
        if p.outputKind == .uint8 {
            output.storeBytes(
                of: unsafeBitCast(vector_bytes_of_floats_4(value), to: UInt32.self) & shortMask,
                as: UInt32.self)
        } else {
            let values = vector_bfloat16_of_floats_4(vector_rounded_4(value))
            output.storeBytes(of: unsafeBitCast(values, to: UInt64.self) & mask, as: UInt64.self)
        }
    }
}
