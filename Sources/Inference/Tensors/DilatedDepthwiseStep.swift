import Kernels

/// A dilated depthwise convolution; each unit computes one row of output pixels.
struct DilatedDepthwiseStep: PlainStep {
    let name: String
    var kind: String { "depthwise \(window.height)×\(window.width) dilated" }
    let work: Int
    var unitCount: Int { output.extent.height }
    private let window: Window
    private let input, output: ArenaPlacement
    /// The weights, `[taps, channels]`.
    private let weights: Table<Float>
    private let bias: Table<Float>
    private let clamp: Clamp
    private let activation: UnaryFunction?
    private let margin: MarginFill
    private let kernels: InstructionSet

    init(
        _ convolution: Convolution, name: String, input: ArenaPlacement, output: ArenaPlacement,
        margin: MarginFill,
        kernels: InstructionSet
    ) {
        (self.name, self.input, self.output, self.margin) = (name, input, output, margin)
        (self.kernels, window) = (kernels, convolution.window)
        let channels = output.extent.channels, taps = window.height * window.width
        work = output.extent.count * taps
        let numbers = convolution.weights.array(of: Float.self), row = convolution.weightStride ?? channels
        weights = Table(count: taps * channels) { memory in
            for tap in 0..<taps {
                for channel in 0..<channels {
                    memory[tap * channels + channel] =
                        numbers[tap * row + channel] * (convolution.scale?[channel] ?? 1)
                }
            }
        }
        bias = Table(convolution.bias, padding: 0)
        (clamp, activation) = (convolution.clamp, convolution.activation)
    }

    func run(unit y: Int, in arena: UnsafeMutablePointer<Float>) {
        margin.run(in: arena, part: y, of: unitCount)
        let channels = output.extent.channels, target = arena + output.offset(y: y, x: 0)
        for x in 0..<output.extent.width {
            let sums = target + x * output.pixelStride
            sums.update(from: bias.pointer, count: channels)
            for r in 0..<window.height {
                let row = y * window.strideY - window.padding.top + r * window.dilationY
                guard (0..<input.extent.height).contains(row) else { continue }
                for s in 0..<window.width {
                    let column = x * window.strideX - window.padding.left + s * window.dilationX
                    guard (0..<input.extent.width).contains(column) else { continue }
                    let source = arena + input.offset(y: row, x: column)
                    let filter = weights.pointer + (r * window.width + s) * channels
                    for c in 0..<channels { sums[c] += source[c] * filter[c] }
                }
            }
            for c in 0..<channels { sums[c] = min(max(sums[c], clamp.lowest), clamp.highest) }
        }
        guard let activation else { return }
        var rows = UnaryRows(
            activation, pixels: target, stride: output.pixelStride, count: output.extent.width,
            channels: channels)
        kernels.mapRows(&rows)
    }
}
