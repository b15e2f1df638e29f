import Kernels

extension StepMaker {
    /// Makes the step for a layer that runs on bfloat16 or 8-bit cells.
    ///
    /// - Returns: The step, or nil for computations without such kernels; concatenations are done by copies.
    func makeForCells(_ layer: Layer, _ margin: MarginFill) -> (any Step)? {
        let name = layer.name, input = layout.storages[layer.input], output = layout.storages[layer.output]
        switch layer.computation {
        case .convolution(let convolution) where convolution.isDepthwise:
            return CellDepthwiseStep(
                convolution, name: name, input: input, output: output, margin: margin, kernels: kernels)
        case .convolution(let convolution):
            return DotConvolutionStep(
                convolution, name: name, input: input, output: output,
                residual: convolution.residual.map { layout.storages[$0] },
                margin: margin, kernels: kernels)
        case .maximumPool(let window):
            return CellPoolStep(
                name: name, isMaximum: true, window: window, input: input, output: output, margin: margin,
                kernels: kernels.cells)
        case .averagePool(let window):
            return CellPoolStep(
                name: name, isMaximum: false, window: window, input: input, output: output, margin: margin,
                kernels: kernels.cells)
        default: return nil
        }
    }
}

/// A depthwise convolution over bfloat16 or 8-bit cells; each unit computes one row of output pixels.
struct CellDepthwiseStep: PlainStep {
    let name: String
    let kind: String
    let work: Int
    var unitCount: Int { output.extent.height }
    private let kernels: CellKernels
    private let window: Window
    private let input, output: Storage
    private let weights: Table<Float>
    private let terms: DotTerms
    private let stride: Int
    private let margin: MarginFill

    init(
        _ convolution: Convolution, name: String, input: Storage, output: Storage, margin: MarginFill,
        kernels: InstructionSet
    ) {
        (self.name, self.input, self.output, self.margin) = (name, input, output, margin)
        self.kernels = kernels.cells
        window = convolution.window
        let channels = output.extent.channels, taps = window.height * window.width
        kind = "depthwise \(window.height)×\(window.width) \(input.element.kind.name)"
        work = output.extent.count * taps
        stride = (channels + kernels.lanes - 1) / kernels.lanes * kernels.lanes
        let rounded = RoundedWeights(convolution, channels: channels, for: input.element)
        terms = DotTerms(
            convolution, rounded, from: input.element, to: output.element, residual: nil, count: stride)
        let stride = stride
        weights = Table(count: taps * stride) { memory in
            for index in 0..<taps * stride {
                let channel = index % stride
                memory[index] = channel < channels ? rounded.values[index / stride * channels + channel] : 0
            }
        }
    }

    func run(unit y: Int, in arena: UnsafeMutablePointer<Float>) {
        margin.run(in: arena, part: y, of: unitCount)
        var row = CellRow(
            input: input.place(
                y: y * window.strideY - window.padding.top, x: -window.padding.left, in: arena),
            inputKind: input.element.kind, inputRowStride: input.rowBytes, inputPixelStride: input.pixelBytes,
            output: output.place(y: y, x: 0, in: arena), outputKind: output.element.kind,
            outputPixelStride: output.pixelBytes,
            width: output.extent.width, stride: window.strideX, windowHeight: window.height,
            windowWidth: window.width,
            channels: output.extent.channels, lowest: terms.lowest, highest: terms.highest)
        var filter = CellFilter(
            weights: weights.pointer, stride: stride,
            factors: input.element.kind == .uint8 ? terms.factors.pointer : nil,
            bias: terms.bias.pointer)
        kernels.convolveDepthwise(&row, &filter)
    }
}

/// Max or average pooling over bfloat16 or 8-bit cells; padding is ignored. Each unit computes one row of
/// output pixels.
struct CellPoolStep: PlainStep {
    let name: String
    var kind: String {
        "\(isMaximum ? "max" : "average") pool \(window.height)×\(window.width) \(input.element.kind.name)"
    }
    var unitCount: Int { output.extent.height }
    let isMaximum: Bool
    let window: Window
    let input, output: Storage
    let margin: MarginFill
    let kernels: CellKernels

    func run(unit y: Int, in arena: UnsafeMutablePointer<Float>) {
        margin.run(in: arena, part: y, of: unitCount)
        let top = y * window.strideY - window.padding.top
        let first = max(top, 0), end = min(top + window.height, input.extent.height)
        let limits = output.element.limits(.none),
            (factor, shift) = output.element.conversion(from: input.element)
        var row = CellRow(
            input: input.place(y: first, x: -window.padding.left, in: arena), inputKind: input.element.kind,
            inputRowStride: input.rowBytes, inputPixelStride: input.pixelBytes,
            output: output.place(y: y, x: 0, in: arena), outputKind: output.element.kind,
            outputPixelStride: output.pixelBytes,
            width: output.extent.width, stride: window.strideX, windowHeight: end - first,
            windowWidth: window.width,
            channels: output.extent.channels, lowest: limits.lowest, highest: limits.highest)
        var pooling = CellPooling(
            isMaximum: isMaximum,
            bounds: PoolingBounds(first: window.padding.left, end: window.padding.left + input.extent.width),
            factor: factor, shift: shift)
        kernels.pool(&row, &pooling)
    }
}

/// Converts an image from one element type to another; each unit converts one row of pixels.
struct CellConversionStep: PlainStep {
    let name: String
    var kind: String { input.element == output.element ? "copy" : "to \(output.element.kind.name)" }
    var unitCount: Int { input.extent.height }
    let input, output: Storage
    let margin: MarginFill
    let kernels: CellKernels

    func run(unit y: Int, in arena: UnsafeMutablePointer<Float>) {
        margin.run(in: arena, part: y, of: unitCount)
        let limits = output.element.limits(.none),
            (factor, shift) = output.element.conversion(from: input.element)
        let padding = output.pixelStride - output.extent.channels
        var row = CellConversion(
            input: input.place(y: y, x: 0, in: arena), inputKind: input.element.kind,
            inputPixelStride: input.pixelBytes,
            output: output.place(y: y, x: 0, in: arena), outputKind: output.element.kind,
            outputPixelStride: output.pixelBytes,
            // A difference of a group or more is not padding: those are channels of other images in the
            // buffer.
            padding: padding < output.element.kind.group ? padding * output.element.kind.size : 0,
            pixels: input.extent.width, channels: input.extent.channels, factor: factor, shift: shift,
            lowest: limits.lowest,
            highest: limits.highest)
        kernels.convert(&row)
    }
}

extension CellKind {
    /// The short name that the profile shows.
    var name: String {
        switch self {
        case .float32: "fp32"
        case .roundedFloat32, .bfloat16: "bf16"
        case .uint8: "int8"
        }
    }
}
