import TensorGraph

/// What can be known before a picture is there.
extension GraphDraft {
    /// Computes sums, products and roots of constants: the normalization of MobileNet and of slim's networks is made of them.
    mutating func foldConstants() throws(DeploymentError) {
        for name in try graph().nodes.map(\.name) where !pinned.contains(name) {
            let node = self[name]!
            guard let value = evaluate(node) else { continue }
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
        let operations: [String: (Float, Float) -> Float] = ["Add": (+), "AddV2": (+), "Sub": (-), "Mul": (*), "RealDiv": (/)]
        guard let operation = operations[node.operation], let b = constant(node, 1), let y = b.floats else { return nil }
        if a.shape == b.shape { return Tensor(zip(x, y).map(operation), shape: a.shape) }
        if b.shape.isEmpty { return Tensor(x.map { operation($0, y[0]) }, shape: a.shape) }
        if a.shape.isEmpty { return Tensor(y.map { operation(x[0], $0) }, shape: b.shape) }
        return nil
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
            guard let tensor = self[name]!.constant, case .dense(let region) = tensor.contents else { continue }
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
