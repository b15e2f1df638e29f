import Kernels

/// A convolution of stride 1 by Winograd's and Toom and Cook's way, four outputs along each axis of the filter at a time: 36 products
/// where the direct way of a 3 × 3 filter needs 144, 64 for the 400 of 5 × 5, 10 for the 28 of 1 × 7.
///
/// Tiles of pixels are transformed, each position of the tiles is one matrix product, the products are transformed back, a panel of
/// channels at a time. Sums differ from the direct way's in the last bits; which way a layer goes depends on its shape alone.
///
/// - Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015.
struct WinogradConvolution: Sendable {
    let name, kind: String
    let work: Int
    let tiles, panels: Int
    /// Floats from a position's transformed pixels, and its products, to the next position's, for a number of tiles. Not a multiple of
    /// a memory page, or all positions of a tile would fall into one set of the first-level cache.
    func pixelStride(_ tiles: Int) -> Int { tiles * inputs + 16 }
    func productStride(_ tiles: Int) -> Int { (tiles + kernels.tileRows) * panelWidth + 16 }
    let positions: Int

    fileprivate let kernels: InstructionSet
    private let input, output: Storage
    private let padding: Margin
    private let weights, bias, zeros: Table<Float>
    private let inputOffsets, outputOffsets: Table<Int32>
    private let runs: Table<FilterRun>
    private let clamp: Clamp
    private let vertical, horizontal: WinogradAxis
    let inputs: Int
    private let tilesAcross, outputs: Int
    fileprivate let panelWidth: Int

    /// Whether a convolution goes this way: where both channel counts fill vectors and it saves work. Few tiles cost as much as
    /// twenty-four, because all weights are read for them; transforms and the weights' greater number are the half on top.
    static func suits(_ convolution: Convolution, _ input: Extent, _ output: Extent, lanes: Int) -> Bool {
        let window = convolution.window
        let isKnown = [[3, 3], [5, 5], [1, 7], [7, 1], [1, 3], [3, 1]].contains([window.height, window.width])
        guard !convolution.isDepthwise, isKnown, (window.strideY, window.strideX) == (1, 1), convolution.residual == nil,
            input.channels % lanes == 0, output.channels % lanes == 0, input.channels >= 32, input.channels <= 512, output.channels >= 32
        else { return false }
        let (vertical, horizontal) = (WinogradAxis(taps: window.height), WinogradAxis(taps: window.width))
        let tiles = vertical.tiles(output.height) * horizontal.tiles(output.width)
        return 3 * vertical.points * horizontal.points * max(24, tiles) < 2 * output.pixels * window.height * window.width
    }

    /// What windows of whole tiles reach into, beyond the image's edges.
    static func reach(_ window: Window, _ input: Extent, _ output: Extent) -> Margin {
        let bottom = WinogradAxis(taps: window.height).reach(output.height) - window.padding.top - input.height
        let right = WinogradAxis(taps: window.width).reach(output.width) - window.padding.left - input.width
        return Margin(top: window.padding.top, left: window.padding.left, bottom: max(0, bottom), right: max(0, right))
    }

    init(_ convolution: Convolution, name: String, input: Storage, output: Storage, kernels: InstructionSet) {
        (self.name, self.input, self.output, self.kernels) = (name, input, output, kernels)
        let window = convolution.window
        kind = "winograd \(window.height)×\(window.width)"
        (padding, clamp) = (window.padding, convolution.clamp)
        (vertical, horizontal) = (WinogradAxis(taps: window.height), WinogradAxis(taps: window.width))
        positions = vertical.points * horizontal.points
        (inputs, outputs) = (input.extent.channels, output.extent.channels)
        work = output.extent.count * window.height * window.width * inputs
        tilesAcross = horizontal.tiles(output.extent.width)
        tiles = tilesAcross * vertical.tiles(output.extent.height)
        panelWidth = 2 * kernels.lanes
        panels = (outputs + panelWidth - 1) / panelWidth
        weights = winogradWeights(convolution, vertical, horizontal, inputs: inputs, outputs: outputs, panelWidth: panelWidth)
        bias = Table(convolution.bias, count: panels * panelWidth, padding: 0)
        zeros = Table([], count: panelWidth, padding: 0)
        runs = Table([FilterRun(offset: 0, length: inputs)], padding: FilterRun(offset: 0, length: 0))
        let (count, c, k) = (tiles + kernels.tileRows, inputs, panelWidth)
        inputOffsets = Table(count: count) { for tile in 0..<count { $0[tile] = Int32(tile * c) } }
        outputOffsets = Table(count: count) { for tile in 0..<count { $0[tile] = Int32(tile * k) } }
    }

