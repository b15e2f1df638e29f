/// Copies a tensor with its axes permuted.
struct Permutation {
    private let shape: [Int]
    private let steps: [Int]

    /// - Parameters:
    ///   - shape: The new shape, with at least one axis.
    ///   - steps: The distance in the source between consecutive entries of each new axis; the least is 1.
    init(_ shape: [Int], _ steps: [Int]) { (self.shape, self.steps) = (shape, steps) }

    /// Copies in tiles of the innermost axes of the source and of the target, so that whole cache lines of
    /// both are used.
    ///
    /// - Parameter source: The elements, which need not be aligned, as files' are not.
    /// - Precondition: Both have as many elements as the shape.
    func copy<Element: BitwiseCopyable>(
        _ source: UnsafeRawPointer, to target: UnsafeMutablePointer<Element>
    ) {
        var strides = [Int](repeating: 1, count: shape.count)
        for axis in shape.indices.dropLast().reversed() {
            strides[axis] = strides[axis + 1] * shape[axis + 1]
        }
        guard !shape.contains(0) else { return }
        let last = shape.lastIndex { $0 > 1 } ?? 0
        // The innermost axis of the source.
        let row = shape.indices.first { steps[$0] == 1 && shape[$0] > 1 } ?? last
        let outer = shape.indices.filter { $0 != row && $0 != last }
        let rows = row == last ? 1 : shape[row], columns = shape[last]
        let sourceStep = steps[last], targetStep = row == last ? 0 : strides[row], tile = 16
        var position = [Int](repeating: 0, count: outer.count), from = 0, to = 0
        while true {
            for top in Swift.stride(from: 0, to: rows, by: tile) {
                for left in Swift.stride(from: 0, to: columns, by: tile) {
                    for y in top..<min(top + tile, rows) {
                        for x in left..<min(left + tile, columns) {
                            let offset = (from &+ y &+ x &* sourceStep) &* MemoryLayout<Element>.stride
                            target[to &+ y &* targetStep &+ x] = source.loadUnaligned(
                                fromByteOffset: offset, as: Element.self)
                        }
                    }
                }
            }
            var index = outer.count - 1
            while index >= 0 {
                let axis = outer[index]
                position[index] += 1
                from += steps[axis]
                to += strides[axis]
                if position[index] < shape[axis] { break }
                from -= shape[axis] * steps[axis]
                to -= shape[axis] * strides[axis]
                position[index] = 0
                index -= 1
            }
            if index < 0 { return }
        }
    }
}
