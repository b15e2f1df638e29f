import TensorGraph

/// Weights quantized to 8 bits with a step per channel: w = code · step. Channels are the last axis, or the
/// last two of depthwise weights.
struct ChannelGrid: Sendable {
    /// The codes in the order of the weights.
    private(set) var codes: [Int8]
    private(set) var steps: [Float]

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

    /// Quantizes weights so that the rounding errors of each channel cancel: each is carried to the channel's
    /// next weight.
    ///
    /// - Parameters:
    ///   - isShared: Whether all channels have the same step.
    ///   - adjust: Returns a step that is not smaller than the given one.
    init(carrying weights: [Float], channels: Int, isShared: Bool = false, adjust: (Float) -> Float = { $0 })
    {
        var grid = ChannelGrid(rounding: weights, channels: channels, adjust: adjust)
        if isShared, let step = grid.steps.max() { grid.steps = grid.steps.map { _ in step } }
        var carried = [Float](repeating: 0, count: channels)
        grid.codes = weights.indices.map { index in
            let channel = index % channels, wanted = weights[index] / grid.steps[channel] + carried[channel]
            let code = max(-127, min(127, wanted.rounded()))
            carried[channel] = wanted - code
            return Int8(code)
        }
        self = grid
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
