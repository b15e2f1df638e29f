import Kernels

/// A convolution of every channel by itself. A row of output pixels a unit; of small images a part of the channels, as threads divide
/// the convolutions before and after.
struct DepthwiseStep: Step {
    let name: String
    let kind: String
    let work: Int
    var unitCount: Int { output.extent.height * parts }
    private let kernels: InstructionSet
    private let window: Window
    private let input, output: Storage
    private let parts: Int
    private let weights, bias: Table<Float>
    private let clamp: Clamp
    private let margin: MarginFill

    init(_ convolution: Convolution, name: String, input: Storage, output: Storage, margin: MarginFill, kernels: InstructionSet, threads: Int) {
        (self.name, self.kernels, self.input, self.output, self.margin) = (name, kernels, input, output, margin)
        window = convolution.window
        kind = "depthwise \(window.height)×\(window.width)"
        work = output.extent.count * window.height * window.width
        weights = Self.pack(convolution, channels: output.extent.channels, lanes: kernels.lanes)
        bias = Table(convolution.bias, count: output.extent.channels + kernels.lanes, padding: 0)
        clamp = convolution.clamp
        let isSmall = output.extent.pixels < ConvolutionStep.pixelsToDivide(kernels, threads)
        parts = isSmall ? max(1, min(threads, output.extent.channels / kernels.lanes)) : 1
    }

    func run(unit: Int, in arena: UnsafeMutablePointer<Float>) {
        margin.run(in: arena, part: unit, of: unitCount)
        let (part, y) = (unit / output.extent.height, unit % output.extent.height)
        let vectors = output.extent.channels / kernels.lanes, first = part * vectors / parts * kernels.lanes
        let end = part + 1 == parts ? output.extent.channels : (part + 1) * vectors / parts * kernels.lanes
        let top = y * window.strideY - window.padding.top, taps = window.height * window.width
        let firstRow = max(0, -top), endRow = min(window.height, input.extent.height - top)
        var row = WindowRow(
            input: arena + input.offset(y: top + firstRow, x: -window.padding.left) + first,
            inputRowStride: input.rowStride, inputPixelStride: input.pixelStride,
            output: arena + output.offset(y: y, x: 0) + first, outputPixelStride: output.pixelStride, width: output.extent.width,
            stride: window.strideX, windowHeight: endRow - firstRow, windowWidth: window.width, channels: end - first)
        var filter = DepthwiseFilter(
            weights: weights.pointer + first * taps + firstRow * window.width * kernels.lanes, vectorStride: taps * kernels.lanes,
            bias: bias.pointer + first, lowest: clamp.lowest, highest: clamp.highest)
        kernels.convolveDepthwise(&row, &filter)
    }

    /// `[taps, channels]` to `[vector, tap, lane]`, scaled: a vector's weights lie side by side.
    private static func pack(_ convolution: Convolution, channels: Int, lanes: Int) -> Table<Float> {
        let taps = convolution.window.height * convolution.window.width, vectors = (channels + lanes - 1) / lanes
        let weights = convolution.weights.array(of: Float.self)
        return Table(count: vectors * taps * lanes) { memory in
            for vector in 0..<vectors {
                for tap in 0..<taps {
                    for lane in 0..<lanes {
                        let channel = vector * lanes + lane
                        memory[(vector * taps + tap) * lanes + lane] =
                            channel < channels ? weights[tap * channels + channel] * (convolution.scale?[channel] ?? 1) : 0
                    }
                }
            }
        }
    }
}

/// The largest value or the mean of windows; pixels beyond the edges do not count. A row of output pixels a unit.
struct PoolStep: Step {
    let name: String
    var kind: String { "\(isMaximum ? "max" : "average") pool \(window.height)×\(window.width)" }
    var unitCount: Int { output.extent.height }
    let isMaximum: Bool
    let window: Window
    let input, output: Storage
    let margin: MarginFill
    let kernels: InstructionSet

    func run(unit y: Int, in arena: UnsafeMutablePointer<Float>) {
        margin.run(in: arena, part: y, of: unitCount)
        let top = y * window.strideY - window.padding.top
        let first = max(top, 0), end = min(top + window.height, input.extent.height)
        var row = WindowRow(
            input: arena + input.offset(y: first, x: -window.padding.left),
            inputRowStride: input.rowStride, inputPixelStride: input.pixelStride,
            output: arena + output.offset(y: y, x: 0), outputPixelStride: output.pixelStride, width: output.extent.width,
            stride: window.strideX, windowHeight: end - first, windowWidth: window.width, channels: output.extent.channels)
        var bounds = PoolingBounds(first: window.padding.left, end: window.padding.left + input.extent.width)
        if isMaximum { kernels.poolMaximum(&row, &bounds) } else { kernels.poolAverage(&row, &bounds) }
    }
}

/// The largest value or the mean of each channel.
struct ReductionStep: Step {
    let name: String
    var kind: String { isMaximum ? "maximum" : "mean" }
    var unitCount: Int { 1 }
    let isMaximum: Bool
    let input, output: Storage
    let margin: MarginFill
    let kernels: InstructionSet

    func run(unit: Int, in arena: UnsafeMutablePointer<Float>) {
        margin.run(in: arena, part: 0, of: 1)
        var row = WindowRow(
            input: arena + input.offset, inputRowStride: input.rowStride, inputPixelStride: input.pixelStride,
            output: arena + output.offset, outputPixelStride: output.pixelStride, width: 1, stride: 1,
            windowHeight: input.extent.height, windowWidth: input.extent.width, channels: input.extent.channels)
        var bounds = PoolingBounds(first: 0, end: input.extent.width)
        if isMaximum { kernels.poolMaximum(&row, &bounds) } else { kernels.poolAverage(&row, &bounds) }
    }
}
