import Network
import Synchronization
import TensorGraph
import Threads

/// An execution plan of a network for one image: fused, laid out in memory, with packed weights. It is made once
/// and shared by all executors.
///
/// ```swift
/// let plan = try Plan(network)
/// let executor = Executor(plan)
/// executor.input.update(from: pixels, count: 224 * 224 * 3)
/// executor.run()
/// let features = Array(executor.output(0))
/// ```
package struct Plan: Sendable {
    package let instructionSet: InstructionSet
    package let inputShape: [Int]
    /// The output shapes as TensorFlow gives them: `[1, D]` or `[1, H, W, C]`.
    package let outputShapes: [[Int]]
    package let precision: Precision
    /// The locations of the network's layers in execution order; empty unless the plan keeps images.
    let places: [LayerPlace]
    let steps: [any Step]
    let inputOffset: Int
    let outputOffsets: [Int]
    /// The constants that an executor writes into its memory before the first run, with the offset of each in
    /// floats.
    let constants: [(numbers: ByteRegion, offset: Int)]
    /// The memory in which each run packs the weights of one step after another; nil if they stay packed.
    let stepMemory: StepMemory?
    /// The number of pictures that a run may compute together.
    package let pictures: Int
    /// Whether each step computes all pictures of a run at once.
    let isShared: [Bool]
    /// The size of one picture's arena in floats.
    let arenaSize: Int
    /// The scratch memory per thread in floats.
    let scratchSize: Int

    /// - Parameters:
    ///   - network: The network; its first input is fed.
    ///   - precision: The precision of convolutions and of the images between them; inputs and outputs are
    ///     floats.
    ///   - instructionSet: The kernels to use.
    ///   - threads: The number of threads that will share an image; it affects how the work is divided, not
    ///     the results.
    ///   - keepsImages: Whether every layer writes its own image, one after another, for a caller that
    ///     examines them.
    ///   - isForOneRun: Whether weights are packed just before the step that reads them, in every run. One run
    ///     takes less time and memory so, with the same results; several take more time.
    ///   - mostPictures: The number of pictures that a run on one thread may compute together. Where they would take
    ///     much memory beside the weights that they share, it becomes less.
    /// - Throws: `PlanError` with the node whose operation has no step for this use of it.
    package init(
        _ network: Network, precision: Precision = .fp32, instructionSet: InstructionSet = .preferred,
        threads: Int = 1, keepsImages: Bool = false, isForOneRun: Bool = false, mostPictures: Int = 1
    ) throws(PlanError) {
        let list = try NetworkLowering.lower(network)
        let input = network.input ?? 0
        self.init(
            list, input: network[input].name, inputShape: network.shape(input), precision: precision,
            instructionSet: instructionSet, threads: threads, keepsImages: keepsImages,
            isForOneRun: isForOneRun, mostPictures: mostPictures)
    }

    /// - Parameter lowered: The lowered layers of the network.
    init(
        _ lowered: LayerList, input: String, inputShape: [Int], precision: Precision = .fp32,
        instructionSet: InstructionSet = .preferred, threads: Int = 1, keepsImages: Bool = false,
        isForOneRun: Bool = false, mostPictures: Int = 1
    ) {
        var lowered = lowered
        if precision != .fp32 { lowered.separateActivations() }
        var list = lowered.converted(to: precision, input: input, kernels: instructionSet)
        list.separateEnds(lanes: instructionSet.lanes)
        if !keepsImages {
            list.joinGains()
            list.joinExpansions()
            list.joinTranspositions()
            list.joinProducts()
            list.joinProjections(kernels: instructionSet, threads: threads)
            if threads > 1 { list.formLevels() }
        }
        let layout = Layout(list, lanes: instructionSet.lanes)
        (self.instructionSet, self.inputShape, outputShapes) = (instructionSet, inputShape, list.outputShapes)
        self.precision = precision
        // The low-precision kernels read whole vectors beyond the end; arenas begin at cache lines.
        arenaSize = (layout.arenaSize + instructionSet.lanes + 15) / 16 * 16
        let sharing = SharedLayers(
            list, layout, arenaSize: arenaSize,
            mostPictures: threads == 1 && !keepsImages ? mostPictures : 1)
        pictures = sharing.pictures
        let stepsOfLayers = StepMaker(
            list: list, layout: layout, kernels: instructionSet, threads: threads, sharing: sharing
        ).steps()
        let grouped = list.layersByLevel.map { layers -> [any Step] in
            let steps = stepsOfLayers[layers].flatMap { $0 }
            return layers.count > 1 && steps.count > 1 ? [ConcurrentStep(steps, threads: threads)] : steps
        }
        steps = grouped.flatMap { $0 }
        isShared = zip(list.layersByLevel, grouped).flatMap { layers, steps in
            steps.map { _ in layers.count == 1 && sharing.layers.contains(layers.lowerBound) }
        }
        stepMemory = isForOneRun ? StepMemory(steps) : nil
        if !isForOneRun { PackedWeights.pack(steps.flatMap(\.weights)) }
        places =
            keepsImages ? LayerPlace.places(of: lowered, in: list, layout, stepsOfLayers.map(\.count)) : []
        inputOffset = layout.placements[list.input].offset
        outputOffsets = list.outputs.map { layout.placements[$0].offset }
        constants = list.constants.map { ($1, layout.placements[$0].offset) }
        // Rounding to 16 floats keeps threads from sharing a cache line.
        scratchSize = ((steps.map(\.scratchSize).max() ?? 0) + 15) / 16 * 16
    }

    /// The number of multiply-adds in the convolutions and matrix products of a run.
    package var work: Int { steps.reduce(0) { $0 + $1.work } }
}

