import Network
import TensorGraph

/// Evaluates operators on constants while a model is read: shapes, masks, and weights that are standardized
/// or scaled.
///
/// Values are computed in double precision and stored in ONNX's result type. Sums, products, quotients and
/// square roots of single-precision numbers are therefore rounded once and equal those in single precision.
enum Folding {
    typealias Failure = ONNXReadingError

    /// Returns whether no product of some of the sizes overflows, where zeros count as one.
    static func isBounded(_ shape: [Int]) -> Bool {
        shape.reduce(1) { $0.multipliedClamping(by: max($1, 1)) } <= 1 << 48
    }

    static func numbers(_ tensor: Tensor, _ call: Call) throws(Failure) -> [Double] {
        guard let numbers = tensor.numbers else {
            throw call.failure("does not take a constant of type \(tensor.type)")
        }
        return numbers
    }

    static func unary(
        _ tensor: Tensor, _ call: Call, _ reader: ONNXReader, _ function: (Double) -> Double
    ) throws(Failure) -> Tensor {
        try reader.spend(tensor.count, call)
        if tensor.type == .float32 { return floats(tensor, function) }
        return Tensor(
            numbers: try numbers(tensor, call).map(function), type: tensor.type, shape: tensor.shape)
    }

    static func binary(
        _ a: Tensor, _ b: Tensor, type: ElementType? = nil, _ call: Call, _ reader: ONNXReader,
        _ function: (Double, Double) -> Double
    ) throws(Failure) -> Tensor {
        guard let shape = Network.broadcast(a.shape, b.shape) else {
            throw call.failure("does not take \(a.shape) and \(b.shape)")
        }
        if a.type == .float32, b.type == .float32, type ?? .float32 == .float32, !a.shape.contains(0),
            !b.shape.contains(0)
        {
            if a.shape != shape || b.shape != shape { try reader.spend(shape.reduce(1, *), call) }
            return floats(a, b, shape: shape, function)
        }
        let left = try numbers(broadcast(a, to: shape, call, reader), call)
        let right = try numbers(broadcast(b, to: shape, call, reader), call)
        return Tensor(
            numbers: zip(left, right).map { function($0, $1) }, type: type ?? a.type, shape: shape)
    }

    static func broadcast(
        _ tensor: Tensor, to shape: [Int], _ call: Call, _ reader: ONNXReader
    ) throws(Failure) -> Tensor {
        if tensor.shape == shape { return tensor }
        guard tensor.count > 0 else { throw call.failure("of an empty constant of shape \(tensor.shape)") }
        guard Network.broadcast(tensor.shape, shape) == shape else {
            throw call.failure("does not broadcast \(tensor.shape) to \(shape)")
        }
        let count = shape.reduce(1) { $0.multipliedClamping(by: max($1, 1)) }
        try reader.spend(count, call)
        let given = try numbers(tensor, call)
        var result = [Double](repeating: 0, count: shape.reduce(1, *))
        Walk(shape, broadcasting: tensor.shape).forEach { index, offset in result[index] = given[offset] }
        return Tensor(numbers: result, type: tensor.type, shape: shape)
    }

    /// Returns the product of two matrices; the leading axes must have equally many elements.
    static func product(
        _ a: Tensor, _ b: Tensor, _ call: Call, _ reader: ONNXReader
    ) throws(Failure) -> Tensor {
        let rank = max(a.shape.count, b.shape.count)
        func widened(_ tensor: Tensor) -> [Int] {
            [Int](repeating: 1, count: rank - tensor.shape.count) + tensor.shape
        }
        let (left, right) = (widened(a), widened(b)), rows = left[rank - 2], columns = right[rank - 1]
        let inner = left[rank - 1], batches = left.dropLast(2).reduce(1, *)
        let steps = right.dropLast(2).allSatisfy { $0 == 1 } ? 0 : inner * columns
        guard inner == right[rank - 2], steps == 0 || left.dropLast(2) == right.dropLast(2) else {
            throw call.failure("does not take \(a.shape) and \(b.shape)")
        }
        guard isBounded(left), isBounded(right) else { throw call.failure("of \(left)") }
        try reader.spend(
            [batches, rows, columns].reduce(1) { $0.multipliedClamping(by: max($1, 1)) }, call)
        // This limits the work: a product with 2^30 terms takes a second.
        try reader.spend(
            [batches, rows, columns, inner].reduce(1) { $0.multipliedClamping(by: max($1, 1)) } >> 4, call)
        let x = try numbers(a, call), y = try numbers(b, call)
        var result = [Double](repeating: 0, count: batches * rows * columns)
        for row in 0..<(batches * rows) {
            for k in 0..<inner {
                let value = x[row * inner + k], from = row / rows * steps + k * columns
                for column in 0..<columns { result[row * columns + column] += value * y[from + column] }
            }
        }
        return Tensor(numbers: result, type: a.type, shape: left.dropLast(2) + [rows, columns])
    }

