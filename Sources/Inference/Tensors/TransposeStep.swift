/// Permutes the axes of a tensor: rows are copied where the last axis stays last; otherwise two axes are
/// exchanged in square blocks.
struct TransposeStep: PlainStep {
    let name: String
    var kind: String { "transpose" }
    var unitCount: Int { nest.unitCount }
    /// The loop over the axes other than the two that are exchanged.
    private let nest: LoopNest
    private let isCopy: Bool
    /// The axis along which the input is contiguous, and the output's last axis.
    private let along, across: (size: Int, inputStride: Int, outputStride: Int)
    private let margin: MarginFill

    /// - Parameter input: The input, with its axes already in the output's order.
    init(name: String, input: TensorView, output: TensorView, margin: MarginFill) {
        (self.name, self.margin) = (name, margin)
        let side = output.shape.indices.last { input.strides[$0] == 1 && output.shape[$0] > 1 }
        guard let side, let across = output.shape.indices.last(where: { output.shape[$0] > 1 }),
            side != across
        else {
            isCopy = true
            (along, across) = ((1, 0, 0), (1, 0, 0))
            nest = LoopNest([input, output])
            return
        }
        isCopy = false
        along = (output.shape[side], input.strides[side], output.strides[side])
        self.across = (output.shape[across], input.strides[across], output.strides[across])
        func without(_ view: TensorView) -> TensorView {
            view.part(side, from: 0, count: 1).part(across, from: 0, count: 1)
        }
        nest = LoopNest(
            [without(input), without(output)], numbersPerUnit: max(1, 16384 / (along.size * self.across.size))
        )
    }

    func run(unit: Int, in arena: UnsafeMutablePointer<Float>) {
        margin.run(in: arena, part: unit, of: unitCount)
        let (fromStride, toStride) = (nest.rowStrides[0], nest.rowStrides[1])
        nest.run(unit: unit) { input, output, _, count in
            if isCopy {
                let source = arena + input, target = arena + output
                if fromStride == 1 && toStride == 1 {
                    target.update(from: source, count: count)
                } else {
                    for index in 0..<count { target[index &* toStride] = source[index &* fromStride] }
                }
                return
            }
            for index in 0..<count {
                exchange(arena + input + index * fromStride, arena + output + index * toStride)
            }
        }
    }

    private func exchange(_ source: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>) {
        let block = 16
        for first in stride(from: 0, to: along.size, by: block) {
            let end = min(along.size, first + block)
            for begin in stride(from: 0, to: across.size, by: block) {
                let limit = min(across.size, begin + block)
                for i in first..<end {
                    let from = source + i &* along.inputStride, to = target + i &* along.outputStride
                    for j in begin..<limit {
                        to[j &* across.outputStride] = from[j &* across.inputStride]
                    }
                }
            }
        }
    }
}
