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
                var input = window + channel + r &* p.inputRowStride
                for _ in first..<end {
                    sum += load(input)
                    input += p.inputPixelStride
                }
            }
            store(sum * weight, output + channel)
            channel &+= lanes
        }
        while channel < p.channels {
            var sum: Float = 0
            for r in 0..<p.windowHeight {
                for s in 0..<(end - first) {
                    sum += window[channel + r * p.inputRowStride + s * p.inputPixelStride]
                }
            }
            output[channel] = sum * share
            channel &+= 1
        }
    }
}
