import Network
import SystemFiles
import TensorGraph

/// Comparisons, whose results are 1 and 0, and operators that choose by them.
extension ONNXReader {
    enum Comparison {
        case equal, less, lessOrEqual, greater, greaterOrEqual

        func holds(_ a: Double, _ b: Double) -> Bool {
            switch self {
            case .equal: a == b
            case .less: a < b
            case .lessOrEqual: a <= b
            case .greater: a > b
            case .greaterOrEqual: a >= b
            }
        }
    }

    func comparison(_ call: Call, _ comparison: Comparison) throws(Failure) -> [Value] {
        [try compared(try call.input(0), comparison, try call.input(1), call)]
    }

    func compared(
        _ a: Value, _ comparison: Comparison, _ b: Value, _ call: Call
    ) throws(Failure) -> Value {
        if case .constant(let left) = a, case .constant(let right) = b {
            return .constant(
                try Folding.binary(left, right, type: .bool, call, self) { comparison.holds($0, $1) ? 1 : 0 })
        }
        let (function, isSwapped): (Network.Binary, Bool) =
            switch comparison {
            case .equal: (.equal, false)
            case .less: (.less, false)
            case .lessOrEqual: (.lessOrEqual, false)
            case .greater: (.less, true)
            case .greaterOrEqual: (.lessOrEqual, true)
            }
        return try combined(isSwapped ? b : a, isSwapped ? a : b, function, call) { _, _ in 0 }
    }

    /// Reads `And`, `Or` and `Xor`.
    func logic(
        _ call: Call, _ operation: Network.Binary, _ fold: (Bool, Bool) -> Bool
    ) throws(Failure) -> [Value] {
        let a = try call.input(0), b = try call.input(1)
        if case .constant(let left) = a, case .constant(let right) = b {
            return [
                .constant(
                    try Folding.binary(left, right, type: .bool, call, self) {
                        fold($0 != 0, $1 != 0) ? 1 : 0
                    })
            ]
        }
        return [try combined(a, b, operation, call) { _, _ in 0 }]
    }

    func negation(_ call: Call) throws(Failure) -> [Value] { [try negated(try call.input(0), call)] }

    /// Returns 1 where a value is 0, and elsewhere 0.
    func negated(_ value: Value, _ call: Call) throws(Failure) -> Value {
        if case .constant(let tensor) = value {
            return .constant(try Folding.unary(tensor, call, self) { $0 == 0 ? 1 : 0 })
        }
        return try compared(value, .equal, .constant(Tensor([Float(0)], shape: [])), call)
    }

