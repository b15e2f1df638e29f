import Kernels
import PortableProgram

extension ProgramMaker {
    private func view(_ value: Value) -> TensorView {
        TensorView(layout.placements[value], shape: list.shape(of: value))
    }

    /// Translates a layer of tensors of any shape.
    mutating func appendTensors(_ layer: Layer) throws(PortablePlanError) {
        let input = view(layer.input), output = view(layer.output)
        switch layer.computation {
        case .binary(.power, _): throw .noInstruction(node: layer.name, operation: "power")
        case .binary(let function, let other):
            let operands = [input, view(other)].map { $0.broadcast(to: output.shape) } + [output]
            append(.combination, code: Int32(function.rawValue), over: operands, allowsStrides: false)
        case .choice(let chosen, let other):
            let operands = [input, view(chosen), view(other)].map { $0.broadcast(to: output.shape) }
            append(.choice, over: operands + [output])
        case .matrixProduct(let product): append(product, layer)
        case .reduction(let reduction, let axes): append(reduction, axes, layer)
        case .transpose(let permutation): append(.copy, over: [input.transposed(permutation), output])
        case .join(let parts, let axis):
            var place = 0
            for part in parts {
                let source = view(part), count = source.shape[axis]
                append(.copy, over: [source, output.part(axis, from: place, count: count)])
                place += count
            }
        case .selection(let selection):
            var instruction = Instruction(.selection)
            instruction.lowest = selection.fill
            instruction.weights = Int32(
                writer.add(
                    table: PlacedSelection.integers(
                        input: input.offset, output: output.offset, strides: output.strides,
                        distances: selection.distances(in: input))))
            writer.append(instruction)
        case .resize(let resampling):
            var instruction = Instruction(
                .resize, input: PlacedImage(layout.placements[layer.input]),
                output: PlacedImage(layout.placements[layer.output]))
            func taps(_ axis: Resampling.Axis) -> [Int32] {
                PlacedTaps.integers(taps: axis.taps, places: axis.places, weights: axis.weights)
            }
            instruction.weights = Int32(writer.add(table: taps(resampling.vertical)))
            instruction.bias = Int32(writer.add(table: taps(resampling.horizontal)))
            writer.append(instruction)
        default: break
        }
    }

    /// Appends an instruction over a loop.
    private mutating func append(
        _ kernel: Instruction.Kernel, code: Int32 = 0, output: PlacedImage = PlacedImage(),
        over operands: [TensorView], allowsStrides: Bool = true
    ) {
        let axes = LoopAxes(operands, allowsStrides: allowsStrides), isOne = axes.sizes.isEmpty
        var instruction = Instruction(kernel, output: output)
        instruction.radius = code
        instruction.weights = Int32(
            writer.add(
                table: PlacedLoop.integers(
                    offsets: operands.map(\.offset), sizes: isOne ? [1] : axes.sizes,
                    strides: isOne ? [operands.map { _ in 1 }] : axes.strides)))
        writer.append(instruction)
    }

    private mutating func append(_ product: MatrixProduct, _ layer: Layer) {
        let views = product.views(
            first: product.firstChanges.reduce(view(layer.input)) { $0.changed($1) },
            second: product.secondChanges.reduce(view(product.other)) { $0.changed($1) },
            addend: product.addend.map(view), output: view(layer.output))
        let operands = [views.first, views.second, views.sum, views.output], last = views.output.shape.count
        let outer = LoopAxes(
            operands.map { $0.part(last - 2, from: 0, count: 1).part(last - 1, from: 0, count: 1) },
            allowsStrides: true)
        let (rows, columns) = (views.output.shape[last - 2], views.output.shape[last - 1])
        let depth = views.first.shape[last - 1]
        func step(_ view: TensorView, _ axis: Int) -> Int { view.strides[axis] }
        // The strides of axes of size 1 do not matter, and are those that need no other form of the loop.
        let inner = [
            [step(views.first, last - 2), 0, step(views.sum, last - 2), step(views.output, last - 2)],
            [0, step(views.second, last - 1)]
                + (columns == 1 ? [1, 1] : [step(views.sum, last - 1), step(views.output, last - 1)]),
            [depth == 1 ? 1 : step(views.first, last - 1), step(views.second, last - 2), 0, 0],
        ]
        var instruction = Instruction(.matrixProduct)
        instruction.radius = product.addend == nil ? 0 : 1
        instruction.lowest = product.scale
        instruction.weights = Int32(
            writer.add(
                table: PlacedLoop.integers(
                    offsets: operands.map(\.offset), sizes: outer.sizes + [rows, columns, depth],
                    strides: outer.strides + inner)))
        writer.append(instruction)
    }

    private mutating func append(_ reduction: Reduction, _ axes: [Int], _ layer: Layer) {
        let input = view(layer.input), placement = layout.placements[layer.output]
        var kept = input.shape
        for axis in axes { kept[axis] = 1 }
        let output = view(layer.output).spread(over: kept).broadcast(to: input.shape)
        let accumulation: Instruction.Accumulation =
            switch reduction {
            case .mean, .sum: .sum
            case .maximum: .maximum
            case .minimum: .minimum
            case .product: .product
            case .sumOfSquares, .euclideanNorm: .sumOfSquares
            case .absoluteSum: .sumOfMagnitudes
            }
        let image = PlacedImage(placement)
        append(.reduction, code: accumulation.rawValue, output: image, over: [input, output])
        if reduction == .mean {
            let count = axes.reduce(1) { $0 * input.shape[$1] }
            append(UnaryFunction(.affine, alpha: 1 / Float(count)), input: placement, output: placement)
        } else if reduction == .euclideanNorm {
            writer.append(Instruction(.squareRoot, input: image, output: image))
        }
    }
}
