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
        if let scale = convolution.scale { for index in values.indices { values[index] *= scale[index % channels] } }
        var scales = [Float](repeating: 1, count: channels), sums = [Double](repeating: 0, count: channels)
        if element.kind == .uint8 {
            var largest = [Float](repeating: 0, count: channels)
            for base in stride(from: 0, to: values.count, by: channels) {
                for channel in 0..<channels { largest[channel] = max(largest[channel], abs(values[base + channel])) }
            }
            for channel in 0..<channels where largest[channel] > 0 { scales[channel] = largest[channel] / 127 }
            for base in stride(from: 0, to: values.count, by: channels) {
                for channel in 0..<channels {
                    let whole = (values[base + channel] / scales[channel]).rounded(.toNearestOrEven)
                    values[base + channel] = whole
                    sums[channel] += Double(whole)
                }
            }
        } else {
            for index in values.indices { values[index] = Float(roundedToBFloat16: values[index]) }
        }
        (self.values, self.scales, self.sums) = (values, scales, sums)
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
    init(_ convolution: Convolution, _ weights: RoundedWeights, from input: Element, to output: Element, residual: Element?, count: Int) {
        let residualFactor = residual.map { $0.scale / output.scale } ?? 0
        let residualShift = residual.map { Double($0.zero) * Double(residualFactor) } ?? 0
        let scales = weights.scales, sums = weights.sums
        let factors = scales.map { Double(input.scale) * Double($0) / Double(output.scale) }
        let bias = scales.indices.map { channel in
            let correction = Double(input.zero) * sums[channel] * factors[channel]
            return Float(Double(convolution.bias[channel]) / Double(output.scale) + Double(output.zero) - correction - residualShift)
        }
        self.factors = Table(factors.map { Float($0) }, count: count, padding: 0)
        self.bias = Table(bias, count: count, padding: 0)
        self.residualFactor = residualFactor
        (lowest, highest) = output.limits(convolution.clamp)
    }
}
