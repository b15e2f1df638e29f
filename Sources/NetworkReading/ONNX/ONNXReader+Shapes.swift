import Network
import TensorGraph

/// Operators that rearrange elements.
extension ONNXReader {
    func identity(_ call: Call) throws(Failure) -> [Value] { [try call.input(0)] }

    func dropout(_ call: Call) throws(Failure) -> [Value] {
        if let flag = try call.constant(2, "training mode"),
            flag.numbers?.contains(where: { $0 != 0 }) == true
        {
            throw .unsupported(
                operation: "Dropout", node: call.title, .training, supported: Self.supportedOperators)
        }
        return [try call.input(0)]
    }

    func constant(_ call: Call) throws(Failure) -> [Value] {
        if case .tensor(let value)? = call.node.attributes["value"], let tensor = value.tensor {
            return [.constant(tensor)]
        }
        if case .int(let value)? = call.node.attributes["value_int"] {
            return [.constant(Tensor(integers: [Int(value)], shape: []))]
        }
        if case .ints(let values)? = call.node.attributes["value_ints"] {
            return [.constant(Tensor(integers: values.map { Int($0) }, shape: [values.count]))]
        }
        if case .float(let value)? = call.node.attributes["value_float"] {
            return [.constant(Tensor([value], shape: []))]
        }
        if case .floats(let values)? = call.node.attributes["value_floats"] {
            return [.constant(Tensor(values, shape: [values.count]))]
        }
        throw call.failure("its value is of a type that is not read")
    }

    func shape(_ call: Call) throws(Failure) -> [Value] {
        let shape = shape(try call.input(0)), rank = shape.count
        func bound(_ name: String, else other: Int) throws(Failure) -> Int {
            let value = try call.int(name, else: other)
            return min(max(value < 0 ? value + rank : value, 0), rank)
        }
        let start = try bound("start", else: 0), end = try bound("end", else: rank)
        let part = start < end ? Array(shape[start..<end]) : []
        return [.constant(Tensor(integers: part, shape: [part.count]))]
    }

    func size(_ call: Call) throws(Failure) -> [Value] {
        [.constant(Tensor(integers: [shape(try call.input(0)).reduce(1, *)], shape: []))]
    }

