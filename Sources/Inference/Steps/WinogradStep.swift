import Kernels

/// A convolution of stride 1 by Winograd's and Toom and Cook's way, four outputs along each axis of the filter at a time: 36 products
/// where the direct way of a 3 × 3 filter needs 144, 64 for the 400 of 5 × 5, 10 for the 28 of 1 × 7.
///
/// A unit is a block of tiles: its pixels are transformed, each position is one matrix product, the products are transformed back.
/// Sums differ from the direct way's in the last bits; which way a layer goes depends on its shape alone.
///
/// - Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015.
struct WinogradStep: Step {
    let name: String
    let kind: String
    let work: Int
    let unitCount: Int
    let scratchSize: Int

    private let kernels: InstructionSet
    private let input, output: Storage
    private let padding: Margin
    private let weights, bias, zeros: Table<Float>
    private let inputOffsets, outputOffsets: Table<Int32>
    private let runs: Table<FilterRun>
    private let clamp: Clamp
    private let margin: MarginFill
    private let vertical, horizontal: WinogradAxis
    private let positions, tilesAcross, tiles, tilesPerUnit: Int
    private let panels, panelWidth, paddedChannels: Int

    /// Whether a convolution goes this way: where both channel counts fill vectors and there is enough to do.
    static func suits(_ convolution: Convolution, _ input: Extent, _ output: Extent, lanes: Int) -> Bool {
        let window = convolution.window
        let isKnown = [[3, 3], [5, 5], [1, 7], [7, 1], [1, 3], [3, 1]].contains([window.height, window.width])
        return !convolution.isDepthwise && isKnown && (window.strideY, window.strideX) == (1, 1)
            && convolution.residual == nil && input.channels % lanes == 0 && output.channels % lanes == 0 && input.channels >= 32
            && input.channels <= 512 && output.channels >= 32 && output.pixels >= 36
    }

    /// What windows of whole tiles reach into, beyond the image's edges.
    static func reach(_ window: Window, _ input: Extent, _ output: Extent) -> Margin {
        let bottom = WinogradAxis(taps: window.height).reach(output.height) - window.padding.top - input.height
        let right = WinogradAxis(taps: window.width).reach(output.width) - window.padding.left - input.width
        return Margin(top: window.padding.top, left: window.padding.left, bottom: max(0, bottom), right: max(0, right))
    }

    init(_ convolution: Convolution, name: String, input: Storage, output: Storage, margin: MarginFill, kernels: InstructionSet) {
        (self.name, self.input, self.output, self.margin, self.kernels) = (name, input, output, margin, kernels)
        let window = convolution.window
        kind = "winograd \(window.height)×\(window.width)"
        (padding, clamp) = (window.padding, convolution.clamp)
        (vertical, horizontal) = (WinogradAxis(taps: window.height), WinogradAxis(taps: window.width))
        positions = vertical.points * horizontal.points
        let (c, k) = (input.extent.channels, output.extent.channels)
        work = output.extent.count * window.height * window.width * c
        tilesAcross = horizontal.tiles(output.extent.width)
        tiles = tilesAcross * vertical.tiles(output.extent.height)
        panelWidth = 2 * kernels.lanes
        panels = (k + panelWidth - 1) / panelWidth
        paddedChannels = panels * panelWidth
        // Transformed pixels and products of a block stay near half a megabyte, the second-level cache; at least four units.
        let rows = ConvolutionPanel.tileRows
        let fitting = max(2, min(8, 160_000 / (positions * rows * (c + paddedChannels)))) * rows
        let wanted = (tiles + 3) / 4
        tilesPerUnit = min(fitting, (wanted + rows - 1) / rows * rows)
        unitCount = (tiles + tilesPerUnit - 1) / tilesPerUnit
        scratchSize = positions * tilesPerUnit * (c + paddedChannels)
        weights = winogradWeights(convolution, vertical, horizontal, inputs: c, outputs: k, panelWidth: panelWidth)
        bias = Table(convolution.bias, count: paddedChannels, padding: 0)
        zeros = Table([], count: paddedChannels, padding: 0)
        runs = Table([FilterRun(offset: 0, length: c)], padding: FilterRun(offset: 0, length: 0))
        let (count, stride) = (tilesPerUnit, paddedChannels)
        inputOffsets = Table(count: count) { for tile in 0..<count { $0[tile] = Int32(tile * c) } }
        outputOffsets = Table(count: count) { for tile in 0..<count { $0[tile] = Int32(tile * stride) } }
    }

    func run(unit: Int, in arena: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>) {
        if unit == 0 { margin.run(in: arena) }
        let first = unit * tilesPerUnit, count = min(tilesPerUnit, tiles - first)
        let c = input.extent.channels, k = output.extent.channels, rows = ConvolutionPanel.tileRows
        let pixelMatrix = tilesPerUnit * c, productMatrix = tilesPerUnit * paddedChannels
        let products = scratch + positions * pixelMatrix
        for tile in 0..<count {
            let (y, x) = place(first + tile)
            var task = WinogradInput(
                input: arena + input.offset(y: y - padding.top, x: x - padding.left), rowStride: input.rowStride,
                pixelStride: input.pixelStride, pointsY: vertical.points, pointsX: horizontal.points, channels: c,
                output: scratch + tile * c, matrixStride: pixelMatrix)
            kernels.transformWinogradInput(&task)
        }
        // Rows up to a full register tile are computed from what lies there; nothing reads them.
        for position in 0..<positions {
            for panel in 0..<panels {
                var task = ConvolutionPanel(
                    input: scratch + position * pixelMatrix, inputOffsets: inputOffsets.pointer, runs: runs.pointer, runCount: 1,
                    weights: weights.pointer + (position * panels + panel) * c * panelWidth, bias: zeros.pointer,
                    output: products + position * productMatrix + panel * panelWidth, outputOffsets: outputOffsets.pointer,
                    residual: nil, residualOffsets: nil, tiles: (count + rows - 1) / rows, channels: panelWidth, isFirst: true,
                    isLast: false, lowest: 0, highest: 0)
                kernels.convolve(&task)
            }
        }
        for tile in 0..<count {
            let (y, x) = place(first + tile)
            var task = WinogradOutput(
                products: products + tile * paddedChannels, matrixStride: productMatrix, pointsY: vertical.points,
                pointsX: horizontal.points, bias: bias.pointer, output: arena + output.offset(y: y, x: x),
                rowStride: output.rowStride, pixelStride: output.pixelStride, height: min(vertical.outputs, output.extent.height - y),
                width: min(horizontal.outputs, output.extent.width - x), channels: k, lowest: clamp.lowest, highest: clamp.highest)
            kernels.transformWinogradOutput(&task)
        }
    }

    func run(unit: Int, in arena: UnsafeMutablePointer<Float>) { preconditionFailure("needs scratch memory") }

    /// The first output pixel of a tile.
    private func place(_ tile: Int) -> (y: Int, x: Int) {
        (tile / tilesAcross * vertical.outputs, tile % tilesAcross * horizontal.outputs)
    }
}
