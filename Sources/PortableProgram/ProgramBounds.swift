import Kernels

/// `ProgramBounds` checks that records stay within the block, so that running a damaged program writes
/// nowhere else. Factors are limited so that no product overflows.
struct ProgramBounds {
    /// The number of floats before the working memory.
    let blockEnd: Int
    let codeCount: Int64
    private let numberCount: Int64
    /// The codes, among which are the tables of instructions.
    let codes: UnsafePointer<UInt8>

    init(_ header: ProgramHeader, codes: UnsafePointer<UInt8>) {
        self.codes = codes
        // Kernels read whole vectors.
        let floats = Int(header.numbersOffset) + Int(header.numberCount) + 16
        blockEnd = (floats + 15) / 16 &* 16
        (codeCount, numberCount) = (Int64(header.codeCount), Int64(header.numberCount))
    }

    func contains(_ first: Int64, _ end: Int64) -> Bool { first >= 0 && end <= Int64(blockEnd) - 16 }

    private func contains(_ offset: Int32, count: Int64) -> Bool {
        offset >= 0 && contains(Int64(offset), Int64(offset) + count)
    }

    private func isSane(_ image: PlacedImage) -> Bool {
        let range: Range<Int32> = 1..<(1 << 24)
        return range.contains(image.height) && range.contains(image.width) && range.contains(image.channels)
            && image.rowStride >= 0 && image.rowStride < 1 << 28 && image.pixelStride >= 0
            && image.pixelStride < 1 << 24
    }

    /// Returns whether a range of pixels, counted from pixel (0, 0) of an image, lies in the block.
    private func holds(_ image: PlacedImage, rows: ClosedRange<Int64>, columns: ClosedRange<Int64>) -> Bool {
        let row = Int64(image.rowStride), pixel = Int64(image.pixelStride), offset = Int64(image.offset)
        return contains(
            offset + rows.lowerBound &* row + columns.lowerBound &* pixel,
            offset + rows.upperBound &* row + columns.upperBound &* pixel + Int64(image.channels))
    }

    /// Returns whether an image, if there is one, lies in the block.
    func holds(_ image: PlacedImage) -> Bool {
        guard image.exists else { return true }
        return isSane(image)
            && holds(image, rows: 0...Int64(image.height - 1), columns: 0...Int64(image.width - 1))
    }

    /// Returns whether every input pixel that the windows of an instruction read lies in the block.
    private func holdsWindows(_ i: Instruction) -> Bool {
        let w = i.window, size: Range<Int32> = 1..<4096, margin: Range<Int32> = 0..<4096
        guard size.contains(w.height), size.contains(w.width), size.contains(w.strideY),
            size.contains(w.strideX), size.contains(w.dilationY), size.contains(w.dilationX),
            margin.contains(w.top), margin.contains(w.left)
        else { return false }
        let bottom =
            Int64(i.output.height - 1) &* Int64(w.strideY) + Int64(w.height - 1) &* Int64(w.dilationY)
        let right = Int64(i.output.width - 1) &* Int64(w.strideX) + Int64(w.width - 1) &* Int64(w.dilationX)
        var rows = -Int64(w.top)...bottom - Int64(w.top), columns = -Int64(w.left)...right - Int64(w.left)
        if i.kernel != Instruction.Kernel.convolution.rawValue {
            // Rows beyond the edges are left out, and pooling leaves out columns too; every window meets the
            // image.
            guard Int64(w.top) < Int64(w.height), bottom - Int64(w.top) < Int64(i.input.height + w.height - 1)
            else { return false }
            rows = 0...Int64(i.input.height - 1)
            if i.kernel != Instruction.Kernel.depthwise.rawValue {
                guard Int64(w.left) < Int64(w.width),
                    right - Int64(w.left) < Int64(i.input.width + w.width - 1)
                else { return false }
                columns = 0...Int64(i.input.width - 1)
            }
        }
        return holds(i.input, rows: rows, columns: columns)
    }

    func holds(_ i: Instruction) -> Bool {
        switch Instruction.Kernel(rawValue: i.kernel) {
        case .copy: holdsCopy(i)
        case .combination: holdsCombination(i)
        case .choice: holdsChoice(i)
        case .reduction: holdsReduction(i)
        case .matrixProduct: holdsProduct(i)
        case .selection: holdsSelection(i)
        case let kernel?: holdsImages(i, kernel)
        case nil: false
        }
    }