extension LayerList {
    /// Gives the input and the outputs images of their own, without margins and neighbours, so that callers
    /// see contiguous arrays.
    mutating func separateEnds(lanes: Int) {
        let isPadded = layers.contains { layer in
            guard case .convolution(let convolution) = layer.computation, layer.input == input else {
                return false
            }
            return !convolution.window.padding.isEmpty
                || WinogradConvolution.suits(convolution, extents[input], extents[layer.output], lanes: lanes)
        }
        if isPadded {
            let staging = newValue(like: input)
            layers.insert(
                Layer(name: "input", input: staging, output: input, computation: .affine(Affine())), at: 0)
            input = staging
        }
        for index in outputs.indices {
            let value = outputs[index], held = values(heldBy: value)
            let isPlain = !layers.contains { layer in
                switch layer.computation {
                case .concatenation: layer.inputs.contains(value)
                case .reshape: layer.input == value
                case .convolution: held.contains(layer.input)
                default: false
                }
            }
            if isPlain && value != input && outputs.firstIndex(of: value) == index { continue }
            outputs[index] = newValue(like: value)
            layers.append(
                Layer(name: "output", input: value, output: outputs[index], computation: .affine(Affine())))
        }
    }

    /// Returns the values that may lie in a value's memory: itself, what it is concatenated of, and slices of
    /// these. Convolutions that read one of them may surround all with a margin.
    private func values(heldBy value: Value) -> Set<Value> {
        var held: Set = [value]
        for layer in layers.reversed() where held.contains(layer.output) {
            if case .concatenation(let parts) = layer.computation { held.formUnion(parts) }
        }
        for layer in layers where held.contains(layer.input) {
            if case .selection = layer.computation { held.insert(layer.output) }
        }
        return held
    }
}

/// Makes the steps for layers whose values have been placed.
struct StepMaker: Sendable {
    let list: LayerList
    let layout: Layout
    let kernels: InstructionSet
    let threads: Int
    let sharing: SharedLayers

    /// Returns the steps of each layer.
    func steps() -> [[any Step]] {
        var filled = Set<Int>()
        let margins = list.layers.map { layer in
            let buffer = layout.bufferOf[layer.output]
            // The first layer that writes into a buffer also writes its margin.
            return MarginFill(
                filled.insert(buffer).inserted
                    ? layout.buffers[buffer] : ImageBuffer(extent: list.extents[layer.output]))
        }
        // Rounding weights takes most of the time, and waits for the disk where the file is not cached yet.
        let made = Mutex([[any Step]](repeating: [], count: list.layers.count))
        ConcurrentLoop.run(list.layers.count) { index in
            let steps = make(list.layers[index], margins[index], isShared: sharing.layers.contains(index))
            made.withLock { $0[index] = steps }
        }
        return made.withLock { $0 }
    }

