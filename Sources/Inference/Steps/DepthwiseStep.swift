import Kernels

/// A depthwise convolution; each unit computes one row of output pixels.
struct DepthwiseStep: PlainStep {
    let name: String
    let kind: String
    let work: Int
    var unitCount: Int { output.extent.height }
    private let kernels: InstructionSet
    private let window: Window
    private let input, output: ArenaPlacement
    private let weights, bias: Table<Float>
    private let clamp: Clamp
    private let activation: UnaryFunction?
    private let margin: MarginFill

    init(
        _ convolution: Convolution, name: String, input: ArenaPlacement, output: ArenaPlacement,
        margin: MarginFill,
        kernels: InstructionSet
    ) {
        (self.name, self.kernels, self.input, self.output, self.margin) = (
            name, kernels, input, output, margin
        )
        window = convolution.window
        kind = "depthwise \(window.height)×\(window.width)"
        work = output.extent.count * window.height * window.width
        weights = Self.pack(convolution, channels: output.extent.channels, lanes: kernels.lanes)
        bias = Table(convolution.bias, count: output.extent.channels + kernels.lanes, padding: 0)
        (clamp, activation) = (convolution.clamp, convolution.activation)
    }

    func run(unit: Int, in arena: UnsafeMutablePointer<Float>) {
        margin.run(in: arena, part: unit, of: unitCount)
        run(
            row: unit, channels: 0..<output.extent.channels, from: arena + input.offset,
            to: arena + output.offset)
    }

    /// Computes one row of output pixels for a range of channels.
    ///
    /// - Parameters:
    ///   - channels: The channels; the first must be the first of a vector.
    ///   - image: The address of input pixel (0, 0). Only the rows under the window and the given channels
    ///     must be in memory.
    ///   - result: The address of output pixel (0, 0).
    func run(
        row y: Int, channels: Range<Int>, from image: UnsafePointer<Float>,
        to result: UnsafeMutablePointer<Float>
    ) {
        let first = channels.lowerBound, top = y * window.strideY - window.padding.top,
            taps = window.height * window.width
        let met = rows(for: y)
        var row = WindowRow(
            input: image + met.lowerBound * input.rowStride - window.padding.left * input.pixelStride + first,
            inputRowStride: input.rowStride, inputPixelStride: input.pixelStride,
            output: result + y * output.rowStride + first, outputPixelStride: output.pixelStride,
            width: output.extent.width,
            stride: window.strideX, windowHeight: met.count, windowWidth: window.width,
            channels: channels.count)
        var filter = DepthwiseFilter(
            weights: weights.pointer + first * taps + (met.lowerBound - top) * window.width * kernels.lanes,
            vectorStride: taps * kernels.lanes,
            bias: bias.pointer + first, lowest: clamp.lowest, highest: clamp.highest)
        kernels.convolveDepthwise(&row, &filter)
        guard let activation else { return }
        var rows = UnaryRows(
            activation, pixels: row.output, stride: row.outputPixelStride, count: row.width,
            channels: row.channels)
        kernels.mapRows(&rows)
    }

    /// Returns the input rows that the window covers for an output row, without the padding.
    func rows(for y: Int) -> Range<Int> {
        let top = y * window.strideY - window.padding.top
        return max(0, top)..<min(input.extent.height, top + window.height)
    }

    /// Packs weights from `[taps, channels]` into `[vector, tap, lane]`, so that each vector's weights are
    /// contiguous, and multiplies them by the channel scales.
    private static func pack(_ convolution: Convolution, channels: Int, lanes: Int) -> Table<Float> {
        let taps = convolution.window.height * convolution.window.width,
            vectors = (channels + lanes - 1) / lanes
        let weights = convolution.weights.array(of: Float.self), row = convolution.weightStride ?? channels
        return Table(count: vectors * taps * lanes) { memory in
            for vector in 0..<vectors {
                for tap in 0..<taps {
                    for lane in 0..<lanes {
                        let channel = vector * lanes + lane
                        memory[(vector * taps + tap) * lanes + lane] =
                            channel < channels
                            ? weights[tap * row + channel] * (convolution.scale?[channel] ?? 1) : 0
                    }
                }
            }
        }
    }
}
