import Kernels
import KernelsBaseline

/// `ConvolutionScratch` is the working memory of a convolution: the runs of its filter and the offsets of a
/// block of pixels.
struct ConvolutionScratch {
    let runs: UnsafeMutablePointer<FilterRun>
    /// The index of the first run of each stretch of the filter.
    let begins: UnsafeMutablePointer<Int32>
    let inputOffsets, outputOffsets, residualOffsets: UnsafeMutablePointer<Int32>

    /// The largest depth of a stretch: its weights of one panel take at most half of a first-level cache of
    /// 32 KB.
    static let stretchDepth = 256
    static let largestBlock = 4096

    static func depth(_ i: Instruction) -> Int {
        Int(i.window.height) &* Int(i.window.width) &* Int(i.input.channels)
    }
    static func stretches(_ i: Instruction) -> Int { (depth(i) &+ stretchDepth &- 1) / stretchDepth }

    /// Returns how many output pixels are computed per panel: 40 k floats of input stay in a second-level
    /// cache.
    static func block(_ i: Instruction) -> Int {
        let tile = convolutionTileRows, stretches = stretches(i)
        let depth = (depth(i) &+ stretches &- 1) / stretches
        return min(largestBlock / tile &* tile, max(tile, 40_000 / depth / tile &* tile), i.output.pixels)
    }

    private static func runCount(_ i: Instruction) -> Int {
        Int(i.window.height) &* Int(i.window.width) &+ stretches(i)
    }
    private static func offsetCount(_ i: Instruction) -> Int { block(i) &+ convolutionTileRows }

    /// Returns the size in floats; also that of a local response normalization.
    static func size(_ i: Instruction) -> Int {
        switch Instruction.Kernel(rawValue: i.kernel) {
        case .convolution: 2 * runCount(i) + stretches(i) + 1 + 3 * offsetCount(i)
        case .localResponseNormalization: Int(i.input.channels) + 2 * Int(i.radius) + 16
        default: 0
        }
    }

    init(_ i: Instruction, at memory: UnsafeMutablePointer<Float>) {
        let offsets = Self.offsetCount(i), bytes = UnsafeMutableRawPointer(memory)
        runs = bytes.bindMemory(to: FilterRun.self, capacity: Self.runCount(i))
        begins = (bytes + 8 &* Self.runCount(i)).bindMemory(to: Int32.self, capacity: Self.stretches(i) &+ 1)
        inputOffsets = begins + (Self.stretches(i) &+ 1)
        outputOffsets = inputOffsets + offsets
        residualOffsets = outputOffsets + offsets
        cut(i)
    }

    /// Lists the filter as runs of adjacent floats, cut into stretches of about the same depth.
    private func cut(_ i: Instruction) {
        let depth = Self.depth(i), stretches = Self.stretches(i), w = i.window
        let isWhole = i.input.pixelStride == i.input.channels && w.dilationX == 1
        let across = isWhole ? 1 : Int(w.width)
        let length = isWhole ? Int(w.width) &* Int(i.input.channels) : Int(i.input.channels)
        var position = 0, run = 0
        for stretch in 0..<stretches {
            begins[stretch] = Int32(run)
            let end = depth &* (stretch &+ 1) / stretches
            while position < end {
                let index = position / length, used = position % length
                let taken = min(end &- position, length &- used)
                let y = index / across &* Int(w.dilationY), x = index % across &* Int(w.dilationX)
                let offset = y &* Int(i.input.rowStride) &+ x &* Int(i.input.pixelStride) &+ used
                runs[run] = FilterRun(offset: offset, length: taken)
                (position, run) = (position &+ taken, run &+ 1)
            }
        }
        begins[stretches] = Int32(run)
    }

    /// Computes the offsets of a block of output pixels; the last one repeats, because tiles are read whole.
    func place(_ i: Instruction, first: Int, count: Int) {
        let width = Int(i.output.width), w = i.window, last = first &+ count &- 1
        var y = first / width, x = first % width
        for row in 0..<count &+ convolutionTileRows {
            let top = y &* Int(w.strideY) &- Int(w.top), left = x &* Int(w.strideX) &- Int(w.left)
            inputOffsets[row] = Int32(
                truncatingIfNeeded: top &* Int(i.input.rowStride) &+ left &* Int(i.input.pixelStride))
            outputOffsets[row] = Int32(
                truncatingIfNeeded: y &* Int(i.output.rowStride) &+ x &* Int(i.output.pixelStride))
            residualOffsets[row] = Int32(
                truncatingIfNeeded: y &* Int(i.second.rowStride) &+ x &* Int(i.second.pixelStride))
            if first &+ row >= last { continue }
            x &+= 1
            if x == width { (x, y) = (0, y &+ 1) }
        }
    }
}

extension Program {
    /// Computes a convolution as products of pixels with panels of weights, in the order of additions of
    /// `ConvolutionStep`.
    func convolve(
        _ i: Instruction, in block: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
    ) {
        let tables = ConvolutionScratch(i, at: scratch), stretches = ConvolutionScratch.stretches(i)
        let depth = ConvolutionScratch.depth(i), size = ConvolutionScratch.block(i)
        let channels = Int(i.output.channels), panelWidth = 2 &* programLanes
        let weights = block + Int(i.weights), bias = block + Int(i.bias),
            output = block + Int(i.output.offset)
        let residual = i.second.exists ? block + Int(i.second.offset) : nil
        var first = 0
        while first < i.output.pixels {
            let pixels = min(size, i.output.pixels &- first)
            tables.place(i, first: first, count: pixels)
            for stretch in 0..<stretches {
                let begin = depth &* stretch / stretches
                var channel = 0
                while channel < channels {
                    let count = min(panelWidth, channels &- channel)
                    let width = count > programLanes ? panelWidth : programLanes
                    let panel = weights + channel &* depth + begin &* width
                    var task = ConvolutionPanel(
                        input: block + Int(i.input.offset), inputOffsets: tables.inputOffsets,
                        runs: tables.runs + Int(tables.begins[stretch]),
                        runCount: Int(tables.begins[stretch &+ 1] &- tables.begins[stretch]),
                        weights: panel, nextWeights: panel, bias: bias + channel, output: output + channel,
                        outputOffsets: tables.outputOffsets, residual: residual.map { $0 + channel },
                        residualOffsets: residual == nil ? nil : UnsafePointer(tables.residualOffsets),
                        pixels: pixels, channels: count, isFirst: stretch == 0,
                        isLast: stretch == stretches &- 1, lowest: i.lowest, highest: i.highest)
                    KernelsBaseline.convolve(&task)
                    channel &+= panelWidth
                }
            }
            first &+= pixels
        }
    }
}
