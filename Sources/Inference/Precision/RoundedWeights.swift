import Kernels

/// A filter in the precision of its image: whole numbers from −127 to 127 for bytes, else bfloat16 numbers.
struct RoundedWeights {
    /// In the filter's order, output channels last.
    let values: [Float]
    /// What each output channel's whole numbers are multiples of; 1 without them.
    let scales: [Float]
    /// The sum of each output channel's whole numbers.
    let sums: [Double]

    init(_ convolution: Convolution, channels: Int, for element: Element) {
        var values = convolution.weights.array(of: Float.self)
        var scales = [Float](repeating: 1, count: channels), sums = [Double](repeating: 0, count: channels)
        let positions = values.count / channels
        values.withUnsafeMutableBufferPointer { values in
            let weights = values.baseAddress!
            if let scale = convolution.scale {
                for position in 0..<positions {
                    for channel in 0..<channels { weights[position &* channels &+ channel] *= scale[channel] }
                }
            }
            if element.kind == .uint8 {
                scales.withUnsafeMutableBufferPointer { scales in
                    sums.withUnsafeMutableBufferPointer { sums in
                        Self.round(weights, positions, channels, scales.baseAddress!, sums.baseAddress!)
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

    /// `[positions, channels]` to whole numbers.
    private static func round(
        _ weights: UnsafeMutablePointer<Float>, _ positions: Int, _ channels: Int,
        _ scales: UnsafeMutablePointer<Float>,
        _ sums: UnsafeMutablePointer<Double>
    ) {
        for channel in 0..<channels { scales[channel] = 0 }
        for position in 0..<positions {
            let row = weights + position &* channels
            for channel in 0..<channels { scales[channel] = max(scales[channel], abs(row[channel])) }
        }
        for channel in 0..<channels { scales[channel] = scales[channel] > 0 ? scales[channel] / 127 : 1 }
        // 1.5 · 2²³: added and taken away again, it rounds to the nearest, ties to even, without a call of the C library.
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

/// What becomes of a convolution's sums, channel by channel: `sum * factor + bias`, clamped, is the output's cell.
struct DotTerms {
    let factors, bias: Table<Float>
    let residualFactor, lowest, highest: Float

    /// - Parameter count: channels, padded.
    init(
        _ convolution: Convolution, _ weights: RoundedWeights, from input: Element, to output: Element,
        residual: Element?, count: Int
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
