import Network
import TensorGraph

/// Operators that read a part of each row or matrix that is bounded by a diagonal.
extension ONNXReader {
    /// Reads the upper or lower triangle of matrices.
    func triangle(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0), size = shape(value), isUpper = try call.int("upper", else: 1) != 0
        let offset = try call.integers(1, "k")?.first ?? 0
        guard size.count >= 2, offset.magnitude < 1 << 30 else { throw call.failure("of \(size)") }
        let rows = size[size.count - 2], columns = size[size.count - 1]
        func isKept(_ row: Int, _ column: Int) -> Bool {
            isUpper ? column - row >= offset : column - row <= offset
        }
        switch value {
        case .constant(let tensor):
            try spend(tensor.count, call)
            var numbers = try Folding.numbers(tensor, call)
            for index in numbers.indices where !isKept(index / columns % rows, index % columns) {
                numbers[index] = 0
            }
            return [.constant(Tensor(numbers: numbers, type: tensor.type, shape: size))]
        case .computed(let index, _):
            let mask = try flags(rows, columns, isWhole: wholes.contains(index), call, isKept)
            return [try combined(value, mask, .multiply, call, *)]
        }
    }

    /// Reads sums of the entries of an axis up to each of them.
    func cumulativeSum(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0), old = shape(value)
        let axis = try call.axis(try call.integers(1, "axis")?.first ?? 0, rank: old.count), size = old[axis]
        let isExclusive = try call.int("exclusive", else: 0) != 0
        let isReversed = try call.int("reverse", else: 0) != 0
        if case .constant(let tensor) = value {
            try spend(tensor.count, call)
            var numbers = try Folding.numbers(tensor, call)
            let inner = old[(axis + 1)...].reduce(1, *)
            for start in numbers.indices where start / inner % max(size, 1) == 0 {
                var sum = 0.0
                for step in 0..<size {
                    let index = start + (isReversed ? size - 1 - step : step) * inner, entry = numbers[index]
                    numbers[index] = isExclusive ? sum : sum + entry
                    sum += entry
                }
            }
            return [.constant(Tensor(numbers: numbers, type: tensor.type, shape: old))]
        }
        // A product with a triangle of ones.
        let order = old.indices.filter { $0 != axis } + [axis], moved = permuted(value, order)
        let ones = try flags(size, size, isWhole: false, call) { from, to in
            if from == to { return !isExclusive }
            return isReversed ? from > to : from < to
        }
        let rows = try reshaped(moved, [old.reduce(1, *) / size, size], call)
        let sums = try reshaped(try product(rows, ones, call), order.map { old[$0] }, call)
        return [permuted(sums, order.inverted)]
    }

    /// Returns a constant matrix of 1 and 0.
    private func flags(
        _ rows: Int, _ columns: Int, isWhole: Bool, _ call: Call, _ isSet: (Int, Int) -> Bool
    ) throws(Failure) -> Value {
        try spend(rows.multipliedClamping(by: columns), call)
        let numbers = (0..<rows * columns).map { isSet($0 / columns, $0 % columns) ? 1.0 : 0 }
        return .constant(Tensor(numbers: numbers, type: isWhole ? .int64 : .float32, shape: [rows, columns]))
    }

    /// Reads the places of a constant's entries other than 0, a row for each axis.
    func nonzeroPlaces(_ call: Call) throws(Failure) -> [Value] {
        let tensor = try call.demanded(0, "entries"), numbers = try Folding.numbers(tensor, call)
        let found = numbers.indices.filter { numbers[$0] != 0 }
        try spend(found.count.multipliedClamping(by: max(tensor.shape.count, 1)), call)
        var rows: [Int] = [], stride = numbers.count
        for size in tensor.shape {
            stride /= max(size, 1)
            rows += found.map { $0 / stride % size }
        }
        return [.constant(Tensor(integers: rows, shape: [tensor.shape.count, found.count]))]
    }
}
