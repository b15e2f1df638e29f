import Kernels

/// A direct convolution: matrix products of input pixels with packed panels of weights, without an im2col
/// copy.
///
/// The filter's depth is cut into stretches: one stretch of a panel stays in the L1 cache while all pixels of
/// a block pass by, and the block's pixels stay in the L2 cache. The order of additions depends on the
/// layer's shape alone.
struct ConvolutionStep: PlainStep {
    let name: String
    let kind: String
    let work: Int
    let unitCount: Int
    var isShort: Bool { work < Tuning.shortWork }

    private let kernels: InstructionSet
    private let inputOffset, outputOffset, residualOffset: Int
    private let inputOffsets, outputOffsets, residualOffsets: Table<Int32>
    private let runs: Table<FilterRun>
    private let stretches: [Stretch]
    private let packed: PackedWeights
    var weights: [PackedWeights] { [packed] }
    private let bias: Table<Float>
    private let clamp: Clamp
    private let activation: UnaryFunction?
    private let hasResidual: Bool
    private let channels, panelWidth, panelSize, outputPixelStride: Int
    /// The ranges of output pixels; each block has `blockRows` entries in the offset tables.
    private let blocks: [Range<Int>]
    private let blockRows, panels, unitsAcross: Int
    private let margin: MarginFill

    /// A part of the filter's depth.
    private struct Stretch {
        var runs: Range<Int>
        /// The depth, in weights per output channel, that precedes this stretch.
        var begin: Int
    }

