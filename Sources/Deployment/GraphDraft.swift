import TensorGraph

/// A graph under revision: nodes by name, and who reads what.
///
/// Every name is unique and every input is there, from the first moment on; `graph()` gives the nodes each after what it reads.
struct GraphDraft {
    private(set) var nodes: [String: Node] = [:]
    /// Names in the file's order; new nodes come last.
    private var order: [String] = []
    private let trailer: [UInt8]
    /// Nodes whose names mean something outside the graph: they are neither removed nor renamed.
    let pinned: Set<String>

    init(_ graph: Graph, pinned: Set<String>) throws(DeploymentError) {
        (trailer, self.pinned) = (graph.trailer, pinned)
        for node in graph.nodes {
            guard nodes.updateValue(node, forKey: node.name) == nil else { throw .duplicateName(node.name) }
            order.append(node.name)
        }
        for name in pinned where nodes[name] == nil { throw .noSuchTensor(name, node: "") }
        for node in graph.nodes {
            for input in node.inputs where nodes[TensorReference(input).node] == nil {
                throw .noSuchTensor(input, node: node.name)
            }
        }
    }

    /// The names of all nodes, in a stable order; the passes go over these.
    var names: [String] { order.filter { nodes[$0] != nil } }

    subscript(name: String) -> Node? {
        get { nodes[name] }
        set {
            if nodes.updateValue(newValue!, forKey: name) == nil { order.append(name) }
        }
    }

    mutating func remove(_ name: String) { nodes[name] = nil }

    /// The names of the nodes that read each node, once an edge; control edges count.
    func readers() -> [String: [String]] {
        var readers: [String: [String]] = [:]
        for name in names {
            for input in nodes[name]!.inputs {
                readers[TensorReference(input).node, default: []].append(name)
            }
        }
        return readers
    }

    /// The constant behind a node's data input.
    func constant(_ node: Node, _ index: Int) -> Tensor? {
        let inputs = node.inputs.filter { !$0.hasPrefix("^") }
        guard index < inputs.count else { return nil }
        return nodes[TensorReference(inputs[index]).node]?.constant
    }

    /// Rewrites every input; nil drops it. A control edge that says what another input says already is dropped too.
    mutating func mapInputs(_ transform: (TensorReference, Node) throws(DeploymentError) -> TensorReference?)
        throws(DeploymentError)
    {
        for name in names {
            let node = nodes[name]!
            var inputs: [String] = [], awaited = Set<String>()
            for input in node.inputs {
                guard let mapped = try transform(TensorReference(input), node)?.text else { continue }
                if !mapped.hasPrefix("^") || awaited.insert(mapped).inserted { inputs.append(mapped) }
            }
            // Unchanged nodes are written as they came.
            if inputs != node.inputs { nodes[name]!.inputs = inputs }
        }
    }

    /// A name near `wish` that no node has.
    func freshName(_ wish: String) -> String {
        var name = wish, number = 1
        while nodes[name] != nil {
            name = "\(wish)_\(number)"
            number += 1
        }
        return name
    }

    /// Removes what none of `outputs` needs.
    mutating func strip(to outputs: [String]) {
        var needed = Set<String>(), open = outputs
        while let name = open.popLast() {
            guard needed.insert(name).inserted else { continue }
            open += nodes[name]!.inputs.map { TensorReference($0).node }
        }
        nodes = nodes.filter { needed.contains($0.key) }
    }

    /// The nodes each after what it reads, otherwise in the file's order.
    func graph() throws(DeploymentError) -> Graph {
        enum Mark { case open, done }
        var marks: [String: Mark] = [:], sorted: [Node] = []
        // A stack of its own: graphs are deeper than threads have room for.
        var stack: [(name: String, isLeaving: Bool)] = names.reversed().map { ($0, false) }
        while let (name, isLeaving) = stack.popLast() {
            if isLeaving {
                marks[name] = .done
                sorted.append(nodes[name]!)
                continue
            }
            switch marks[name] {
            case .done: continue
            case .open: throw .cycle(node: name)
            case nil: break
            }
            marks[name] = .open
            stack.append((name, true))
            for input in nodes[name]!.inputs.reversed() {
                let source = TensorReference(input).node
                if marks[source] != .done { stack.append((source, false)) }
            }
        }
        return Graph(nodes: sorted, trailer: trailer)
    }
}
