import Kernels

extension StepMaker {
    /// Makes the step for a layer that runs on bfloat16 or 8-bit values.
    ///
    /// - Returns: The step, or nil for computations without such kernels; concatenations are done by copies.
    func makeForLowPrecision(_ layer: Layer, _ margin: MarginFill) -> (any Step)? {
        let name = layer.name, input = layout.placements[layer.input],
            output = layout.placements[layer.output]
        switch layer.computation {
        case .convolution(let convolution) where convolution.isDepthwise:
            return LowPrecisionDepthwiseStep(
                convolution, name: name, input: input, output: output, margin: margin, kernels: kernels)
        case .convolution(let convolution):
            return LowPrecisionConvolutionStep(
                convolution, name: name, input: input, output: output,
                residual: convolution.residual.map { layout.placements[$0] },
                margin: margin, kernels: kernels)
        case .maximumPool(let window):
            return LowPrecisionPoolStep(
                name: name, isMaximum: true, window: window, input: input, output: output, margin: margin,
                kernels: kernels.lowPrecision)
        case .averagePool(let window):
            return LowPrecisionPoolStep(
                name: name, isMaximum: false, window: window, input: input, output: output, margin: margin,
                kernels: kernels.lowPrecision)
        default: return nil
        }
    }
}

/// A depthwise convolution over bfloat16 or 8-bit values; each unit computes one row of output pixels.
struct LowPrecisionDepthwiseStep: PlainStep {
    let name: String
    let kind: String
    let work: Int
    var unitCount: Int { output.extent.height }
    private let kernels: LowPrecisionKernels
    private let window: Window
    private let input, output: ArenaPlacement
    private let weights: Table<Float>
    private let terms: LowPrecisionTerms
    /// The weights for `convolveByteDepthwise`; nil where it is not used.
    private let byteWeights: Table<Int8>?
    private let stride: Int
    private let margin: MarginFill

    init(
        _ convolution: Convolution, name: String, input: ArenaPlacement, output: ArenaPlacement,
        margin: MarginFill,
        kernels: InstructionSet
    ) {
        (self.name, self.input, self.output, self.margin) = (name, input, output, margin)
        self.kernels = kernels.lowPrecision
        window = convolution.window
        let channels = output.extent.channels, taps = window.height * window.width
        kind = "depthwise \(window.height)×\(window.width) \(input.type.kind.name)"
        work = output.extent.count * taps
        let isByteKernel =
            kernels.lowPrecision.convolveByteDepthwise != nil && input.type.kind == .uint8
            && output.type.kind == .uint8
        let multiple = isByteKernel ? 32 : kernels.lanes
        stride = (channels + multiple - 1) / multiple * multiple
        let rounded = RoundedFilter(
            convolution, channels: channels, for: input.type,
            pairs: .rows(height: window.height, width: window.width))
        terms = LowPrecisionTerms(
            convolution, rounded, from: input.type, to: output.type, residual: nil, count: stride)
        let stride = stride
        byteWeights = isByteKernel ? Self.interleaved(rounded.values, window, channels) : nil
        weights = Table(count: taps * stride) { memory in
            for index in 0..<taps * stride {
                let channel = index % stride
                memory[index] = channel < channels ? rounded.values[index / stride * channels + channel] : 0
            }
        }
    }

    /// Packs weights of `[height, width, channels]` as `ByteFilter` wants them.
    private static func interleaved(_ values: [Float], _ window: Window, _ channels: Int) -> Table<Int8> {
        let blocks = (channels + 31) / 32, groups = (window.height + 3) / 4
        return Table(count: blocks * groups * window.width * 128) { memory in
            memory.initialize(repeating: 0, count: blocks * groups * window.width * 128)
            for channel in 0..<channels {
                // Vectors hold four channels of each half of the block.
                let (block, number) = (channel / 32, channel % 32)
                let place = number % 16 / 4 * 32 + (number / 16 * 4 + number % 4) * 4
                for number in 0..<window.height {
                    let y = ByteFilter.row(at: number, of: window.height)
                    for x in 0..<window.width {
                        let column = (block * groups + number / 4) * window.width + x
                        memory[column * 128 + place + number % 4] = Int8(
                            values[(y * window.width + x) * channels + channel])
                    }
                }
            }
        }
    }