    /// Returns the entries `indices[axis]` of each axis.
    static func gathered(
        _ tensor: Tensor, _ indices: [[Int]], _ call: Call, _ reader: ONNXReader
    ) throws(Failure) -> Tensor {
        let shape = indices.map(\.count)
        if shape == tensor.shape, indices.allSatisfy(\.isIdentity) { return tensor }
        try reader.spend(shape.reduce(1) { $0.multipliedClamping(by: $1) }, call)
        let given = try numbers(tensor, call)
        var strides = [Int](repeating: 1, count: shape.count)
        for axis in shape.indices.dropLast().reversed() {
            strides[axis] = strides[axis + 1] * tensor.shape[axis + 1]
        }
        var offsets = [0]
        for (axis, positions) in indices.enumerated() {
            offsets = offsets.flatMap { base in positions.map { base + $0 * strides[axis] } }
        }
        return Tensor(numbers: offsets.map { given[$0] }, type: tensor.type, shape: shape)
    }

    static func concatenation(
        _ tensors: [Tensor], axis: Int, _ call: Call, _ reader: ONNXReader
    ) throws(Failure) -> Tensor {
        var shape = tensors[0].shape
        shape[axis] = 0
        for tensor in tensors {
            guard tensor.shape.count == shape.count,
                shape.indices.allSatisfy({ $0 == axis || tensor.shape[$0] == shape[$0] })
            else { throw call.failure("its inputs \(tensors.map(\.shape)) do not fit") }
            shape[axis] += tensor.shape[axis]
        }
        guard isBounded(shape) else { throw call.failure("makes a tensor of \(shape)") }
        let count = shape.reduce(1, *), inner = shape[(axis + 1)...].reduce(1, *)
        try reader.spend(count, call)
        var parts: [[Double]] = [], result: [Double] = []
        for tensor in tensors { parts.append(try numbers(tensor, call)) }
        result.reserveCapacity(count)
        for outer in 0..<shape[..<axis].reduce(1, *) {
            for (tensor, part) in zip(tensors, parts) {
                let run = tensor.shape[axis] * inner
                result += part[(outer * run)..<((outer + 1) * run)]
            }
        }
        return Tensor(numbers: result, type: tensors[0].type, shape: shape)
    }

    static func reduction(
        _ tensor: Tensor, _ axes: [Int], keeps: Bool, _ call: Call, _ reader: ONNXReader,
        from start: Double, _ combine: (Double, Double) -> Double
    ) throws(Failure) -> (tensor: Tensor, count: Int) {
        try reader.spend(tensor.count, call)
        let kept = tensor.shape.indices.map { axes.contains($0) ? 1 : tensor.shape[$0] }
        var result = [Double](repeating: start, count: kept.reduce(1, *))
        if tensor.type == .float32, let region = tensor.elements {
            reduceFloats(region, tensor.shape, to: kept, &result, combine)
        } else {
            let given = try numbers(tensor, call)
            Walk(tensor.shape, broadcasting: kept).forEach { index, offset in
                result[offset] = combine(result[offset], given[index])
            }
        }
        let shape = keeps ? kept : tensor.shape.indices.filter { !axes.contains($0) }.map { tensor.shape[$0] }
        return (
            Tensor(numbers: result, type: tensor.type, shape: shape),
            axes.reduce(1) { $0 * tensor.shape[$1] }
        )
    }

    static func padded(
        _ tensor: Tensor, _ before: [Int], _ after: [Int], _ padding: Network.Padding, _ call: Call,
        _ reader: ONNXReader
    ) throws(Failure) -> Tensor {
        guard case .constant(let fill) = padding else {
            throw call.failure("of a constant is read for constant pads")
        }
        var indices: [[Int]] = []
        for (axis, size) in tensor.shape.enumerated() {
            let width = size + max(0, before[axis]) + max(0, after[axis])
            guard width < 1 << 20 else { throw call.failure("makes an axis of \(width)") }
            indices.append((0..<width).map { $0 - max(0, before[axis]) })
        }
        let shape = indices.map(\.count)
        try reader.spend(shape.reduce(1) { $0.multipliedClamping(by: $1) }, call)
        let given = try numbers(tensor, call)
        var offsets = [0]
        for (axis, positions) in indices.enumerated() {
            let size = tensor.shape[axis]
            offsets = offsets.flatMap { base in
                positions.map { base < 0 || $0 < 0 || $0 >= size ? -1 : base * size + $0 }
            }
        }
        return Tensor(
            numbers: offsets.map { $0 < 0 ? Double(fill) : given[$0] }, type: tensor.type, shape: shape)
    }
}
