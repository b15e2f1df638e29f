import Kernels
import VectorOperations

/// Computes a row of max or average pooling over values; only pixels within the bounds count.
package func poolLowPrecision(
    _ row: UnsafePointer<LowPrecisionWindowRow>, _ pooling: UnsafePointer<LowPrecisionPooling>
) {
    let p = row.pointee, how = pooling.pointee
    switch p.inputKind {
    case .uint8: pool(p, how, ByteAccess.self, from: poolBytes(p, how))
    case .bfloat16: pool(p, how, BFloat16Access.self, from: 0)
    case .float32, .roundedFloat32: pool(p, how, FloatAccess.self, from: 0)
    }
}

@inline(__always) private func pool<A: StorageAccess>(
    _ p: LowPrecisionWindowRow, _ how: LowPrecisionPooling, _ access: A.Type, from begin: Int
) {
    for x in 0..<p.width {
        let first = max(x &* p.stride, how.bounds.first),
            end = min(x &* p.stride &+ p.windowWidth, how.bounds.end)
        let window = p.input + first &* p.inputPixelStride
        let factor = how.isMaximum ? how.factor : how.factor / Float(p.windowHeight &* (end &- first))
        var channel = begin
        while channel < p.channels {
            let place = window + channel &* A.size
            var value = how.isMaximum ? A.read(place) : Vector(repeating: 0)
            for r in 0..<p.windowHeight {
                var input = place + r &* p.inputRowStride
                for _ in first..<end {
                    let element = A.read(input)
                    if how.isMaximum {
                        value = value.replacing(with: element, where: element .> value)
                    } else {
                        value += element
                    }
                    input += p.inputPixelStride
                }
            }
            put(value * Vector(repeating: factor) + Vector(repeating: how.shift), p, channel, x)
            channel &+= lanes
        }
    }
}

/// Pools the channels that fill pairs of vectors, with 16-bit integer sums, and returns their number.
@inline(__always) private func poolBytes(_ p: LowPrecisionWindowRow, _ how: LowPrecisionPooling) -> Int {
    let step = 2 &* lanes, end = p.channels / step &* step
    // A 16-bit sum holds up to 257 bytes.
    guard how.isMaximum || p.windowHeight &* p.windowWidth <= 257 else { return 0 }
    let isPlain =
        how.isMaximum && p.outputKind == .uint8 && how.factor == 1 && how.shift == 0 && p.lowest == 0
        && p.highest == 255
    for x in 0..<p.width {
        let first = max(x &* p.stride, how.bounds.first),
            last = min(x &* p.stride &+ p.windowWidth, how.bounds.end)
        let window = p.input + first &* p.inputPixelStride
        let factor = Vector(
            repeating: how.isMaximum ? how.factor : how.factor / Float(p.windowHeight &* (last &- first)))
        let shift = Vector(repeating: how.shift)
        var channel = 0
        while channel < end {
            var most = BytePair(repeating: 0), total = HalfPair(repeating: 0)
            for r in 0..<p.windowHeight {
                var input = window + channel + r &* p.inputRowStride
                for _ in first..<last {
                    let values = input.loadUnaligned(as: BytePair.self)
                    if how.isMaximum { most = largest(most, values) } else { total = sum(total, values) }
                    input += p.inputPixelStride
                }
            }
            if isPlain {
                (p.output + x &* p.outputPixelStride + channel).storeBytes(of: most, as: BytePair.self)
            } else {
                let values = floats(how.isMaximum ? sum(total, most) : total)
                put(values.low * factor + shift, p, channel, x)
                put(values.high * factor + shift, p, channel &+ lanes, x)
            }
            channel &+= step
        }
    }
    return end
}
