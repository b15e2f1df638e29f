import Network
import TensorGraph

/// Operators that take entries of a tensor at given or computed places.
extension ONNXReader {
    func gather(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0)
        let axis = try call.axis(try call.int("axis", else: 0), rank: shape(value).count)
        return [try entries(of: value, along: axis, at: try call.input(1), call)]
    }

    /// Returns the entries of an axis at positions of any shape, which replaces the axis.
    func entries(
        of value: Value, along axis: Int, at positions: Tensor, _ call: Call
    ) throws(Failure) -> Value {
        let old = shape(value)
        guard let given = positions.integers else { throw call.failure("its indices are no integers") }
        var indices: [Int] = []
        for position in given { indices.append(try call.axis(position, rank: old[axis])) }
        var new = old
        new.replaceSubrange(axis...axis, with: positions.shape)
        return try reshaped(try entries(indices, of: value, along: axis, call), new, call)
    }

    /// Reads a gather whose indices are tuples, which are the coordinates along the first axes.
    func gatherTuples(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0), old = shape(value)
        guard case .constant(let positions) = try call.input(1) else {
            return [try entries(of: value, atTuples: try call.input(1), call)]
        }
        guard let given = positions.integers, let depth = positions.shape.last,
            (1...max(old.count, 1)).contains(depth),
            try call.int("batch_dims", else: 0) == 0
        else { throw call.failure("does not take indices of \(positions.shape) into \(old)") }
        var indices: [Int] = []
        for tuple in stride(from: 0, to: given.count, by: depth) {
            var index = 0
            for axis in 0..<depth {
                index = index * old[axis] + (try call.axis(given[tuple + axis], rank: old[axis]))
            }
            indices.append(index)
        }
        let rows = try reshaped(value, [old[..<depth].reduce(1, *)] + old[depth...], call)
        let part = try entries(indices, of: rows, along: 0, call)
        return [try reshaped(part, positions.shape.dropLast() + old[depth...], call)]
    }

    /// Returns entries of an axis.
    private func entries(
        _ indices: [Int], of value: Value, along axis: Int, _ call: Call
    ) throws(Failure) -> Value {
        switch value {
        case .constant(let tensor):
            let places = tensor.shape.indices.map { $0 == axis ? indices : Array(0..<tensor.shape[$0]) }
            return .constant(try Folding.gathered(tensor, places, call, self))
        case .computed(let index, let axes):
            guard let first = indices.first else { throw call.failure("gathers nothing") }
            if indices.indices.allSatisfy({ indices[$0] == first + $0 }) {
                return try sliced(
                    value, [axis: .init(begin: first, count: indices.count)], name: call.name, call)
            }
            let made = try append(
                .gather(axis: axes[axis], indices: indices), name: call.name, [index])
            return .computed(made, axes)
        }
    }

    /// Reads entries at the places of a tensor with the same axes.
    func gatherElements(_ call: Call) throws(Failure) -> [Value] {
        var value = try call.input(0)
        let old = shape(value), places = try call.input(1), new = shape(places)
        let axis = try call.axis(try call.int("axis", else: 0), rank: old.count)
        guard new.count == old.count, new.indices.allSatisfy({ $0 == axis || new[$0] <= old[$0] }) else {
            throw call.failure("does not take indices of \(new) into \(old)")
        }
        if case .constant(let tensor) = places {
            return [try elements(of: value, at: tensor, along: axis, call)]
        }
        var parts: [Int: Network.Stretch] = [:]
        for other in new.indices where other != axis { parts[other] = .init(begin: 0, count: new[other]) }
        value = try sliced(value, parts, name: call.name, call)
        let (index, axes) = try node(value, call), positions = try align(places, to: axes, name: call.name)
        return [try taken(at: positions, along: axes[axis], of: index, axes, call)]
    }

    /// Returns elements at constant places: those of the tensor as one axis.
    private func elements(
        of value: Value, at positions: Tensor, along axis: Int, _ call: Call
    ) throws(Failure) -> Value {
        let old = shape(value), new = positions.shape
        guard let given = positions.integers else { throw call.failure("its indices are no integers") }
        try spend(given.count, call)
        var indices: [Int] = []
        indices.reserveCapacity(given.count)
        for (place, position) in given.enumerated() {
            var rest = place, index = 0, stride = 1
            for other in new.indices.reversed() {
                let along = other == axis ? try call.axis(position, rank: old[axis]) : rest % new[other]
                (index, rest, stride) = (index + along * stride, rest / new[other], stride * old[other])
            }
            indices.append(index)
        }
        let flat = try reshaped(value, [old.reduce(1, *)], call)
        return try entries(of: flat, along: 0, at: Tensor(integers: indices, shape: new), call)
    }

    /// Returns the entries of an axis at computed places of any shape, which replaces the axis.
    func entries(of value: Value, along axis: Int, at positions: Value, _ call: Call) throws(Failure) -> Value
    {
        if case .constant(let tensor) = positions {
            return try entries(of: value, along: axis, at: tensor, call)
        }
        var new = shape(value)
        new.replaceSubrange(axis...axis, with: shape(positions))
        let list = try reshaped(positions, [shape(positions).reduce(1, *)], call)
        let (index, axes) = try node(value, call)
        return try reshaped(
            try taken(at: plain(list, name: call.name), along: axes[axis], of: index, axes, call), new, call)
    }

    /// Returns the parts of a value whose coordinates along the first axes are computed tuples.
    func entries(of value: Value, atTuples positions: Value, _ call: Call) throws(Failure) -> Value {
        guard try call.int("batch_dims", else: 0) == 0 else { throw call.failure("has batch_dims") }
        let index = try plain(value, name: call.name), places = try plain(positions, name: call.name)
        let made = try composed(isWhole: wholes.contains(index)) { (network) throws(NodeError) in
            try network.appendEntries(atTuples: places, of: index, name: call.name)
        }
        return .computed(made, Array(network.shape(made).indices))
    }

    private func taken(
        at places: Int, along axis: Int, of index: Int, _ axes: [Int], _ call: Call
    ) throws(Failure) -> Value {
        .computed(
            try composed(isWhole: wholes.contains(index)) { (network) throws(NodeError) in
                try network.appendEntries(at: places, along: axis, of: index, name: call.name)
            }, axes)
    }
}
