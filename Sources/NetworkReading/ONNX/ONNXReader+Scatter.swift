import Network
import TensorGraph

/// `ScatterND` and `ScatterElements`, which exporters write for an assignment to a part of a tensor, and `Col2Im`, for PyTorch's
/// `fold`.
extension ONNXReader {
    func scatter(_ call: Call) throws(Failure) -> [Value] {
        let data = try call.input(0), updates = try call.input(2), size = shape(data)
        let places = try call.demanded(1, "indices")
        guard let indices = places.integers, let depth = places.shape.last,
            depth >= 1, depth <= size.count,
            try call.string("reduction", else: "none") == "none",
            shape(updates) == places.shape.dropLast() + size[depth...]
        else { throw call.failure("its indices of \(places.shape) do not fit \(size)") }
        var coordinates = indices
        for index in coordinates.indices {
            coordinates[index] = try call.axis(coordinates[index], rank: size[index % depth])
        }
        if case .constant(let tensor) = data, case .constant(let new) = updates {
            return [.constant(try scattered(tensor, new, coordinates, depth, call))]
        }
        guard let box = Self.box(coordinates, depth) else {
            throw call.failure("its data or updates depend on the input, and its indices are no block")
        }
        let block = try reshaped(updates, box.map(\.count) + size[depth...], call)
        return [try replaced(data, box, by: block, call)]
    }

    /// Reads data with other elements at constant places along an axis; of several for one place, the last counts.
    func scatterElements(_ call: Call) throws(Failure) -> [Value] {
        let data = try call.input(0), updates = try call.input(2), old = shape(data)
        let places = try call.demanded(1, "indices"), new = places.shape
        let axis = try call.axis(try call.int("axis", else: 0), rank: old.count)
        guard let given = places.integers, try call.string("reduction", else: "none") == "none",
            shape(updates) == new, new.count == old.count,
            new.indices.allSatisfy({ $0 == axis || new[$0] <= old[$0] })
        else { throw call.failure("its indices of \(new) do not fit \(old)") }
        if given.isEmpty { return [data] }
        try spend(given.count, call)
        var positions: [Int] = []
        for place in given { positions.append(try call.axis(place, rank: old[axis])) }
        let inner = new[(axis + 1)...].reduce(1, *)
        let rows = (0..<new[axis]).map { positions[$0 * inner] }
        let isRows =
            new.indices.allSatisfy { $0 == axis || new[$0] == old[$0] }
            && positions.indices.allSatisfy { positions[$0] == rows[$0 / inner % new[axis]] }
        if isRows, !(data.isConstant && updates.isConstant) {
            return [try withRows(data, updates, at: rows, along: axis, call)]
        }
        var table = Array(0..<old.reduce(1, *))
        try spend(table.count, call)
        for (update, position) in positions.enumerated() {
            var rest = update, target = 0, stride = 1
            for other in new.indices.reversed() {
                let along = other == axis ? position : rest % new[other]
                (target, rest, stride) = (target + along * stride, rest / new[other], stride * old[other])
            }
            table[target] = old.reduce(1, *) + update
        }
        if case .constant(let tensor) = data, case .constant(let others) = updates {
            let numbers = try Folding.numbers(tensor, call) + Folding.numbers(others, call)
            return [.constant(Tensor(numbers: table.map { numbers[$0] }, type: tensor.type, shape: old))]
        }
        let joined = try concatenated(
            [reshaped(data, [table.count], call), reshaped(updates, [given.count], call)], axis: 0, call)
        return [try entries(of: joined, along: 0, at: Tensor(integers: table, shape: old), call)]
    }

    /// Returns data whose rows at some places of an axis are those of another value.
    private func withRows(
        _ data: Value, _ updates: Value, at places: [Int], along axis: Int, _ call: Call
    ) throws(Failure) -> Value {
        let count = shape(data)[axis]
        var sources = Array(0..<count)
        for (row, place) in places.enumerated() { sources[place] = count + row }
        var parts: [Value] = [], first = 0
        for end in 1...count
        where end == count || sources[end] != sources[end - 1] + 1 || sources[end] == count {
            let begin = sources[first], isUpdate = begin >= count
            parts.append(
                try sliced(
                    isUpdate ? updates : data,
                    [axis: .init(begin: isUpdate ? begin - count : begin, count: end - first)],
                    name: call.name, call))
            first = end
        }
        return try concatenated(parts, axis: axis, call)
    }

