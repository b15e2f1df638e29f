import Kernels

/// Max or average pooling; padding is ignored. Each unit computes one row of output pixels.
struct PoolStep: PlainStep {
    let name: String
    var kind: String { "\(isMaximum ? "max" : "average") pool \(window.height)×\(window.width)" }
    var unitCount: Int { output.extent.height }
    let isMaximum: Bool
    let window: Window
    let input, output: ArenaPlacement
    let margin: MarginFill
    let kernels: InstructionSet

    func run(unit y: Int, in arena: UnsafeMutablePointer<Float>) {
        margin.run(in: arena, part: y, of: unitCount)
        let top = y * window.strideY - window.padding.top
        let first = max(top, 0), end = min(top + window.height, input.extent.height)
        var row = WindowRow(
            input: arena + input.offset(y: first, x: -window.padding.left),
            inputRowStride: input.rowStride, inputPixelStride: input.pixelStride,
            output: arena + output.offset(y: y, x: 0), outputPixelStride: output.pixelStride,
            width: output.extent.width,
            stride: window.strideX, windowHeight: end - first, windowWidth: window.width,
            channels: output.extent.channels)
        var bounds = PoolingBounds(first: window.padding.left, end: window.padding.left + input.extent.width)
        if isMaximum { kernels.poolMaximum(&row, &bounds) } else { kernels.poolAverage(&row, &bounds) }
    }
}

/// The maximum or the mean of each channel over all pixels; each unit computes some channels.
struct ReductionStep: PlainStep {
    let name: String
    var kind: String { isMaximum ? "maximum" : "mean" }
    var unitCount: Int { (input.extent.channels + Tuning.unitChannels - 1) / Tuning.unitChannels }
    var isShort: Bool { input.extent.count < Tuning.shortWork }
    let isMaximum: Bool
    let input, output: ArenaPlacement
    let margin: MarginFill
    let kernels: InstructionSet

    func run(unit: Int, in arena: UnsafeMutablePointer<Float>) {
        margin.run(in: arena, part: unit, of: unitCount)
        let first = Tuning.unitChannels * unit
        var row = WindowRow(
            input: arena + input.offset + first, inputRowStride: input.rowStride,
            inputPixelStride: input.pixelStride,
            output: arena + output.offset + first, outputPixelStride: output.pixelStride, width: 1, stride: 1,
            windowHeight: input.extent.height, windowWidth: input.extent.width,
            channels: min(Tuning.unitChannels, input.extent.channels - first))
        var bounds = PoolingBounds(first: 0, end: input.extent.width)
        if isMaximum { kernels.poolMaximum(&row, &bounds) } else { kernels.poolAverage(&row, &bounds) }
    }
}
