import Kernels

/// A filter rounded to its input's precision: integers from −127 to 127 for 8-bit values, otherwise bfloat16
/// numbers.
struct RoundedFilter {
    /// The weights in the filter's order, output channels last.
    let values: [Float]
    /// The scale of each output channel's integers; 1 for bfloat16.
    let scales: [Float]
    /// The sum of each output channel's integers.
    let sums: [Double]

    /// The weights of an output channel that kernels combine in pairs.
    enum Pairs {
        /// Neighbouring input channels, of this number of them: 0 and 1, 2 and 3, ….
        case inputs(Int)
        /// Rows of a depthwise window that are as far from its edges: the first and the last, ….
        case rows(height: Int, width: Int)

        /// Returns how far the other of a pair is from a position of the filter; nil if that is no pair's first.
        func distance(from position: Int) -> Int? {
            switch self {
            case .inputs(let count):
                let input = position % count
                return input % 2 == 0 && input + 1 < count ? 1 : nil
            case .rows(let height, let width):
                let y = position / width, other = height - 1 - y
                return other > y ? (other - y) * width : nil
            }
        }
    }

    init(_ convolution: Convolution, channels: Int, for type: StorageType, pairs: Pairs) {
        var values = convolution.inputMajorWeights.array(of: Float.self)
        var scales = [Float](repeating: 1, count: channels), sums = [Double](repeating: 0, count: channels)
        let positions = values.count / channels
        values.withUnsafeMutableBufferPointer { values in
            let weights = values.baseAddress!
            if let scale = convolution.scale {
                for position in 0..<positions {
                    for channel in 0..<channels { weights[position &* channels &+ channel] *= scale[channel] }
                }
            }
            if type.kind == .uint8 {
                scales.withUnsafeMutableBufferPointer { scales in
                    sums.withUnsafeMutableBufferPointer { sums in
                        let scales = scales.baseAddress!
                        Self.findScales(weights, positions, channels, scales)
                        if let limit = type.pairLimit {
                            Self.limit(pairs, of: weights, positions, channels, scales, to: limit)
                        }
                        Self.round(weights, positions, channels, scales, sums.baseAddress!)
                    }
                }
            } else {
                for index in 0..<positions &* channels {
                    weights[index] = Float(roundedToBFloat16: weights[index])
                }
            }
        }
        (self.values, self.scales, self.sums) = (values, scales, sums)
    }

    /// Finds the scale of each channel of `[positions, channels]` with which no integer exceeds 127.
    private static func findScales(
        _ weights: UnsafePointer<Float>, _ positions: Int, _ channels: Int,
        _ scales: UnsafeMutablePointer<Float>
    ) {
        for channel in 0..<channels { scales[channel] = 0 }
        for position in 0..<positions {
            let row = weights + position &* channels
            for channel in 0..<channels { scales[channel] = max(scales[channel], abs(row[channel])) }
        }
        for channel in 0..<channels { scales[channel] = scales[channel] > 0 ? scales[channel] / 127 : 1 }
    }

    /// Raises the scales until the sums of both integers of each pair are within the limit.
    private static func limit(
        _ pairs: Pairs, of weights: UnsafePointer<Float>, _ positions: Int, _ channels: Int,
        _ scales: UnsafeMutablePointer<Float>, to limit: Int
    ) {
        // Rounding adds up to one half to each of the two.
        let factor = 1 / Float(limit - 1)
        for position in 0..<positions {
            guard let distance = pairs.distance(from: position) else { continue }
            let row = weights + position &* channels, other = row + distance &* channels
            for channel in 0..<channels {
                scales[channel] = max(scales[channel], abs(row[channel] + other[channel]) * factor)
            }
        }
    }

    /// Rounds weights of `[positions, channels]` to integers and sums them.
    private static func round(
        _ weights: UnsafeMutablePointer<Float>, _ positions: Int, _ channels: Int,
        _ scales: UnsafePointer<Float>, _ sums: UnsafeMutablePointer<Double>
    ) {
        // Adding and subtracting 1.5 · 2²³ rounds to nearest, ties to even, without a C library call.
        let shift: Float = 12_582_912
        for position in 0..<positions {
            let row = weights + position &* channels
            for channel in 0..<channels {
                let whole = (row[channel] / scales[channel] + shift) - shift
                row[channel] = whole
                sums[channel] += Double(whole)
            }
        }
    }
}

extension Float {
    /// The nearest bfloat16 number, ties to even.
    init(roundedToBFloat16 value: Float) {
        let bits = value.bitPattern
        self.init(bitPattern: (bits &+ 0x7fff &+ ((bits >> 16) & 1)) & 0xffff_0000)
    }
}

/// The terms that turn a convolution's sums into output values, per channel: `sum * factor + bias`, clamped.
struct LowPrecisionTerms {
    let factors, bias: Table<Float>
    let residualFactor, lowest, highest: Float

    /// - Parameter count: The channel count with padding.
    init(
        _ convolution: Convolution, _ weights: RoundedFilter, from input: StorageType,
        to output: StorageType,
        residual: StorageType?, count: Int
    ) {
        let residualFactor = residual.map { $0.scale / output.scale } ?? 0
        let residualShift = residual.map { Double($0.zero) * Double(residualFactor) } ?? 0
        let scales = weights.scales, sums = weights.sums
        let factors = scales.map { Double(input.scale) * Double($0) / Double(output.scale) }
        let bias = scales.indices.map { channel in
            let correction = Double(input.zero) * sums[channel] * factors[channel]
            return Float(
                Double(convolution.bias[channel]) / Double(output.scale) + Double(output.zero) - correction
                    - residualShift)
        }
        self.factors = Table(factors.map { Float($0) }, count: count, padding: 0)
        self.bias = Table(bias, count: count, padding: 0)
        self.residualFactor = residualFactor
        (lowest, highest) = output.limits(convolution.clamp)
    }
}
