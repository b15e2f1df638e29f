/// The distribution of numbers in TensorFlow's buckets, whose limits grow by a tenth from 1e-12 to 1e20 on
/// both sides of zero.
///
/// - Source: TensorFlow `core/lib/histogram/histogram.cc`.
struct SummaryHistogram: Equatable {
    private(set) var minimum = Double.infinity, maximum = -Double.infinity
    private(set) var count = 0
    private(set) var sum = 0.0, sumOfSquares = 0.0
    /// The counts of the buckets; a number is in the first bucket whose limit is above it.
    private var counts = [Int](repeating: 0, count: SummaryHistogram.limits.count)

    /// Counts numbers; those that are not finite are ignored.
    init(of values: [Float]) {
        for value in values where value.isFinite {
            let value = Double(value)
            minimum = min(minimum, value)
            maximum = max(maximum, value)
            count += 1
            sum += value
            sumOfSquares += value * value
            counts[Self.bucket(of: value)] += 1
        }
    }

    var mean: Double { sum / Double(max(count, 1)) }
    /// The population's standard deviation, like retrain.py's `sqrt(mean(square(x - mean)))`.
    var standardDeviation: Double { max(sumOfSquares / Double(max(count, 1)) - mean * mean, 0).squareRoot() }

    /// The limits and counts, with each run of empty buckets merged into one.
    var buckets: (limits: [Double], counts: [Double]) {
        var limits: [Double] = [], kept: [Double] = []
        for (index, bucket) in counts.enumerated() {
            if bucket == 0, kept.last == 0 {
                limits[limits.count - 1] = Self.limits[index]
            } else {
                limits.append(Self.limits[index])
                kept.append(Double(bucket))
            }
        }
        return (limits, kept)
    }

    /// The histogram as TensorFlow's `HistogramProto`.
    var message: SummaryMessage {
        var message = SummaryMessage()
        if count > 0 {
            message.field(1, minimum)
            message.field(2, maximum)
        }
        message.field(3, Double(count))
        message.field(4, sum)
        message.field(5, sumOfSquares)
        let (limits, counts) = buckets
        message.field(6, packed: limits)
        message.field(7, packed: counts)
        return message
    }

    private static func bucket(of value: Double) -> Int {
        var (low, high) = (0, limits.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if limits[middle] > value { high = middle } else { low = middle + 1 }
        }
        return low
    }

    private static let limits: [Double] = {
        var positive: [Double] = [], limit = 1e-12
        while limit < 1e20 {
            positive.append(limit)
            limit *= 1.1
        }
        positive.append(.greatestFiniteMagnitude)
        return positive.reversed().map { -$0 } + [0] + positive
    }()
}
