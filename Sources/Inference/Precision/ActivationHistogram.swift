/// A histogram of values with bins of one width on both sides of 0; the width doubles whenever a value does
/// not fit.
package struct ActivationHistogram: Sendable {
    private static let bins = 2048
    /// The width of a bin, a power of two.
    private var width: Float = 1 / 65536
    /// The counts below and above 0; values equal to 0 are in neither.
    private var negative = [UInt32](repeating: 0, count: ActivationHistogram.bins)
    private var positive = [UInt32](repeating: 0, count: ActivationHistogram.bins)
    private(set) var lowest: Float = 0, highest: Float = 0

    package init() {}

    /// The range from the lowest to the highest value seen, which includes 0.
    var extremes: ClosedRange<Float> { lowest...highest }

    package mutating func add(_ numbers: UnsafePointer<Float>, count: Int) {
        var (low, high): (Float, Float) = (0, 0)
        for index in 0..<count { (low, high) = (min(low, numbers[index]), max(high, numbers[index])) }
        guard low.isFinite, high.isFinite else { return }
        (lowest, highest) = (min(lowest, low), max(highest, high))
        while max(high, -low) >= width * Float(Self.bins) { widen() }
        let scale = 1 / width
        positive.withUnsafeMutableBufferPointer { positive in
            negative.withUnsafeMutableBufferPointer { negative in
                for index in 0..<count {
                    let number = numbers[index]
                    if number > 0 {
                        positive[Int(number * scale)] &+= 1
                    } else if number < 0 {
                        negative[Int(-number * scale)] &+= 1
                    }
                }
            }
        }
    }

    private mutating func widen() {
        width *= 2
        func halved(_ counts: [UInt32]) -> [UInt32] {
            (0..<Self.bins).map { $0 < Self.bins / 2 ? counts[2 * $0] &+ counts[2 * $0 + 1] : 0 }
        }
        (negative, positive) = (halved(negative), halved(positive))
    }

    /// Returns the range whose quantization into 255 steps has the least mean squared error.
    ///
    /// Values outside are clipped; values inside are rounded, which costs a twelfth of the squared step.
    package func range() -> ClosedRange<Float> {
        let below = Clipping(negative, width), above = Clipping(positive, width)
        var best = (error: Double.infinity, low: 0.0, high: 0.0)
        for low in below.candidates {
            for high in above.candidates {
                let step = (low.limit + high.limit) / 255
                let error = low.cut + high.cut + (low.inside + high.inside) * step * step / 12
                if error < best.error { best = (error, low.limit, high.limit) }
            }
        }
        return Float(-best.low)...Float(best.high)
    }

    /// The cost of clipping one side at each of several candidate limits.
    private struct Clipping {
        struct Candidate {
            var limit, cut, inside: Double
        }
        var candidates: [Candidate] = []

        init(_ counts: [UInt32], _ width: Float) {
            guard let last = counts.lastIndex(where: { $0 > 0 }) else {
                candidates = [Candidate(limit: 0, cut: 0, inside: 0)]
                return
            }
            let width = Double(width), end = last + 1, stride = max(1, end / 128)
            var inside = 0.0
            var next = 0
            for limit in Swift.stride(from: max(1, end / 8), through: end, by: stride) {
                while next < limit { inside += Double(counts[next]); next += 1 }
                let edge = Double(limit) * width
                var cut = 0.0
                for bin in limit..<max(limit, end) where counts[bin] > 0 {
                    let distance = (Double(bin) + 0.5) * width - edge
                    cut += Double(counts[bin]) * distance * distance
                }
                candidates.append(Candidate(limit: edge, cut: cut, inside: inside))
            }
        }
    }
}
