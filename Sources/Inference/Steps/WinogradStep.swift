import Kernels

/// A 3 × 3 convolution of stride 1 by Winograd's F(4×4, 3×3): 36 products where the direct way needs 144.
///
/// A unit is a block of tiles: its pixels are transformed, each of the 36 positions is one matrix product, the products are
/// transformed back. Sums differ from the direct way's in the last bits; which way a layer goes depends on its shape alone.
///
/// - Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015.
struct WinogradStep: Step {
    let name: String
    var kind: String { "winograd 3×3" }
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
    private let tilesAcross, tiles, tilesPerUnit: Int
    private let panels, panelWidth, paddedChannels: Int

    /// Whether a convolution goes this way: where both channel counts fill vectors and there is enough to do.
    static func suits(_ convolution: Convolution, _ input: Extent, _ output: Extent, lanes: Int) -> Bool {
        let window = convolution.window
        return !convolution.isDepthwise && (window.height, window.width, window.strideY, window.strideX) == (3, 3, 1, 1)
            && convolution.residual == nil && input.channels % lanes == 0 && output.channels % lanes == 0 && input.channels >= 32
            && input.channels <= 512 && output.channels >= 32 && output.pixels >= 36
    }

    /// What windows of whole tiles reach into, beyond the image's edges.
    static func reach(_ window: Window, _ input: Extent, _ output: Extent) -> Margin {
        let bottom = (output.height + 3) / 4 * 4 + 2 - window.padding.top - input.height
        let right = (output.width + 3) / 4 * 4 + 2 - window.padding.left - input.width
        return Margin(top: window.padding.top, left: window.padding.left, bottom: max(0, bottom), right: max(0, right))
    }

    init(_ convolution: Convolution, name: String, input: Storage, output: Storage, margin: MarginFill, kernels: InstructionSet) {
        (self.name, self.input, self.output, self.margin, self.kernels) = (name, input, output, margin, kernels)
        padding = convolution.window.padding
        clamp = convolution.clamp
        let (c, k) = (input.extent.channels, output.extent.channels)
        work = output.extent.count * 9 * c
        tilesAcross = (output.extent.width + 3) / 4
        tiles = tilesAcross * ((output.extent.height + 3) / 4)
        panelWidth = 2 * kernels.lanes
        panels = (k + panelWidth - 1) / panelWidth
        paddedChannels = panels * panelWidth
        // Transformed pixels and products of a block stay near half a megabyte, the second-level cache; at least four units.
        let rows = ConvolutionPanel.tileRows
        let fitting = max(2, min(8, 160_000 / (36 * rows * (c + paddedChannels)))) * rows
        let wanted = (tiles + 3) / 4
        tilesPerUnit = min(fitting, (wanted + rows - 1) / rows * rows)
        unitCount = (tiles + tilesPerUnit - 1) / tilesPerUnit
        scratchSize = 36 * tilesPerUnit * (c + paddedChannels)
        weights = Self.transform(convolution, c, k, panelWidth: panelWidth, panels: panels)
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
        let products = scratch + 36 * pixelMatrix
        for tile in 0..<count {
            let (y, x) = ((first + tile) / tilesAcross * 4, (first + tile) % tilesAcross * 4)
            var task = WinogradInput(
                input: arena + input.offset(y: y - padding.top, x: x - padding.left), rowStride: input.rowStride,
                pixelStride: input.pixelStride, channels: c, output: scratch + tile * c, matrixStride: pixelMatrix)
            kernels.transformWinogradInput(&task)
        }
        // Rows up to a full register tile are computed from what lies there; nothing reads them.
        for position in 0..<36 {
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
            let (y, x) = ((first + tile) / tilesAcross * 4, (first + tile) % tilesAcross * 4)
            var task = WinogradOutput(
                products: products + tile * paddedChannels, matrixStride: productMatrix, bias: bias.pointer,
                output: arena + output.offset(y: y, x: x), rowStride: output.rowStride, pixelStride: output.pixelStride,
                height: min(4, output.extent.height - y), width: min(4, output.extent.width - x), channels: k,
                lowest: clamp.lowest, highest: clamp.highest)
            kernels.transformWinogradOutput(&task)
        }
    }

    func run(unit: Int, in arena: UnsafeMutablePointer<Float>) { preconditionFailure("needs scratch memory") }

    /// G · g · Gᵀ of every filter, `[36, panel, inputChannels, panelWidth]`, in double and rounded once.
    private static func transform(_ convolution: Convolution, _ c: Int, _ k: Int, panelWidth: Int, panels: Int) -> Table<Float> {
        let source = convolution.weights.array(of: Float.self)
        func g(_ a: Double, _ b: Double, _ d: Double) -> (Double, Double, Double, Double, Double, Double) {
            (a / 4, -(a + b + d) / 6, -(a - b + d) / 6, a / 24 + b / 12 + d / 6, a / 24 - b / 12 + d / 6, d)
        }
        return Table(count: 36 * panels * c * panelWidth) { memory in
            memory.update(repeating: 0, count: 36 * panels * c * panelWidth)
            withUnsafeTemporaryAllocation(of: Double.self, capacity: 18) { work in
                for input in 0..<c {
                    for output in 0..<k {
                        let factor = Double(convolution.scale?[output] ?? 1)
                        func weight(_ r: Int, _ s: Int) -> Double { Double(source[((r * 3 + s) * c + input) * k + output]) }
                        for s in 0..<3 {
                            let v = g(weight(0, s), weight(1, s), weight(2, s))
                            (work[s], work[3 + s], work[6 + s], work[9 + s], work[12 + s], work[15 + s]) = v
                        }
                        let target = memory + (output / panelWidth * c + input) * panelWidth + output % panelWidth
                        let step = panels * c * panelWidth
                        for y in 0..<6 {
                            let v = g(work[3 * y], work[3 * y + 1], work[3 * y + 2])
                            let row = target + 6 * y * step
                            row[0] = Float(v.0 * factor)
                            row[step] = Float(v.1 * factor)
                            row[2 * step] = Float(v.2 * factor)
                            row[3 * step] = Float(v.3 * factor)
                            row[4 * step] = Float(v.4 * factor)
                            row[5 * step] = Float(v.5 * factor)
                        }
                    }
                }
            }
        }
    }
}
