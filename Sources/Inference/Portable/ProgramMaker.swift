import Kernels
import PortableProgram
import TensorGraph

/// `ProgramMaker` translates layers into instructions.
struct ProgramMaker {
    let list: LayerList
    let layout: Layout
    var writer: ProgramWriter
    /// The buffers whose margin an earlier layer has cleared.
    private var cleared: Set<Int> = []
    /// The constants that instructions read where the layout has them.
    private var constants: Set<Value> = []

    init(list: LayerList, layout: Layout, writer: ProgramWriter) {
        (self.list, self.layout, self.writer) = (list, layout, writer)
    }

    mutating func appendAll() throws(PortablePlanError) {
        for layer in list.layers {
            let buffer = layout.bufferOf[layer.output]
            // The first that writes into a buffer clears its margin.
            if cleared.insert(buffer).inserted { clearMargin(layout.buffers[buffer]) }
            try append(layer)
        }
        for value in constants.sorted() {
            writer.add(list.constants[value]!, at: layout.placements[value].offset)
        }
    }

    private mutating func clearMargin(_ buffer: ImageBuffer) {
        guard !buffer.margin.isEmpty else { return }
        let image = ArenaPlacement(
            extent: buffer.extent, offset: buffer.origin, pixelStride: buffer.pixelStride,
            rowStride: buffer.rowStride)
        var clear = Instruction(.clear, output: PlacedImage(image))
        clear.window.set(buffer.margin)
        writer.append(clear)
    }

    private mutating func append(_ layer: Layer) throws(PortablePlanError) {
        let input = layout.placements[layer.input], output = layout.placements[layer.output]
        func instruction(_ kernel: Instruction.Kernel, _ window: Window? = nil) -> Instruction {
            var instruction = Instruction(kernel, input: PlacedImage(input), output: PlacedImage(output))
            if let window { instruction.window = PlacedWindow(window) }
            return instruction
        }
        func unsupported(_ operation: String) -> PortablePlanError {
            .noInstruction(node: layer.name, operation: operation)
        }
        var whole: Window {
            Window(height: input.extent.height, width: input.extent.width, strideY: 1, strideX: 1)
        }
        if case .choice(let chosen, let other) = layer.computation,
            let (image, affine) = constantChoice(layer, chosen, other)
        {
            append(affine, input: layout.placements[image], output: output)
            return
        }
        constants.formUnion(layer.inputs.filter { list.constants[$0] != nil })
        switch layer.computation {
        case .convolution(let convolution): try append(convolution, layer)
        case .affine(let affine): append(affine, input: input, output: output)
        case .maximumPool(let window): writer.append(instruction(.maximumPool, window))
        case .averagePool(let window): writer.append(instruction(.averagePool, window))
        case .mean: writer.append(instruction(.averagePool, whole))
        case .maximum: writer.append(instruction(.maximumPool, whole))
        case .localResponseNormalization(let radius, let bias, let alpha, let beta):
            guard beta == 0.75, radius > 0 else { throw unsupported("LRN with beta \(beta)") }
            var normalization = instruction(.localResponseNormalization)
            (normalization.lowest, normalization.highest) = (bias, alpha)
            normalization.radius = Int32(radius)
            writer.append(normalization)
        case .softmax: writer.append(instruction(.softmax))
        case .pad(let margin):
            var pad = instruction(.pad)
            pad.window.set(margin)
            writer.append(pad)
        case .concatenation(let parts): appendCopies(of: parts, layer, into: output)
        case .reshape:
            if layout.placedParts[layer.input] == layer.output || layout.aliases[layer.output] != nil {
                return
            }
            writer.append(instruction(.reshape))
        case .unary(let function): try append(function, layer)
        case .binary(.squaredDifference, let other) where isCenter(other, of: layer.input):
            var difference = instruction(.squaredDifference)
            difference.second = PlacedImage(layout.placements[other])
            writer.append(difference)
        case .layerNormalization(let scale, let shift, let epsilon):
            var normalization = instruction(.layerNormalization)
            if let scale { normalization.weights = Int32(writer.add(scale)) }
            if let shift { normalization.bias = Int32(writer.add(shift)) }
            normalization.lowest = epsilon
            writer.append(normalization)
        case .selection where layout.cuts[layer.output] != nil: break
        case .binary, .choice, .matrixProduct, .reduction, .transpose, .selection, .join, .resize:
            try appendTensors(layer)
        case .conversion, .expandedDepthwise, .invertedResidual: throw unsupported("a joined layer")
        }
    }

    /// Returns a choice between an image and constants by constant flags of the channels, as factors and terms; an
    /// image's numbers are finite.
    private func constantChoice(
        _ layer: Layer, _ chosen: Value, _ other: Value
    ) -> (image: Value, affine: Affine)? {
        let extent = list.extents[layer.output]
        func vector(_ value: Value) -> [Float]? {
            guard let numbers = list.constants[value]?.array(of: Float.self) else { return nil }
            if numbers.count == 1 { return [Float](repeating: numbers[0], count: extent.channels) }
            let isVector = numbers.count == extent.channels && list.shape(of: value).last == extent.channels
            return isVector ? numbers : nil
        }
        guard let flags = vector(layer.input) else { return nil }
        for (image, constant, isChosen) in [(chosen, other, true), (other, chosen, false)] {
            guard list.extents[image] == extent, list.constants[image] == nil, let terms = vector(constant)
            else { continue }
            let keeps = flags.map { ($0 != 0) == isChosen }
            return (
                image, Affine(scale: keeps.map { $0 ? 1 : 0 }, shift: zip(keeps, terms).map { $0 ? 0 : $1 })
            )
        }
        return nil
    }

