import TensorGraph

/// The nodes of a graph by name; tensors are identified by numbers, which are faster to compare than names.
struct NodeTable {
    /// An output of a node.
    struct Output: Hashable {
        var node: Int
        var index: Int
    }

    let nodes: [Node]
    private var places: [String: Int]

    /// If several nodes have the same name, the first one counts.
    init(_ nodes: [Node]) {
        self.nodes = nodes
        places = Dictionary(minimumCapacity: nodes.count)
        for index in nodes.indices.reversed() { places[nodes[index].name] = index }
    }

    /// Returns the output with a tensor name, `node` or `node:index`.
    func output(_ tensor: String) -> Output? {
        if let (name, index) = Self.split(tensor) {
            return places[name].map { Output(node: $0, index: index) }
        }
        return places[tensor].map { Output(node: $0, index: 0) }
    }

    /// Returns the outputs that a node reads as data.
    ///
    /// - Throws: `GraphReadingError.noSuchTensor` if a node does not exist.
    func sources(of node: Int) throws(GraphReadingError) -> [Output] {
        var sources: [Output] = []
        sources.reserveCapacity(nodes[node].inputs.count)
        for input in nodes[node].inputs where input.utf8.first != UInt8(ascii: "^") {
            guard let source = output(input) else { throw .noSuchTensor(input) }
            sources.append(source)
        }
        return sources
    }

    /// Returns the node's name and the index in `node:index`; nil for other names.
    private static func split(_ tensor: String) -> (name: String, index: Int)? {
        let bytes = tensor.utf8
        guard let colon = bytes.lastIndex(of: UInt8(ascii: ":")),
            let index = Int(tensor[bytes.index(after: colon)...]), index >= 0
        else { return nil }
        return (String(tensor[..<colon]), index)
    }
}
