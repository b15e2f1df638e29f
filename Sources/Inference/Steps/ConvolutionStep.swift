import Kernels

/// A convolution as matrix products of pixels with panels of weights, straight from the image.
///
/// The filter is cut into stretches whose panel stays in the first-level cache while all pixels of a block pass by; the block's
/// pixels stay in the second level meanwhile. The order of additions depends on the layer alone.
struct ConvolutionStep: PlainStep {
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
    private let activation: UnaryFunction?
    private let hasResidual: Bool
    private let channels, panelWidth, panelSize, outputPixelStride: Int
    /// Of the output's pixels, each with as many rows of the tables.
    private let blocks: [Range<Int>]
    private let blockRows, panels, unitsAcross: Int
    private let margin: MarginFill

    /// A part of the filter.
    private struct Stretch {
        var runs: Range<Int>
        /// Floats of weights before it, in each panel's row.
        var begin: Int
    }

    /// - Parameter blocks: of the output's pixels, for a caller who runs them one by one; nil: as fits the cache and the threads.
    init(
        _ convolution: Convolution, name: String, input: Storage, output: Storage, residual: Storage?,
        margin: MarginFill,
        kernels: InstructionSet, threads: Int, blocks: [Range<Int>]? = nil
    ) {
        let window = convolution.window, rows = kernels.tileRows
        let depth = window.height * window.width * input.extent.channels
        (self.name, self.kernels, self.margin) = (name, kernels, margin)
        kind = "conv \(window.height)×\(window.width)"
        (channels, outputPixelStride) = (output.extent.channels, output.pixelStride)
        work = output.extent.pixels * channels * depth
        panelWidth = 2 * kernels.lanes
        panels = (channels + panelWidth - 1) / panelWidth
        panelSize = depth * panelWidth
        (clamp, activation) = (convolution.clamp, convolution.activation)
        hasResidual = residual != nil

        let (runs, stretches) = Self.cut(window, input)
        (self.runs, self.stretches) = (Table(runs, padding: FilterRun(offset: 0, length: 0)), stretches)
        weights = Self.pack(convolution, depth: depth, channels: channels, lanes: kernels.lanes)
        bias = Table(convolution.bias, count: panels * panelWidth, padding: 0)

        // 40 k floats of pixels: a third of half a megabyte of second-level cache. Threads divide the pixels where they are many, as the
        // steps before and after do, else the panels; at least eight units, so that who is done can help.
        let pixels = output.extent.pixels, stretchDepth = (depth + stretches.count - 1) / stretches.count
        let fitting = max(rows, 40_000 / stretchDepth / rows * rows)
        let cached = (pixels + fitting - 1) / fitting
        let divided =
            pixels >= Self.pixelsToDivide(kernels, threads)
            ? (cached + threads - 1) / threads * threads : cached
        let blocks = blocks ?? (0..<divided).map { $0 * pixels / divided..<($0 + 1) * pixels / divided }
        let blockRows = (blocks.map(\.count).max()! + rows - 1) / rows * rows
        (self.blocks, self.blockRows) = (blocks, blockRows)
        unitsAcross = min(panels, max(1, (8 + blocks.count - 1) / blocks.count))
        unitCount = blocks.count * unitsAcross

        // A tile more than there are: it may begin at any pixel.
        func offsets(_ offset: (_ y: Int, _ x: Int) -> Int) -> Table<Int32> {
            Table(count: blocks.count * blockRows + rows) { memory in
                for index in 0..<blocks.count * blockRows + rows {
                    let number = min(index / blockRows, blocks.count - 1), block = blocks[number]
                    let pixel = min(block.lowerBound + index - number * blockRows, block.upperBound - 1)
                    memory[index] = Int32(offset(pixel / output.extent.width, pixel % output.extent.width))
                }
            }
        }
        inputOffset = input.offset
        inputOffsets = offsets { y, x in
            (y * window.strideY - window.padding.top) * input.rowStride
                + (x * window.strideX - window.padding.left) * input.pixelStride
        }
        outputOffset = output.offset
        outputOffsets = offsets { y, x in y * output.rowStride + x * output.pixelStride }
        residualOffset = residual?.offset ?? 0
        residualOffsets =
            residual.map { residual in offsets { y, x in y * residual.rowStride + x * residual.pixelStride } }
            ?? outputOffsets
    }

    /// How many pixels an image must have for threads to divide them.
    static func pixelsToDivide(_ kernels: InstructionSet, _ threads: Int) -> Int {
        8 * kernels.tileRows * threads
    }

    func run(unit: Int, in arena: UnsafeMutablePointer<Float>) {
        margin.run(in: arena, part: unit, of: unitCount)
        let (block, group) = (unit / unitsAcross, unit % unitsAcross)
        run(
            rows: rows(of: block), panels: panels(of: group),
            nextPanel: panels(of: (group + 1) % unitsAcross).lowerBound,
            from: arena + inputOffset, to: arena + outputOffset, residual: arena + residualOffset)
    }

    /// A panel of some pixels of a step that has one block and no residual. Up to a tile of pixels after them are overwritten.
    ///
    /// - Parameter image: where the output's pixel (0, 0) lies or would.
    func run(
        pixels: Range<Int>, panel: Int, in arena: UnsafeMutablePointer<Float>,
        to image: UnsafeMutablePointer<Float>
    ) {
        run(
            rows: pixels, panels: panel..<panel + 1, nextPanel: (panel + 1) % panels,
            from: arena + inputOffset, to: image, residual: image)
    }

