import Kernels
import TensorGraph

extension StepMaker {
    /// Makes the steps for a computation on tensors of any rank.
    func makeForTensors(_ layer: Layer, _ margin: MarginFill) -> [any Step] {
        let name = layer.name, input = layout.placements[layer.input],
            output = layout.placements[layer.output]
        func view(_ value: Value) -> TensorView {
            TensorView(layout.placements[value], shape: list.shape(of: value))
        }
        let result = view(layer.output)
        switch layer.computation {
        case .unary(let function):
            return [
                UnaryStep(
                    function, name: name, input: view(layer.input), output: result, margin: margin,
                    kernels: kernels)
            ]
        case .binary(.multiply, let other)
        where isScaling(layer.input, by: other, layer.output)
            || isScaling(other, by: layer.input, layer.output):
            let image = isScaling(layer.input, by: other, layer.output) ? layer.input : other
            return [
                PointwiseStep(
                    Affine(), kind: "multiply", name: name, input: layout.placements[image], output: output,
                    addend: nil, factors: layout.placements[image == other ? layer.input : other],
                    margin: margin, kernels: kernels)
            ]
        case .binary(let function, let other):
            return [
                BinaryStep(
                    function, name: name, view(layer.input), view(other), output: result, margin: margin,
                    kernels: kernels)
            ]
        case .choice(let chosen, let other):
            return [
                ChoiceStep(
                    name: name, view(layer.input), view(chosen), else: view(other), output: result,
                    margin: margin)
            ]
        case .matrixProduct(let product):
            return [
                MatrixProductStep(
                    product, name: name,
                    first: product.firstChanges.reduce(view(layer.input)) { $0.changed($1) },
                    second: product.secondChanges.reduce(view(product.other)) { $0.changed($1) },
                    addend: product.addend.map(view), output: result, margin: margin, kernels: kernels)
            ]
        case .layerNormalization(let scale, let shift, let epsilon):
            return [
                RowNormalizationStep(
                    .layer(scale: scale, shift: shift, epsilon: epsilon), name: name, input: input,
                    output: output, margin: margin, kernels: kernels)
            ]
        case .reduction(let reduction, let axes):
            // The output's view keeps the reduced axes at size 1.
            var kept = list.shape(of: layer.input)
            for axis in axes { kept[axis] = 1 }
            return [
                ReductionOverAxesStep(
                    reduction, axes: axes, name: name, input: view(layer.input),
                    output: result.spread(over: kept), margin: margin, kernels: kernels)
            ]
        case .transpose(let permutation):
            let source = view(layer.input).transposed(permutation)
            let step = TransposeStep(name: name, input: source, output: result, margin: margin)
            return [step ?? CopyStep(kind: "transpose", name: name, from: source, to: result, margin: margin)]
        case .selection where layout.cuts[layer.output] != nil: return []
        case .selection(let selection):
            return [
                SelectionStep(
                    selection, name: name, input: view(layer.input), output: result, margin: margin)
            ]
        case .join(let parts, let axis):
            var place = 0
            return parts.enumerated().map { index, part in
                let source = view(part), count = source.shape[axis]
                defer { place += count }
                return CopyStep(
                    name: name, from: source, to: result.part(axis, from: place, count: count),
                    margin: index == 0 ? margin : MarginFill())
            }
        case .resize(let resampling):
            return [ResizeStep(resampling, name: name, input: input, output: output, margin: margin)]
        default: return []
        }
    }

    /// Returns whether a product multiplies each channel of an image by a number, as squeeze-and-excitation
    /// does.
    private func isScaling(_ image: Value, by factors: Value, _ output: Value) -> Bool {
        let extent = list.extents[image], shape = list.shape(of: image)
        return shape.count == 4 && shape[0] == 1 && list.shape(of: factors).count == 4
            && extent == list.extents[output] && extent.pixels > 1
            && list.extents[factors] == Extent(height: 1, width: 1, channels: extent.channels)
    }

    /// Makes a convolution step per group, or for groups that are joined.
    func groupSteps(
        _ convolution: Convolution, name: String, input: ArenaPlacement, output: ArenaPlacement,
        residual: ArenaPlacement?,
        margin: MarginFill
    ) -> [any Step] {
        convolution.parts(
            inputs: input.extent.channels, outputs: output.extent.channels, lanes: kernels.lanes
        ).enumerated().map { index, part in
            ConvolutionStep(
                part.convolution, name: name, input: input.channels(part.inputs),
                output: output.channels(part.outputs), residual: residual?.channels(part.outputs),
                margin: index == 0 ? margin : MarginFill(), kernels: kernels, threads: threads)
        }
    }
}

extension TensorView {
    /// Returns the view with additional axes of size 1 where the given shape has them.
    func spread(over shape: [Int]) -> TensorView {
        var spread = self
        spread.shape = shape
        spread.strides = shape.map { _ in 0 }
        var axis = 0
        for index in shape.indices where axis < self.shape.count {
            // An output axis matches the next one of its size; axes of size 1 need no stride.
            if shape[index] == self.shape[axis] {
                spread.strides[index] = strides[axis]
                axis += 1
            }
        }
        return spread
    }
}
