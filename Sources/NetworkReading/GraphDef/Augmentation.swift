import TensorGraph

/// Keras's layers of random augmentation and dropout, which tensors pass unchanged where a network is not trained.
///
/// `model.export` of Keras 3 leaves them switched on: what such a SavedModel answers is another each time.
extension Graph {
    /// Returns the graph with tensors passed through the layers of augmentation and dropout.
    func withoutAugmentation() -> Graph {
        let scopes = Set(
            nodes.filter { $0.operation.hasPrefix("StatelessRandom") }.compactMap {
                Self.augmentation($0.name)
            })
        guard !scopes.isEmpty else { return self }
        let table = NodeTable(nodes)
        var readers: [Int: [Int]] = [:]
        for (index, node) in nodes.enumerated() {
            for source in node.sources(in: table) { readers[source.node, default: []].append(index) }
        }
        // What depends on what is fed.
        var pending = nodes.indices.filter { nodes[$0].operation == "Placeholder" }, fed = Set(pending)
        while let index = pending.popLast() {
            for reader in readers[index] ?? [] where fed.insert(reader).inserted { pending.append(reader) }
        }
        // What each layer reads from without, and what is read from it.
        var entries: [String: Set<NodeTable.Output>] = [:], exits = entries
        let enclosing = nodes.map { Self.enclosing($0.name, among: scopes) }
        for index in fed {
            for source in nodes[index].sources(in: table) where fed.contains(source.node) {
                for scope in enclosing[index].subtracting(enclosing[source.node]) {
                    entries[scope, default: []].insert(source)
                }
                for scope in enclosing[source.node].subtracting(enclosing[index]) {
                    exits[scope, default: []].insert(source)
                }
            }
        }
        var result = self
        for scope in scopes {
            guard let entry = entries[scope]?.first, entries[scope]?.count == 1,
                let exit = exits[scope]?.first, exits[scope]?.count == 1, exit.index == 0
            else { continue }
            let picture = nodes[entry.node].name + (entry.index == 0 ? "" : ":\(entry.index)")
            let node = nodes[exit.node]
            result.nodes[exit.node] = Node(
                "Identity", name: node.name, inputs: [picture],
                attributes: node.attributes["T"].map { ["T": $0] } ?? ["T": .type(.float32)])
        }
        return result
    }

    /// The endings of the names of Keras's layers that give pictures of the size that they take; `random_crop` is not one.
    private static let kinds: Set = [
        "brightness", "color_degeneration", "color_jitter", "contrast", "elastic_transform", "erasing",
        "flip", "gaussian_blur", "grayscale", "hue", "invert", "perspective", "posterization", "rotation",
        "saturation", "sharpness", "shear", "translation", "zoom",
    ]

    /// Returns those of some layers that a node is part of, within 64 layers of a name.
    private static func enclosing(_ name: String, among layers: Set<String>) -> Set<String> {
        var found: Set<String> = []
        for slash in name.indices.lazy.filter({ name[$0] == "/" }).prefix(64) {
            let layer = String(name[..<slash])
            if layers.contains(layer) { found.insert(layer) }
        }
        return found
    }

    /// Returns the name of the layer of augmentation or dropout that a node is part of; nil if there is none.
    private static func augmentation(_ name: String) -> String? {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        let last = parts.lastIndex { part in
            var words = part.split(separator: "_")
            while let number = words.last, Int(number) != nil { words.removeLast() }
            if words == ["dropout"] { return true }
            return words.first == "random" && kinds.contains(words.dropFirst().joined(separator: "_"))
        }
        return last.map { parts[...$0].joined(separator: "/") }
    }
}

extension Node {
    /// Returns the outputs that the node reads as data.
    fileprivate func sources(in table: NodeTable) -> [NodeTable.Output] {
        inputs.filter { !$0.hasPrefix("^") }.compactMap { table.output($0) }
    }
}
