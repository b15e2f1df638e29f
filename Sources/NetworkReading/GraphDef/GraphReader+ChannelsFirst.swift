import Network
import TensorGraph

/// Operations on channels-first images, `[N, C, H, W]`, which are read as the same on channels-last ones between transpositions.
extension GraphReader {
    private static let toLast = [0, 2, 3, 1], toFirst = [0, 3, 1, 2]

    /// Reads a node whose images are channels-first.
    ///
    /// - Parameters:
    ///   - call: The node.
    ///   - handler: What reads it, channels-last.
    mutating func readChannelsFirst(_ call: NodeCall, _ handler: Handler) throws(GraphReadingError) {
        var node = call.node, sources = call.sources
        let place = node.operation == "Conv2DBackpropInput" ? 2 : 0
        node.attributes["data_format"] = .bytes(Array("NHWC".utf8))
        for name in ["strides", "ksize", "dilations", "explicit_paddings"] {
            guard case .ints(let list)? = node.attributes[name], !list.isEmpty else { continue }
            guard list.count % 4 == 0 else { throw call.malformed("\(name) \(list)") }
            let size = list.count / 4
            node.attributes[name] = .ints(Self.toLast.flatMap { list[$0 * size..<($0 + 1) * size] })
        }
        guard try shape(call, place).count == 4 else {
            throw call.unsupported("an input of shape \(try shape(call, place))")
        }
        // No node of the graph has outputs below 0.
        sources[place] = .init(node: call.index, index: -1)
        define(sources[place], try channelsLast(try value(call, place), call))
        if place == 2 {
            let sizes = try integers(call, 0)
            guard sizes.count == 4 else { throw call.malformed("makes \(sizes)") }
            sources[0] = .init(node: call.index, index: -2)
            let last = Self.toLast.map { Int32(clamping: sizes[$0]) }
            define(sources[0], .constant(Tensor(last, shape: [4])))
        }
        try handler(&self, NodeCall(node, index: call.index, sources: sources))
        try make(.transpose(Self.toFirst), [try made(call)], call)
    }

    /// Returns an image channels-last: what was transposed for a node before, or a transposition.
    private mutating func channelsLast(_ value: Value, _ call: NodeCall) throws(GraphReadingError) -> Value {
        if case .node(let index) = value, let source = try channelsLastSource(of: index, call) {
            return .node(source)
        }
        return try apply(.transpose(Self.toLast), [value], name: call.name, call)
    }

    /// Returns a node that is a channels-first node before transposition, through the elementwise functions that come after it;
    /// nil if there is none.
    private mutating func channelsLastSource(of index: Int, _ call: NodeCall) throws(GraphReadingError)
        -> Int?
    {
        var pending = [index]
        while let next = pending.last {
            if channelsLast[next] != nil {
                pending.removeLast()
                continue
            }
            let node = network.nodes[next]
            let isElementwise =
                switch node.operation {
                case .unary, .binary: node.inputs.allSatisfy { network.shape($0) == network.shape(next) }
                default: false
                }
            if case .transpose(Self.toFirst) = node.operation {
                channelsLast[next] = .some(node.inputs[0])
            } else if !isElementwise {
                channelsLast[next] = .some(nil)
            } else if let open = node.inputs.first(where: { channelsLast[$0] == nil }) {
                pending.append(open)
            } else {
                let inputs = node.inputs.compactMap { channelsLast[$0]! }
                guard inputs.count == node.inputs.count else {
                    channelsLast[next] = .some(nil)
                    continue
                }
                let made = try apply(node.operation, inputs.map { .node($0) }, name: node.name, call)
                guard case .node(let same) = made else { return nil }
                channelsLast[next] = .some(same)
            }
        }
        return channelsLast[index]!
    }
}
