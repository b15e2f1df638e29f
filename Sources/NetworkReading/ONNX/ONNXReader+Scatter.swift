import Network
import TensorGraph

/// `ScatterND`, which exporters write for an assignment to a part of a tensor, and `Col2Im`, for PyTorch's `fold`.
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