    private func make(_ layer: Layer, _ margin: MarginFill, isShared: Bool) -> [any Step] {
        // A weight is not read again once it is rounded.
        defer {
            if case .convolution(let convolution) = layer.computation, list.usesLowPrecision(layer) {
                convolution.weights.releasePages()
            }
        }
        let name = layer.name, input = layout.placements[layer.input],
            output = layout.placements[layer.output]
        if list.usesLowPrecision(layer), let step = makeForLowPrecision(layer, margin) { return [step] }
        switch layer.computation {
        case .convolution(let convolution) where convolution.groups > 1:
            return [
                ConcurrentStep(
                    groupSteps(
                        convolution, name: name, input: input, output: output,
                        residual: convolution.residual.map { layout.placements[$0] }, margin: margin),
                    threads: threads)
            ]
        case .convolution(let convolution) where convolution.isDepthwise && convolution.window.isDilated:
            return [
                DilatedDepthwiseStep(
                    convolution, name: name, input: input, output: output, margin: margin, kernels: kernels)
            ]
        case .convolution(let convolution) where convolution.isDepthwise:
            return [
                DepthwiseStep(
                    convolution, name: name, input: input, output: output, margin: margin, kernels: kernels)
            ]
        case .convolution(let convolution)
        where WinogradConvolution.suits(convolution, input.extent, output.extent, lanes: kernels.lanes):
            return [
                WinogradStep(
                    convolution, name: name, input: input, output: output, margin: margin, kernels: kernels,
                    threads: threads)
            ]
        case .convolution(let convolution):
            // The pictures' pixels are the rows of one image, a row in each arena.
            func shared(_ placement: ArenaPlacement) -> ArenaPlacement {
                isShared ? sharing.rows(of: placement) : placement
            }
            return [
                ConvolutionStep(
                    convolution, name: name, input: shared(input), output: shared(output),
                    residual: convolution.residual.map { shared(layout.placements[$0]) },
                    margin: margin, kernels: kernels, threads: threads)
            ]
        case .expandedDepthwise(let expansion, let depthwise):
            return [
                ExpansionStep(
                    expansion, depthwise, name: name, input: input, output: output, margin: margin,
                    kernels: kernels, threads: threads)
            ]
        case .invertedResidual(let expansion, let depthwise, let projection):
            return [
                InvertedResidualStep(
                    expansion, depthwise, projection, name: name, input: input, output: output,
                    residual: projection.residual.map { layout.placements[$0] }, margin: margin,
                    kernels: kernels, threads: threads)
            ]
        case .affine(let affine):
            return [
                PointwiseStep(
                    affine, name: name, input: input, output: output,
                    addend: affine.addend.map { layout.placements[$0] }, margin: margin,
                    kernels: kernels)
            ]
        case .maximumPool(let window), .averagePool(let window):
            var isMaximum = false
            if case .maximumPool = layer.computation { isMaximum = true }
            return [
                PoolStep(
                    name: name, isMaximum: isMaximum, window: window, input: input, output: output,
                    margin: margin, kernels: kernels)
            ]
        case .mean:
            return [
                ReductionStep(
                    name: name, isMaximum: false, input: input, output: output, margin: margin,
                    kernels: kernels)
            ]
        case .maximum:
            return [
                ReductionStep(
                    name: name, isMaximum: true, input: input, output: output, margin: margin,
                    kernels: kernels)
            ]
        case .localResponseNormalization(let radius, let bias, let alpha, let beta):
            return [
                LocalResponseNormalizationStep(
                    name: name, radius: radius, bias: bias, alpha: alpha, beta: beta, input: input,
                    output: output, margin: margin,
                    kernels: kernels)
            ]
        case .softmax where input.extent.pixels > 1:
            return [
                RowNormalizationStep(
                    .softmax, name: name, input: input, output: output, margin: margin, kernels: kernels)
            ]
        case .softmax: return [SoftmaxStep(name: name, input: input, output: output, margin: margin)]
        case .pad(let padding):
            return [PadStep(name: name, padding: padding, input: input, output: output, margin: margin)]
        case .reshape:
            if layout.placedParts[layer.input] == layer.output || layout.aliases[layer.output] != nil {
                return []
            }
            return [reshapeStep(name, input, output, margin)]
        case .conversion:
            return [
                StorageConversionStep(
                    name: name, input: input, output: output, margin: margin, kernels: kernels.lowPrecision)
            ]
        case .concatenation(let parts): return copies(of: parts, into: output, layer, margin)
        case .unary, .binary, .choice, .matrixProduct, .layerNormalization, .reduction, .transpose,
            .selection,
            .join, .resize:
            return makeForTensors(layer, margin)
        }
    }

    /// Makes a copy of elements, in their order, into an image of another extent.
    private func reshapeStep(
        _ name: String, _ input: ArenaPlacement, _ output: ArenaPlacement, _ margin: MarginFill
    ) -> any Step {
        func image(_ placement: ArenaPlacement) -> TensorView {
            TensorView(
                placement,
                shape: [1, placement.extent.height, placement.extent.width, placement.extent.channels])
        }
        func copy(_ source: TensorView, _ target: TensorView) -> CopyStep {
            CopyStep(kind: "reshape", name: name, from: source, to: target, margin: margin)
        }
        // Memory without gaps has any shape.
        if input.isContiguous { return copy(image(output).contiguous(at: input.offset), image(output)) }
        if output.isContiguous { return copy(image(input), image(input).contiguous(at: output.offset)) }
        return ReshapeStep(name: name, input: input, output: output, margin: margin)
    }

    /// Makes copy steps for the parts of a concatenation that could not be placed within it.
    private func copies(of parts: [Value], into output: ArenaPlacement, _ layer: Layer, _ margin: MarginFill)
        -> [any Step]
    {
        var copied = Set<Value>(), steps: [any Step] = [], channel = 0
        for part in parts {
            let extent = list.extents[part]
            if layout.placedParts[part] != layer.output || !copied.insert(part).inserted {
                var slice = output
                (slice.extent, slice.offset) = (extent, output.offset + channel)
                let source = layout.placements[part]
                steps.append(
                    output.type == .float32
                        ? PointwiseStep(
                            Affine(), kind: "copy", name: layer.name, input: source, output: slice,
                            addend: nil, margin: margin, kernels: kernels)
                        : StorageConversionStep(
                            name: layer.name, input: source, output: slice, margin: margin,
                            kernels: kernels.lowPrecision))
            }
            channel += extent.channels
        }
        return steps
    }
}
