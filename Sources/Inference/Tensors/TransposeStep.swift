/// Permutes the axes of a tensor by exchanging two of them in square blocks.
struct TransposeStep: PlainStep {
    let name: String
    var kind: String { "transpose" }
    var unitCount: Int { nest.unitCount }
    /// The loop over the axes other than the two that are exchanged.
    private let nest: LoopNest
    /// The axis along which the input is contiguous, and the output's last axis.
    private let along, across: (size: Int, inputStride: Int, outputStride: Int)
    private let margin: MarginFill

    /// Creates the step; nil where the last axis stays last, so that rows can be copied.
    ///
    /// - Parameter input: The input, with its axes already in the output's order.
    init?(name: String, input: TensorView, output: TensorView, margin: MarginFill) {
        (self.name, self.margin) = (name, margin)
        let side = output.shape.indices.last { input.strides[$0] == 1 && output.shape[$0] > 1 }
        guard let side, let across = output.shape.indices.last(where: { output.shape[$0] > 1 }),
            side != across
        else { return nil }
        along = (output.shape[side], input.strides[side], output.strides[side])
        self.across = (output.shape[across], input.strides[across], output.strides[across])
        func without(_ view: TensorView) -> TensorView {
            view.part(side, from: 0, count: 1).part(across, from: 0, count: 1)
        }
        nest = LoopNest(
            [without(input), without(output)],
            numbersPerUnit: max(1, Tuning.unitNumbers / (along.size * self.across.size)),
            allowsStrides: true)
    }

    func run(unit: Int, in arena: UnsafeMutablePointer<Float>) {
        margin.run(in: arena, part: unit, of: unitCount)
        let (fromStride, toStride) = (nest.rowStrides[0], nest.rowStrides[1])
        nest.run(unit: unit) { part in
            part.forEach { input, output, _, _ in
                for index in 0..<part.count {
                    exchange(arena + input + index * fromStride, arena + output + index * toStride)
                }
            }
        }
    }

    private func exchange(_ source: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>) {
        guard along.inputStride == 1, across.outputStride == 1 else {
            exchange(source, target, 0..<along.size, 0..<across.size)
            return
        }
        if across.size == 2 && along.outputStride == 2 {
            interleave(source, source + across.inputStride, target)
            return
        }
        let block = Tuning.transposedBlock, whole = (along: along.size / 4 * 4, across: across.size / 4 * 4)
        for first in stride(from: 0, to: whole.along, by: block) {
            let end = min(whole.along, first &+ block)
            var j = 0
            while j < whole.across {
                let from = source + j &* across.inputStride
                var i = first
                while i < end {
                    exchangeFour(from + i, target + (i &* along.outputStride &+ j))
                    i &+= 4
                }
                j &+= 4
            }
        }
        exchange(source, target, 0..<whole.along, whole.across..<across.size)
        exchange(source, target, whole.along..<along.size, 0..<across.size)
    }

    /// Exchanges the axes of a block of 4 × 4 values.
    @inline(__always) private func exchangeFour(
        _ source: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>
    ) {
        func row(_ index: Int) -> SIMD4<Float> {
            UnsafeRawPointer(source + index &* across.inputStride).loadUnaligned(as: SIMD4<Float>.self)
        }
        let (a, b, c, d) = (row(0), row(1), row(2), row(3))
        func write(_ column: SIMD4<Float>, _ index: Int) {
            UnsafeMutableRawPointer(target + index &* along.outputStride)
                .storeBytes(of: column, as: SIMD4<Float>.self)
        }
        write(SIMD4(a[0], b[0], c[0], d[0]), 0)
        write(SIMD4(a[1], b[1], c[1], d[1]), 1)
        write(SIMD4(a[2], b[2], c[2], d[2]), 2)
        write(SIMD4(a[3], b[3], c[3], d[3]), 3)
    }

    /// Writes the values of two rows alternately, as a shuffle of two groups of channels does.
    private func interleave(
        _ first: UnsafePointer<Float>, _ second: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>
    ) {
        var i = 0
        while i &+ 4 <= along.size {
            let a = UnsafeRawPointer(first + i).loadUnaligned(as: SIMD4<Float>.self)
            let b = UnsafeRawPointer(second + i).loadUnaligned(as: SIMD4<Float>.self)
            UnsafeMutableRawPointer(target + 2 &* i).storeBytes(
                of: SIMD8(a[0], b[0], a[1], b[1], a[2], b[2], a[3], b[3]), as: SIMD8<Float>.self)
            i &+= 4
        }
        while i < along.size {
            (target[2 &* i], target[2 &* i &+ 1]) = (first[i], second[i])
            i &+= 1
        }
    }

    private func exchange(
        _ source: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>, _ rows: Range<Int>,
        _ columns: Range<Int>
    ) {
        let block = Tuning.transposedBlock
        for first in stride(from: rows.lowerBound, to: rows.upperBound, by: block) {
            let end = min(rows.upperBound, first + block)
            for begin in stride(from: columns.lowerBound, to: columns.upperBound, by: block) {
                let limit = min(columns.upperBound, begin + block)
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
