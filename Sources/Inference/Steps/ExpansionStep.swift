import Kernels

/// A pointwise convolution followed by a depthwise one, without the full image between them.
///
/// Each unit computes one panel of channels for one band of rows, in scratch memory that stays in the
/// thread's cache. Rows that two neighbouring bands need are computed twice.
struct ExpansionStep: Step {
    let name: String
    var kind: String { "\(expansion.kind) + \(depthwise.kind)" }
    let work: Int
    var unitCount: Int { bands.count * panels }
    let scratchSize: Int
    var weights: [PackedWeights] { expansion.weights }

    private let expansion: ConvolutionStep
    private let depthwise: DepthwiseStep
    /// The layout of one panel of the intermediate image.
    private let middle: ArenaPlacement
    private let outputOffset: Int
    private let leftMargin, rightMargin: Int
    /// The ranges of output rows.
    let bands: [Range<Int>]
    private let channels, panels, panelWidth: Int
    private let margin: MarginFill

    init(
        _ convolution: Convolution, _ depthwise: Convolution, name: String, input: ArenaPlacement,
        output: ArenaPlacement,
        margin: MarginFill,
        kernels: InstructionSet, threads: Int
    ) {
        let window = depthwise.window
        (self.name, self.margin, channels) = (name, margin, output.extent.channels)
        outputOffset = output.offset
        panelWidth = 2 * kernels.lanes
        panels = (channels + panelWidth - 1) / panelWidth
        (leftMargin, rightMargin) = (window.padding.left * panelWidth, window.padding.right * panelWidth)
        middle = ArenaPlacement(
            extent: Extent(height: input.extent.height, width: input.extent.width, channels: channels),
            offset: leftMargin,
            pixelStride: panelWidth, rowStride: leftMargin + input.extent.width * panelWidth + rightMargin)
        expansion = ConvolutionStep(
            convolution, name: name, input: input, output: middle, residual: nil, margin: MarginFill(),
            kernels: kernels, threads: 1,
            blocks: [0..<input.extent.pixels])
        self.depthwise = DepthwiseStep(
            depthwise, name: name, input: middle, output: output, margin: MarginFill(), kernels: kernels)
        work = expansion.work + self.depthwise.work
        bands = Self.bands(input.extent, window, output.extent, kernels: kernels, threads: threads)
        let longest = bands.map(\.count).max()!
        // The last register tile of pixels may write beyond the last row.
        scratchSize =
            ((longest - 1) * window.strideY + window.height + 1) * middle.rowStride + kernels.tileRows
            * panelWidth
    }

    /// Returns whether threads divide the rows; they divide the panels where the image is small or where too
    /// many rows would be computed twice.
    static func dividesRows(_ input: Extent, _ window: Window, kernels: InstructionSet, threads: Int) -> Bool
    {
        let twice = (threads - 1) * max(0, window.height - window.strideY)
        return input.pixels >= ConvolutionStep.pixelsToDivide(kernels, threads) && 5 * twice <= input.height
    }

    /// Chooses bands so that a panel of the intermediate image takes three quarters of a 512 KB L2 cache, and
    /// a band of the result does too.
    private static func bands(
        _ input: Extent, _ window: Window, _ output: Extent, kernels: InstructionSet, threads: Int
    ) -> [Range<Int>] {
        let width = (window.padding.left + input.width + window.padding.right) * 2 * kernels.lanes
        let fitting = max(
            1,
            min(
                (Tuning.expandedPixels / width - window.height) / window.strideY + 1,
                Tuning.expansionResults * output.height / output.count
            ))
        let cached = (output.height + fitting - 1) / fitting
        let divided = dividesRows(input, window, kernels: kernels, threads: threads) ? threads : 1
        let count = min(output.height, (cached + divided - 1) / divided * divided)
        return (0..<count).map { $0 * output.height / count..<($0 + 1) * output.height / count }
    }

    func run(unit: Int, in arena: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>) {
        margin.run(in: arena, part: unit, of: unitCount)
        run(
            panel: unit % panels, of: bands[unit / panels], in: arena, to: arena + outputOffset,
            scratch: scratch)
    }

    /// Computes all panels of a band.
    ///
    /// - Parameter result: The address of output pixel (0, 0), which need not be in memory itself.
    func run(
        band: Range<Int>, in arena: UnsafeMutablePointer<Float>, to result: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>
    ) {
        for panel in 0..<panels { run(panel: panel, of: band, in: arena, to: result, scratch: scratch) }
    }

    private func run(
        panel: Int, of band: Range<Int>, in arena: UnsafeMutablePointer<Float>,
        to result: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>
    ) {
        let first = panel * panelWidth
        let met =
            depthwise.rows(for: band.lowerBound)
            .lowerBound..<depthwise.rows(for: band.upperBound - 1).upperBound
        // The address is moved back as if the earlier rows and channels were in memory too.
        let image = scratch + middle.offset - met.lowerBound * middle.rowStride - first
        let width = middle.extent.width
        expansion.run(
            pixels: met.lowerBound * width..<met.upperBound * width, panel: panel, in: arena, to: image)
        for y in met {
            let row = image + first + y * middle.rowStride
            (row - leftMargin).update(repeating: 0, count: leftMargin)
            (row + width * panelWidth).update(repeating: 0, count: rightMargin)
        }
        for y in band {
            depthwise.run(
                row: y, channels: first..<min(channels, first + panelWidth), from: image, to: result)
        }
    }
}
