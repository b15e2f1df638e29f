import NetworkReading
import TensorGraph

/// Removal of nodes that serve only training, feeding or checking.
extension GraphDraft {
    /// Turns a node into a placeholder and disconnects it from its inputs.
    ///
    /// - Parameters:
    ///   - name: The node's name.
    ///   - shape: The shape to declare, in which -1 is a free size; nil keeps the shape that the node
    ///     declares, if any.
    /// - Source: strip_unused; the type is float32 unless the node declares another.
    mutating func makePlaceholder(_ name: String, shape: [Int]?) {
        guard let node = self[name] else { return }
        if node.operation == "Placeholder" {
            if let shape { self[name]!.attributes["shape"] = .shape(shape) }
            return
        }
        var attributes: [String: Attribute] = [
            "dtype": node.attributes["dtype"] ?? node.attributes["DstT"] ?? .type(.float32)
        ]
        attributes["shape"] =
            shape.map { .shape($0) }
            ?? (node.operation == "PlaceholderWithDefault" ? node.attributes["shape"] : .shape(nil))
        self[name] = Node("Placeholder", name: name, attributes: attributes)
    }

    /// Throws for nodes that an inference graph cannot contain.
    func requireInference(inputs: Set<String>) throws(DeploymentError) {
        for name in names {
            let node = self[name]!
            func refuse(_ what: String) -> DeploymentError {
                .unsupported(node: name, operation: node.operation, what: what)
            }
            switch node.operation {
            case "Placeholder" where !inputs.contains(name):
                throw refuse("is fed from outside, but is not among the inputs")
            case "Switch", "Merge", "Enter", "Exit", "NextIteration", "LoopCond", "If", "StatelessIf",
                "While", "StatelessWhile",
                "PartitionedCall", "StatefulPartitionedCall":
                throw refuse("control flow and function calls are not understood")
            case let operation
            where operation.hasPrefix("Variable") || operation.hasPrefix("VarHandle")
                || operation.hasPrefix("Assign"):
                throw refuse("a variable; freeze the graph first")
            default: break
            }
            for input in node.inputs.map({ TensorReference($0) }) where input.output > 0 {
                guard self[input.node]!.operation.hasPrefix("FusedBatchNorm") else { continue }
                throw refuse("reads the statistics '\(input.text)' of a normalization")
            }
        }
    }

    /// Removes nodes that pass their first input through unchanged.
    ///
    /// - Returns: The number of nodes removed.
    mutating func splice() throws(DeploymentError) -> Int {
        var targets: [String: TensorReference] = [:], checks = Set<String>()
        for name in names where !pinned.contains(name) {
            let node = self[name]!
            guard
                ["Identity", "StopGradient", "CheckNumerics", "PlaceholderWithDefault"].contains(
                    node.operation)
            else { continue }
            guard let input = node.inputs.first, !input.hasPrefix("^") else {
                throw .malformed(node: name, operation: node.operation, what: "has no input")
            }
            targets[name] = TensorReference(input)
            if node.operation == "CheckNumerics" { checks.insert(name) }
        }
        let sources = try Self.resolve(targets)
        try mapInputs { (reference, _) in
            // A control edge from a check whose result is unused can be dropped.
            if reference.isControl && checks.contains(reference.node) { return nil }
            guard var source = sources[reference.node] else { return reference }
            if reference.isControl { (source.output, source.isControl) = (0, true) }
            return source
        }
        for name in targets.keys { remove(name) }
        return targets.count
    }

    /// Resolves each reference to the end of its chain in linear time.
    private static func resolve(_ targets: [String: TensorReference]) throws(DeploymentError)
        -> [String: TensorReference]
    {
        var sources: [String: TensorReference] = [:]
        for start in targets.keys where sources[start] == nil {
            var chain = [start], source = targets[start]!
            while sources[source.node] == nil, let next = targets[source.node] {
                chain.append(source.node)
                guard chain.count <= targets.count else { throw .cycle(node: start) }
                source = next
            }
            source = sources[source.node] ?? source
            for name in chain { sources[name] = source }
        }
        return sources
    }

    /// Operations without side effects, for which control edges are unnecessary; an `Assert` only checks.
    private static let effectless = Set(GraphReader.supportedOperations).union([
        "Assert", "DecodeJpeg", "NoOp", "Placeholder",
    ])

    /// Drops control edges from operations without side effects; others are an error.
    ///
    /// A `NoOp` only passes on that its inputs are done, as the functions of TensorFlow 2 do for their variables.
    mutating func dropControlEdges() throws(DeploymentError) {
        // The closure needs a copy, because the nodes change meanwhile.
        let nodes = nodes
        var harmless = Set<String>()
        try mapInputs { (reference, node) throws(DeploymentError) in
            guard reference.isControl else { return reference }
            var open = [reference.node]
            while let name = open.popLast() {
                guard harmless.insert(name).inserted else { continue }
                let source = nodes[name]!
                guard Self.effectless.contains(source.operation) else {
                    throw .unsupported(
                        node: node.name, operation: node.operation,
                        what: "waits for '\(source.name)' (\(source.operation)), which may have effects")
                }
                if source.operation == "NoOp" { open += source.inputs.map { TensorReference($0).node } }
            }
            return nil
        }
    }

    /// Removes colocation constraints with missing nodes, because TensorFlow refuses to load such graphs.
    mutating func dropColocation() {
        for name in names {
            guard case .strings(let classes)? = self[name]!.attributes["_class"] else { continue }
            let isDangling = classes.contains { bytes in
                let text = String(decoding: bytes, as: UTF8.self)
                return text.hasPrefix("loc:@") && self[String(text.dropFirst(5))] == nil
            }
            if isDangling { self[name]!.attributes["_class"] = nil }
        }
    }
}
