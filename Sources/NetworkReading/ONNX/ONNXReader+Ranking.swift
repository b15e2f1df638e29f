import Network
import TensorGraph

/// Operators that choose entries of an axis by their size, and flags of places.
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

    /// Returns a value as a node with its axes.
    func node(_ value: Value, _ call: Call) throws(Failure) -> (Int, [Int]) {
        if case .computed(let index, let axes) = value { return (index, axes) }
        return (try plain(value, name: call.name), Array(shape(value).indices))
    }

    /// Appends nodes that are no operators of ONNX by themselves.
    ///
    /// - Parameter isWhole: Whether ONNX has the numbers of the last one as integers.
    func composed(
        isWhole: Bool = true, _ build: (inout Network) throws(NodeError) -> Int
    ) throws(Failure) -> Int {
        let index: Int
        do throws(NodeError) { index = try build(&network) } catch { throw .network(error) }
        if isWhole { wholes.insert(index) }
        return index
    }
}
