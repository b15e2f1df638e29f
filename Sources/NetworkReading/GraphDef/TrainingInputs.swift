import TensorGraph

/// What a network is told of its training: that there is none, and that augmentation and dropout leave everything as it is.
extension Graph {
    /// Returns the graph without augmentation and with constants for placeholders that ask whether the network is trained, or how
    /// much dropout leaves out, and for the masks of dropout that are the same for all random numbers.
    func untrained() -> Graph {
        var graph = withoutAugmentation()
        for (index, node) in graph.nodes.enumerated() where node.operation == "Placeholder" {
            if let answer = node.answerOfInference { graph.nodes[index] = .constant(node.name, answer) }
        }
        return graph.settlingMasks()
    }

    /// Returns the graph with constants for comparisons and roundings that are the same for all random numbers, 0 up to 1.
    private func settlingMasks() -> Graph {
        let randoms = nodes.indices.filter { Node.uniform.contains(nodes[$0].operation) }
        guard !randoms.isEmpty else { return self }
        let table = NodeTable(nodes)
        var readers: [Int: [Int]] = [:]
        for (index, node) in nodes.enumerated() {
            for input in node.inputs where !input.hasPrefix("^") {
                if let source = table.output(input) { readers[source.node, default: []].append(index) }
            }
        }
        // What grows or falls with the random numbers, up to the masks.
        var reached = Set(randoms), pending = randoms, masks: [Int] = []
        while let index = pending.popLast() {
            for reader in readers[index] ?? [] {
                let operation = nodes[reader].operation
                guard Node.masks.union(Node.steady).contains(operation), reached.insert(reader).inserted
                else {
                    continue
                }
                if Node.masks.contains(operation) { masks.append(reader) } else { pending.append(reader) }
            }
        }
        // The difference of two random numbers neither grows nor falls.
        let isSteady = reached.allSatisfy { index in
            nodes[index].inputs.count { input in
                table.output(input).map { reached.contains($0.node) } ?? false
            } <= 1
        }
        guard isSteady, !masks.isEmpty else { return self }
        // The greatest is 1 − 2⁻²³: tensorflow/core/lib/random/random_distributions.h.
        var extremes = [0, 1 - 0x1p-23 as Float].map { (value) -> GraphConstants in
            var graph = self
            for index in randoms {
                graph.nodes[index] = .constant(nodes[index].name, Tensor([value], shape: []))
            }
            return GraphConstants(graph)
        }
        var result = self
        for mask in masks {
            guard let low = try? extremes[0].value(of: nodes[mask].name),
                let high = try? extremes[1].value(of: nodes[mask].name),
                let values = Numbers(low)?.values, values == Numbers(high)?.values
            else { continue }
            result.nodes[mask] = .constant(nodes[mask].name, low)
        }
        return result
    }
}

extension Node {
    /// Operations whose results are random numbers from 0 up to 1.
    fileprivate static let uniform: Set = [
        "RandomUniform", "StatelessRandomUniform", "StatelessRandomUniformV2",
    ]
    fileprivate static let masks: Set = ["Floor", "GreaterEqual", "Less"]
    /// Operations whose results grow or fall with one of their operands.
    fileprivate static let steady: Set = ["Add", "AddV2", "Identity", "Mul", "Sub"]

    /// The value that a placeholder is fed where a network is not trained; nil if its name does not ask for that.
    fileprivate var answerOfInference: Tensor? {
        guard case .type(let type)? = attributes["dtype"] else { return nil }
        let name = (name.split(separator: "/").last ?? "").lowercased()
        switch type {
        case .bool where self.name.lowercased().contains("train") || name.contains("learning_phase"):
            return Numbers(type: .bool, shape: [], values: [0]).tensor
        case .float32 where name.contains("keep") && name.contains("prob"):
            return Tensor([1 as Float], shape: [])
        case .float32 where name.contains("drop") && (name.contains("rate") || name.contains("prob")):
            return Tensor([0 as Float], shape: [])
        default: return nil
        }
    }
}
