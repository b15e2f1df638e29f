import Kernels

/// A convolution as matrix products of pixels with panels of weights, straight from the image.
///
/// The filter is cut into stretches whose panel stays in the first-level cache while all pixels of a block pass by; the block's
/// pixels stay in the second level meanwhile. The order of additions depends on the layer alone.
struct ConvolutionStep: Step {
    let name: String
    let kind: String
    let work: Int
    let unitCount: Int

    private let kernels: InstructionSet
    private let inputOffset, outputOffset, residualOffset: Int
    private let inputOffsets, outputOffsets, residualOffsets: Table<Int32>
    private let runs: Table<FilterRun>
    private let stretches: [Stretch]
    private let weights: Table<Float>
    private let bias: Table<Float>
    private let clamp: Clamp
    private let hasResidual: Bool
    private let channels, panelWidth, panelSize: Int
    private let tiles, tilesPerUnit, panels, panelsPerUnit, unitsAcross: Int
    private let margin: MarginFill

    /// A part of the filter.
    private struct Stretch {
        var runs: Range<Int>
        /// Floats of weights before it, in each panel's row.
        var begin: Int
    }

    init(
        _ convolution: Convolution, name: String, input: Storage, output: Storage, residual: Storage?, margin: MarginFill,
        kernels: InstructionSet
    ) {
        let window = convolution.window, rows = ConvolutionPanel.tileRows
        let depth = window.height * window.width * input.extent.channels
        (self.name, self.kernels, self.margin) = (name, kernels, margin)
        kind = "conv \(window.height)×\(window.width)"
        channels = output.extent.channels
        work = output.extent.pixels * channels * depth
        panelWidth = 2 * kernels.lanes
        panels = (channels + panelWidth - 1) / panelWidth
        panelSize = depth * panelWidth
        clamp = convolution.clamp
        hasResidual = residual != nil

        let (runs, stretches) = Self.cut(window, input)
        (self.runs, self.stretches) = (Table(runs, padding: FilterRun(offset: 0, length: 0)), stretches)
        weights = Self.pack(convolution, depth: depth, channels: channels, panelWidth: panelWidth, panels: panels)
        bias = Table(convolution.bias, count: panels * panelWidth, padding: 0)

        let pixels = output.extent.pixels
        let tiles = (pixels + rows - 1) / rows
        self.tiles = tiles
        func offsets(_ offset: (_ y: Int, _ x: Int) -> Int) -> Table<Int32> {
            Table(count: tiles * rows) { memory in
                for index in 0..<tiles * rows {
                    // A last tile that is not full repeats its last pixel: kernels read all sums of a tile before they write any.
                    let pixel = min(index, pixels - 1)
                    memory[index] = Int32(offset(pixel / output.extent.width, pixel % output.extent.width))
                }
            }
        }
        inputOffset = input.offset
        inputOffsets = offsets { y, x in
            (y * window.strideY - window.padding.top) * input.rowStride + (x * window.strideX - window.padding.left) * input.pixelStride
        }
        outputOffset = output.offset
        outputOffsets = offsets { y, x in y * output.rowStride + x * output.pixelStride }
        residualOffset = residual?.offset ?? 0
        residualOffsets = residual.map { residual in offsets { y, x in y * residual.rowStride + x * residual.pixelStride } } ?? outputOffsets

        // 40 k floats of pixels: a third of half a megabyte of second-level cache. At least eight units, for the threads.
        let stretchDepth = (depth + stretches.count - 1) / stretches.count
        let blockTiles = max(1, min(tiles, 40_000 / (stretchDepth * rows)))
        let blocks = (tiles + blockTiles - 1) / blockTiles
        tilesPerUnit = (tiles + blocks - 1) / blocks
        let groups = min(panels, max(1, (8 + blocks - 1) / blocks))
        panelsPerUnit = (panels + groups - 1) / groups
        unitsAcross = (panels + panelsPerUnit - 1) / panelsPerUnit
        unitCount = (tiles + tilesPerUnit - 1) / tilesPerUnit * unitsAcross
    }

