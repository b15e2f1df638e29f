import TensorGraph

/// What can be known before a picture is there.
extension GraphDraft {
    /// Computes sums, products and roots of constants: the normalization of MobileNet and of slim's networks is made of them.
    ///
    /// - Parameter unpacking: bytes with a range become floats too.
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
        if case .bytes(let mode)? = node.attributes["mode"],
            !["MIN_COMBINED", "MIN_FIRST"].contains(String(decoding: mode, as: UTF8.self))
        {
            return nil
        }
        guard let low = constant(node, 1)?.floats, let high = constant(node, 2)?.floats, low.count == 1,
            high.count == 1
        else { return nil }
        return constant(node, 0)?.dequantized(low: low[0], high: high[0])
    }

    /// Lets equal constants be one: the first of them.
    ///
    /// - Returns: how many went.
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
    /// Element by element, axes of one element repeated, and missing ones before the first.
    ///
    /// - Returns: nil where the shapes do not fit, or the result would be larger than either operand: a short file
    ///   must not stand for a long tensor.
    fileprivate func combined(with other: Tensor, _ operation: (Float, Float) -> Float) -> Tensor? {
        guard let x = floats, let y = other.floats else { return nil }
        let rank = max(shape.count, other.shape.count)
        func padded(_ shape: [Int]) -> [Int] { [Int](repeating: 1, count: rank - shape.count) + shape }
        let (a, b) = (padded(shape), padded(other.shape))
        guard zip(a, b).allSatisfy({ $0 == $1 || $0 == 1 || $1 == 1 }) else { return nil }
        let result = zip(a, b).map { $0 == 1 ? $1 : $0 }
        guard result == a || result == b else { return nil }
        /// How far an element is from the next along each axis; 0 along repeated ones.
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
