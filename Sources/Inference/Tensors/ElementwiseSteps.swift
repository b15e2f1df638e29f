import Kernels

/// An elementwise function of one tensor.
struct UnaryStep: PlainStep {
    let name: String
    var kind: String { "\(function.kind)" }
    var unitCount: Int { nest.unitCount }
    private let function: UnaryFunction
    private let nest: LoopNest
    private let margin: MarginFill
    private let kernels: InstructionSet

    init(
        _ function: UnaryFunction, name: String, input: TensorView, output: TensorView, margin: MarginFill,
        kernels: InstructionSet
    ) {
        (self.function, self.name, self.margin, self.kernels) = (function, name, margin, kernels)
        nest = LoopNest([input, output])
    }

    func run(unit: Int, in arena: UnsafeMutablePointer<Float>) {
        margin.run(in: arena, part: unit, of: unitCount)
        nest.run(unit: unit) { part in
            var rows = UnaryRows(
                function, input: arena + part.begins.0, inputStride: part.steps.0,
                output: arena + part.begins.1, outputStride: part.steps.1, rows: part.rows, count: part.count)
            kernels.mapRows(&rows)
        }
    }
}

/// An elementwise function of two tensors, with broadcasting.
struct BinaryStep: PlainStep {
    let name: String
    var kind: String { "\(function)" }
    var unitCount: Int { nest.unitCount }
    private let function: BinaryFunction
    private let nest: LoopNest
    private let margin: MarginFill
    private let kernels: InstructionSet

    init(
        _ function: BinaryFunction, name: String, _ first: TensorView, _ second: TensorView,
        output: TensorView, margin: MarginFill, kernels: InstructionSet
    ) {
        (self.function, self.name, self.margin, self.kernels) = (function, name, margin, kernels)
        nest = LoopNest(
            [first.broadcast(to: output.shape), second.broadcast(to: output.shape), output])
    }

    func run(unit: Int, in arena: UnsafeMutablePointer<Float>) {
        margin.run(in: arena, part: unit, of: unitCount)
        let (repeatsFirst, repeatsSecond) = (nest.rowStrides[0] == 0, nest.rowStrides[1] == 0)
        nest.run(unit: unit) { part in
            var rows = BinaryRows(
                function, first: arena + part.begins.0, firstStride: part.steps.0, repeatsFirst: repeatsFirst,
                second: arena + part.begins.1, secondStride: part.steps.1, repeatsSecond: repeatsSecond,
                output: arena + part.begins.2, outputStride: part.steps.2, rows: part.rows, count: part.count)
            kernels.combineRows(&rows)
        }
    }
}

/// A choice between the elements of two tensors by a third, with broadcasting.
struct ChoiceStep: PlainStep {
    let name: String
    var kind: String { "choice" }
    var unitCount: Int { nest.unitCount }
    private let nest: LoopNest
    private let margin: MarginFill

    init(
        name: String, _ condition: TensorView, _ chosen: TensorView, else other: TensorView,
        output: TensorView, margin: MarginFill
    ) {
        (self.name, self.margin) = (name, margin)
        nest = LoopNest([condition, chosen, other].map { $0.broadcast(to: output.shape) } + [output])
    }

    func run(unit: Int, in arena: UnsafeMutablePointer<Float>) {
        margin.run(in: arena, part: unit, of: unitCount)
        let (flagStep, chosenStep, otherStep) = (
            nest.rowStrides[0], nest.rowStrides[1], nest.rowStrides[2]
        )
        nest.run(unit: unit) { part in
            let count = part.count
            part.forEach { condition, chosen, other, output in
                // Loops with known steps become vectors.
                switch (flagStep, chosenStep, otherStep) {
                case (1, 1, 1): choose(arena, condition, 1, chosen, 1, other, 1, output, count)
                case (1, 1, 0): choose(arena, condition, 1, chosen, 1, other, 0, output, count)
                case (1, 0, 1): choose(arena, condition, 1, chosen, 0, other, 1, output, count)
                default:
                    choose(arena, condition, flagStep, chosen, chosenStep, other, otherStep, output, count)
                }
            }
        }
    }

    @inline(__always) private func choose(
        _ arena: UnsafeMutablePointer<Float>, _ condition: Int, _ flagStep: Int, _ chosen: Int,
        _ chosenStep: Int, _ other: Int, _ otherStep: Int, _ output: Int, _ count: Int
    ) {
        for index in 0..<count {
            // Both are read, so that no number decides about a jump.
            let a = arena[chosen &+ index &* chosenStep], b = arena[other &+ index &* otherStep]
            arena[output &+ index] = arena[condition &+ index &* flagStep] != 0 ? a : b
        }
    }
}

/// A copy of a tensor to other strides, row by row.
struct CopyStep: PlainStep {
    let name: String
    let kind: String
    var unitCount: Int { nest.unitCount }
    private let nest: LoopNest
    private let margin: MarginFill

    init(
        kind: String = "copy", name: String, from input: TensorView, to output: TensorView, margin: MarginFill
    ) {
        (self.kind, self.name, self.margin) = (kind, name, margin)
        nest = LoopNest([input, output], allowsStrides: true)
    }

    func run(unit: Int, in arena: UnsafeMutablePointer<Float>) {
        margin.run(in: arena, part: unit, of: unitCount)
        let (fromStride, toStride) = (nest.rowStrides[0], nest.rowStrides[1])
        nest.run(unit: unit) { part in
            part.forEach { input, output, _, _ in
                let source = arena + input, target = arena + output
                if fromStride == 1 && toStride == 1 {
                    target.update(from: source, count: part.count)
                } else {
                    for index in 0..<part.count { target[index &* toStride] = source[index &* fromStride] }
                }
            }
        }
    }
}
