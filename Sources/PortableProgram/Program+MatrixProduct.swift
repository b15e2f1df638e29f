import Kernels
import KernelsBaseline

/// A `ProductShape` says how a matrix product is cut: its depth into stretches whose panel of weights stays in a
/// first-level cache.
private struct ProductShape {
    let rows, columns, depth, stretches: Int
    /// The index of the axis of rows; those of columns and of the depth follow.
    let rowAxis: Int
    /// Whether the rows of the first factor are contiguous.
    let isWhole: Bool

    init(_ loop: PlacedLoop) {
        rowAxis = loop.axes &- 3
        (rows, columns) = (loop.size(rowAxis), loop.size(rowAxis &+ 1))
        depth = loop.size(rowAxis &+ 2)
        stretches = (depth &+ ConvolutionScratch.stretchDepth &- 1) / ConvolutionScratch.stretchDepth
        isWhole = loop.stride(0, along: rowAxis &+ 2) == 1
    }

    /// Returns where a stretch begins.
    func begin(_ stretch: Int) -> Int { depth &* stretch / stretches }
    var runCount: Int { isWhole ? stretches : depth }
    /// The number of offsets of an operand's rows; the last row repeats, because tiles are read whole.
    var offsetCount: Int { rows &+ convolutionTileRows }
}

/// `ProductScratch` is the working memory of a matrix product: the first factor's rows as runs, the offsets of the
/// rows, zeros instead of a bias, and a panel of the second factor.
private struct ProductScratch {
    let shape: ProductShape
    let runs: UnsafeMutablePointer<FilterRun>
    let inputOffsets, outputOffsets, termOffsets: UnsafeMutablePointer<Int32>
    let zeros, panel: UnsafeMutablePointer<Float>
    static let panelWidth = 2 &* programLanes

    /// Returns the size in floats.
    static func size(_ shape: ProductShape) -> Int {
        let tables = 2 &* shape.runCount &+ 3 &* shape.offsetCount
        return tables &+ (1 &+ shape.depth) &* panelWidth
    }

    init(_ loop: PlacedLoop, at memory: UnsafeMutablePointer<Float>) {
        shape = ProductShape(loop)
        let offsets = shape.offsetCount
        runs = UnsafeMutableRawPointer(memory).bindMemory(to: FilterRun.self, capacity: shape.runCount)
        let tables = memory + 2 &* shape.runCount
        inputOffsets = UnsafeMutableRawPointer(tables).bindMemory(to: Int32.self, capacity: 3 &* offsets)
        outputOffsets = inputOffsets + offsets
        termOffsets = outputOffsets + offsets
        zeros = tables + 3 &* offsets
        panel = zeros + Self.panelWidth
        zeros.update(repeating: 0, count: Self.panelWidth)
        cut(step: loop.stride(0, along: shape.rowAxis &+ 2))
        place(loop)
    }

    /// Lists the depth as runs of adjacent floats.
    private func cut(step: Int) {
        for run in 0..<shape.runCount {
            let begin = shape.begin(run)
            runs[run] =
                shape.isWhole
                ? FilterRun(offset: begin, length: shape.begin(run &+ 1) &- begin)
                : FilterRun(offset: run &* step, length: 1)
        }
    }

    /// Computes the offsets of the rows.
    private func place(_ loop: PlacedLoop) {
        let input = loop.stride(0, along: shape.rowAxis), output = loop.stride(3, along: shape.rowAxis)
        let term = loop.stride(2, along: shape.rowAxis)
        for row in 0..<shape.offsetCount {
            let place = min(row, shape.rows &- 1)
            inputOffsets[row] = Int32(truncatingIfNeeded: place &* input)
            outputOffsets[row] = Int32(truncatingIfNeeded: place &* output)
            termOffsets[row] = Int32(truncatingIfNeeded: place &* term)
        }
    }

    /// Packs some columns of the second factor, multiplied by a number; columns from `count` on are zero.
    func pack(
        _ source: UnsafePointer<Float>, _ count: Int, width: Int, columnStep: Int, depthStep: Int,
        times factor: Float
    ) {
        for k in 0..<shape.depth {
            let row = source + k &* depthStep, target = panel + k &* width
            for c in 0..<count { target[c] = row[c &* columnStep] * factor }
            for c in count..<width { target[c] = 0 }
        }
    }
}

extension Program {
    /// Returns the size, in floats, of the working memory of a matrix product.
    static func productScratch(_ loop: PlacedLoop) -> Int { ProductScratch.size(ProductShape(loop)) }

    /// Multiplies matrices as `MatrixProductStep` does: panels of the second factor are packed as the convolution
    /// kernel reads weights, and the first factor's rows serve as pixels.
    func multiply(
        _ i: Instruction, in block: UnsafeMutablePointer<Float>, scratch memory: UnsafeMutablePointer<Float>
    ) {
        let loop = PlacedLoop(ProgramTable(codes, at: i.weights))
        let scratch = ProductScratch(loop, at: memory), shape = scratch.shape, hasTerm = i.radius != 0
        let columnStep = loop.stride(1, along: shape.rowAxis &+ 1)
        let depthStep = loop.stride(1, along: shape.rowAxis &+ 2)
        for index in 0..<loop.count(ofFirst: shape.rowAxis) {
            let place = loop.place(index, ofFirst: shape.rowAxis)
            var column = 0
            while column < shape.columns {
                let count = min(ProductScratch.panelWidth, shape.columns &- column)
                let width = count > programLanes ? ProductScratch.panelWidth : programLanes
                let source = block + (place.second &+ column &* columnStep)
                scratch.pack(
                    source, count, width: width, columnStep: columnStep, depthStep: depthStep,
                    times: i.lowest)
                let term = hasTerm ? UnsafePointer(block + (place.third &+ column)) : nil
                for stretch in 0..<shape.stretches {
                    let begin = shape.begin(stretch), end = shape.begin(stretch &+ 1)
                    let weights = scratch.panel + begin &* width
                    var task = ConvolutionPanel(
                        input: block + place.first, inputOffsets: scratch.inputOffsets,
                        runs: scratch.runs + (shape.isWhole ? stretch : begin),
                        runCount: shape.isWhole ? 1 : end &- begin, weights: weights, nextWeights: weights,
                        bias: scratch.zeros, output: block + (place.fourth &+ column),
                        outputOffsets: scratch.outputOffsets, residual: term,
                        residualOffsets: hasTerm ? UnsafePointer(scratch.termOffsets) : nil,
                        pixels: shape.rows, channels: count, isFirst: stretch == 0,
                        isLast: stretch == shape.stretches &- 1, lowest: -.infinity, highest: .infinity)
                    KernelsBaseline.convolve(&task)
                }
                column &+= ProductScratch.panelWidth
            }
        }
    }
}
