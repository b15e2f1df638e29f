import Kernels

/// A convolution of stride 1 by the Winograd (Toom–Cook) algorithm with four outputs per axis and tile.
///
/// A tile takes 36 products where a direct 3 × 3 convolution takes 144, 64 instead of 400 for 5 × 5, and 10
/// instead of 28 for 1 × 7. Tiles of pixels are transformed, each position of the tiles becomes one matrix
/// product, and the products are transformed back, one panel of channels at a time. Results differ from the
/// direct convolution's in the last bits; the choice between both depends on the layer's shape alone.
///
/// - Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015.
struct WinogradConvolution: Sendable {
    let name, kind: String
    let work: Int
    let tiles: Int
    /// The panels of output channels, divided among threads.
    let groups: [[Panel]]
    /// Floats between the transformed pixels of consecutive positions, for a number of tiles.
    ///
    /// It is not a multiple of a memory page, so that the positions of a tile do not compete for one set of
    /// the L1 cache. The same holds for `productStride`.
    func pixelStride(_ tiles: Int) -> Int { tiles * inputs + 16 }
    func productStride(_ tiles: Int) -> Int { (tiles + kernels.tileRows) * panelWidth + 16 }
    let positions: Int

    private let kernels: InstructionSet
    private let input, output: ArenaPlacement
    private let padding: Margin
    let weights: PackedWeights
    private let bias, zeros: Table<Float>
    private let inputOffsets, outputOffsets: Table<Int32>
    private let runs: Table<FilterRun>
    private let clamp: Clamp
    private let activation: UnaryFunction?
    private let vertical, horizontal: WinogradAxis
    private let inputs, outputs, tilesAcross, panelWidth: Int

    /// Output channels that are computed together.
    struct Panel {
        var first, width: Int
    }

    /// Returns whether a convolution takes this algorithm: both channel counts must fill vectors, and it must
    /// save work.
    ///
    /// Fewer than 24 tiles cost as much as 24, because all weights are read for them. The factor 3/2 covers
    /// the transforms and the larger number of weights.
    static func suits(_ convolution: Convolution, _ input: Extent, _ output: Extent, lanes: Int) -> Bool {
        let window = convolution.window
        let isKnown = [[3, 3], [5, 5], [1, 7], [7, 1], [1, 3], [3, 1]].contains([window.height, window.width])
        guard !convolution.isDepthwise, convolution.groups == 1, !window.isDilated, isKnown,
            (window.strideY, window.strideX) == (1, 1),
            convolution.residual == nil,
            input.channels % lanes == 0, output.channels % lanes == 0,
            Tuning.winogradInputs.contains(input.channels), output.channels >= Tuning.winogradOutputs
        else { return false }
        let (vertical, horizontal) = (WinogradAxis(taps: window.height), WinogradAxis(taps: window.width))
        let tiles = vertical.tiles(output.height) * horizontal.tiles(output.width)
        return 3 * vertical.points * horizontal.points * max(Tuning.winogradTiles, tiles) < 2 * output.pixels
            * window.height
            * window.width
    }

    /// Returns whether the algorithm takes less than 3/10 of the direct convolution's multiplications.
    static func savesMost(_ convolution: Convolution, _ output: Extent) -> Bool {
        let window = convolution.window
        let points = WinogradAxis(taps: window.height).points * WinogradAxis(taps: window.width).points
        return 10 * points * tiles(convolution, output)
            < 3 * output.pixels * window.height * window.width
    }

    /// Returns the margin beyond the image's edges that the windows of whole tiles read.
    static func reach(_ window: Window, _ input: Extent, _ output: Extent) -> Margin {
        let bottom =
            WinogradAxis(taps: window.height).reach(output.height) - window.padding.top - input.height
        let right = WinogradAxis(taps: window.width).reach(output.width) - window.padding.left - input.width
        return Margin(
            top: window.padding.top, left: window.padding.left, bottom: max(0, bottom), right: max(0, right))
    }

    static func tiles(_ convolution: Convolution, _ output: Extent) -> Int {
        WinogradAxis(taps: convolution.window.height).tiles(output.height)
            * WinogradAxis(taps: convolution.window.width).tiles(output.width)
    }

