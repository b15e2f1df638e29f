import TensorGraph

/// A graph under revision, with access to nodes by name and to their readers.
///
/// Names are unique and all inputs exist at any time; `graph()` returns the nodes in topological order.
struct GraphDraft {
    private(set) var nodes: [String: Node] = [:]
    /// The names in the file's order, followed by those of new nodes.
    private var order: [String] = []
    private let trailer: [UInt8]
    /// Nodes whose names are used outside the graph; they are neither removed nor renamed.
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

    /// The names of all nodes in a stable order, over which the passes iterate.
    var names: [String] { order.filter { nodes[$0] != nil } }

    subscript(name: String) -> Node? {
        get { nodes[name] }
        set {
            if nodes.updateValue(newValue!, forKey: name) == nil { order.append(name) }
        }
    }

    mutating func remove(_ name: String) { nodes[name] = nil }

    /// Returns the names of each node's readers, one per edge, including control edges.
    func readers() -> [String: [String]] {
        var readers: [String: [String]] = [:]
        for name in names {
            for input in nodes[name]!.inputs {
                readers[TensorReference(input).node, default: []].append(name)
            }
        }
        return readers
    }

    /// Returns the constant that a node's data input refers to, if any.
    func constant(_ node: Node, _ index: Int) -> Tensor? {
        let inputs = node.inputs.filter { !$0.hasPrefix("^") }
        guard index < inputs.count else { return nil }
        return nodes[TensorReference(inputs[index]).node]?.constant
    }

    /// Maps every input; nil removes it. Duplicate control edges are removed too.
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
            // Unchanged nodes keep their encoded bytes.
            if inputs != node.inputs { nodes[name]!.inputs = inputs }
        }
    }

    /// Returns an unused name that is `wish` or begins with it.
    func freshName(_ wish: String) -> String {
        var name = wish, number = 1
        while nodes[name] != nil {
            name = "\(wish)_\(number)"
            number += 1
        }
        return name
    }

    /// Removes the nodes on which none of `outputs` depends.
    mutating func strip(to outputs: [String]) {
        var needed = Set<String>(), open = outputs
        while let name = open.popLast() {
            guard needed.insert(name).inserted else { continue }
            open += nodes[name]!.inputs.map { TensorReference($0).node }
        }
        nodes = nodes.filter { needed.contains($0.key) }
    }

    /// Returns the nodes in topological order, otherwise in the file's order.
    func graph() throws(DeploymentError) -> Graph {
        enum Mark { case open, done }
        var marks: [String: Mark] = [:], sorted: [Node] = []
        // An explicit stack is used, because graphs may be deeper than a thread's stack allows.
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