    /// A block, with its input elsewhere.
    ///
    /// - Parameter image: where the input's pixel (0, 0) lies or would.
    func run(block: Int, from image: UnsafePointer<Float>, in arena: UnsafeMutablePointer<Float>) {
        run(
            rows: rows(of: block), panels: 0..<panels, nextPanel: 0, from: image, to: arena + outputOffset,
            residual: arena + residualOffset)
    }

    /// - Parameters:
    ///   - rows: of the tables.
    ///   - image: the input's pixel (0, 0); `result` and `residual` likewise.
    private func run(
        rows: Range<Int>, panels: Range<Int>, nextPanel: Int, from image: UnsafePointer<Float>,
        to result: UnsafeMutablePointer<Float>,
        residual: UnsafePointer<Float>
    ) {
        let row = rows.lowerBound
        for (index, stretch) in stretches.enumerated() {
            for panel in panels {
                let channel = panel * panelWidth
                // The next panel's weights, the next stretch's, or the next unit's.
                let next =
                    panel + 1 < panels.upperBound
                    ? begin(panel + 1, stretch)
                    : index + 1 < stretches.count
                        ? begin(panels.lowerBound, stretches[index + 1])
                        : begin(nextPanel, stretches[0])
                var task = ConvolutionPanel(
                    input: image, inputOffsets: inputOffsets.pointer + row,
                    runs: runs.pointer + stretch.runs.lowerBound, runCount: stretch.runs.count,
                    weights: begin(panel, stretch), nextWeights: next, bias: bias.pointer + channel,
                    output: result + channel, outputOffsets: outputOffsets.pointer + row,
                    residual: hasResidual ? residual + channel : nil,
                    residualOffsets: hasResidual ? residualOffsets.pointer + row : nil,
                    pixels: rows.count, channels: min(panelWidth, channels - channel),
                    isFirst: index == 0, isLast: index == stretches.count - 1, lowest: clamp.lowest,
                    highest: clamp.highest)
                kernels.convolve(&task)
            }
        }
        if let activation { apply(activation, rows: rows, panels: panels, to: result) }
    }

    /// Over what was just written and is still in the second-level cache.
    private func apply(
        _ activation: UnaryFunction, rows: Range<Int>, panels: Range<Int>,
        to result: UnsafeMutablePointer<Float>
    ) {
        let first = panels.lowerBound * panelWidth
        let count = min(panels.upperBound * panelWidth, channels) - first
        var begin = rows.lowerBound
        while begin < rows.upperBound {
            // Pixels at the same distance, up to a row's end.
            var end = begin + 1
            while end < rows.upperBound,
                Int(outputOffsets.pointer[end] - outputOffsets.pointer[end - 1]) == outputPixelStride
            {
                end += 1
            }
            let place = result + Int(outputOffsets.pointer[begin]) + first
            let isOne = count == outputPixelStride
            var task = UnaryRows(
                activation, input: place, inputStride: outputPixelStride, output: place,
                outputStride: outputPixelStride, rows: isOne ? 1 : end - begin,
                count: isOne ? count * (end - begin) : count)
            kernels.mapRows(&task)
            begin = end
        }
    }

    private func rows(of block: Int) -> Range<Int> {
        block * blockRows..<block * blockRows + blocks[block].count
    }

    private func panels(of group: Int) -> Range<Int> {
        group * panels / unitsAcross..<(group + 1) * panels / unitsAcross
    }

    /// Where a panel's weights of a stretch begin.
    private func begin(_ panel: Int, _ stretch: Stretch) -> UnsafePointer<Float> {
        weights.pointer + panel * panelSize + stretch.begin
            * Self.width(channels - panel * panelWidth, kernels.lanes)
    }

    /// Of a panel's weights, where `channels` are left: two vectors, or one that is enough.
    private static func width(_ channels: Int, _ lanes: Int) -> Int { channels > lanes ? 2 * lanes : lanes }

    /// The runs of a filter over an image, cut so that no stretch is deeper than `limit`.
    private static func cut(_ window: Window, _ input: Storage) -> ([FilterRun], [Stretch]) {
        // Weights of 256 × 16 floats take half of a first-level cache of 32 KB.
        let limit = 256
        let channels = input.extent.channels
        var whole: [(offset: Int, length: Int)] = []
        for y in 0..<window.height {
            let row = y * window.dilationY * input.rowStride
            if input.pixelStride == channels && window.dilationX == 1 {
                whole.append((row, window.width * channels))
            } else {
                for x in 0..<window.width {
                    whole.append((row + x * window.dilationX * input.pixelStride, channels))
                }
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

    /// `[depth, channels]` to `[panel, depth, width of the panel]`, scaled.
    private static func pack(_ convolution: Convolution, depth: Int, channels: Int, lanes: Int) -> Table<
        Float
    > {
        let panels = (channels + 2 * lanes - 1) / (2 * lanes)
        let row = convolution.weightStride ?? channels
        return convolution.weights.withUnsafeBytes { source in
            Table(count: panels * depth * 2 * lanes) { memory in
                for k in 0..<depth {
                    for panel in 0..<panels {
                        let first = panel * 2 * lanes, count = min(2 * lanes, channels - first),
                            width = width(count, lanes)
                        let target = memory + first * depth + k * width
                        // Constants in a file are not aligned.
                        UnsafeMutableRawPointer(target).copyMemory(
                            from: source.baseAddress! + 4 * (k * row + first), byteCount: 4 * count)
                        if let scale = convolution.scale {
                            for c in 0..<count { target[c] *= scale[first + c] }
                        }
                        for c in count..<width { target[c] = 0 }
                    }
                }
            }
        }
    }
}
