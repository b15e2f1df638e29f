import Network

/// The blocks of a network, by the names that its nodes share or else by the sizes of its images, as a person would
/// draw it.
struct NetworkBlocks {
    /// A part of a network.
    struct Block: Sendable, Codable {
        let name: String
        /// The operations that compute, most frequent first.
        fileprivate(set) var operations: [GraphInspection.Operation] = []
        /// The shape of its last tensor, without the batch.
        fileprivate(set) var shape: [Int] = []
        /// The number of elements in the constants that its nodes read first.
        fileprivate(set) var parameters = 0
        /// The time of one run in milliseconds; nil unless the network was profiled.
        fileprivate(set) var milliseconds: Double?
    }

    private(set) var blocks: [Block] = []
    /// The block of each node, by name.
    private var places: [String: Int] = [:]

    /// The numbers of blocks that make a drawing.
    private static let usual = 6...64
    /// The number of nodes from which names are not looked at.
    private static let mostNodes = 50_000

    init(_ network: Network) {
        let computed = network.nodes.indices.filter {
            switch network[$0].operation {
            case .constant, .input: false
            default: true
            }
        }
        let keys = Self.keys(network, computed)
        var indices: [String: Int] = [:], counts: [[String: Int]] = [], counted: Set<Int> = []
        for (node, key) in zip(computed, keys) {
            let place = indices[key] ?? blocks.count
            if place == blocks.count {
                indices[key] = place
                blocks.append(Block(name: key))
                counts.append([:])
            }
            places[network[node].name] = place
            counts[place][network[node].operation.name, default: 0] += 1
            blocks[place].shape = Array(network.shape(node).dropFirst())
            for input in network[node].inputs where counted.insert(input).inserted {
                blocks[place].parameters += network.constant(input)?.count ?? 0
            }
        }
        for (place, count) in counts.enumerated() {
            blocks[place].operations = count.map { .init(name: $0, count: $1) }
                .sorted { ($1.count, $0.name) < ($0.count, $1.name) }
        }
    }

    /// Adds the times of a run's steps, each of which bears the name of its last node.
    mutating func add(_ profile: [GraphInspection.Step]) {
        guard !profile.isEmpty, !blocks.isEmpty else { return }
        for place in blocks.indices { blocks[place].milliseconds = 0 }
        var place = 0
        for step in profile {
            // Steps that planning added have names of their own, and belong to what was before.
            place = places[step.node] ?? place
            blocks[place].milliseconds! += step.milliseconds
        }
    }

    /// Returns the name of each node's block.
    private static func keys(_ network: Network, _ nodes: [Int]) -> [String] {
        if nodes.count <= mostNodes {
            for depth in 1...4 {
                let keys = nodes.map { key(network[$0].name, depth: depth) }
                let count = Set(keys).count
                if usual.contains(count) { return keys }
                if count > usual.upperBound { break }
            }
        }
        var last = ""
        return nodes.map { node in
            let shape = network.shape(node)
            switch shape.count {
            // What is reduced to a point within a block, as squeeze-and-excitation does, stays in it.
            case 4 where shape[1] * shape[2] > 1 || last.isEmpty: last = "\(shape[1]) × \(shape[2])"
            case 4: break
            case 3: last = "\(shape[1]) tokens"
            default: last = "vectors"
            }
            return last
        }
    }

    /// Returns the first folders of a name, or the whole of one without folders.
    static func key(_ name: String, depth: Int) -> String {
        let parts = name.split(separator: "/")
        guard parts.count > 1 else { return name }
        return parts.dropLast().prefix(depth).joined(separator: "/")
    }
}

extension NetworkBlocks.Block {
    /// Returns a drawing of the blocks, a line each.
    ///
    /// - Parameter input: The shape of the network's input, without the batch.
    static func drawing(_ blocks: [Self], input: [Int]) -> [String] {
        guard blocks.count > 1 else { return [] }
        let rows =
            [("input", size(input), "", "", nil as Double?)]
            + blocks.map { block in
                (
                    block.name, size(block.shape), amount(block.parameters),
                    block.operations.prefix(3).map { $0.count == 1 ? $0.name : "\($0.count) \($0.name)" }
                        .joined(separator: ", ") + (block.operations.count > 3 ? ", …" : ""),
                    block.milliseconds
                )
            }
        let widths = (
            min(32, rows.map { $0.0.count }.max() ?? 0), rows.map { $0.1.count }.max() ?? 0,
            rows.map { $0.2.count }.max() ?? 0
        )
        let slowest = blocks.compactMap(\.milliseconds).max() ?? 0
        return rows.enumerated().map { index, row in
            let name = row.0.count > widths.0 ? "…" + row.0.suffix(widths.0 - 1) : row.0
            let mark = index == 0 ? "┌ " : index == rows.count - 1 ? "└ " : "├ "
            var line =
                mark + name + blank(widths.0 - name.count) + "  " + row.1 + blank(widths.1 - row.1.count)
            if index > 0 { line += "  " + blank(widths.2 - row.2.count) + row.2 }
            if let time = row.4 {
                let text = fixed(time, 3)
                let bar = slowest > 0 ? Int((10 * time / slowest).rounded()) : 0
                line +=
                    "  " + blank(8 - text.count) + text + " ms " + String(repeating: "▇", count: bar)
                    + blank(10 - bar)
            }
            return index == 0 ? line : line + "  " + row.3
        }
    }

    private static func blank(_ count: Int) -> String { String(repeating: " ", count: max(0, count)) }
    private static func size(_ shape: [Int]) -> String { shape.map(String.init).joined(separator: "×") }

    /// Returns a number of parameters with a unit.
    private static func amount(_ count: Int) -> String {
        switch count {
        case 0: "–"
        case ..<10_000: "\(count)"
        case ..<1_000_000: fixed(Double(count) * 1e-3, 1) + " k"
        default: fixed(Double(count) * 1e-6, 2) + " M"
        }
    }
}