    func isNoNumber(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0)
        return [try negated(try compared(value, .equal, value, call), call)]
    }

    func isInfinite(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0), infinity = Value.constant(Tensor([Float.infinity], shape: []))
        let detectsNegative = try call.int("detect_negative", else: 1) != 0
        switch (detectsNegative, try call.int("detect_positive", else: 1) != 0) {
        case (true, true):
            return [try compared(try applied(.abs, to: value, call, abs), .equal, infinity, call)]
        case (false, true): return [try compared(value, .equal, infinity, call)]
        case (true, false):
            return [try compared(try applied(.negate, to: value, call, -), .equal, infinity, call)]
        case (false, false): return [try compared(infinity, .less, value, call)]
        }
    }

    /// Reads `Where`.
    func choice(_ call: Call) throws(Failure) -> [Value] {
        let a = try call.input(1), b = try call.input(2), flags = try call.input(0)
        guard case .constant(let condition) = flags else { return [try chosen(flags, a, b, call)] }
        let size = Network.broadcast(shape(a), shape(b)).flatMap { Network.broadcast($0, condition.shape) }
        guard let size else { throw call.failure("its inputs do not fit") }
        if case .constant(let left) = a, case .constant(let right) = b {
            let flags = try Folding.numbers(Folding.broadcast(condition, to: size, call, self), call)
            let lefts = try Folding.numbers(Folding.broadcast(left, to: size, call, self), call)
            let rights = try Folding.numbers(Folding.broadcast(right, to: size, call, self), call)
            return [
                .constant(
                    Tensor(
                        numbers: flags.indices.map { flags[$0] != 0 ? lefts[$0] : rights[$0] },
                        type: left.type, shape: size))
            ]
        }
        // A condition that is the same everywhere chooses a whole tensor.
        let isChosen = try Folding.numbers(condition, call).map { $0 != 0 }
        if let first = isChosen.first, isChosen.allSatisfy({ $0 == first }) {
            let taken = first ? a : b
            if shape(taken) == size { return [taken] }
        }
        return [try chosen(flags, a, b, call)]
    }

    /// Returns the elements of `a` where the condition is not 0, and elsewhere those of `b`.
    func chosen(
        _ condition: Value, _ a: Value, _ b: Value, _ call: Call
    ) throws(Failure) -> Value {
        let values = [condition, a, b], rank = values.reduce(0) { max($0, shape($1).count) }
        var wide: [Value] = [], inputs: [Int] = []
        for value in values { wide.append(try widened(value, rank, call)) }
        let axes = order(of: wide)
        for value in wide { inputs.append(try align(value, to: axes, name: call.name)) }
        return .computed(try append(.select, name: call.name, inputs), axes)
    }

    // MARK: - Conversions

    func cast(_ call: Call) throws(Failure) -> [Value] {
        guard let type = ElementType(onnx: Int64(try call.int("to", else: 1))) else {
            throw call.failure("to a type that is not read")
        }
        return [try cast(try call.input(0), to: type, call)]
    }

    /// Reads a cast to the type of another tensor.
    func castLike(_ call: Call) throws(Failure) -> [Value] {
        let type: ElementType =
            switch try call.input(1) {
            case .constant(let tensor): tensor.type
            case .computed(let index, _): wholes.contains(index) ? .int64 : .float32
            }
        return [try cast(try call.input(0), to: type, call)]
    }

    private func cast(_ value: Value, to type: ElementType, _ call: Call) throws(Failure) -> Value {
        switch value {
        case .constant(let tensor):
            if type == tensor.type { return value }
            if [.float16, .bfloat16].contains(type), let floats = tensor.asFloat32 {
                return .constant(floats)
            }
            guard [.float32, .float64, .int32, .int64, .bool, .uint8].contains(type) else {
                throw call.failure("to \(type)")
            }
            try spend(tensor.count, call)
            return .constant(
                Tensor(numbers: try Folding.numbers(tensor, call), type: type, shape: tensor.shape))
        case .computed(let index, let axes):
            let isWhole = wholes.contains(index)
            switch type {
            case .float32, .float16, .bfloat16, .float64:
                if !isWhole { return value }
                // A tensor of its own, whose quotients are not truncated.
                return .computed(
                    try append(.reshape(network.shape(index)), name: call.name, [index], isWhole: false), axes
                )
            case .bool:
                if case .binary(let function) = network[index].operation, function.isComparison {
                    return value
                }
                return try negated(try negated(value, call), call)
            case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64:
                return isWhole ? value : try truncated(index, axes, call)
            default: throw call.failure("of a computed tensor to \(type)")
            }
        }
    }

    /// Rounds towards 0, to integers.
    func truncated(_ index: Int, _ axes: [Int], _ call: Call) throws(Failure) -> Value {
        let size = try append(.unary(.abs), name: call.name, [index])
        let rounded = try append(.unary(.floor), name: call.name, [size])
        let sign = try append(.unary(.sign), name: call.name, [index])
        return .computed(
            try append(.binary(.multiply), name: call.name, [rounded, sign], isWhole: true), axes)
    }

    /// Reads the remainder of a division, which has the divisor's sign, or with `fmod` that of C.
    func remainder(_ call: Call) throws(Failure) -> [Value] {
        let isC = try call.int("fmod", else: 0) != 0, a = try call.input(0), b = try call.input(1)
        if case .constant(let left) = a, case .constant(let right) = b {
            return [
                .constant(
                    try Folding.binary(left, right, call, self) { x, y in
                        guard y != 0 else { return 0 }
                        return isC ? fmod(x, y) : x - (x / y).rounded(.down) * y
                    })
            ]
        }
        let quotient = try combined(a, b, .divide, call, truncatesWholes: false, /)
        guard case .computed(let index, let axes) = quotient else { return [quotient] }
        let rounded =
            isC
            ? try truncated(index, axes, call)
            : .computed(try append(.unary(.floor), name: call.name, [index]), axes)
        return [try combined(a, try combined(rounded, b, .multiply, call, *), .subtract, call, -)]
    }

    // MARK: - Functions that choose

    /// Reads x where it is above a threshold, and elsewhere 0.
    func thresholded(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0), alpha = try call.float("alpha", else: 1)
        let limit = Value.constant(Tensor([alpha], shape: []))
        let zero = Value.constant(Tensor([Float(0)], shape: []))
        if case .constant = value { return try unary(call, .relu) { $0 > Double(alpha) ? $0 : 0 } }
        return [try chosen(try compared(value, .greater, limit, call), value, zero, call)]
    }

    /// Reads x − bias above lambda, x + bias below −lambda, and 0 between.
    func shrunk(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0)
        let lambda = try call.float("lambd", else: 0.5), bias = try call.float("bias", else: 0)
        func number(_ value: Float) -> Value { .constant(Tensor([value], shape: [])) }
        if case .constant = value {
            return try unary(call, .relu) {
                $0 < Double(-lambda) ? $0 + Double(bias) : $0 > Double(lambda) ? $0 - Double(bias) : 0
            }
        }
        let low = try chosen(
            try compared(value, .less, number(-lambda), call),
            try combined(value, number(bias), .add, call, +), number(0), call)
        return [
            try chosen(
                try compared(value, .greater, number(lambda), call),
                try combined(value, number(bias), .subtract, call, -), low, call)
        ]
    }
}