    /// - Parameter groups: The number of groups of output channels; their sizes differ by at most one vector.
    init(
        _ convolution: Convolution, name: String, input: ArenaPlacement, output: ArenaPlacement,
        kernels: InstructionSet,
        groups: Int
    ) {
        (self.name, self.input, self.output, self.kernels) = (name, input, output, kernels)
        let window = convolution.window
        kind = "winograd \(window.height)×\(window.width)"
        (padding, clamp, activation) = (window.padding, convolution.clamp, convolution.activation)
        (vertical, horizontal) = (WinogradAxis(taps: window.height), WinogradAxis(taps: window.width))
        positions = vertical.points * horizontal.points
        (inputs, outputs) = (input.extent.channels, output.extent.channels)
        work = output.extent.count * window.height * window.width * inputs
        tilesAcross = horizontal.tiles(output.extent.width)
        tiles = Self.tiles(convolution, output.extent)
        panelWidth = 2 * kernels.lanes
        self.groups = Self.groups(
            min(groups, (outputs + panelWidth - 1) / panelWidth), outputs, lanes: kernels.lanes)
        weights = winogradWeights(
            convolution, vertical, horizontal, inputs: inputs, outputs: outputs,
            panels: self.groups.flatMap { $0 }, kernels: kernels)
        bias = Table(convolution.bias, count: outputs + panelWidth, padding: 0)
        zeros = Table([], count: panelWidth, padding: 0)
        runs = Table([FilterRun(offset: 0, length: inputs)], padding: FilterRun(offset: 0, length: 0))
        let (count, c, k) = (tiles + kernels.tileRows, inputs, panelWidth)
        inputOffsets = Table(count: count) { for tile in 0..<count { $0[tile] = Int32(tile * c) } }
        outputOffsets = Table(count: count) { for tile in 0..<count { $0[tile] = Int32(tile * k) } }
    }

    private static func groups(_ count: Int, _ outputs: Int, lanes: Int) -> [[Panel]] {
        // Weights are transformed for eight filters at a time.
        let smallest = max(8, lanes), parts = (outputs + smallest - 1) / smallest
        return (0..<count).map { group in
            let end = (group + 1) * parts / count * smallest
            return stride(from: group * parts / count * smallest, to: end, by: 2 * lanes).map {
                Panel(first: $0, width: min(2 * lanes, end - $0))
            }
        }
    }

    /// Transforms the pixels of a range of tiles into `[position, tile, inputs]`.
    func transformPixels(
        of range: Range<Int>, in arena: UnsafeMutablePointer<Float>, to pixels: UnsafeMutablePointer<Float>,
        stride: Int
    ) {
        for tile in range {
            let (y, x) = place(tile)
            var task = WinogradInput(
                input: arena + input.offset(y: y - padding.top, x: x - padding.left),
                rowStride: input.rowStride,
                pixelStride: input.pixelStride, pointsY: vertical.points, pointsX: horizontal.points,
                channels: inputs,
                output: pixels + (tile - range.lowerBound) * inputs, matrixStride: stride)
            kernels.transformWinogradInput(&task)
        }
    }

