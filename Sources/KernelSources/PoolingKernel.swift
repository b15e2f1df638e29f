import Kernels

/// Computes the maximum of each window; only pixels within the bounds count.
package func poolMaximum(_ row: UnsafePointer<WindowRow>, _ bounds: UnsafePointer<PoolingBounds>) {
    let p = row.pointee, bounds = bounds.pointee
    for x in 0..<p.width {
        let first = max(x &* p.stride, bounds.first), end = min(x &* p.stride &+ p.windowWidth, bounds.end)
        let window = p.input + first &* p.inputPixelStride, output = p.output + x &* p.outputPixelStride
        var channel = 0
        while channel &+ lanes <= p.channels {
            var largest = load(window + channel)
            for r in 0..<p.windowHeight {
                var input = window + channel + r &* p.inputRowStride
                for _ in first..<end {
                    let value = load(input)
                    largest = largest.replacing(with: value, where: value .> largest)
                    input += p.inputPixelStride
                }
            }
            store(largest, output + channel)
            channel &+= lanes
        }
        while channel < p.channels {
            var largest = window[channel]
            for r in 0..<p.windowHeight {
                for s in 0..<(end - first) {
                    largest = max(largest, window[channel + r * p.inputRowStride + s * p.inputPixelStride])
                }
            }
            output[channel] = largest
            channel &+= 1
        }
    }
}

/// Computes the mean of each window over the pixels within the bounds.
///
/// Each row is summed for itself, so that the rounding error of a large window grows with its height and width, not
/// with its number of pixels.
package func poolAverage(_ row: UnsafePointer<WindowRow>, _ bounds: UnsafePointer<PoolingBounds>) {
    let p = row.pointee, bounds = bounds.pointee
    for x in 0..<p.width {
        let first = max(x &* p.stride, bounds.first), end = min(x &* p.stride &+ p.windowWidth, bounds.end)
        let window = p.input + first &* p.inputPixelStride, output = p.output + x &* p.outputPixelStride
        let share = 1 / Float(p.windowHeight &* (end &- first))
        let weight = Vector(repeating: share)
        var channel = 0
        while channel &+ lanes <= p.channels {
            var sum = Vector(repeating: 0)
            for r in 0..<p.windowHeight {
                var input = window + channel + r &* p.inputRowStride, row = Vector(repeating: 0)
                for _ in first..<end {
                    row += load(input)
                    input += p.inputPixelStride
                }
                sum += row
            }
            store(sum * weight, output + channel)
            channel &+= lanes
        }
        while channel < p.channels {
            var sum: Float = 0
            for r in 0..<p.windowHeight {
                var row: Float = 0
                for s in 0..<(end - first) {
                    row += window[channel + r * p.inputRowStride + s * p.inputPixelStride]
                }
                sum += row
            }
            output[channel] = sum * share
            channel &+= 1
        }
    }
}
