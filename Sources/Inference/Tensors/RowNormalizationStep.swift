import Kernels

/// Softmax, or normalization to mean 0 and variance 1, along the last axis; each unit computes several rows.
struct RowNormalizationStep: PlainStep {
    enum Function {
        case softmax
        case layer(scale: [Float]?, shift: [Float]?, epsilon: Float)
    }

    let name, kind: String
    var unitCount: Int { input.extent.height * unitsAcross }
    var isShort: Bool { input.extent.count < Tuning.shortRows }
    private let scale, shift: Table<Float>?
    private let epsilon: Float
    private let isSoftmax: Bool
    private let input, output: ArenaPlacement
    private let unitsAcross: Int
    private let margin: MarginFill
    private let kernels: InstructionSet

    init(
        _ function: Function, name: String, input: ArenaPlacement, output: ArenaPlacement, margin: MarginFill,
        kernels: InstructionSet
    ) {
        (self.name, self.input, self.output, self.margin) = (name, input, output, margin)
        self.kernels = kernels
        switch function {
        case .softmax: (kind, isSoftmax, scale, shift, epsilon) = ("softmax", true, nil, nil, 0)
        case .layer(let scale, let shift, let epsilon):
            (kind, isSoftmax, self.epsilon) = ("layer normalization", false, epsilon)
            self.scale = scale.map { Table($0, padding: 0) }
            self.shift = shift.map { Table($0, padding: 0) }
        }
        let rows = max(1, Tuning.unitRowNumbers / input.extent.channels)
        unitsAcross = (input.extent.width + rows - 1) / rows
    }

    func run(unit: Int, in arena: UnsafeMutablePointer<Float>) {
        margin.run(in: arena, part: unit, of: unitCount)
        let (y, part) = (unit / unitsAcross, unit % unitsAcross), width = input.extent.width
        let first = part * width / unitsAcross, end = (part + 1) * width / unitsAcross
        var rows = NormalizedRows(
            input: arena + input.offset(y: y, x: first), inputStride: input.pixelStride,
            output: arena + output.offset(y: y, x: first), outputStride: output.pixelStride,
            rows: end - first,
            count: input.extent.channels, scale: scale?.pointer, shift: shift?.pointer, epsilon: epsilon)
        if isSoftmax { kernels.softmaxRows(&rows) } else { kernels.normalizeRows(&rows) }
    }
}