    /// Reads blocks `[N, C · height · width, blocks]` whose sum, each at its place, is an image.
    func blocksToImage(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0), old = shape(value)
        let size = try call.integers(1, "image_shape") ?? [],
            block = try call.integers(2, "block_shape") ?? []
        guard old.count == 3, size.count == 2, block.count == 2,
            (size + block).allSatisfy({ (1...1 << 16).contains($0) }), old[1] > 0,
            old[1] % (block[0] * block[1]) == 0
        else { throw call.failure("of \(old) in blocks of \(block) to an image of \(size)") }
        let window = try window(call, size: block, over: size)
        guard let (rows, columns) = window.size(over: size[0], size[1]), rows * columns == old[2] else {
            throw call.failure("of \(old[2]) blocks that do not cover an image of \(size)")
        }
        let taps = block[0] * block[1], channels = old[1] / taps
        let isSideBySide =
            [window.strideY, window.strideX] == block && window.padding.isEmpty
            && (window.dilationY, window.dilationX) == (1, 1)
            && size == [rows * block[0], columns * block[1]]
        if isSideBySide {
            let split = try reshaped(value, [old[0], channels] + block + [rows, columns], call)
            return [try reshaped(permuted(split, [0, 1, 4, 2, 5, 3]), [old[0], channels] + size, call)]
        }
        // Blocks that overlap are convolved, transposed, by filters of one 1 each.
        try spend(old[1] * taps, call)
        let ones = (0..<old[1] * taps).map { $0 % taps == $0 / taps % taps ? Float(1) : 0 }
        let pads = window.padding
        let extra = [
            size[0] + pads.top + pads.bottom - (rows - 1) * window.strideY - (block[0] - 1) * window.dilationY
                - 1,
            size[1] + pads.left + pads.right - (columns - 1) * window.strideX - (block[1] - 1)
                * window.dilationX - 1,
        ]
        let made = try transposed(
            reshaped(value, [old[0], old[1], rows, columns], call),
            by: Tensor(ones, shape: [old[1], 1] + block), groups: channels, window, extra: extra, call)
        return [.computed(made, Axes.channelsFirst)]
    }

    private func scattered(
        _ data: Tensor, _ updates: Tensor, _ coordinates: [Int], _ depth: Int, _ call: Call
    ) throws(Failure) -> Tensor {
        try spend(data.count, call)
        var numbers = try Folding.numbers(data, call)
        let new = try Folding.numbers(updates, call), run = data.shape[depth...].reduce(1, *)
        for row in 0..<(coordinates.count / depth) {
            var offset = 0
            for axis in 0..<depth { offset = offset * data.shape[axis] + coordinates[row * depth + axis] }
            numbers.replaceSubrange(
                (offset * run)..<((offset + 1) * run), with: new[(row * run)..<((row + 1) * run)])
        }
        return Tensor(numbers: numbers, type: data.type, shape: data.shape)
    }

    /// Returns the range of each coordinate if the tuples of `depth` coordinates are all those of a block in
    /// row-major order.
    private static func box(_ coordinates: [Int], _ depth: Int) -> [Range<Int>]? {
        guard coordinates.count >= depth else { return nil }
        let first = coordinates.prefix(depth), last = coordinates.suffix(depth)
        guard zip(first, last).allSatisfy({ $0 <= $1 }) else { return nil }
        let box = zip(first, last).map { $0..<$1 + 1 }
        guard box.reduce(depth, { $0.multipliedClamping(by: $1.count) }) == coordinates.count else {
            return nil
        }
        var expected = Array(first)
        for row in stride(from: 0, to: coordinates.count, by: depth) {
            guard coordinates[row..<(row + depth)].elementsEqual(expected) else { return nil }
            var axis = depth - 1
            while axis >= 0 {
                expected[axis] += 1
                if expected[axis] < box[axis].upperBound { break }
                expected[axis] = box[axis].lowerBound
                axis -= 1
            }
        }
        return box
    }

    /// Returns a value whose entries in a block of the first axes are those of another value.
    private func replaced(
        _ value: Value, _ box: [Range<Int>], by block: Value, _ call: Call
    ) throws(Failure) -> Value {
        // The block grows axis by axis, from the last one: each time, what lies before and after it along
        // the axis is taken from the value, within the block along the axes before.
        var result = block
        for axis in box.indices.reversed() {
            var within: [Int: Network.Stretch] = [:]
            for outer in 0..<axis {
                within[outer] = .init(begin: box[outer].lowerBound, count: box[outer].count)
            }
            func part(_ range: Range<Int>) throws(Failure) -> Value {
                within[axis] = .init(begin: range.lowerBound, count: range.count)
                return try sliced(value, within, name: call.name, call)
            }
            let before = try part(0..<box[axis].lowerBound)
            let after = try part(box[axis].upperBound..<shape(value)[axis])
            result = try concatenated([before, result, after], axis: axis, call)
        }
        return result
    }
}