    func run(unit: Int, in arena: UnsafeMutablePointer<Float>) {
        if unit == 0 { margin.run(in: arena) }
        let firstTile = unit / unitsAcross * tilesPerUnit, firstPanel = unit % unitsAcross * panelsPerUnit
        let endPanel = min(panels, firstPanel + panelsPerUnit), rows = ConvolutionPanel.tileRows
        for (index, stretch) in stretches.enumerated() {
            for panel in firstPanel..<endPanel {
                let channel = panel * panelWidth
                var task = ConvolutionPanel(
                    input: arena + inputOffset, inputOffsets: inputOffsets.pointer + firstTile * rows,
                    runs: runs.pointer + stretch.runs.lowerBound, runCount: stretch.runs.count,
                    weights: weights.pointer + panel * panelSize + stretch.begin * panelWidth, bias: bias.pointer + channel,
                    output: arena + outputOffset + channel, outputOffsets: outputOffsets.pointer + firstTile * rows,
                    residual: hasResidual ? UnsafePointer(arena + residualOffset + channel) : nil,
                    residualOffsets: hasResidual ? residualOffsets.pointer + firstTile * rows : nil,
                    tiles: min(tilesPerUnit, tiles - firstTile), channels: min(panelWidth, channels - channel),
                    isFirst: index == 0, isLast: index == stretches.count - 1, lowest: clamp.lowest, highest: clamp.highest)
                kernels.convolve(&task)
            }
        }
    }

    /// The runs of a filter over an image, cut so that no stretch is deeper than `limit`.
    private static func cut(_ window: Window, _ input: Storage) -> ([FilterRun], [Stretch]) {
        // Weights of 256 × 16 floats take half of a first-level cache of 32 KB.
        let limit = 256
        let channels = input.extent.channels
        var whole: [(offset: Int, length: Int)] = []
        for y in 0..<window.height {
            if input.pixelStride == channels {
                whole.append((y * input.rowStride, window.width * channels))
            } else {
                for x in 0..<window.width { whole.append((y * input.rowStride + x * input.pixelStride, channels)) }
            }
        }
        let depth = whole.reduce(0) { $0 + $1.length }
        let count = (depth + limit - 1) / limit
        var runs: [FilterRun] = [], stretches: [Stretch] = []
        var position = 0, index = 0, used = 0
        for stretch in 0..<count {
            let end = depth * (stretch + 1) / count, first = runs.count, begin = position
            while position < end {
                let length = min(end - position, whole[index].length - used)
                runs.append(FilterRun(offset: whole[index].offset + used, length: length))
                (position, used) = (position + length, used + length)
                if used == whole[index].length { (index, used) = (index + 1, 0) }
            }
            stretches.append(Stretch(runs: first..<runs.count, begin: begin))
        }
        return (runs, stretches)
    }

    /// `[depth, channels]` to `[panel, depth, panelWidth]`, scaled.
    private static func pack(_ convolution: Convolution, depth: Int, channels: Int, panelWidth: Int, panels: Int) -> Table<Float> {
        convolution.weights.withUnsafeBytes { source in
            Table(count: panels * depth * panelWidth) { memory in
                for k in 0..<depth {
                    for panel in 0..<panels {
                        let first = panel * panelWidth, width = min(panelWidth, channels - first)
                        let target = memory + (panel * depth + k) * panelWidth
                        // Constants in a file are not aligned.
                        UnsafeMutableRawPointer(target).copyMemory(from: source.baseAddress! + 4 * (k * channels + first), byteCount: 4 * width)
                        if let scale = convolution.scale { for c in 0..<width { target[c] *= scale[first + c] } }
                        for c in width..<panelWidth { target[c] = 0 }
                    }
                }
            }
        }
    }
}
