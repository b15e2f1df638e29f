/// A strided view of a tensor in the arena.
struct TensorView {
    /// The distance from the arena's begin in floats.
    var offset: Int
    var shape: [Int]
    /// Floats between consecutive values along each axis.
    var strides: [Int]

    /// - Parameter shape: A shape whose extent is the placement's.
    init(_ placement: ArenaPlacement, shape: [Int]) {
        (offset, self.shape) = (placement.offset, shape)
        if shape.count == 4 && shape[0] == 1 {
            strides = [0, placement.rowStride, placement.pixelStride, 1]
            return
        }
        strides = [Int](repeating: 1, count: shape.count)
        var stride = placement.pixelStride
        for axis in shape.indices.dropLast().reversed() {
            strides[axis] = stride
            stride *= shape[axis]
        }
    }

    /// Creates the view of a tensor without gaps at offset 0.
    init(contiguous shape: [Int]) {
        var (strides, stride) = ([Int](repeating: 1, count: shape.count), 1)
        for axis in shape.indices.reversed() {
            strides[axis] = stride
            stride *= shape[axis]
        }
        self.init(offset: 0, shape: shape, strides: strides)
    }

    /// Returns a view of the same shape whose values follow one another without gaps.
    func contiguous(at offset: Int) -> TensorView {
        var view = TensorView(contiguous: shape)
        view.offset = offset
        return view
    }

    /// Returns whether consecutive values along an axis lie side by side.
    func isContiguous(_ axis: Int) -> Bool { shape[axis] == 1 || strides[axis] == 1 }

    private init(offset: Int, shape: [Int], strides: [Int]) {
        (self.offset, self.shape, self.strides) = (offset, shape, strides)
    }

    /// Returns the view broadcast to a shape: axes of size 1, and new leading axes, get stride 0.
    func broadcast(to shape: [Int]) -> TensorView {
        let added = shape.count - self.shape.count
        let strides = shape.indices.map { axis in
            axis < added || (self.shape[axis - added] == 1 && shape[axis] > 1)
                ? 0 : self.strides[axis - added]
        }
        return TensorView(offset: offset, shape: shape, strides: strides)
    }

    func transposed(_ permutation: [Int]) -> TensorView {
        TensorView(
            offset: offset, shape: permutation.map { shape[$0] }, strides: permutation.map { strides[$0] })
    }

    /// Returns the part of `count` positions from `first` on along an axis.
    func part(_ axis: Int, from first: Int, count: Int) -> TensorView {
        var part = self
        part.offset += first * strides[axis]
        part.shape[axis] = count
        return part
    }

    /// Returns the view after a change.
    func changed(_ change: ViewChange) -> TensorView {
        switch change {
        case .transpose(let permutation): return transposed(permutation)
        case .slice(let ranges):
            return ranges.indices.reduce(self) { view, axis in
                view.part(axis, from: ranges[axis].lowerBound, count: ranges[axis].count)
            }
        case .spread(let shape):
            var left = zip(self.shape, strides).filter { $0.0 != 1 }.map(\.1)[...]
            return TensorView(
                offset: offset, shape: shape, strides: shape.map { $0 == 1 ? 0 : left.removeFirst() })
        }
    }

    /// Returns the offsets of all values of the leading axes, the last of these varying fastest.
    func offsets(ofFirst axes: Int) -> [Int] {
        shape[..<axes].indices.reduce(into: [offset]) { offsets, axis in
            offsets = offsets.flatMap { begin in (0..<shape[axis]).map { begin + $0 * strides[axis] } }
        }
    }
}