    func reshape(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0), old = shape(value)
        guard let wanted = try call.integers(1, "shape") else { throw call.failure("has no shape") }
        let keepsZeros = try call.int("allowzero", else: 0) != 0
        var new: [Int] = [], open: Int?
        for (index, size) in wanted.enumerated() {
            if size == -1 {
                guard open == nil else { throw call.failure("its shape \(wanted) has two open sizes") }
                open = index
                new.append(1)
            } else if size == 0, !keepsZeros {
                guard index < old.count else { throw call.failure("its shape \(wanted) does not fit \(old)") }
                new.append(old[index])
            } else {
                new.append(size)
            }
        }
        let count = old.reduce(1, *)
        if let open {
            guard let known = Network.count(new), count % known == 0 else {
                throw call.failure("its shape \(wanted) does not fit \(old)")
            }
            new[open] = count / known
        }
        return [try reshaped(value, new, call)]
    }

    func flatten(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0), old = shape(value)
        let given = try call.int("axis", else: 1)
        guard given >= -old.count, given <= old.count else { throw call.failure("has no axis \(given)") }
        let axis = given < 0 ? given + old.count : given
        return [
            try reshaped(value, [old[..<axis].reduce(1, *), old[axis...].reduce(1, *)], call)
        ]
    }

    func squeeze(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0), old = shape(value)
        var axes = old.indices.filter { old[$0] == 1 }
        if let given = try call.axes() {
            axes = []
            for axis in given { axes.append(try call.axis(axis, rank: old.count)) }
        }
        guard axes.allSatisfy({ old[$0] == 1 }) else {
            throw call.failure("does not squeeze \(old) at \(axes)")
        }
        return [try reshaped(value, old.indices.filter { !axes.contains($0) }.map { old[$0] }, call)]
    }

    func unsqueeze(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0), old = shape(value)
        guard let given = try call.axes() else { throw call.failure("has no axes") }
        let rank = old.count + given.count
        guard rank <= 16 else { throw call.failure("makes \(rank) axes") }
        var axes: Set<Int> = []
        for axis in given { axes.insert(try call.axis(axis, rank: rank)) }
        guard axes.count == given.count else { throw call.failure("its axes \(given) repeat") }
        var rest = old[...]
        let new = (0..<rank).map { axes.contains($0) ? 1 : rest.removeFirst() }
        return [try reshaped(value, new, call)]
    }

    func transpose(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0), rank = shape(value).count
        let order = try call.ints("perm") ?? Array((0..<rank).reversed())
        guard order.sorted() == Array(0..<rank) else {
            throw call.failure("its axes \(order) are no order of \(rank)")
        }
        switch value {
        case .constant(let tensor): return [.constant(tensor.transposed(order))]
        case .computed(let index, let axes): return [.computed(index, order.map { axes[$0] })]
        }
    }

    /// Reshapes a value in ONNX's element order.
    ///
    /// Axes are grouped: each group consists of the fewest neighbouring old axes with as many elements as
    /// some new axes. If the axes of every group are adjacent in the network's tensor, it is reshaped
    /// directly; otherwise one transpose makes them adjacent.
    func reshaped(_ value: Value, _ new: [Int], _ call: Call) throws(Failure) -> Value {
        let old = shape(value)
        guard new.count <= 16, new.allSatisfy({ $0 >= 0 }),
            new.reduce(1, { $0.multipliedClamping(by: $1) }) == old.reduce(1, *), Folding.isBounded(new)
        else { throw call.failure("its shape \(new) does not fit \(old)") }
        guard case .computed(var index, var axes) = value else {
            if case .constant(let tensor) = value {
                return .constant(Tensor(type: tensor.type, shape: new, contents: tensor.contents))
            }
            return value
        }
        if new == old { return value }
        let groups = Self.groups(old, new)
        // These are the network's axes, group by group in the order in which the groups begin there.
        let order = groups.indices.sorted { a, b in
            (groups[a].old.map { axes[$0] }.min() ?? 0) < (groups[b].old.map { axes[$0] }.min() ?? 0)
        }
        let large = order.flatMap { groups[$0].old.map { axes[$0] } }
        if large != large.sorted() {
            let rank = axes.count, ones = (0..<rank).filter { !large.contains($0) }
            let all = ones + large
            index = try transpose(index, all, name: call.name)
            axes = axes.map { all.inverted[$0] }
        }
        // The new axes are in the network's order; an axis of size 1 follows the preceding axis.
        var layout = order.flatMap { groups[$0].new }
        for axis in new.indices where new[axis] == 1 {
            if axis == 0 {
                layout.insert(0, at: 0)
            } else {
                layout.insert(axis, at: layout.firstIndex(of: axis - 1)! + 1)
            }
        }
        let made = try append(.reshape(layout.map { new[$0] }), name: call.name, [index])
        return .computed(made, layout.inverted)
    }

    /// Returns groups of axes larger than 1 of both shapes with equally many elements.
    private static func groups(_ old: [Int], _ new: [Int]) -> [(old: [Int], new: [Int])] {
        var groups: [(old: [Int], new: [Int])] = []
        let olds = old.indices.filter { old[$0] > 1 }, news = new.indices.filter { new[$0] > 1 }
        var i = 0, j = 0
        while i < olds.count, j < news.count {
            var group = (old: [olds[i]], new: [news[j]]), left = old[olds[i]], right = new[news[j]]
            (i, j) = (i + 1, j + 1)
            while left != right {
                if left < right, i < olds.count {
                    left *= old[olds[i]]
                    group.old.append(olds[i])
                    i += 1
                } else if right < left, j < news.count {
                    right *= new[news[j]]
                    group.new.append(news[j])
                    j += 1
                } else {
                    break
                }
            }
            groups.append(group)
        }
        return groups
    }

    // MARK: - Parts

    func concatenation(_ call: Call) throws(Failure) -> [Value] {
        var inputs: [Value] = []
        for index in call.inputs.indices { inputs.append(try call.input(index)) }
        guard let first = inputs.first else { throw call.failure("has no inputs") }
        let axis = try call.axis(try call.int("axis", else: 1), rank: shape(first).count)
        return [try joined(inputs, axis: axis, call)]
    }

    func joined(_ values: [Value], axis: Int, _ call: Call) throws(Failure) -> Value {
        let tensors = values.compactMap { if case .constant(let tensor) = $0 { tensor } else { nil } }
        if tensors.count == values.count {
            return .constant(try Folding.concatenation(tensors, axis: axis, call, self))
        }
        return try concatenated(values, axis: axis, call)
    }

    /// Returns the concatenation of values along ONNX's axis `axis`; at least one is computed.
    func concatenated(_ values: [Value], axis: Int, _ call: Call) throws(Failure) -> Value {
        // Empty parts, such as a cache at its start, are ignored.
        let values = values.filter { !shape($0).contains(0) }, axes = order(of: values)
        var parts: [Int] = []
        for value in values {
            guard shape(value).count == axes.count else { throw call.failure("its inputs differ in rank") }
            parts.append(try align(value, to: axes, name: call.name))
        }
        if parts.count == 1 { return .computed(parts[0], axes) }
        return .computed(try append(.concatenation(axis: axes[axis]), name: call.name, parts), axes)
    }

    /// Returns the axis order of the largest computed value.
    func order(of values: [Value]) -> [Int] {
        var best: (count: Int, axes: [Int]) = (-1, Array(values.first.map { shape($0).indices } ?? 0..<0))
        for value in values {
            guard case .computed(let index, let axes) = value else { continue }
            let count = network.shape(index).reduce(1, *)
            if axes.count > best.axes.count && best.count >= 0 || count > best.count { best = (count, axes) }
        }
        return best.axes
    }

    func split(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0), old = shape(value)
        let axis = try call.axis(try call.int("axis", else: 0), rank: old.count)
        var sizes = try call.list("split", input: 1) ?? []
        if sizes.isEmpty {
            let parts = max(try call.int("num_outputs", else: call.node.outputs.count), 1)
            let size = (old[axis] + parts - 1) / parts
            guard parts <= old[axis] else { throw call.failure("splits \(old[axis]) into \(parts)") }
            sizes = (0..<parts).map { min(size, old[axis] - $0 * size) }
        }
        var results: [Value] = [], begin = 0
        guard sizes.allSatisfy({ $0 >= 0 && $0 <= old[axis] }), sizes.reduce(0, +) == old[axis] else {
            throw call.failure("its parts \(sizes) are not \(old[axis])")
        }
        for (index, size) in sizes.enumerated() {
            let part = Network.Stretch(begin: begin, count: size)
            let name = index < call.node.outputs.count ? call.node.outputs[index] : call.name
            results.append(try sliced(value, [axis: part], name: name, call))
            begin += size
        }
        return results
    }

    func slice(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0), old = shape(value)
        let starts = try call.list("starts", input: 1) ?? []
        let ends = try call.list("ends", input: 2) ?? []
        let axes = try call.list("axes", input: 3) ?? Array(starts.indices)
        let steps = try call.integers(4, "steps") ?? starts.map { _ in 1 }
        guard starts.count == ends.count, axes.count == starts.count, steps.count == starts.count else {
            throw call.failure("its starts, ends, axes and steps differ in number")
        }
        var parts: [Int: Network.Stretch] = [:]
        for (index, given) in axes.enumerated() {
            let axis = try call.axis(given, rank: old.count), size = old[axis], step = steps[index]
            guard step != 0, step > -(1 << 30), step < 1 << 30 else {
                throw call.failure("its step is \(step)")
            }
            func bounded(_ position: Int, _ range: ClosedRange<Int>) -> Int {
                min(max(position < 0 ? position + size : position, range.lowerBound), range.upperBound)
            }
            if step > 0 {
                let begin = bounded(starts[index], 0...size), end = bounded(ends[index], 0...size)
                parts[axis] = .init(begin: begin, count: max(0, (end - begin + step - 1) / step), step: step)
            } else {
                let begin = bounded(starts[index], -1...(size - 1)),
                    end = bounded(ends[index], -1...(size - 1))
                parts[axis] = .init(
                    begin: max(begin, 0), count: max(0, (begin - end - step - 1) / -step), step: step)
            }
        }
        return [try sliced(value, parts, name: call.name, call)]
    }

    func sliced(
        _ value: Value, _ parts: [Int: Network.Stretch], name: String, _ call: Call
    ) throws(Failure) -> Value {
        let old = shape(value)
        let stretches = old.indices.map { parts[$0] ?? Network.Stretch(begin: 0, count: old[$0]) }
        switch value {
        case .constant(let tensor):
            return .constant(
                try Folding.gathered(
                    tensor,
                    stretches.map { part in
                        (0..<part.count).map { part.begin + $0 * part.step }
                    }, call, self))
        case .computed(let index, let axes):
            if stretches.indices.allSatisfy({ stretches[$0] == .init(begin: 0, count: old[$0]) }) {
                return value
            }
            if stretches.contains(where: { $0.count == 0 }) {
                return .constant(
                    Tensor(type: .float32, shape: stretches.map(\.count), contents: .dense(.init([]))))
            }
            var moved = stretches
            for (axis, stretch) in zip(axes, stretches) { moved[axis] = stretch }
            return .computed(try append(.slice(moved), name: name, [index]), axes)
        }
    }

    func expand(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0), old = shape(value)
        guard let wanted = try call.integers(1, "shape"), let new = Network.broadcast(old, wanted) else {
            throw call.failure("its shape does not fit \(old)")
        }
        if new == old { return [value] }
        if case .constant(let tensor) = value {
            return [.constant(try Folding.broadcast(tensor, to: new, call, self))]
        }
        let whole = try reshaped(value, [Int](repeating: 1, count: new.count - old.count) + old, call)
        guard case .computed(let index, let axes) = whole else { return [whole] }
        var shape = new
        for (axis, size) in zip(axes, new) { shape[axis] = size }
        return [.computed(try append(.broadcast(shape), name: call.name, [index]), axes)]
    }

    func tile(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0), old = shape(value)
        guard let counts = try call.integers(1, "counts"), counts.count == old.count,
            counts.allSatisfy({ $0 >= 0 && $0 < 1 << 30 })
        else {
            throw call.failure("its counts do not fit \(old)")
        }
        switch value {
        case .constant(let tensor):
            let total = zip(old, counts).reduce(1) {
                $0.multipliedClamping(by: $1.0).multipliedClamping(by: $1.1)
            }
            try spend(total, call)
            return [
                .constant(
                    try Folding.gathered(
                        tensor,
                        old.indices.map { axis in
                            (0..<(old[axis] * counts[axis])).map { $0 % old[axis] }
                        }, call, self))
            ]
        case .computed(let index, let axes):
            if counts.allSatisfy({ $0 == 1 }) { return [value] }
            var moved = counts
            for (axis, count) in zip(axes, counts) { moved[axis] = count }
            return [.computed(try append(.tile(moved), name: call.name, [index]), axes)]
        }
    }

    func pad(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0), old = shape(value)
        guard let pads = try call.list("pads", input: 1) else {
            throw call.failure("has no pads")
        }
        let fill = try call.float(
            "value", else: call.constant(2, "value")?.numbers?.first.map { Float($0) } ?? 0)
        var listed = Array(old.indices)
        if let given = try call.integers(3, "axes") {
            listed = []
            for axis in given { listed.append(try call.axis(axis, rank: old.count)) }
        }
        guard pads.count == 2 * listed.count else { throw call.failure("its pads \(pads) do not fit \(old)") }
        var before = old.map { _ in 0 }, after = before
        for (index, axis) in listed.enumerated() {
            (before[axis], after[axis]) = (pads[index], pads[index + listed.count])
        }
        guard (before + after).allSatisfy({ $0.magnitude < 1 << 30 }) else {
            throw call.failure("its pads are \(pads)")
        }
        let padding: Network.Padding
        switch try call.string("mode", else: "constant") {
        case "constant": padding = .constant(fill)
        case "reflect": padding = .reflect
        case "edge": padding = .edge
        case let mode: throw call.failure("its mode is \(mode)")
        }
        // Negative pads remove entries.
        var parts: [Int: Network.Stretch] = [:]
        for axis in old.indices where before[axis] < 0 || after[axis] < 0 {
            let cut = max(0, -before[axis])
            parts[axis] = .init(begin: cut, count: max(0, old[axis] - cut - max(0, -after[axis])))
        }
        let cut = try sliced(value, parts, name: call.name, call)
        guard (before + after).contains(where: { $0 > 0 }) else { return [cut] }
        if case .constant(let tensor) = cut {
            return [.constant(try Folding.padded(tensor, before, after, padding, call, self))]
        }
        guard case .computed(let index, let axes) = cut else { return [cut] }
        var borders = old.map { _ in Network.Border(0, 0) }
        for axis in old.indices { borders[axes[axis]] = .init(max(0, before[axis]), max(0, after[axis])) }
        return [.computed(try append(.pad(borders, padding), name: call.name, [index]), axes)]
    }

    func depthToSpace(_ call: Call) throws(Failure) -> [Value] {
        let mode = try call.string("mode", else: "DCR")
        guard mode == "DCR" || mode == "CRD" else { throw call.failure("its mode is \(mode)") }
        return [
            .computed(
                try append(
                    .depthToSpace(block: try call.int("blocksize", else: 0), isChannelMajor: mode == "CRD"),
                    name: call.name, [try image(try call.input(0), call)]), Axes.channelsFirst)
        ]
    }

    func spaceToDepth(_ call: Call) throws(Failure) -> [Value] {
        let mode = try call.string("mode", else: "DCR"), block = try call.int("blocksize", else: 0)
        guard mode == "DCR" || mode == "CRD" else { throw call.failure("its mode is \(mode)") }
        let made = Value.computed(
            try append(
                .spaceToDepth(block: block), name: call.name, [try image(try call.input(0), call)]),
            Axes.channelsFirst)
        if mode == "DCR" { return [made] }
        // The pixels of a block precede the channels; with CRD, the channels precede the pixels.
        let new = shape(made), channels = new[1] / block / block
        let parts = try reshaped(made, [new[0], block * block, channels, new[2], new[3]], call)
        return [try reshaped(permuted(parts, [0, 2, 1, 3, 4]), new, call)]
    }
}

extension Int {
    /// Returns the product, or the largest number if it overflows.
    func multipliedClamping(by other: Int) -> Int {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? .max : product
    }
}