    /// Pixels of tiles to `[position, tile, inputs]`.
    func transformPixels(of range: Range<Int>, in arena: UnsafeMutablePointer<Float>, to pixels: UnsafeMutablePointer<Float>, stride: Int) {
        for tile in range {
            let (y, x) = place(tile)
            var task = WinogradInput(
                input: arena + input.offset(y: y - padding.top, x: x - padding.left), rowStride: input.rowStride,
                pixelStride: input.pixelStride, pointsY: vertical.points, pointsX: horizontal.points, channels: inputs,
                output: pixels + (tile - range.lowerBound) * inputs, matrixStride: stride)
            kernels.transformWinogradInput(&task)
        }
    }

    /// The panel's channels of tiles' outputs.
    ///
    /// - Parameters:
    ///   - pixels: of the first of the tiles; what lies behind the last is read, up to a register tile, and not used.
    ///   - products: memory for `[position, tile, panelWidth]`.
    func multiply(
        _ panel: Int, _ range: Range<Int>, pixels: UnsafePointer<Float>, stride: Int, products: UnsafeMutablePointer<Float>,
        in arena: UnsafeMutablePointer<Float>
    ) {
        let channel = panel * panelWidth, channels = min(panelWidth, outputs - channel), productStride = productStride(range.count)
        let panelWeights = inputs * panelWidth
        for position in 0..<positions {
            let begin = weights.pointer + (panel * positions + position) * panelWeights
            let isLast = panel + 1 == panels && position + 1 == positions
            var task = ConvolutionPanel(
                input: pixels + position * stride, inputOffsets: inputOffsets.pointer, runs: runs.pointer, runCount: 1,
                weights: begin, nextWeights: isLast ? weights.pointer : begin + panelWeights, bias: zeros.pointer,
                output: products + position * productStride, outputOffsets: outputOffsets.pointer, residual: nil, residualOffsets: nil,
                pixels: range.count, channels: panelWidth, isFirst: true, isLast: false, lowest: 0, highest: 0)
            kernels.convolve(&task)
        }
        for tile in range {
            let (y, x) = place(tile)
            var task = WinogradOutput(
                products: products + (tile - range.lowerBound) * panelWidth, matrixStride: productStride, pointsY: vertical.points,
                pointsX: horizontal.points, bias: bias.pointer + channel, output: arena + output.offset(y: y, x: x) + channel,
                rowStride: output.rowStride, pixelStride: output.pixelStride, height: min(vertical.outputs, output.extent.height - y),
                width: min(horizontal.outputs, output.extent.width - x), channels: channels, lowest: clamp.lowest, highest: clamp.highest)
            kernels.transformWinogradOutput(&task)
        }
    }

    /// The first output pixel of a tile.
    private func place(_ tile: Int) -> (y: Int, x: Int) {
        (tile / tilesAcross * vertical.outputs, tile % tilesAcross * horizontal.outputs)
    }
}

extension WinogradConvolution {
    /// Floats of transformed pixels and of products that a thread's second-level cache holds, beside the weights that pass by.
    private static let cached = 300_000

    /// Threads take blocks of tiles of their own where there are enough for all. Else the pixels of all tiles are transformed before any
    /// products are made, so that threads can divide the weights among them.
    func steps(margin: MarginFill, sharedOffset: Int, threads: Int) -> [any Step] {
        if threads == 1 || tiles >= 36 * threads {
            let fitting = max(36, Self.cached / (positions * (inputs + panelWidth)))
            let blocks = (tiles + fitting - 1) / fitting
            return [WinogradBlockStep(self, margin: margin, blocks: (blocks + threads - 1) / threads * threads)]
        }
        return [
            WinogradPixelStep(convolution: self, margin: margin, pixels: sharedOffset),
            WinogradProductStep(self, pixels: sharedOffset, sharedSize: positions * pixelStride(tiles) + kernels.tileRows * inputs),
        ]
    }
}

