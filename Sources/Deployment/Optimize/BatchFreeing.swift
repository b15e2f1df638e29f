import TensorGraph

extension GraphDraft {
    /// Replaces the leading 1 of the shapes of `Reshape` by -1, so that a graph that was frozen for one image
    /// takes several.
    ///
    /// Every input that the node accepted has the same result: the remaining sizes are known, and the first is
    /// the number of elements over their product.
    mutating func freeBatches() {
        for name in names {
            guard let node = nodes[name], node.operation == "Reshape", let shape = constant(node, 1),
                let sizes = shape.integers, shape.shape.count == 1, sizes.count > 1, sizes[0] == 1,
                sizes.dropFirst().allSatisfy({ $0 > 0 })
            else { continue }
            let free = freshName(name + "/free_shape"), all = [-1] + sizes.dropFirst()
            self[free] = .constant(
                free,
                shape.type == .int64
                    ? Tensor(
                        type: .int64, shape: [sizes.count],
                        contents: .dense(ByteRegion(of: all.map { Int64($0) })))
                    : Tensor(all.map { Int32($0) }, shape: [sizes.count]))
            let place = node.inputs.indices.filter { !node.inputs[$0].hasPrefix("^") }[1]
            self[name]!.inputs[place] = free
        }
    }
}
