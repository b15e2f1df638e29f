import ONNXFormat

/// The reads and writes of each node that the outputs depend on, with values identified by numbers, and the
/// last read of each value.
struct Wiring {
    /// A node that the outputs depend on.
    struct Step {
        /// The node's index in the graph.
        let node: Int
        fileprivate let reads: Range<Int>
        fileprivate let writes: Range<Int>
    }
    /// The names that the graphs of a node read, whose values follow those of its inputs.
    private var captures: [Int: [String]] = [:]

    /// The nodes that the outputs depend on, in the graph's order.
    private(set) var steps: [Step] = []
    /// The numbers of the requested values.
    private(set) var outputs: [(name: String, place: Int)] = []
    private var places: [String: Int] = [:]
    /// The numbers of the values that the nodes read and write, node by node; nil for omitted inputs.
    private var links: [Int?] = []
    /// For each element of `links`, whether it is the last read of a value that is not an output.
    private var isLast: [Bool] = []

    /// - Parameters:
    ///   - graph: The graph.
    ///   - names: The names of the requested values.
    ///   - captures: Returns the names that the graphs of a control-flow node read.
    init(
        _ graph: ONNXGraph, outputs names: [String],
        captures: (ONNXNode) throws(ONNXReadingError) -> [String]
    ) throws(ONNXReadingError) {
        places.reserveCapacity(graph.nodes.count + graph.initializers.count)
        steps.reserveCapacity(graph.nodes.count)
        links.reserveCapacity(2 * graph.nodes.count)
        for input in graph.inputs { _ = intern(input.name) }
        var all: [Step] = []
        all.reserveCapacity(graph.nodes.count)
        for (index, node) in graph.nodes.enumerated() {
            let start = links.count, skipped = Self.unreadInputs(of: node)
            for (input, name) in node.inputs.enumerated() {
                links.append(name.isEmpty || skipped.contains(input) ? nil : intern(name))
            }
            if node.attributes.values.contains(where: \.isGraph) {
                let read = try captures(node)
                self.captures[index] = read
                for name in read { links.append(intern(name)) }
            }
            let middle = links.count
            for name in node.outputs { links.append(name.isEmpty ? nil : intern(name)) }
            all.append(Step(node: index, reads: start..<middle, writes: middle..<links.count))
        }
        outputs = names.map { ($0, intern($0)) }

        var isNeeded = [Bool](repeating: false, count: places.count)
        for output in outputs { isNeeded[output.place] = true }
        var isRead = isNeeded
        isLast = [Bool](repeating: false, count: links.count)
        for step in all.reversed() {
            guard links[step.writes].contains(where: { $0.map { isNeeded[$0] } ?? false }) else { continue }
            steps.append(step)
            for link in step.reads {
                guard let place = links[link] else { continue }
                isNeeded[place] = true
                isLast[link] = !isRead[place]
                isRead[place] = true
            }
        }
        steps.reverse()
    }

    /// The number of values.
    var count: Int { places.count }

    /// Returns the number of a value; nil if no node reads or writes it.
    func place(_ name: String) -> Int? { places[name] }

    func reads(of step: Step) -> ArraySlice<Int?> { links[step.reads] }
    func captures(of step: Step) -> [String] { captures[step.node] ?? [] }
    func writes(of step: Step) -> ArraySlice<Int?> { links[step.writes] }

    /// Calls `body` with each value that no node after `step` reads.
    func forEachLastRead(of step: Step, _ body: (Int) -> Void) {
        for link in step.reads where isLast[link] { body(links[link]!) }
    }

    private mutating func intern(_ name: String) -> Int {
        let next = places.count
        return {
            if $0 == nil { $0 = next }
            return $0!
        }(&places[name])
    }

    /// Returns the inputs that a node ignores: the running statistics of a batch normalization that computes
    /// its own.
    private static func unreadInputs(of node: ONNXNode) -> Range<Int> {
        guard node.operation == "BatchNormalization", case .int(let mode)? = node.attributes["training_mode"],
            mode != 0
        else { return 0..<0 }
        return 3..<5
    }
}
