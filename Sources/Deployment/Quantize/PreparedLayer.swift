/// The preparation that layers with the same input share: error compensation, and the cost of an error in
/// each input.
struct PreparedInput: Sendable {
    let compensations: [ErrorCompensation]
    /// The means, `[groups][rows]`.
    let means: [[Double]]
    /// The factor, `[channels]`, by which the grid of each input channel may be coarser; nil if all channels
    /// are treated alike.
    let scales: [Float]?

    /// - Parameters:
    ///   - statistics: The statistics of the input.
    ///   - moments: The second moments about the mean, per group.
    ///   - hasScales: Whether the grids of input channels may differ.
    init(_ statistics: InputStatistics, _ moments: [[Double]], hasScales: Bool = true) {
        let view = statistics.view
        means = (0..<view.groups).map { statistics.mean(group: $0) }
        compensations = moments.map { ErrorCompensation(rows: view.rows, moments: $0) }
        scales =
            view.isDepthwise || !hasScales
            ? nil : Self.scales(compensations[0].costs, channels: view.window.channels)
    }

    /// Returns the step's scale for each input channel, `[channels]`.
    ///
    /// A channel whose error costs c times as much needs steps finer by √c if all weights have the same size,
    /// but training makes the weights of strong inputs small. Scales are powers of √2, so that they take few
    /// bytes.
    private static func scales(_ costs: [Float], channels: Int) -> [Float] {
        let taps = costs.count / channels
        let logarithms = (0..<channels).map { c in
            (0..<taps).reduce(0.0) { $0 + Math.log2(Double(costs[$1 * channels + c])) } / Double(taps)
        }
        let mean = logarithms.reduce(0, +) / Double(max(logarithms.count, 1))
        return logarithms.map { Float(Math.exp2((((mean - $0) * Self.share).rounded()) / 2)) }
    }

    /// The fraction of the theoretical logarithm that is applied. For Inception v3 at 4 bits per weight, the
    /// error differs by less than 4 % between 0.5 and 1.
    private static let share = 0.7
}

/// A layer with all quantities that do not depend on the step.
struct PreparedLayer: Sendable {
    struct Rounded: Sendable {
        let codes: [Int8]
        let steps: [Float]
        /// The scales, `[input channels]`; nil if all are 1.
        let scales: [Float]?
        /// The change of the mean output per channel; nil if it is unknown or there is no bias to correct.
        let shift: [Float]?
        let isDepthwise: Bool
    }

    let layer: WeightedLayer
    /// The cost of a unit of squared step.
    var sensitivity = 1.0
    private let weights: [Float]
    /// The root mean square per channel, `[channels]`, of weights divided by their rows' scales.
    private let deviations: [Float]
    /// The largest magnitude per channel of the same, `[channels]`.
    private let greatest: [Float]
    private let input: PreparedInput?
    /// The scale of each row, `[rows]`.
    private let scales: [Float]

    init(_ layer: WeightedLayer, _ weights: [Float], _ input: PreparedInput?) {
        (self.layer, self.weights, self.input) = (layer, weights, input)
        let channels = layer.channels, rows = layer.rows
        let scales = (0..<rows).map { row in input?.scales.map { $0[row % $0.count] } ?? 1 }
        self.scales = scales
        var squares = [Float](repeating: 0, count: channels), greatest = squares
        for k in 0..<rows {
            let factor = 1 / scales[k]
            for c in 0..<channels {
                let weight = weights[k &* channels &+ c] * factor
                squares[c] += weight * weight
                greatest[c] = max(greatest[c], weight.magnitude)
            }
        }
        deviations = squares.map { ($0 / Float(rows)).squareRoot() }
        self.greatest = greatest
    }

    /// The optimal step up to a common factor, in units of a channel's root mean square, for weights that
    /// cost −log₂ step each and an error of `sensitivity` · step².
    var bestStep: Double { (Double(layer.count) / max(sensitivity, 1e-30)).squareRoot() }

    /// Returns the step per channel, `[channels]`, with few mantissa bits to save bytes and large enough that
    /// the largest weight has a level.
    private func steps(_ step: Float) -> [Float] {
        deviations.indices.map {
            // Where the step is free, the error grows with its square, and a sixteenth more or less changes little.
            let coarse = max(step * deviations[$0], .leastNormalMagnitude * 256).rounded(mantissaBits: 3)
            return coarse * 127 >= greatest[$0] ? coarse : (greatest[$0] / 126).rounded(mantissaBits: 5)
        }
    }

    /// Estimates the entropy of a weight in bits from some rows, each rounded to nearest.
    ///
    /// - Parameter step: The step in units of a channel's root mean square.
    func entropy(step: Float) -> Double {
        let channels = layer.channels, inverses = steps(step).map { 1 / $0 }
        let pace = max(1, layer.count / 20_000)
        var counts = [Int](repeating: 0, count: 256), seen = 0
        for k in stride(from: 0, to: layer.rows, by: pace) {
            let factor = 1 / scales[k]
            for c in 0..<channels {
                let code = max(-127, min(127, (weights[k &* channels &+ c] * factor * inverses[c]).rounded()))
                counts[Int(code) &+ 128] &+= 1
            }
            seen += channels
        }
        return counts.reduce(0) {
            $0 - ($1 > 0 ? Double($1) / Double(seen) * Math.log2(Double($1) / Double(seen)) : 0)
        }
    }

    /// - Parameter step: The step in units of a channel's root mean square.
    func rounded(step: Float) -> Rounded { rounded(steps: steps(step)) }

    /// Returns the layer on the finest grid that gives the largest weight of each channel a level. Its steps are as
    /// long as half precision holds them, so that every format has them exactly.
    func finest() -> Rounded {
        rounded(
            steps: greatest.map {
                $0 >= .leastNormalMagnitude * 127 ? ($0 / 127).rounded(mantissaBits: 10) : 1
            })
    }

    /// - Parameter steps: The step of each channel.
    private func rounded(steps: [Float]) -> Rounded {
        let channels = layer.channels, columns = layer.columns, rows = layer.rows
        guard let input else {
            let codes = weights.indices.map {
                Int8(max(-127, min(127, (weights[$0] / steps[$0 % channels]).rounded())))
            }
            return Rounded(codes: codes, steps: steps, scales: nil, shift: nil, isDepthwise: layer.groups > 1)
        }
        var codes = [Int8](repeating: 0, count: weights.count),
            shift = [Double](repeating: 0, count: channels)
        for (g, compensation) in input.compensations.enumerated() {
            let part =
                layer.groups == 1
                ? weights
                : (0..<rows * columns).map { weights[$0 / columns * channels + g * columns + $0 % columns] }
            let rounded = compensation.round(
                part, columns: columns, steps: Array(steps[g * columns..<(g + 1) * columns]), scales: scales)
            for k in 0..<rows {
                let mean = input.means[g][k]
                for n in 0..<columns {
                    let c = g &* columns &+ n, code = rounded[k &* columns &+ n]
                    codes[k &* channels &+ c] = code
                    shift[c] += Double(part[k &* columns &+ n] - Float(code) * scales[k] * steps[c]) * mean
                }
            }
        }
        return Rounded(
            codes: codes, steps: steps, scales: input.scales,
            shift: layer.bias == nil ? nil : shift.map { Float($0) },
            isDepthwise: layer.groups > 1)
    }

    /// Returns the weights that codes represent, `[rows, channels]`.
    func weights(of rounded: Rounded) -> [Float] {
        let channels = layer.channels
        return rounded.codes.indices.map {
            Float(rounded.codes[$0]) * scales[$0 / channels] * rounded.steps[$0 % channels]
        }
    }
}
