import Kernels

/// A convolution of one pixel and, of its result, a depthwise one: a panel of channels at a time, in memory that stays in a thread's cache.
/// A panel of a band of rows is a unit; neighbouring bands both compute the rows between them that both need.
struct ExpansionStep: Step {
    let name: String
    var kind: String { "\(expansion.kind) + \(depthwise.kind)" }
    let work: Int
    var unitCount: Int { bands * panels }
    let scratchSize: Int

    private let expansion: ConvolutionStep
    private let depthwise: DepthwiseStep
    /// A panel of the image between them.
    private let middle: Storage
    private let leftMargin, rightMargin: Int
    private let rows, channels, bands, panels, panelWidth: Int
    private let margin: MarginFill

    init(
        _ convolution: Convolution, _ depthwise: Convolution, name: String, input: Storage, output: Storage, margin: MarginFill,
        kernels: InstructionSet, threads: Int
    ) {
        let window = depthwise.window
        (self.name, self.margin, rows, channels) = (name, margin, output.extent.height, output.extent.channels)
        panelWidth = 2 * kernels.lanes
        panels = (channels + panelWidth - 1) / panelWidth
        (leftMargin, rightMargin) = (window.padding.left * panelWidth, window.padding.right * panelWidth)
        middle = Storage(
            extent: Extent(height: input.extent.height, width: input.extent.width, channels: channels), offset: leftMargin,
            pixelStride: panelWidth, rowStride: leftMargin + input.extent.width * panelWidth + rightMargin)
        expansion = ConvolutionStep(
            convolution, name: name, input: input, output: middle, residual: nil, margin: MarginFill(), kernels: kernels, threads: 1, isWhole: true)
        self.depthwise = DepthwiseStep(depthwise, name: name, input: middle, output: output, margin: MarginFill(), kernels: kernels)
        work = expansion.work + self.depthwise.work

        // Three quarters of half a megabyte of second-level cache. Threads divide rows, or panels where the image is small or too many
        // rows would be computed twice.
        let fitting = max(1, (100_000 / middle.rowStride - window.height) / window.strideY + 1)
        let isSmall = input.extent.pixels < ConvolutionStep.pixelsToDivide(kernels, threads)
        let twice = (threads - 1) * max(0, window.height - window.strideY)
        let divided = isSmall || 5 * twice > input.extent.height ? 1 : threads
        let cached = (rows + fitting - 1) / fitting
        bands = min(rows, (cached + divided - 1) / divided * divided)
        let longest = (rows + bands - 1) / bands
        // The last tile of pixels reaches further.
        scratchSize = ((longest - 1) * window.strideY + window.height + 1) * middle.rowStride + kernels.tileRows * panelWidth
    }

    func run(unit: Int, in arena: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>) {
        margin.run(in: arena, part: unit, of: unitCount)
        let (index, panel) = (unit / panels, unit % panels), first = panel * panelWidth
        let band = index * rows / bands..<(index + 1) * rows / bands
        let met = depthwise.rows(for: band.lowerBound).lowerBound..<depthwise.rows(for: band.upperBound - 1).upperBound
        // As if the rows before and the channels before were there.
        let image = scratch + middle.offset - met.lowerBound * middle.rowStride - first
        let width = middle.extent.width
        expansion.run(pixels: met.lowerBound * width..<met.upperBound * width, panel: panel, in: arena, to: image)
        for y in met {
            let row = image + first + y * middle.rowStride
            (row - leftMargin).update(repeating: 0, count: leftMargin)
            (row + width * panelWidth).update(repeating: 0, count: rightMargin)
        }
        for y in band { depthwise.run(row: y, channels: first..<min(channels, first + panelWidth), from: image, in: arena) }
    }
}
