extension Array where Element: BitwiseCopyable {
    /// Permutes the axes of row-major elements of `shape`: axis i of the result is axis `order[i]` of the
    /// source.
    ///
    /// - Precondition: `order` is a permutation of the axes.
    func transposed(_ shape: [Int], _ order: [Int]) -> [Element] {
        precondition(order.sorted() == Array<Int>(shape.indices) && shape.reduce(1, *) == count)
        guard let inner = order.last, count > 0 else { return self }
        var strides = [Int](repeating: 1, count: shape.count)
        for axis in shape.indices.dropLast().reversed() {
            strides[axis] = strides[axis + 1] * shape[axis + 1]
        }
        let outer = Array<Int>(order.dropLast())
        var position = [Int](repeating: 0, count: outer.count), source = 0
        return [Element](unsafeUninitializedCapacity: count) { result, initialized in
            while initialized < count {
                for i in 0..<shape[inner] {
                    result.initializeElement(at: initialized + i, to: self[source + i * strides[inner]])
                }
                initialized += shape[inner]
                // This increments the position, beginning with the last of the outer axes.
                for axis in outer.indices.reversed() {
                    position[axis] += 1
                    source += strides[outer[axis]]
                    if position[axis] < shape[outer[axis]] { break }
                    source -= position[axis] * strides[outer[axis]]
                    position[axis] = 0
                }
            }
        }
    }
}
