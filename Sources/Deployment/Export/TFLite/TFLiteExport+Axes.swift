import Network

extension TFLiteExport {
    /// The most axes that a slice, a padding or a tiling may have.
    static let mostAxes = 5

    /// Returns the sizes of axes and what is done along each, where neighbouring axes that stay as they are are one.
    ///
    /// - Parameter whole: Returns what leaves an axis of a size as it is.
    static func joined<Change: Equatable>(
        _ changes: [Change], _ shape: [Int], whole: (Int) -> Change
    ) -> [(size: Int, change: Change)] {
        var axes: [(size: Int, change: Change)] = []
        for axis in zip(shape, changes) {
            if let last = axes.last, last.change == whole(last.size), axis.1 == whole(axis.0) {
                let size = last.size * axis.0
                axes[axes.count - 1] = (size, whole(size))
            } else {
                axes.append(axis)
            }
        }
        return axes
    }

    static func joined(
        _ stretches: [Network.Stretch], _ shape: [Int]
    ) -> [(size: Int, change: Network.Stretch)] {
        joined(stretches, shape) { .init(begin: 0, count: $0) }
    }

    static func joined(
        _ borders: [Network.Border], _ shape: [Int]
    ) -> [(size: Int, change: Network.Border)] {
        joined(borders, shape) { _ in .init(0, 0) }
    }

    /// Writes an operation on a tensor some of whose axes are joined.
    ///
    /// - Parameters:
    ///   - old: The sizes of the joined axes.
    ///   - new: Their sizes in the result.
    ///   - write: Writes the operation, given its input and its result.
    private mutating func convertJoined(
        _ step: PortableNetwork.Step, _ input: Int, from old: [Int], to new: [Int],
        _ write: (inout TFLiteExport, Int, Int) -> Void
    ) {
        let kind = representation(of: step.name), shape = network.shapes[step.name]!
        let joined = computed(step.name + "/joined", kind, old)
        append(.reshape, [input, constant(old)], joined, [TFLite.Field.Reshape.shape: .int32s(old)])
        let part = computed(step.name + "/part", kind, new)
        write(&self, joined, part)
        append(
            .reshape, [part, constant(shape)], make(step), [TFLite.Field.Reshape.shape: .int32s(shape)])
    }

    /// Writes a padding; of more axes than the operator takes, those that stay whole are joined.
    mutating func convertPad(
        _ step: PortableNetwork.Step, _ input: Int, _ borders: [Network.Border], _ padding: Network.Padding,
        _ old: [Int]
    ) {
        guard borders.count > Self.mostAxes else {
            return pad(step.name, input, borders, padding) { $0.make(step) }
        }
        let axes = Self.joined(borders, old)
        convertJoined(
            step, input, from: axes.map(\.size), to: axes.map { $0.size + $0.change.before + $0.change.after }
        ) { export, joined, part in
            export.pad(step.name, joined, axes.map(\.change), padding) { _ in part }
        }
    }

    /// - Parameter result: Returns the tensor of the result.
    private mutating func pad(
        _ name: String, _ input: Int, _ borders: [Network.Border], _ padding: Network.Padding,
        result: (inout TFLiteExport) -> Int
    ) {
        let amounts = constant(borders.flatMap { [$0.before, $0.after] }, rows: borders.count)
        switch padding {
        case .constant(0): append(.pad, [input, amounts], result(&self))
        case .constant(let value):
            append(.padWithValue, [input, amounts, constant(name + "/value", [value], [])], result(&self))
        case .reflect, .symmetric, .edge:
            append(
                .mirrorPad, [input, amounts], result(&self),
                [TFLite.Field.MirrorPad.mode: .int8(padding == .symmetric ? 1 : 0)])
        }
    }

    /// Writes a slice; of more axes than the operator takes, those that stay whole are joined.
    mutating func convertSlice(
        _ step: PortableNetwork.Step, _ input: Int, _ stretches: [Network.Stretch], _ old: [Int]
    ) {
        guard stretches.count > Self.mostAxes else {
            return slice(step.name, input, stretches, old) { $0.make(step) }
        }
        let axes = Self.joined(stretches, old), sizes = axes.map(\.size)
        convertJoined(step, input, from: sizes, to: axes.map(\.change.count)) { export, joined, part in
            export.slice(step.name, joined, axes.map(\.change), sizes) { _ in part }
        }
    }

    /// Writes a slice whose entries at a distance are gathered.
    ///
    /// - Parameter result: Returns the tensor of the result.
    private mutating func slice(
        _ name: String, _ input: Int, _ stretches: [Network.Stretch], _ old: [Int],
        result: (inout TFLiteExport) -> Int
    ) {
        let spread = stretches.indices.filter { stretches[$0].step != 1 && stretches[$0].count > 1 }
        var source = input, sizes = old
        for (number, axis) in spread.enumerated() {
            let stretch = stretches[axis]
            let indices = (0..<stretch.count).map { stretch.begin + $0 * stretch.step }
            sizes[axis] = stretch.count
            let isLast = number == spread.count - 1 && sizes == stretches.map(\.count)
            let gathered = isLast ? result(&self) : tensor("\(name)/gathered", .float32, sizes)
            append(
                .gather, [source, constant(indices)], gathered,
                [TFLite.Field.Gather.axis: .int32(Int32(axis))])
            source = gathered
            if isLast { return }
        }
        let begins = stretches.indices.map { spread.contains($0) ? 0 : stretches[$0].begin }
        append(.slice, [source, constant(begins), constant(stretches.map(\.count))], result(&self))
    }
}
