import TensorGraph

/// Weights quantized to 8 bits with a step per channel: w = code · step. Channels are the last axis, or the
/// last two of depthwise weights.
struct ChannelGrid: Sendable {
    /// The codes in the order of the weights.
    let codes: [Int8]
    let steps: [Float]

    /// Quantizes weights with the step per channel that maps the largest magnitude to 127, or with a larger
    /// one.
    ///
    /// - Parameter adjust: Returns a step that a format can hold and that is not smaller than the given one.
    init(rounding weights: [Float], channels: Int, adjust: (Float) -> Float = { $0 }) {
        var greatest = [Float](repeating: 0, count: channels)
        for i in weights.indices { greatest[i % channels] = max(greatest[i % channels], abs(weights[i])) }
        let steps = greatest.map { adjust($0 >= .leastNormalMagnitude * 127 ? $0 / 127 : 1) }
        codes = weights.indices.map {
            Int8(max(-127, min(127, (weights[$0] / steps[$0 % channels]).rounded())))
        }
        self.steps = steps
    }

    /// Creates a grid from codes and steps; nil if the steps are invalid or do not divide the codes.
    init?(codes: [Int8], steps: [Float]) {
        guard !steps.isEmpty, codes.count.isMultiple(of: steps.count),
            steps.allSatisfy({ $0 > 0 && $0.isFinite })
        else { return nil }
        (self.codes, self.steps) = (codes, steps)
    }

    /// Returns whether the codes represent exactly these weights.
    func represents(_ weights: [Float]) -> Bool {
        weights.count == codes.count
            && weights.indices.allSatisfy { weights[$0] == Float(codes[$0]) * steps[$0 % steps.count] }
    }
}
