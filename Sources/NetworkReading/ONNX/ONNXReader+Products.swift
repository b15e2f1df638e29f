import Network
import TensorGraph

/// Matrix products.
extension ONNXReader {
    func matrixProduct(_ call: Call) throws(Failure) -> [Value] {
        var a = try call.input(0), b = try call.input(1)
        let ranks = (shape(a).count, shape(b).count)
        guard ranks.0 >= 1, ranks.1 >= 1 else { throw call.failure("of a scalar") }
        if ranks.0 == 1 { a = try reshaped(a, [1] + shape(a), call) }
        if ranks.1 == 1 { b = try reshaped(b, shape(b) + [1], call) }
        var value = try product(a, b, call)
        var result = shape(value)
        if ranks.0 == 1 { result.remove(at: result.count - 2) }
        if ranks.1 == 1 { result.removeLast() }
        value = try reshaped(value, result, call)
        return [value]
    }

    func product(_ a: Value, _ b: Value, _ call: Call) throws(Failure) -> Value {
        if case .constant(let left) = a, case .constant(let right) = b {
            return .constant(try Folding.product(left, right, call, self))
        }
        let (left, swapsLeft) = try operand(a, call), (right, swapsRight) = try operand(b, call)
        let made = try append(
            .matrixProduct(transposesLeft: swapsLeft, transposesRight: swapsRight), name: call.name,
            [left, right])
        return .computed(made, Array(network.shape(made).indices))
    }

    func einsum(_ call: Call) throws(Failure) -> [Value] {
        let equation = try call.string("equation", else: "")
        var shapes: [[Int]] = [], values: [Value] = []
        for index in call.inputs.indices { shapes.append(shape(try call.input(index))) }
        guard let sum = Einsum(equation, shapes) else {
            throw call.failure("its equation '\(equation)' of \(shapes) is no matrix product")
        }
        for (index, operand) in sum.operands.enumerated() {
            var value = try call.input(index)
            if !operand.sums.isEmpty {
                value = try reduced(value, .sum, operand.sums, keeps: false, call)
            }
            values.append(try reshaped(permuted(value, operand.order), operand.shape, call))
        }
        guard values.count == 2 else { return values }
        return [permuted(try reshaped(try product(values[0], values[1], call), sum.shape, call), sum.order)]
    }

    /// Returns the value with axis `order[i]` as axis i; a computed one is not moved.
    func permuted(_ value: Value, _ order: [Int]) -> Value {
        switch value {
        case .constant(let tensor): .constant(tensor.transposed(order))
        case .computed(let index, let axes): .computed(index, order.map { axes[$0] })
        }
    }

    /// Returns a matrix for a product; if its last two axes are swapped in the network, they are not
    /// transposed.
    private func operand(_ value: Value, _ call: Call) throws(Failure) -> (Int, swaps: Bool) {
        let rank = shape(value).count
        var axes = Array(0..<rank)
        if case .computed(_, let given) = value, given[rank - 2] > given[rank - 1] {
            axes.swapAt(rank - 2, rank - 1)
            return (try align(value, to: axes, name: call.name), true)
        }
        return (try align(value, to: axes, name: call.name), false)
    }

    /// Reads α · A · B + β · C, where A and B may be transposed.
    func generalProduct(_ call: Call) throws(Failure) -> [Value] {
        let alpha = try call.float("alpha", else: 1), beta = try call.float("beta", else: 1)
        let swapsLeft = try call.int("transA", else: 0) != 0,
            swapsRight = try call.int("transB", else: 0) != 0
        let left = try plain(try call.input(0), name: call.name),
            right = try plain(try call.input(1), name: call.name)
        var made = try append(
            .matrixProduct(transposesLeft: swapsLeft, transposesRight: swapsRight), name: call.name,
            [left, right])
        if alpha != 1 {
            let factor = try constant(Tensor([alpha], shape: []), name: call.name)
            made = try append(.binary(.multiply), name: call.name, [made, factor])
        }
        let value = Value.computed(made, [0, 1])
        guard var addend = call.optional(2) else { return [value] }
        if beta != 1 {
            guard case .constant(let tensor) = addend else { throw call.failure("its beta is \(beta)") }
            addend = .constant(try Folding.unary(tensor, call, self) { $0 * Double(beta) })
        }
        return [try combined(value, addend, .add, call, +)]
    }
}
