import Kernels

/// A direct convolution over 8-bit or bfloat16 images; see `ConvolutionStep`.
///
/// The kernels multiply groups of channels; where the last group exceeds the channel count, its weights are
/// zero. The filter's depth is not cut: at these element sizes a panel's weights stream through the L2 cache.
struct LowPrecisionConvolutionStep: Step {
    let name: String
    let kind: String
    let work: Int
    let unitCount: Int
    let scratchSize: Int

    private let kernels: LowPrecisionKernels
    private let input, output: ArenaPlacement
    private let residual: ArenaPlacement?
    private let inputOffsets, outputOffsets, residualOffsets: Table<Int32>
    private let runs: Table<FilterRun>
    private let weights: LowPrecisionWeights
    private let terms: LowPrecisionTerms
    private let channels, panelWidth: Int
    private let pixels, tiles, blocks, panels, unitsAcross: Int
    private let margin: MarginFill

    init(
        _ convolution: Convolution, name: String, input: ArenaPlacement, output: ArenaPlacement,
        residual: ArenaPlacement?,
        margin: MarginFill,
        kernels: InstructionSet
    ) {
        let window = convolution.window, type = input.type, rows = kernels.lowPrecision.tileRows
        (self.name, self.input, self.output, self.residual, self.margin) = (
            name, input, output, residual, margin
        )
        self.kernels = kernels.lowPrecision
        kind = "conv \(window.height)×\(window.width) \(type.kind.name)"
        channels = output.extent.channels
        work = output.extent.count * window.height * window.width * input.extent.channels
        panelWidth = 2 * kernels.lanes
        panels = (channels + panelWidth - 1) / panelWidth

        let group = type.kind.group, paddedChannels = (input.extent.channels + group - 1) / group * group
        let pixelBytes = paddedChannels * type.kind.size
        runs = Table(
            (0..<window.height).flatMap { y -> [FilterRun] in
                let row = y * window.dilationY * input.rowBytes
                if input.pixelBytes == pixelBytes && window.dilationX == 1 {
                    return [FilterRun(offset: row, length: window.width * pixelBytes)]
                }
                return (0..<window.width).map {
                    FilterRun(offset: row + $0 * window.dilationX * input.pixelBytes, length: pixelBytes)
                }
            }, padding: FilterRun(offset: 0, length: 0))
        let rounded = RoundedFilter(
            convolution, channels: channels, for: type,
            pairs: .inputs(input.extent.channels))
        weights = LowPrecisionWeights(
            rounded.values, type.kind, positions: window.height * window.width,
            inputs: input.extent.channels, outputs: channels,
            lanes: kernels.lanes)
        terms = LowPrecisionTerms(
            convolution, rounded, from: type, to: output.type, residual: residual?.type,
            count: panels * panelWidth)

        scratchSize = rows * panelWidth
        let pixels = output.extent.pixels, tiles = (pixels + rows - 1) / rows
        (self.pixels, self.tiles) = (pixels, tiles)
        func offsets(_ offset: (_ y: Int, _ x: Int) -> Int) -> Table<Int32> {
            Table(count: tiles * rows) { memory in
                for index in 0..<tiles * rows {
                    let pixel = min(index, pixels - 1)
                    memory[index] = Int32(offset(pixel / output.extent.width, pixel % output.extent.width))
                }
            }
        }
        inputOffsets = offsets { y, x in
            (y * window.strideY - window.padding.top) * input.rowBytes
                + (x * window.strideX - window.padding.left) * input.pixelBytes
        }
        outputOffsets = offsets { y, x in y * output.rowBytes + x * output.pixelBytes }
        residualOffsets =
            residual.map { residual in offsets { y, x in y * residual.rowBytes + x * residual.pixelBytes } }
            ?? outputOffsets

        // Units that balance the load come from the panels as far as there are enough.
        let footprint = pixelBytes * window.strideY * window.strideX
        let blockTiles = max(1, min(tiles, Tuning.lowPrecisionPixels / (footprint * rows)))
        blocks = max(
            (tiles + blockTiles - 1) / blockTiles, min(tiles, (Tuning.balancedUnits + panels - 1) / panels))
        unitsAcross = min(panels, max(1, (Tuning.balancedUnits + blocks - 1) / blocks))
        unitCount = blocks * unitsAcross
    }

    func run(unit: Int, in arena: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>) {
        margin.run(in: arena, part: unit, of: unitCount)
        let (block, group) = (unit / unitsAcross, unit % unitsAcross)
        let rows = kernels.tileRows
        let first = block * tiles / blocks * rows, end = min(pixels, (block + 1) * tiles / blocks * rows)
        let panels = self.panels(of: group), after = self.panels(of: (group + 1) % unitsAcross).lowerBound
        for panel in panels {
            let channel = panel * panelWidth
            var task = LowPrecisionPanel(
                input: input.place(y: 0, x: 0, in: arena), inputOffsets: inputOffsets.pointer + first,
                runs: runs.pointer,
                runCount: runs.count, weights: weights.begin(panel),
                nextWeights: weights.begin(panel + 1 < panels.upperBound ? panel + 1 : after),
                factors: terms.factors.pointer + channel,
                bias: terms.bias.pointer + channel, sums: scratch,
                output: output.place(y: 0, x: 0, in: arena) + channel * output.type.kind.size,
                outputOffsets: outputOffsets.pointer + first, outputKind: output.type.kind,
                residual: residual.map {
                    UnsafeRawPointer($0.place(y: 0, x: 0, in: arena) + channel * $0.type.kind.size)
                },
                residualOffsets: residual.map { _ in residualOffsets.pointer + first },
                residualKind: residual?.type.kind ?? .float32,
                residualFactor: terms.residualFactor, pixels: end - first,
                channels: min(panelWidth, channels - channel),
                lowest: terms.lowest, highest: terms.highest)
            if input.type.kind == .uint8 {
                kernels.convolveBytes(&task)
            } else {
                kernels.convolveBFloat16(&task)
            }
        }
    }

    private func panels(of group: Int) -> Range<Int> {
        group * panels / unitsAcross..<(group + 1) * panels / unitsAcross
    }
}
