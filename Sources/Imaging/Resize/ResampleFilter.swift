#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A resampling filter of Pillow's `Image.resize`.
package enum ResampleFilter: String, Sendable, CaseIterable {
    case nearest, box, bilinear, hamming, bicubic, lanczos

    /// Half the width of the filter, in samples of the smaller image.
    var support: Double {
        switch self {
        case .nearest: 0
        case .box: 0.5
        case .bilinear, .hamming: 1
        case .bicubic: 2
        case .lanczos: 3
        }
    }

    /// - Source: Pillow `src/libImaging/Resample.c`.
    func value(_ x: Double) -> Double {
        let distance = abs(x)
        switch self {
        case .nearest: return 1
        case .box: return x > -0.5 && x <= 0.5 ? 1 : 0
        case .bilinear: return distance < 1 ? 1 - distance : 0
        case .hamming:
            if distance == 0 { return 1 }
            if distance >= 1 { return 0 }
            let angle = distance * Double.pi
            return sin(angle) / angle * (0.54 + 0.46 * cos(angle))
        case .bicubic:
            // Keys' cubic with the coefficient -0.5.
            let a = -0.5
            if distance < 1 { return ((a + 2) * distance - (a + 3)) * distance * distance + 1 }
            if distance < 2 { return (((distance - 5) * distance + 8) * distance - 4) * a }
            return 0
        case .lanczos: return -3 <= x && x < 3 ? Self.sinc(x) * Self.sinc(x / 3) : 0
        }
    }

    private static func sinc(_ x: Double) -> Double {
        x == 0 ? 1 : sin(x * Double.pi) / (x * Double.pi)
    }
}

/// The samples that contribute to each output of one axis, and their weights in fixed point.
///
/// - Source: Pillow `src/libImaging/Resample.c`, `precompute_coeffs` and `normalize_coeffs_8bpc`.
struct ResampleWeights {
    /// The fractional bits of a weight: sums of products with bytes fit in 32 bits.
    static let precision = 22

    /// The first sample of each output, and the number of its samples.
    private(set) var starts: [Int] = [], counts: [Int] = []
    /// The weights, `[outputs, stride]`.
    private(set) var weights: [Int32] = []
    let stride: Int

    /// - Parameters:
    ///   - input: The number of samples.
    ///   - output: The number of outputs of the whole axis.
    ///   - range: The outputs that are wanted.
    init(_ filter: ResampleFilter, input: Int, output: Int, range: Range<Int>) {
        guard filter != .nearest else {
            stride = 1
            // Pillow adds up the scale, so that the last digits are those of its sums.
            let scale = Double(input) / Double(output)
            var center = scale * 0.5
            for index in 0..<range.upperBound {
                if index >= range.lowerBound {
                    starts.append(min(Int(center), input - 1))
                    counts.append(1)
                    weights.append(1 << Int32(Self.precision))
                }
                center += scale
            }
            return
        }
        let scale = Double(input) / Double(output), filterScale = max(scale, 1)
        let support = filter.support * filterScale, step = 1 / filterScale
        stride = Int(support.rounded(.up)) * 2 + 1
        weights.reserveCapacity(range.count * stride)
        for index in range {
            let center = (Double(index) + 0.5) * scale
            let first = max(0, Int(center - support + 0.5)), last = min(input, Int(center + support + 0.5))
            let raw = (0..<(last - first)).map { filter.value((Double($0 + first) - center + 0.5) * step) }
            let sum = raw.reduce(0, +)
            starts.append(first)
            counts.append(raw.count)
            for weight in raw {
                let normalized = (sum == 0 ? weight : weight / sum) * Double(1 << Self.precision)
                weights.append(Int32(normalized < 0 ? normalized - 0.5 : normalized + 0.5))
            }
            weights += repeatElement(0, count: stride - raw.count)
        }
    }

    /// The samples that any output needs.
    var samples: Range<Int> {
        guard let first = starts.first, let last = starts.last else { return 0..<0 }
        return first..<(last + counts[counts.count - 1])
    }
}