    private mutating func append(_ convolution: Convolution, _ layer: Layer) throws(PortablePlanError) {
        let input = layout.placements[layer.input], output = layout.placements[layer.output]
        func unsupported(_ what: String) -> PortablePlanError {
            .noInstruction(node: layer.name, operation: "convolution " + what)
        }
        guard convolution.weightStride == nil else { throw unsupported("in parts") }
        let isDepthwise = convolution.isDepthwise
        if isDepthwise && convolution.residual != nil { throw unsupported("depthwise with a sum") }
        for part in convolution.portableParts(input.extent, output.extent) {
            let input = input.channels(part.inputs), output = output.channels(part.outputs)
            let convolution = part.convolution, channels = output.extent.channels
            var instruction = Instruction(
                isDepthwise ? .depthwise : .convolution, input: PlacedImage(input),
                output: PlacedImage(output))
            instruction.window = PlacedWindow(convolution.window)
            if let residual = convolution.residual {
                instruction.second = PlacedImage(layout.placements[residual].channels(part.outputs))
            }
            let (rows, arrangement) = convolution.portableArrangement(input.extent)
            instruction.weights = Int32(
                writer.add(
                    convolution.inputMajorWeights, arrangement, rows: rows, columns: channels,
                    scale: convolution.scale))
            instruction.bias = Int32(
                writer.add(
                    convolution.bias, count: WeightEntry.size(arrangement, rows: 1, columns: channels)))
            (instruction.lowest, instruction.highest) = (convolution.clamp.lowest, convolution.clamp.highest)
            writer.append(instruction)
        }
    }

    private mutating func append(_ function: UnaryFunction, _ layer: Layer) throws(PortablePlanError) {
        let input = layout.placements[layer.input], output = layout.placements[layer.output]
        switch function.kind {
        case .squareRoot:
            writer.append(Instruction(.squareRoot, input: PlacedImage(input), output: PlacedImage(output)))
        case .clamp:
            append(
                Affine(clamp: Clamp(lowest: function.alpha, highest: function.beta)), input: input,
                output: output)
        case .sine, .cosine: throw .noInstruction(node: layer.name, operation: "\(function.kind)")
        default: append(function, input: input, output: output)
        }
    }

    mutating func append(_ function: UnaryFunction, input: ArenaPlacement, output: ArenaPlacement) {
        var instruction = Instruction(.function, input: PlacedImage(input), output: PlacedImage(output))
        instruction.radius = Int32(function.kind.rawValue)
        instruction.weights = Int32(writer.add([function.alpha, function.beta, function.gamma]))
        writer.append(instruction)
    }

    /// Returns whether a value holds one number for each channel of an image.
    private func isCenter(_ value: Value, of image: Value) -> Bool {
        list.extents[value].pixels == 1 && list.extents[value].channels == list.extents[image].channels
    }

    private mutating func append(_ affine: Affine, input: ArenaPlacement, output: ArenaPlacement) {
        var instruction = Instruction(.pointwise, input: PlacedImage(input), output: PlacedImage(output))
        if let addend = affine.addend { instruction.second = PlacedImage(layout.placements[addend]) }
        if let scale = affine.scale { instruction.weights = Int32(writer.add(scale)) }
        if let shift = affine.shift { instruction.bias = Int32(writer.add(shift)) }
        (instruction.lowest, instruction.highest) = (affine.clamp.lowest, affine.clamp.highest)
        writer.append(instruction)
    }

    /// Copies the parts that no layer writes in place.
    private mutating func appendCopies(of parts: [Value], _ layer: Layer, into output: ArenaPlacement) {
        var copied = Set<Value>(), channel = 0
        for part in parts {
            let extent = list.extents[part]
            if layout.placedParts[part] != layer.output || !copied.insert(part).inserted {
                var slice = output
                (slice.extent, slice.offset) = (extent, output.offset + channel)
                append(Affine(), input: layout.placements[part], output: slice)
            }
            channel += extent.channels
        }
    }

    /// Appends the novelty rule.
    ///
    /// - Returns: The place of the novelty and the familiarity.
    mutating func append(_ rule: PortablePlan.NoveltyRule, of features: Value) -> PlacedImage {
        let output = PlacedImage(offset: writer.add([0, 0]), count: 2)
        var instruction = Instruction(
            .novelty, input: PlacedImage(layout.placements[features]), output: output)
        instruction.weights = Int32(writer.add(rule.means))
        instruction.bias = Int32(writer.add(rule.scales))
        instruction.second = PlacedImage(offset: writer.add(rule.quantiles), count: rule.quantiles.count)
        writer.append(instruction)
        return output
    }
}