    /// - Parameter blocks: The ranges of output pixels for a caller that runs the blocks itself; nil chooses
    ///   blocks that fit the cache and the number of threads.
    init(
        _ convolution: Convolution, name: String, input: ArenaPlacement, output: ArenaPlacement,
        residual: ArenaPlacement?,
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
        packed = Self.pack(convolution, depth: depth, channels: channels, lanes: kernels.lanes)
        bias = Table(convolution.bias, count: panels * panelWidth, padding: 0)

        // Threads divide the pixels where there are many, as the neighbouring steps do, and the panels
        // otherwise. At least eight units balance the load.
        let pixels = output.extent.pixels, stretchDepth = (depth + stretches.count - 1) / stretches.count
        let fitting = max(rows, Tuning.convolutionPixels / stretchDepth / rows * rows)
        let cached = (pixels + fitting - 1) / fitting
        let divided =
            pixels >= Self.pixelsToDivide(kernels, threads)
            ? (cached + threads - 1) / threads * threads : cached
        let blocks = blocks ?? (0..<divided).map { $0 * pixels / divided..<($0 + 1) * pixels / divided }
        let blockRows = (blocks.map(\.count).max()! + rows - 1) / rows * rows
        (self.blocks, self.blockRows) = (blocks, blockRows)
        unitsAcross = min(panels, max(1, (8 + blocks.count - 1) / blocks.count))
        unitCount = blocks.count * unitsAcross

        // The tables have one more tile of entries, because a tile may begin at any pixel.
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

    /// Returns the number of output pixels from which threads divide the pixels rather than the panels.
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

    /// Computes one panel of channels for a range of pixels, in a step that has one block and no residual.
    ///
    /// Up to one register tile of pixels after the range is overwritten.
    ///
    /// - Parameter image: The address of output pixel (0, 0), which need not be in memory itself.
    func run(
        pixels: Range<Int>, panel: Int, in arena: UnsafeMutablePointer<Float>,
        to image: UnsafeMutablePointer<Float>
    ) {
        run(
            rows: pixels, panels: panel..<panel + 1, nextPanel: (panel + 1) % panels,
            from: arena + inputOffset, to: image, residual: image)
    }

    /// Computes all panels of a block from an input that lies outside the arena.
    ///
    /// - Parameter image: The address of input pixel (0, 0), which need not be in memory itself.
    func run(block: Int, from image: UnsafePointer<Float>, in arena: UnsafeMutablePointer<Float>) {
        run(
            rows: rows(of: block), panels: 0..<panels, nextPanel: 0, from: image, to: arena + outputOffset,
            residual: arena + residualOffset)
    }

    /// - Parameters:
    ///   - rows: The range of entries in the offset tables.
    ///   - image: The address of input pixel (0, 0); `result` and `residual` are such addresses too.
    private func run(
        rows: Range<Int>, panels: Range<Int>, nextPanel: Int, from image: UnsafePointer<Float>,
        to result: UnsafeMutablePointer<Float>,
        residual: UnsafePointer<Float>
    ) {
        let row = rows.lowerBound
        for (index, stretch) in stretches.enumerated() {
            for panel in panels {
                let channel = panel * panelWidth
                // The kernel prefetches the next panel's weights, or those of the next stretch or unit.
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

    /// Applies the activation to the rows just written, while they are still in the L2 cache.
    private func apply(
        _ activation: UnaryFunction, rows: Range<Int>, panels: Range<Int>,
        to result: UnsafeMutablePointer<Float>
    ) {
        let first = panels.lowerBound * panelWidth
        let count = min(panels.upperBound * panelWidth, channels) - first
        var begin = rows.lowerBound
        while begin < rows.upperBound {
            // Pixels that are `outputPixelStride` apart, up to the end of an image row, go to one kernel
            // call.
            var end = begin + 1
            while end < rows.upperBound,
                Int(outputOffsets.pointer[end] - outputOffsets.pointer[end - 1]) == outputPixelStride
            {
                end += 1
            }
            let place = result + Int(outputOffsets.pointer[begin]) + first
            var task = UnaryRows(
                activation, pixels: place, stride: outputPixelStride, count: end - begin, channels: count)
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

    /// Returns the address of a panel's weights for a stretch.
    private func begin(_ panel: Int, _ stretch: Stretch) -> UnsafePointer<Float> {
        packed.pointer + panel * panelSize + stretch.begin
            * Self.width(channels - panel * panelWidth, kernels.lanes)
    }

    /// Returns the width of a panel when `channels` remain: two vectors, or one where one suffices.
    private static func width(_ channels: Int, _ lanes: Int) -> Int { channels > lanes ? 2 * lanes : lanes }

    /// Splits a filter into runs of contiguous input values, and the runs into stretches of at most `Tuning.stretch`
    /// values.
    private static func cut(_ window: Window, _ input: ArenaPlacement) -> ([FilterRun], [Stretch]) {
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
        let count = (depth + Tuning.stretch - 1) / Tuning.stretch
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

    /// Packs weights from `[depth, channels]`, or `[channels, depth]`, into `[panel, depth, panel width]` and
    /// multiplies them by the channel scales. The pages of a file that hold them are released part by part.
    private static func pack(
        _ convolution: Convolution, depth: Int, channels: Int, lanes: Int
    ) -> PackedWeights {
        let panels = (channels + 2 * lanes - 1) / (2 * lanes), source = convolution.weights
        let row = convolution.rowStride, scale = convolution.scale
        let whole = convolution.weightStride == nil ? source : nil
        @Sendable func release(_ rows: Range<Int>) {
            whole?[4 * row * rows.lowerBound..<min(source.count, 4 * row * rows.upperBound)].releasePages()
        }
        if convolution.isOutputMajor {
            return PackedWeights(count: panels * depth * 2 * lanes, rows: panels, source: whole) {
                memory, rows in
                source.withUnsafeBytes { source in
                    for panel in rows {
                        let first = panel * 2 * lanes, count = min(2 * lanes, channels - first)
                        turn(
                            source.baseAddress! + 4 * first * row, row: row, count: count, times: scale,
                            first,
                            to: memory + first * depth, depth: depth, width: width(count, lanes))
                    }
                }
                release(rows.lowerBound * 2 * lanes..<rows.upperBound * 2 * lanes)
            }
        }
        return PackedWeights(count: panels * depth * 2 * lanes, rows: depth, source: whole) { memory, rows in
            source.withUnsafeBytes { source in
                for k in rows {
                    for panel in 0..<panels {
                        let first = panel * 2 * lanes, count = min(2 * lanes, channels - first),
                            width = width(count, lanes)
                        let target = memory + first * depth + k * width
                        copy(
                            source.baseAddress! + 4 * (k * row + first), count, times: scale, first,
                            to: target)
                        for c in count..<width { target[c] = 0 }
                    }
                }
            }
            release(rows)
        }
    }

    /// Copies the rows of a panel's channels, which may be unaligned in a file, to its columns.
    ///
    /// Both are walked in tiles, so that a tile of the panel and a line of each row stay in the cache.
    private static func turn(
        _ source: UnsafeRawPointer, row: Int, count: Int, times scale: [Float]?, _ first: Int,
        to target: UnsafeMutablePointer<Float>, depth: Int, width: Int
    ) {
        let tile = 16
        for begin in stride(from: 0, to: depth, by: tile) {
            let end = min(depth, begin &+ tile)
            for c in 0..<width {
                if c >= count {
                    for k in begin..<end { target[k &* width &+ c] = 0 }
                    continue
                }
                let factor = scale?[first &+ c], numbers = source + 4 &* (c &* row)
                for k in begin..<end {
                    let number = numbers.loadUnaligned(fromByteOffset: 4 &* k, as: Float.self)
                    target[k &* width &+ c] = factor.map { number * $0 } ?? number
                }
            }
        }
    }

    /// Copies floats, which may be unaligned in a file, times the scales from a channel on.
    private static func copy(
        _ source: UnsafeRawPointer, _ count: Int, times scale: [Float]?, _ first: Int,
        to target: UnsafeMutablePointer<Float>
    ) {
        guard let scale else {
            UnsafeMutableRawPointer(target).copyMemory(from: source, byteCount: 4 * count)
            return
        }
        scale.withUnsafeBytes { scales in
            let scales = scales.baseAddress! + 4 * first
            var c = 0
            while c &+ 16 <= count {
                let numbers = source.loadUnaligned(fromByteOffset: 4 &* c, as: SIMD16<Float>.self)
                let factors = scales.loadUnaligned(fromByteOffset: 4 &* c, as: SIMD16<Float>.self)
                UnsafeMutableRawPointer(target + c).storeBytes(of: numbers * factors, as: SIMD16<Float>.self)
                c &+= 16
            }
            while c < count {
                target[c] =
                    source.loadUnaligned(fromByteOffset: 4 &* c, as: Float.self)
                    * scales.loadUnaligned(fromByteOffset: 4 &* c, as: Float.self)
                c &+= 1
            }
        }
    }
}