    /// Computes the outputs of a range of tiles for the channels of a panel.
    ///
    /// - Parameters:
    ///   - pixels: The transformed pixels, from the range's first tile on. Up to one register tile beyond the
    ///     last is read and ignored.
    ///   - products: Memory for `[position, tile, panelWidth]`.
    func multiply(
        _ panel: Panel, _ range: Range<Int>, pixels: UnsafePointer<Float>, stride: Int,
        products: UnsafeMutablePointer<Float>,
        in arena: UnsafeMutablePointer<Float>
    ) {
        let channels = min(panel.width, outputs - panel.first), productStride = productStride(range.count)
        let panelWeights = inputs * panel.width
        for position in 0..<positions {
            let begin = weights.pointer + positions * inputs * panel.first + position * panelWeights
            let isLast = panel.first + panel.width >= outputs && position + 1 == positions
            var task = ConvolutionPanel(
                input: pixels + position * stride, inputOffsets: inputOffsets.pointer, runs: runs.pointer,
                runCount: 1,
                weights: begin, nextWeights: isLast ? weights.pointer : begin + panelWeights,
                bias: zeros.pointer,
                output: products + position * productStride, outputOffsets: outputOffsets.pointer,
                residual: nil, residualOffsets: nil,
                pixels: range.count, channels: panel.width, isFirst: true, isLast: false, lowest: 0,
                highest: 0)
            kernels.convolve(&task)
        }
        for tile in range {
            let (y, x) = place(tile)
            var task = WinogradOutput(
                products: products + (tile - range.lowerBound) * panelWidth, matrixStride: productStride,
                pointsY: vertical.points,
                pointsX: horizontal.points, bias: bias.pointer + panel.first,
                output: arena + output.offset(y: y, x: x) + panel.first,
                rowStride: output.rowStride, pixelStride: output.pixelStride,
                height: min(vertical.outputs, output.extent.height - y),
                width: min(horizontal.outputs, output.extent.width - x), channels: channels,
                lowest: clamp.lowest, highest: clamp.highest)
            kernels.transformWinogradOutput(&task)
            guard let activation else { continue }
            for row in 0..<task.height {
                let pixels = task.output + row * task.rowStride
                var rows = UnaryRows(
                    activation, pixels: pixels, stride: task.pixelStride, count: task.width,
                    channels: channels)
                kernels.mapRows(&rows)
            }
        }
    }

    /// Returns the first output pixel of a tile.
    private func place(_ tile: Int) -> (y: Int, x: Int) {
        (tile / tilesAcross * vertical.outputs, tile % tilesAcross * horizontal.outputs)
    }
}

/// A step that runs a Winograd convolution; each unit computes one block of tiles for one group of panels.
///
/// Threads take separate blocks where there are enough tiles for all. Otherwise they take separate groups
/// too, and each transforms the pixels for itself, which is cheaper than passing them between cores.
struct WinogradStep: Step {
    var name: String { convolution.name }
    var kind: String { convolution.kind }
    var work: Int { convolution.work }
    var unitCount: Int { blocks * convolution.groups.count }
    let scratchSize: Int
    var weights: [PackedWeights] { [convolution.weights] }
    private let convolution: WinogradConvolution
    private let margin: MarginFill
    private let blocks: Int

    init(
        _ convolution: Convolution, name: String, input: ArenaPlacement, output: ArenaPlacement,
        margin: MarginFill,
        kernels: InstructionSet, threads: Int
    ) {
        let tiles = WinogradConvolution.tiles(convolution, output.extent)
        let sharing = min(threads, max(1, tiles / Tuning.winogradTiles))
        self.convolution = WinogradConvolution(
            convolution, name: name, input: input, output: output, kernels: kernels,
            groups: (threads + sharing - 1) / sharing)
        let fitting = max(
            36,
            Tuning.winogradPixels / (self.convolution.positions * (input.extent.channels + 2 * kernels.lanes))
        )
        blocks = ((tiles + fitting - 1) / fitting + sharing - 1) / sharing * sharing
        let tilesPerBlock = (tiles + blocks - 1) / blocks + 1
        scratchSize =
            self.convolution.positions
            * (self.convolution.pixelStride(tilesPerBlock) + self.convolution.productStride(tilesPerBlock))
        self.margin = margin
    }

    func run(unit: Int, in arena: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>) {
        margin.run(in: arena, part: unit, of: unitCount)
        let (block, group) = (unit / convolution.groups.count, unit % convolution.groups.count)
        let tiles = block * convolution.tiles / blocks..<(block + 1) * convolution.tiles / blocks
        let stride = convolution.pixelStride(tiles.count)
        convolution.transformPixels(of: tiles, in: arena, to: scratch, stride: stride)
        for panel in convolution.groups[group] {
            convolution.multiply(
                panel, tiles, pixels: scratch, stride: stride,
                products: scratch + convolution.positions * stride, in: arena)
        }
    }
}
