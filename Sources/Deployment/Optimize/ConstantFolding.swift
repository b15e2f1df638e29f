import TensorGraph

/// Folding of constants.
extension GraphDraft {
    /// Evaluates sums, products and square roots of constants, of which the normalizations of MobileNet and
    /// other slim networks consist.
    ///
    /// - Parameter unpacking: Whether to convert quantized constants to floats too.
    mutating func foldConstants(unpacking: Bool = false) throws(DeploymentError) {
        for name in try graph().nodes.map(\.name) where !pinned.contains(name) {
            let node = self[name]!
            guard let value = unpacking && node.operation == "Dequantize" ? dequantized(node) : evaluate(node)
            else { continue }
            self[name] = .constant(name, value)
        }
    }

    private func evaluate(_ node: Node) -> Tensor? {
        guard let a = constant(node, 0), let x = a.floats else { return nil }
        switch node.operation {
        case "Rsqrt": return Tensor(x.map { 1 / $0.squareRoot() }, shape: a.shape)
        case "Sqrt": return Tensor(x.map { $0.squareRoot() }, shape: a.shape)
        case "Neg": return Tensor(x.map { -$0 }, shape: a.shape)
        default: break
        }
        let operations: [String: (Float, Float) -> Float] = [
            "Add": (+), "AddV2": (+), "Sub": (-), "Mul": (*), "RealDiv": (/),
        ]
        guard let operation = operations[node.operation], let b = constant(node, 1), b.type == .float32 else {
            return nil
        }
        return a.combined(with: b, operation)
    }

    private func dequantized(_ node: Node) -> Tensor? {
        guard let mode = node.dequantizationMode, let low = constant(node, 1)?.floats,
            let high = constant(node, 2)?.floats, low.count == 1,
            high.count == 1
        else { return nil }
        return constant(node, 0)?.dequantized(low: low[0], high: high[0], mode)
    }

    /// Merges equal constants into the first of them.
    ///
    /// - Returns: The number of constants removed.
    mutating func mergeConstants() throws(DeploymentError) -> Int {
        struct Key: Hashable {
            let type: ElementType, shape: [Int], bytes: [UInt8]
        }
        var first: [Key: String] = [:], twins: [String: String] = [:]
        for name in names where !pinned.contains(name) {
            guard let tensor = self[name]!.constant, case .dense(let region) = tensor.contents else {
                continue
            }
            let key = Key(type: tensor.type, shape: tensor.shape, bytes: region.bytes)
            if let other = first[key] { twins[name] = other } else { first[key] = name }
        }
        try mapInputs { (reference, _) in
            guard let twin = twins[reference.node] else { return reference }
            var reference = reference
            reference.node = twin
            return reference
        }
        for name in twins.keys { remove(name) }
        return twins.count
    }
}

extension Tensor {
    /// Combines two tensors elementwise with broadcasting.
    ///
    /// - Returns: The result, or nil if the shapes do not match or the result would be larger than both
    ///   operands, because a small file must not yield a large tensor.
    fileprivate func combined(with other: Tensor, _ operation: (Float, Float) -> Float) -> Tensor? {
        guard let x = floats, let y = other.floats else { return nil }
        let rank = max(shape.count, other.shape.count)
        func padded(_ shape: [Int]) -> [Int] { [Int](repeating: 1, count: rank - shape.count) + shape }
        let (a, b) = (padded(shape), padded(other.shape))
        guard zip(a, b).allSatisfy({ $0 == $1 || $0 == 1 || $1 == 1 }) else { return nil }
        let result = zip(a, b).map { $0 == 1 ? $1 : $0 }
        guard result == a || result == b else { return nil }
        /// Returns the stride along each axis; 0 for broadcast axes.
        func strides(_ shape: [Int]) -> [Int] {
            var stride = 1
            return shape.reversed().map { size in
                defer { stride *= size }
                return size == 1 ? 0 : stride
            }.reversed()
        }
        let (xStrides, yStrides) = (strides(a), strides(b))
        var values: [Float] = [], place = [Int](repeating: 0, count: rank), i = 0, j = 0
        values.reserveCapacity(result.reduce(1, *))
        for _ in 0..<result.reduce(1, *) {
            values.append(operation(x[i], y[j]))
            var axis = rank - 1
            while axis >= 0 {
                place[axis] += 1
                (i, j) = (i + xStrides[axis], j + yStrides[axis])
                if place[axis] < result[axis] { break }
                (i, j) = (i - place[axis] * xStrides[axis], j - place[axis] * yStrides[axis])
                place[axis] = 0
                axis -= 1
            }
        }
        return Tensor(values, shape: result)
    }
}