/// Blocks of tiles, from pixels to pixels. A block a unit.
struct WinogradBlockStep: Step {
    var name: String { convolution.name }
    var kind: String { convolution.kind }
    var work: Int { convolution.work }
    let unitCount: Int
    let scratchSize: Int
    private let convolution: WinogradConvolution
    private let margin: MarginFill

    init(_ convolution: WinogradConvolution, margin: MarginFill, blocks: Int) {
        (self.convolution, self.margin, unitCount) = (convolution, margin, blocks)
        let tilesPerBlock = (convolution.tiles + blocks - 1) / blocks + 1
        scratchSize = convolution.positions * (convolution.pixelStride(tilesPerBlock) + convolution.productStride(tilesPerBlock))
    }

    func run(unit: Int, in arena: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>) {
        margin.run(in: arena, part: unit, of: unitCount)
        let tiles = unit * convolution.tiles / unitCount..<(unit + 1) * convolution.tiles / unitCount
        let stride = convolution.pixelStride(tiles.count)
        convolution.transformPixels(of: tiles, in: arena, to: scratch, stride: stride)
        for panel in 0..<convolution.panels {
            convolution.multiply(
                panel, tiles, pixels: scratch, stride: stride, products: scratch + convolution.positions * stride, in: arena)
        }
    }

    func run(unit: Int, in arena: UnsafeMutablePointer<Float>) { preconditionFailure("needs scratch memory") }
}

/// The pixels of all tiles, for the products of the next step. A few tiles a unit.
struct WinogradPixelStep: Step {
    var name: String { convolution.name }
    var kind: String { "\(convolution.kind) pixels" }
    var unitCount: Int { max(1, convolution.tiles / 4) }
    let convolution: WinogradConvolution
    let margin: MarginFill
    /// Where transformed pixels go in the arena.
    let pixels: Int

    func run(unit: Int, in arena: UnsafeMutablePointer<Float>) {
        margin.run(in: arena, part: unit, of: unitCount)
        let tiles = unit * convolution.tiles / unitCount..<(unit + 1) * convolution.tiles / unitCount
        convolution.transformPixels(
            of: tiles, in: arena, to: arena + pixels + tiles.lowerBound * convolution.inputs, stride: convolution.pixelStride(convolution.tiles))
    }
}

/// The products of all tiles. Some tiles of a panel a unit.
struct WinogradProductStep: Step {
    var name: String { convolution.name }
    var kind: String { convolution.kind }
    var work: Int { convolution.work }
    var unitCount: Int { convolution.panels * parts }
    let scratchSize, sharedSize: Int
    private let convolution: WinogradConvolution
    private let pixels: Int
    /// Of the tiles.
    private let parts: Int

    init(_ convolution: WinogradConvolution, pixels: Int, sharedSize: Int) {
        (self.convolution, self.pixels, self.sharedSize) = (convolution, pixels, sharedSize)
        // An even number of units, for two threads.
        parts = convolution.tiles < 16 || convolution.panels % 2 == 0 ? 1 : 2
        scratchSize = convolution.positions * convolution.productStride((convolution.tiles + parts - 1) / parts)
    }

    func run(unit: Int, in arena: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>) {
        let (panel, part) = (unit / parts, unit % parts)
        let tiles = part * convolution.tiles / parts..<(part + 1) * convolution.tiles / parts
        convolution.multiply(
            panel, tiles, pixels: arena + pixels + tiles.lowerBound * convolution.inputs, stride: convolution.pixelStride(convolution.tiles),
            products: scratch, in: arena)
    }

    func run(unit: Int, in arena: UnsafeMutablePointer<Float>) { preconditionFailure("needs scratch memory") }
}
