import TensorGraph

/// Replaces conditions whose truth is known by the branch that runs, as in graphs of TensorFlow 1 that ask whether they are being
/// trained: Keras's `keras_learning_phase`, `is_training` of slim networks, `phase_train` of FaceNet.
///
/// What `Switch` does not pass on is dead, and so is every node that reads it, up to `Merge`, which passes on what is alive.
///
/// - Source: tensorflow/core/ops/control_flow_ops.cc
struct KnownConditions {
    private let table: NodeTable
    /// For each node, whether it is dead, and for a Switch the index of its dead output.
    private var isDead: [Bool]
    private var deadOutputs: [Int: Int] = [:]

    /// Returns the graph with `Identity` in the place of each Switch and Merge whose condition is known.
    static func resolved(_ graph: Graph) -> Graph {
        guard graph.nodes.contains(where: { isSwitch($0) }) else { return graph }
        var conditions = KnownConditions(graph)
        conditions.bury()
        return conditions.rewritten(graph)
    }

    private init(_ graph: Graph) {
        table = NodeTable(graph.nodes)
        isDead = [Bool](repeating: false, count: graph.nodes.count)
    }

    private static func isSwitch(_ node: Node) -> Bool { ["Switch", "RefSwitch"].contains(node.operation) }
    private static func isMerge(_ node: Node) -> Bool { ["Merge", "RefMerge"].contains(node.operation) }

    /// Returns the truth of a tensor; nil if it is not known.
    ///
    /// A placeholder that asks whether the network is being trained is false: it never is here.
    private func truth(_ tensor: String) -> Bool? {
        var tensor = tensor, isNegated = false
        for _ in 0..<64 {
            guard let output = table.output(tensor), output.index == 0 else { return nil }
            let node = table.nodes[output.node]
            switch node.operation {
            case "Identity", "PlaceholderWithDefault", "StopGradient", "Snapshot": break
            case "LogicalNot": isNegated.toggle()
            case "Const":
                guard let values = node.constant.flatMap(Numbers.init)?.values, values.count == 1 else {
                    return nil
                }
                return (values[0] != 0) != isNegated
            case "Placeholder":
                let name = node.name.lowercased()
                return name.contains("train") || name.contains("learning_phase") ? isNegated : nil
            default: return nil
            }
            guard let next = node.inputs.first, !next.hasPrefix("^") else { return nil }
            tensor = next
        }
        return nil
    }

    /// Marks what is dead, each node once.
    private mutating func bury() {
        var readers: [[Int]] = Array(repeating: [], count: table.nodes.count), pending: [Int] = []
        for (index, node) in table.nodes.enumerated() {
            for input in node.inputs {
                if let source = source(input) { readers[source.node].append(index) }
            }
            if Self.isSwitch(node), node.inputs.count >= 2, let truth = truth(node.inputs[1]) {
                deadOutputs[index] = truth ? 0 : 1
                pending.append(index)
            }
        }
        while let index = pending.popLast() {
            for reader in readers[index] where !isDead[reader] && dies(table.nodes[reader]) {
                isDead[reader] = true
                pending.append(reader)
            }
        }
    }

    private func source(_ input: String) -> NodeTable.Output? {
        table.output(input.hasPrefix("^") ? String(input.dropFirst()) : input)
    }

    private func isDead(_ input: String) -> Bool {
        guard let source = source(input) else { return false }
        return isDead[source.node] || (!input.hasPrefix("^") && deadOutputs[source.node] == source.index)
    }

    private func dies(_ node: Node) -> Bool {
        let data = node.inputs.filter { !$0.hasPrefix("^") }
        return Self.isMerge(node) ? data.allSatisfy(isDead) : node.inputs.contains(where: isDead)
    }

    /// Returns an input with what is left of a Switch as its first output.
    private func renamed(_ input: String) -> String {
        guard let source = source(input), source.index == 1, deadOutputs[source.node] == 0 else {
            return input
        }
        return table.nodes[source.node].name
    }

    private func rewritten(_ graph: Graph) -> Graph {
        var result = graph
        for (index, node) in graph.nodes.enumerated() where !isDead[index] {
            let alive = node.inputs.filter { !$0.hasPrefix("^") && !isDead($0) }
            if deadOutputs[index] != nil || (Self.isMerge(node) && alive.count == 1) {
                result.nodes[index] = Node("Identity", name: node.name, inputs: [renamed(alive[0])])
            } else if node.inputs.contains(where: { renamed($0) != $0 }) {
                result.nodes[index].inputs = node.inputs.map(renamed)
            }
        }
        return result
    }
}
