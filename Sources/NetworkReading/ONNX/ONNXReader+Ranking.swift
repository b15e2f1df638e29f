import Network
import TensorGraph

/// Operators that choose entries of an axis by their size or by computed places.
extension ONNXReader {
    /// Reads `ArgMax` and `ArgMin`.
    static func place(of extreme: Network.Reduction) -> Operation {
        { reader in { (call) throws(Failure) in try reader.place(of: extreme, call) } }
    }

    private func place(of extreme: Network.Reduction, _ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0), old = shape(value)
        let axis = try call.axis(try call.int("axis", else: 0), rank: old.count)
        let isLast = try call.int("select_last_index", else: 0) != 0
        let (index, axes) = try node(value, call)
        let made = Value.computed(
            try composed { (network) throws(NodeError) in
                try network.appendPlace(
                    of: extreme, isLast: isLast, along: axes[axis], in: index, name: call.name)
            }, axes)
        if try call.int("keepdims", else: 1) != 0 { return [made] }
        return [try reshaped(made, Array(old[..<axis] + old[(axis + 1)...]), call)]
    }

    /// Reads 1 at the first of the largest entries of an axis, and elsewhere 0.
    func hardmax(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0), old = shape(value)
        let axis = try call.axis(try call.int("axis", else: version < 13 ? 1 : -1), rank: old.count)
        // Before operator set 13, the axes from `axis` on are treated as one.
        let isFlat = version < 13 && old[(axis + 1)...].contains { $0 > 1 }
        let flat =
            isFlat
            ? try reshaped(value, [old[..<axis].reduce(1, *), old[axis...].reduce(1, *)], call) : value
        let (index, axes) = try node(flat, call), along = axes[isFlat ? 1 : axis]
        let made = try composed(isWhole: false) { (network) throws(NodeError) in
            let largest = try network.appendPlace(of: .maximum, along: along, in: index, name: call.name)
            let size = network.shape(index)[along]
            let places = try network.appendPlaces(Array(0..<size), along: along, of: axes.count)
            return try network.append(.binary(.equal), name: call.name, [largest, places])
        }
        return [try reshaped(.computed(made, axes), old, call)]
    }

    /// Reads one value at the place that an index states along a new axis, and another value elsewhere.
    func oneHot(_ call: Call) throws(Failure) -> [Value] {
        let indices = try call.input(0), old = shape(indices)
        let depth = try call.demanded(1, "depth").numbers?.first.map { Int(Int64(saturating: $0)) } ?? 0
        let values = try call.demanded(2, "values"), numbers = values.numbers ?? []
        let axis = try call.axis(try call.int("axis", else: -1), rank: old.count + 1)
        guard numbers.count == 2, (1...1 << 24).contains(depth) else {
            throw call.failure("its depth is \(depth), its values \(numbers)")
        }
        func number(_ number: Double) -> Value {
            .constant(Tensor(numbers: [number], type: values.type, shape: []))
        }
        var size = old, row = [Int](repeating: 1, count: old.count + 1)
        size.insert(1, at: axis)
        row[axis] = depth
        let column = try reshaped(indices, size, call)
        let places = Value.constant(Tensor(integers: Array(0..<depth), shape: row))
        // Indices below 0 count from the end.
        let ends = Value.constant(Tensor(integers: (0..<depth).map { $0 - depth }, shape: row))
        let isAt = try combined(
            try compared(column, .equal, places, call), try compared(column, .equal, ends, call), .maximum,
            call
        ) { max($0, $1) }
        let scaled = try combined(number(numbers[1] - numbers[0]), isAt, .multiply, call, *)
        return [try combined(scaled, number(numbers[0]), .add, call, +)]
    }

    func topEntries(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0)
        let axis = try call.axis(try call.int("axis", else: -1), rank: shape(value).count)
        var count = try call.int("k", else: 0)
        if version >= 10 { count = try call.integers(1, "k")?.first ?? 0 }
        let isDescending = try call.int("largest", else: 1) != 0
        let (index, axes) = try node(value, call)
        var sorted = (entries: 0, places: 0)
        let places = try composed { (network) throws(NodeError) in
            sorted = try network.appendSorted(
                count, isDescending: isDescending, along: axes[axis], in: index, name: call.name)
            return sorted.places
        }
        if wholes.contains(index) { wholes.insert(sorted.entries) }
        return [.computed(sorted.entries, axes), .computed(places, axes)]
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

    /// Returns a value as a node with its axes.
    private func node(_ value: Value, _ call: Call) throws(Failure) -> (Int, [Int]) {
        if case .computed(let index, let axes) = value { return (index, axes) }
        return (try plain(value, name: call.name), Array(shape(value).indices))
    }

    /// Appends nodes that are no operators of ONNX by themselves.
    ///
    /// - Parameter isWhole: Whether ONNX has the numbers of the last one as integers.
    private func composed(
        isWhole: Bool = true, _ build: (inout Network) throws(NodeError) -> Int
    ) throws(Failure) -> Int {
        let index: Int
        do throws(NodeError) { index = try build(&network) } catch { throw .network(error) }
        if isWhole { wholes.insert(index) }
        return index
    }
}