    private func holdsImages(_ i: Instruction, _ kernel: Instruction.Kernel) -> Bool {
        guard isSane(i.output), holds(i.output), kernel == .clear || isSane(i.input) else { return false }
        if kernel != .convolution && kernel != .depthwise && kernel != .clear && !holds(i.input) {
            return false
        }
        let channels = Int64(i.output.channels)
        let isSameSize = i.input.height == i.output.height && i.input.width == i.output.width
        let isSame = isSameSize && i.input.channels == i.output.channels
        switch kernel {
        case .convolution, .depthwise:
            let isDepthwise = kernel == .depthwise
            guard !isDepthwise || i.input.channels == i.output.channels else { return false }
            let taps = Int64(i.window.height) &* Int64(i.window.width)
            let rows = isDepthwise ? taps : taps &* Int64(i.input.channels)
            let width = Int64(isDepthwise ? programLanes : 2 &* programLanes)
            let padded = (channels + width - 1) / width &* width
            return holdsWindows(i) && contains(i.weights, count: rows &* padded)
                && contains(i.bias, count: padded) && holds(i.second)
                && (!i.second.exists
                    || i.second.height == i.output.height && i.second.width == i.output.width
                        && i.second.channels == i.output.channels)
        case .maximumPool, .averagePool: return i.input.channels == i.output.channels && holdsWindows(i)
        case .pointwise:
            return isSame && holds(i.second)
                && (!i.second.exists
                    || i.second.height == i.output.height && i.second.width == i.output.width
                        && i.second.channels == i.output.channels)
                && (i.weights < 0 || contains(i.weights, count: channels))
                && (i.bias < 0 || contains(i.bias, count: channels))
        case .squaredDifference: return isSame && i.second.channels == i.input.channels && holds(i.second)
        case .squareRoot, .softmax: return isSame
        case .function:
            guard let code = UInt8(exactly: i.radius), let kind = UnaryFunction.Kind(rawValue: code) else {
                return false
            }
            return isSame && kind != .sine && kind != .cosine && contains(i.weights, count: 3)
        case .layerNormalization:
            return isSame && (i.weights < 0 || contains(i.weights, count: channels))
                && (i.bias < 0 || contains(i.bias, count: channels))
        case .resize:
            return i.input.channels == i.output.channels
                && holdsTaps(i.weights, size: i.output.height, source: i.input.height)
                && holdsTaps(i.bias, size: i.output.width, source: i.input.width)
        case .copy, .combination, .choice, .reduction, .matrixProduct, .selection: return false
        case .localResponseNormalization: return isSame && i.radius > 0 && i.radius < 4096
        case .reshape:
            let input = Int64(i.input.height) &* Int64(i.input.width) &* Int64(i.input.channels)
            return input == Int64(i.output.height) &* Int64(i.output.width) &* channels
        case .pad: return i.input.channels == i.output.channels && i.window.top >= 0 && i.window.left >= 0
        case .clear:
            let w = i.window, margin: Range<Int32> = 0..<4096
            guard margin.contains(w.top), margin.contains(w.left), margin.contains(w.bottom),
                margin.contains(w.right)
            else { return false }
            return holds(
                i.output, rows: -Int64(w.top)...Int64(i.output.height - 1 + w.bottom),
                columns: -Int64(w.left)...Int64(i.output.width - 1 + w.right))
        case .novelty:
            let features = Int64(i.input.channels)
            return contains(i.weights, count: features) && contains(i.bias, count: features)
                && i.second.channels == 101 && holds(i.second) && i.output.channels == 2
        }
    }

    func holds(_ entry: WeightEntry) -> Bool {
        guard let arrangement = WeightEntry.Arrangement(rawValue: entry.arrangement), entry.rows > 0,
            entry.columns > 0, entry.rows < 1 << 24, entry.columns < 1 << 24
        else { return false }
        func holdsNumbers(_ first: Int32, _ count: Int64) -> Bool {
            first < 0 || Int64(first) + count <= numberCount
        }
        let rows = Int64(entry.rows), columns = Int64(entry.columns), count = rows &* columns
        let width = Int64(WeightEntry.width(arrangement, columns: Int(entry.columns)))
        return contains(entry.target, count: (columns + width - 1) / width &* width &* rows)
            && (entry.codes < 0 || Int64(entry.codes) + count <= codeCount) && entry.values >= 0
            && holdsNumbers(entry.values, entry.codes < 0 ? count : 256)
            && entry.rowFactorCount > 0 && holdsNumbers(entry.rowFactors, Int64(entry.rowFactorCount))
            && holdsNumbers(entry.steps, columns) && holdsNumbers(entry.scales, columns)
    }
}
