import Kernels
import VectorOperations

/// Computes a row of max or average pooling over cells; only pixels within the bounds count.
package func poolCells(_ row: UnsafePointer<CellRow>, _ pooling: UnsafePointer<CellPooling>) {
    let p = row.pointee, how = pooling.pointee
    switch p.inputKind {
    case .uint8: pool(p, how, ByteCell.self, from: poolBytes(p, how))
    case .bfloat16: pool(p, how, BFloat16Cell.self, from: 0)
    case .float32, .roundedFloat32: pool(p, how, FloatCell.self, from: 0)
    }
}

@inline(__always) private func pool<C: Cell>(
    _ p: CellRow, _ how: CellPooling, _ cell: C.Type, from begin: Int
) {
    for x in 0..<p.width {
        let first = max(x &* p.stride, how.bounds.first),
            end = min(x &* p.stride &+ p.windowWidth, how.bounds.end)
        let window = p.input + first &* p.inputPixelStride
        let factor = how.isMaximum ? how.factor : how.factor / Float(p.windowHeight &* (end &- first))
        var channel = begin
        while channel < p.channels {
            let place = window + channel &* C.size
            var value = how.isMaximum ? C.read(place) : Vector(repeating: 0)
            for r in 0..<p.windowHeight {
                var input = place + r &* p.inputRowStride
                for _ in first..<end {
                    let cell = C.read(input)
                    if how.isMaximum {
                        value = value.replacing(with: cell, where: cell .> value)
                    } else {
                        value += cell
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
@inline(__always) private func poolBytes(_ p: CellRow, _ how: CellPooling) -> Int {
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
                    let cells = input.loadUnaligned(as: BytePair.self)
                    if how.isMaximum { most = largest(most, cells) } else { total = sum(total, cells) }
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