    func run(unit y: Int, in arena: UnsafeMutablePointer<Float>) {
        margin.run(in: arena, part: y, of: unitCount)
        var row = LowPrecisionWindowRow(
            input: input.place(
                y: y * window.strideY - window.padding.top, x: -window.padding.left, in: arena),
            inputKind: input.type.kind, inputRowStride: input.rowBytes, inputPixelStride: input.pixelBytes,
            output: output.place(y: y, x: 0, in: arena), outputKind: output.type.kind,
            outputPixelStride: output.pixelBytes,
            width: output.extent.width, stride: window.strideX, windowHeight: window.height,
            windowWidth: window.width,
            channels: output.extent.channels, lowest: terms.lowest, highest: terms.highest)
        if let byteWeights, let convolve = kernels.convolveByteDepthwise {
            var filter = ByteFilter(
                weights: byteWeights.pointer, factors: terms.factors.pointer, bias: terms.bias.pointer)
            return convolve(&row, &filter)
        }
        var filter = LowPrecisionFilter(
            weights: weights.pointer, stride: stride,
            factors: input.type.kind == .uint8 ? terms.factors.pointer : nil,
            bias: terms.bias.pointer)
        kernels.convolveDepthwise(&row, &filter)
    }
}

/// Max or average pooling over bfloat16 or 8-bit values; padding is ignored. Each unit computes one row of
/// output pixels.
struct LowPrecisionPoolStep: PlainStep {
    let name: String
    var kind: String {
        "\(isMaximum ? "max" : "average") pool \(window.height)×\(window.width) \(input.type.kind.name)"
    }
    var unitCount: Int { output.extent.height }
    let isMaximum: Bool
    let window: Window
    let input, output: ArenaPlacement
    let margin: MarginFill
    let kernels: LowPrecisionKernels

    func run(unit y: Int, in arena: UnsafeMutablePointer<Float>) {
        margin.run(in: arena, part: y, of: unitCount)
        let top = y * window.strideY - window.padding.top
        let first = max(top, 0), end = min(top + window.height, input.extent.height)
        let limits = output.type.limits(.none),
            (factor, shift) = output.type.conversion(from: input.type)
        var row = LowPrecisionWindowRow(
            input: input.place(y: first, x: -window.padding.left, in: arena), inputKind: input.type.kind,
            inputRowStride: input.rowBytes, inputPixelStride: input.pixelBytes,
            output: output.place(y: y, x: 0, in: arena), outputKind: output.type.kind,
            outputPixelStride: output.pixelBytes,
            width: output.extent.width, stride: window.strideX, windowHeight: end - first,
            windowWidth: window.width,
            channels: output.extent.channels, lowest: limits.lowest, highest: limits.highest)
        var pooling = LowPrecisionPooling(
            isMaximum: isMaximum,
            bounds: PoolingBounds(first: window.padding.left, end: window.padding.left + input.extent.width),
            factor: factor, shift: shift)
        kernels.pool(&row, &pooling)
    }
}

/// Converts an image from one storage type to another; each unit converts one row of pixels.
struct StorageConversionStep: PlainStep {
    let name: String
    var kind: String { input.type == output.type ? "copy" : "to \(output.type.kind.name)" }
    var unitCount: Int { input.extent.height }
    let input, output: ArenaPlacement
    let margin: MarginFill
    let kernels: LowPrecisionKernels

    func run(unit y: Int, in arena: UnsafeMutablePointer<Float>) {
        margin.run(in: arena, part: y, of: unitCount)
        let limits = output.type.limits(.none),
            (factor, shift) = output.type.conversion(from: input.type)
        let padding = output.pixelStride - output.extent.channels
        var row = StorageConversion(
            input: input.place(y: y, x: 0, in: arena), inputKind: input.type.kind,
            inputPixelStride: input.pixelBytes,
            output: output.place(y: y, x: 0, in: arena), outputKind: output.type.kind,
            outputPixelStride: output.pixelBytes,
            // A difference of a group or more is not padding: those are channels of other images in the
            // buffer.
            padding: padding < output.type.kind.group ? padding * output.type.kind.size : 0,
            pixels: input.extent.width, channels: input.extent.channels, factor: factor, shift: shift,
            lowest: limits.lowest,
            highest: limits.highest)
        kernels.convert(&row)
    }
}

extension StorageKind {
    /// The short name that the profile shows.
    var name: String {
        switch self {
        case .float32: "fp32"
        case .roundedFloat32, .bfloat16: "bf16"
        case .uint8: "int8"
        }
    }
}
