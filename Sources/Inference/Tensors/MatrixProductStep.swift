import Kernels

/// Matrix products of two computed tensors; each unit computes one panel of columns for one element of the
/// batch.
///
/// A panel of the second factor is packed in the order in which the convolution kernel reads weights; the
/// first factor's rows serve as pixels. Long sums are cut into stretches whose panel stays in the L1 cache.
struct MatrixProductStep: Step {
    let name: String
    var kind: String { "matrix product" }
    let work: Int
    var unitCount: Int { batch.count * panels }
    let scratchSize: Int

    private struct Places: BitwiseCopyable { var first, second, addend, output: Int }

    private let batch: Table<Places>
    private let rowOffsets, outputOffsets: Table<Int32>
    /// The offsets of the addend's rows; nil without an addend.
    private let addendOffsets: Table<Int32>?
    private let runs: Table<FilterRun>
    private let stretches: [(runs: Range<Int>, begin: Int)]
    private let zeros: Table<Float>
    private let rows, depth, columns: Int
    private let panels, panelWidth: Int
    private let depthStride, columnStride: Int
    private let scale: Float
    private let margin: MarginFill
    private let kernels: InstructionSet

    init(
        _ product: MatrixProduct, name: String, first: TensorView, second: TensorView, addend: TensorView?,
        output: TensorView, margin: MarginFill, kernels: InstructionSet
    ) {
        (self.name, self.margin, self.kernels, scale) = (name, margin, kernels, product.scale)
        let views = product.views(first: first, second: second, addend: addend, output: output)
        let (a, b, sum, output) = (views.first, views.second, views.sum, views.output)
        let rank = output.shape.count
        rows = output.shape[rank - 2]
        columns = output.shape[rank - 1]
        depth = a.shape[rank - 1]
        let places = [a, b, sum, output].map { $0.offsets(ofFirst: rank - 2) }
        batch = Table(
            places[3].indices.map {
                Places(
                    first: places[0][$0], second: places[1][$0], addend: places[2][$0], output: places[3][$0])
            },
            padding: Places(first: 0, second: 0, addend: 0, output: 0))
        (depthStride, columnStride) = (b.strides[rank - 2], b.strides[rank - 1])
        panelWidth = 2 * kernels.lanes
        panels = (columns + panelWidth - 1) / panelWidth
        work = batch.count * rows * columns * depth
        scratchSize = depth * panelWidth
        zeros = Table([], count: panelWidth, padding: 0)

        let count = rows + kernels.tileRows, lastRow = rows - 1
        func offsets(_ view: TensorView) -> Table<Int32> {
            Table(count: count) { memory in
                for row in 0..<count { memory[row] = Int32(min(row, lastRow) * view.strides[rank - 2]) }
            }
        }
        (rowOffsets, outputOffsets) = (offsets(a), offsets(output))
        addendOffsets = addend == nil ? nil : offsets(sum)
        let parts = (depth + Tuning.stretch - 1) / Tuning.stretch
        var runs: [FilterRun] = [], stretches: [(runs: Range<Int>, begin: Int)] = []
        let step = a.strides[rank - 1]
        for part in 0..<parts {
            let begin = part * depth / parts, end = (part + 1) * depth / parts, firstRun = runs.count
            if step == 1 || depth == 1 {
                runs.append(FilterRun(offset: begin, length: end - begin))
            } else {
                for k in begin..<end { runs.append(FilterRun(offset: k * step, length: 1)) }
            }
            stretches.append((firstRun..<runs.count, begin))
        }
        self.runs = Table(runs, padding: FilterRun(offset: 0, length: 0))
        self.stretches = stretches
    }

    func run(unit: Int, in arena: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>) {
        margin.run(in: arena, part: unit, of: unitCount)
        let places = batch.pointer[unit / panels], column = unit % panels * panelWidth
        let count = min(panelWidth, columns - column)
        let width = count > kernels.lanes ? panelWidth : kernels.lanes
        pack(arena + places.second + column * columnStride, count, width, to: scratch)
        for (index, stretch) in stretches.enumerated() {
            let weights = scratch + stretch.begin * width
            var task = ConvolutionPanel(
                input: arena + places.first, inputOffsets: rowOffsets.pointer,
                runs: runs.pointer + stretch.runs.lowerBound, runCount: stretch.runs.count,
                weights: weights, nextWeights: weights, bias: zeros.pointer,
                output: arena + places.output + column, outputOffsets: outputOffsets.pointer,
                residual: addendOffsets.map { _ in UnsafePointer(arena + places.addend + column) },
                residualOffsets: addendOffsets?.pointer, pixels: rows, channels: count, isFirst: index == 0,
                isLast: index == stretches.count - 1, lowest: -.infinity, highest: .infinity)
            kernels.convolve(&task)
        }
    }

    /// Packs `[depth, columns]` with any strides into `[depth, width]`, multiplied by `scale`; columns from
    /// `count` on are zero.
    private func pack(
        _ source: UnsafePointer<Float>, _ count: Int, _ width: Int, to panel: UnsafeMutablePointer<Float>
    ) {
        if columnStride == 1 {
            for k in 0..<depth {
                let target = panel + k &* width, row = source + k &* depthStride
                for c in 0..<count { target[c] = row[c] * scale }
                for c in count..<width { target[c] = 0 }
            }
            return
        }
        // Four columns are read at a time: reads follow the columns, writes stay within a cache line.
        var c = 0
        while c &+ 4 <= count {
            let a = source + c &* columnStride, b = a + columnStride
            let d = b + columnStride, e = d + columnStride
            var target = panel + c
            for k in 0..<depth {
                let place = k &* depthStride
                let four = SIMD4<Float>(a[place], b[place], d[place], e[place]) * scale
                UnsafeMutableRawPointer(target).storeBytes(of: four, as: SIMD4<Float>.self)
                target += width
            }
            c &+= 4
        }
        while c < width {
            if c < count {
                let column = source + c &* columnStride
                for k in 0..<depth { panel[k &* width &+ c] = column[k &* depthStride] * scale }
            } else {
                for k in 0..<depth { panel[k &* width &+ c] = 0 }
            }
            c &+= 1
        }
    }
}
