/// What layers with one view of one tensor share: how errors are made good, and how much an error in each input costs.
struct PreparedInput: Sendable {
    let compensations: [ErrorCompensation]
    /// `[groups][rows]`
    let means: [[Double]]
    /// `[channels]`: by how much coarser the grid of an input channel's weights may be; nil where all count alike.
    let scales: [Float]?

    /// - Parameter moments: about the mean, by group.
    init(_ statistics: InputStatistics, _ moments: [[Double]]) {
        let view = statistics.view
        means = (0..<view.groups).map { statistics.mean(group: $0) }
        compensations = moments.map { ErrorCompensation(rows: view.rows, moments: $0) }
        scales = view.isDepthwise ? nil : Self.scales(compensations[0].costs, channels: view.window.channels)
    }

    /// A channel whose error costs c times as much wants steps √c times finer, if all weights are alike; they are not, for training makes those
    /// of strong inputs small. Powers of √2, so that they take few bytes.
    private static func scales(_ costs: [Float], channels: Int) -> [Float] {
        let taps = costs.count / channels
        let logarithms = (0..<channels).map { c in
            (0..<taps).reduce(0.0) { $0 + Math.log2(Double(costs[$1 * channels + c])) } / Double(taps)
        }
        let mean = logarithms.reduce(0, +) / Double(max(logarithms.count, 1))
        return logarithms.map { Float(Math.exp2((((mean - $0) * Self.share).rounded()) / 2)) }
    }

    /// Of what the costs alone ask for. Inception v3 at 4 bits a weight: 0.5 to 1 are the same within 4 % of the error.
    private static let share = 0.7
}

/// A layer with what does not depend on how finely it is rounded.
struct PreparedLayer: Sendable {
    struct Rounded: Sendable {
        let codes: [Int8]
        let steps: [Float]
        /// `[input channels]`; nil where all are 1.
        let scales: [Float]?
        /// What the mean output lost, a channel; nil where it is not known or has nowhere to go.
        let shift: [Float]?
        let isDepthwise: Bool
    }

    let layer: WeightedLayer
    /// What a unit of squared step costs.
    var sensitivity = 1.0
    private let weights: [Float]
    /// `[channels]`, root mean squares of weights over their rows' scales.
    private let deviations: [Float]
    /// `[channels]`, the largest of these.
    private let greatest: [Float]
    private let input: PreparedInput?
    /// `[rows]`
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

    /// Up to a factor that all layers share, and in units of a channel's deviation: of weights that cost −log₂ step each and an error of
    /// `sensitivity` · step².
    var bestStep: Double { (Double(layer.count) / max(sensitivity, 1e-30)).squareRoot() }

    /// `[channels]`. Few digits cost few bytes; upward, so that the greatest weight still has a level.
    private func steps(_ step: Float) -> [Float] {
        deviations.indices.map {
            max(step * deviations[$0], greatest[$0] / 126, .leastNormalMagnitude * 256).rounded(
                mantissaBits: 5)
        }
    }

    /// Bits a weight, of those of some rows, each rounded to the nearest.
    ///
    /// - Parameter step: in units of a channel's deviation.
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

    /// - Parameter step: in units of a channel's deviation.
    func rounded(step: Float) -> Rounded {
        let channels = layer.channels, columns = layer.columns, rows = layer.rows, steps = steps(step)
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

    /// `[rows, channels]`: what codes stand for.
    func weights(of rounded: Rounded) -> [Float] {
        let channels = layer.channels
        return rounded.codes.indices.map {
            Float(rounded.codes[$0]) * scales[$0 / channels] * rounded.steps[$0 % channels]
        }
    }
}
