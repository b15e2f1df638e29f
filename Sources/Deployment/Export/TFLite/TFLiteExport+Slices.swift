import Network

extension TFLiteExport {
    /// The most axes that a slice, a padding or a tiling may have.
    static let mostAxes = 5

    /// Returns the sizes of axes and what is taken of them, where neighbouring axes that stay whole are one.
    static func joined(
        _ stretches: [Network.Stretch], _ shape: [Int]
    ) -> [(size: Int, stretch: Network.Stretch)] {
        func isWhole(_ axis: (size: Int, stretch: Network.Stretch)) -> Bool {
            axis.stretch == .init(begin: 0, count: axis.size)
        }
        var axes: [(size: Int, stretch: Network.Stretch)] = []
        for axis in zip(shape, stretches) {
            if let last = axes.last, isWhole(last), isWhole(axis) {
                let size = last.size * axis.0
                axes[axes.count - 1] = (size, .init(begin: 0, count: size))
            } else {
                axes.append(axis)
            }
        }
        return axes
    }

    /// Writes a slice; of more axes than the operator takes, those that stay whole are joined.
    mutating func convertSlice(
        _ step: PortableNetwork.Step, _ input: Int, _ stretches: [Network.Stretch], _ old: [Int]
    ) {
        guard stretches.count > Self.mostAxes else {
            return slice(step.name, input, stretches, old) { $0.make(step) }
        }
        let axes = Self.joined(stretches, old), sizes = axes.map(\.size)
        let joined = tensor(step.name + "/joined", .float32, sizes)
        append(.reshape, [input, constant(sizes)], joined, [TFLite.Field.Reshape.shape: .int32s(sizes)])
        let part = tensor(step.name + "/part", .float32, axes.map(\.stretch.count))
        slice(step.name, joined, axes.map(\.stretch), sizes) { _ in part }
        let shape = stretches.map(\.count)
        append(
            .reshape, [part, constant(shape)], make(step), [TFLite.Field.Reshape.shape: .int32s(shape)])
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
