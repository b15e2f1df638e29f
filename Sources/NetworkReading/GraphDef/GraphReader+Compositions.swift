import Network
import TensorGraph

/// Operations that are composed of several of the network's.
extension GraphReader {
    static let compositions: [String: Handler] = [
        "Expm1": { (reader, call) throws(GraphReadingError) in
            let power = try reader.apply(
                .unary(.exp), [try reader.value(call)], name: "\(call.name)/exp", call)
            try reader.make(.binary(.subtract), [power, number(1)], call)
        },
        "Log1p": { (reader, call) throws(GraphReadingError) in
            let sum = try reader.apply(
                .binary(.add), [try reader.value(call), number(1)], name: "\(call.name)/sum", call)
            try reader.make(.unary(.log), [sum], call)
        },
        "Roll": { (reader, call) throws(GraphReadingError) in try reader.readRoll(call) },
        "ReverseV2": { (reader, call) throws(GraphReadingError) in
            let shape = try reader.shape(call)
            let axes = try reader.axes(try reader.integers(call, 1), rank: shape.count, call)
            let stretches = shape.indices.map { axis in
                axes.contains(axis)
                    ? Network.Stretch(begin: shape[axis] - 1, count: shape[axis], step: -1)
                    : .init(begin: 0, count: shape[axis])
            }
            try reader.make(.slice(stretches), [try reader.value(call)], call)
        },
    ]

    private static func number(_ number: Float) -> Value { .constant(Tensor([number], shape: [])) }

    /// Reads a rotation: what is moved beyond the end of an axis comes back at its beginning.
    private mutating func readRoll(_ call: NodeCall) throws(GraphReadingError) {
        let shape = try shape(call), shifts = try integers(call, 1)
        let axes = try axes(try integers(call, 2), rank: shape.count, call)
        guard shifts.count == axes.count else { throw call.malformed("shifts \(shifts) along \(axes)") }
        var rolled = try value(call)
        for (shift, axis) in zip(shifts, axes) where shape[axis] > 0 {
            let size = shape[axis], remainder = shift % size
            let moved = remainder < 0 ? remainder + size : remainder
            if moved == 0 { continue }
            var parts: [Value] = []
            for part in [size - moved..<size, 0..<size - moved] {
                var stretches = shape.map { Network.Stretch(begin: 0, count: $0) }
                stretches[axis] = .init(begin: part.lowerBound, count: part.count)
                parts.append(try apply(.slice(stretches), [rolled], name: call.name, call))
            }
            rolled = try apply(.concatenation(axis: axis), parts, name: call.name, call)
        }
        define(call, rolled)
    }
}
