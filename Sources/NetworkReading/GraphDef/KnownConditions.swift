import TensorFlowFormat
import TensorGraph

/// Replaces conditions whose truth is known by the branch that runs, as in graphs of TensorFlow 1 that ask whether they are being
/// trained: Keras's `keras_learning_phase`, `is_training` of slim networks, `phase_train` of FaceNet.
///
/// `If` of TensorFlow 2 is lowered to them before, and placeholders that ask are constants. What `Switch` does not pass on is
/// dead, and so is every node that reads it, up to `Merge`, which passes on what is alive.
///
/// - Source: tensorflow/core/ops/control_flow_ops.cc
struct KnownConditions {
    private let table: NodeTable
    /// For each node, whether it is dead, and for a Switch the index of its dead output.
    private var isDead: [Bool]
    private var deadOutputs: [Int: Int] = [:]
    /// The truth of conditions that constants alone do not tell, by the tensor's name.
    private let told: [String: Bool]

    /// Returns the graph with `Identity` in the place of each Switch and Merge whose condition is known, for which no node waits.
    ///
    /// - Parameters:
    ///   - graph: A graph without calls of functions.
    ///   - told: The truth of conditions that constants alone do not tell, by the tensor's name.
    static func resolved(_ graph: Graph, told: [String: Bool] = [:]) -> Graph {
        guard graph.nodes.contains(where: { isSwitch($0) }) else { return graph }
        var conditions = KnownConditions(graph, told)
        conditions.bury()
        return conditions.rewritten(graph)
    }

    private init(_ graph: Graph, _ told: [String: Bool]) {
        self.told = told
        table = NodeTable(graph.nodes)
        isDead = [Bool](repeating: false, count: graph.nodes.count)
    }

    static func isSwitch(_ node: Node) -> Bool { ["Switch", "RefSwitch"].contains(node.operation) }
    private static func isMerge(_ node: Node) -> Bool { ["Merge", "RefMerge"].contains(node.operation) }

    /// Returns the truth of a tensor; nil if it is not known.
    private func truth(_ tensor: String) -> Bool? {
        if let truth = told[tensor] { return truth }
        var tensor = tensor, isNegated = false
        for _ in 0..<64 {
            guard let output = table.output(tensor) else { return nil }
            let node = table.nodes[output.node]
            guard output.index == 0 || Self.isSwitch(node) else { return nil }
            switch node.operation {
            case "Switch", "RefSwitch", "Identity", "PlaceholderWithDefault", "StopGradient", "Snapshot":
                break
            case "LogicalNot": isNegated.toggle()
            case "Const":
                guard let values = node.constant.flatMap(Numbers.init)?.values, values.count == 1 else {
                    return nil
                }
                return (values[0] != 0) != isNegated
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

    /// Returns whether an input only makes a node wait for a known Switch, that it runs in the branch alone.
    private func waitsForBranch(_ input: String) -> Bool {
        guard input.hasPrefix("^"), var place = source(input)?.node else { return false }
        for _ in 0..<64 {
            if deadOutputs[place] != nil { return true }
            guard table.nodes[place].operation == "Identity", let next = table.nodes[place].inputs.first,
                let source = source(next)
            else { return false }
            place = source.node
        }
        return false
    }

    private func rewritten(_ graph: Graph) -> Graph {
        var result = graph
        for (index, node) in graph.nodes.enumerated() where !isDead[index] {
            let alive = node.inputs.filter { !$0.hasPrefix("^") && !isDead($0) }
            if deadOutputs[index] != nil || (Self.isMerge(node) && alive.count == 1) {
                result.nodes[index] = Node(
                    "Identity", name: node.name, inputs: [renamed(alive[0])],
                    attributes: node.attributes.filter { $0.key == "T" })
            } else if node.inputs.contains(where: { renamed($0) != $0 || waitsForBranch($0) }) {
                result.nodes[index].inputs = node.inputs.filter { !waitsForBranch($0) }.map(renamed)
            }
        }
        return result
    }
}

extension Graph {
    /// Returns the graph as it is used without training: without calls of functions, conditions whose truth is known, and dropout.
    ///
    /// - Parameters:
    ///   - targets: The tensors or nodes to keep, with what they depend on.
    ///   - input: The tensor that is fed, whose shape decides conditions too; nil if it is not known.
    ///   - shape: The input's shape.
    package func flattened(
        for targets: [String], input: String? = nil, shape: [Int] = []
    ) throws(FunctionError) -> Graph {
        let inlined = try FunctionInlining.inlined(self, for: targets + [input].compactMap { $0 })
        var graph = KnownConditions.resolved(inlined.pickingResults().untrained())
        guard let input else { return graph }
        // A branch that is known by now may hold further conditions.
        for _ in 0..<8 {
            let told = GraphReader.truths(of: graph, input: input, shape: shape)
            if told.isEmpty { break }
            graph = KnownConditions.resolved(graph, told: told)
        }
        return graph
    }
}

extension Graph {
    /// Returns the graph with the results of calls read one by one, not through an `IdentityN` of all: what a function hands out
    /// for its gradient besides, no network computes.
    private func pickingResults() -> Graph {
        guard nodes.contains(where: { $0.operation == "IdentityN" }) else { return self }
        let table = NodeTable(nodes)
        func picked(_ input: String) -> String {
            var tensor = input
            for _ in 0..<64 where !input.hasPrefix("^") {
                guard let source = table.output(tensor), nodes[source.node].operation == "IdentityN" else {
                    break
                }
                let list = nodes[source.node].inputs.filter { !$0.hasPrefix("^") }
                guard list.indices.contains(source.index) else { break }
                tensor = list[source.index]
            }
            return tensor
        }
        var result = self
        for (index, node) in nodes.enumerated() where node.operation != "IdentityN" {
            let inputs = node.inputs.map(picked)
            if inputs != node.inputs { result.nodes[index].inputs = inputs }
        }
        return result
    }
}

extension GraphReader {
    /// Returns the truth of the conditions of Switch nodes that the input's shape decides, by the tensor's name.
    ///
    /// What the conditions depend on is read once; what depends on an unknown condition, or cannot be read, is unknown.
    fileprivate static func truths(of graph: Graph, input: String, shape: [Int]) -> [String: Bool] {
        var reader = GraphReader(graph)
        let conditions = Set(
            graph.nodes.filter { KnownConditions.isSwitch($0) }.compactMap { $0.inputs.dropFirst().first })
        let outputs = conditions.sorted().compactMap { name in
            reader.table.output(name).map { (name: name, output: $0) }
        }
        guard !outputs.isEmpty, let source = reader.table.output(input),
            let order = try? reader.evaluationOrder(from: outputs.map(\.output), to: source),
            let node = try? reader.append(.input(shape), named: reader.table.nodes[source.node].name)
        else { return [:] }
        reader.define(source, .node(node))
        for call in order
        where reads(call.node) && call.sources.allSatisfy({ reader.defined($0) != nil }) {
            try? reader.read(call)
        }
        var truths: [String: Bool] = [:]
        for (name, output) in outputs {
            guard case .constant(let value)? = reader.defined(output), let numbers = Numbers(value)?.values,
                numbers.count == 1
            else { continue }
            truths[name] = numbers[0] != 0
        }
        return truths
    }
}
