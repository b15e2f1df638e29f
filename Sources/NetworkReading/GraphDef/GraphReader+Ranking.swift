import Network
import TensorGraph

/// Operations that choose entries of an axis by their size or by computed places.
extension GraphReader {
    static let rankings: [String: Handler] = [
        "ArgMax": { (reader, call) throws(GraphReadingError) in try reader.readPlace(call, of: .maximum) },
        "ArgMin": { (reader, call) throws(GraphReadingError) in try reader.readPlace(call, of: .minimum) },
        "TopKV2": { (reader, call) throws(GraphReadingError) in
            let counts = try reader.integers(call, 1), axis = try reader.shape(call).count - 1
            guard counts.count == 1, axis >= 0 else { throw call.malformed("takes \(counts) entries") }
            let index = try reader.node(call)
            let sorted = try reader.composed { (network) throws(NodeError) in
                try network.appendSorted(
                    counts[0], isDescending: true, along: axis, in: index, name: call.name)
            }
            reader.define(call, .node(sorted.entries))
            reader.define(call, output: 1, .node(sorted.places))
        },
        "GatherNd": { (reader, call) throws(GraphReadingError) in
            guard try call.int("batch_dims", default: 0) == 0 else { throw call.unsupported("batch_dims") }
            let index = try reader.node(call), places = try reader.node(call, 1)
            let entries = try reader.composed { (network) throws(NodeError) in
                try network.appendEntries(atTuples: places, of: index, name: call.name)
            }
            reader.define(call, .node(entries))
        },
    ]

    private mutating func readPlace(
        _ call: NodeCall, of extreme: Network.Reduction
    ) throws(GraphReadingError) {
        let shape = try shape(call)
        let axis = try axes(try integers(call, 1), rank: shape.count, call)
        guard axis.count == 1 else { throw call.malformed("axes \(axis)") }
        let index = try node(call)
        let place = try composed { (network) throws(NodeError) in
            let place = try network.appendPlace(of: extreme, along: axis[0], in: index, name: call.name)
            let rest = Array(shape[..<axis[0]] + shape[(axis[0] + 1)...])
            return try network.append(.reshape(rest), name: call.name, [place])
        }
        define(call, .node(place))
    }

    /// Defines the node's tensor as the entries of an axis at the computed places of the second input.
    mutating func readEntries(_ call: NodeCall, along axis: Int) throws(GraphReadingError) {
        var shape = try shape(call)
        let given = try self.shape(call, 1), index = try node(call), places = try node(call, 1)
        shape.replaceSubrange(axis...axis, with: given)
        let taken = try composed { (network) throws(NodeError) in
            let list = try network.append(.reshape([given.reduce(1, *)]), name: call.name, [places])
            let taken = try network.appendEntries(at: list, along: axis, of: index, name: call.name)
            return try network.append(.reshape(shape), name: call.name, [taken])
        }
        define(call, .node(taken))
    }

    /// Returns an input as a node.
    private mutating func node(_ call: NodeCall, _ index: Int = 0) throws(GraphReadingError) -> Int {
        // Refuses the phases of a dilated convolution.
        _ = try shape(call, index)
        switch try value(call, index) {
        case .node(let node): return node
        case .constant(let tensor):
            guard let floats = tensor.asFloat32 else {
                throw call.unsupported("a constant of type \(tensor.type)")
            }
            return try composed { (network) throws(NodeError) in
                try network.append(.constant(floats), name: call.name + "/constant")
            }
        case .dilated: throw call.unsupported("after SpaceToBatchND")
        }
    }
}
