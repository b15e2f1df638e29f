import Network
import SystemFiles
import TensorGraph

/// Operators that compute with elements.
extension ONNXReader {
    // MARK: - Functions of one number

    /// Reads an elementwise function of one argument; constants are evaluated by `fold`.
    func unary(
        _ call: Call, _ operation: Network.Unary, _ fold: (Double) -> Double
    ) throws(Failure) -> [Value] {
        switch try call.input(0) {
        case .constant(let tensor): return [.constant(try Folding.unary(tensor, call, self, fold))]
        case .computed(let index, let axes):
            return [.computed(try append(.unary(operation), name: call.name, [index]), axes)]
        }
    }

    func clip(_ call: Call) throws(Failure) -> [Value] {
        func bound(_ input: Int, _ attribute: String, else other: Float) throws(Failure) -> Float {
            if let tensor = try call.constant(input, attribute) {
                return tensor.numbers?.first.map { Float($0) } ?? other
            }
            return try call.float(attribute, else: other)
        }
        let low = try bound(1, "min", else: -.infinity), high = try bound(2, "max", else: .infinity)
        return try unary(call, .clip(lowest: low, highest: high)) { min(max($0, Double(low)), Double(high)) }
    }

    /// Reads γ · elu(x); α and γ are about those of the paper unless attributes specify others.
    func selu(_ call: Call) throws(Failure) -> [Value] {
        let alpha = try call.float("alpha", else: 1.673_263_2),
            gamma = try call.float("gamma", else: 1.050_701)
        func fold(_ x: Double) -> Double { Double(gamma) * (x < 0 ? Double(alpha) * expm1(x) : x) }
        if abs(alpha - 1.673_263_2) < 1e-5, abs(gamma - 1.050_701) < 1e-5 {
            return try unary(call, .selu, fold)
        }
        guard case .computed(let index, let axes) = try call.input(0) else {
            return try unary(call, .selu, fold)
        }
        let made = try append(.unary(.elu(alpha: alpha)), name: call.name, [index])
        let factor = try constant(Tensor([gamma], shape: []), name: call.name)
        return [.computed(try append(.binary(.multiply), name: call.name, [made, factor]), axes)]
    }

    func cast(_ call: Call) throws(Failure) -> [Value] {
        guard let type = ElementType(onnx: Int64(try call.int("to", else: 1))) else {
            throw call.failure("to a type that is not read")
        }
        let value = try call.input(0)
        guard case .constant(let tensor) = value else {
            guard [.float32, .float16, .bfloat16, .float64].contains(type) else {
                throw call.failure("of a computed tensor to \(type)")
            }
            return [value]
        }
        if type == tensor.type { return [value] }
        if [.float16, .bfloat16].contains(type), let floats = tensor.asFloat32 { return [.constant(floats)] }
        guard [.float32, .float64, .int32, .int64, .bool, .uint8].contains(type) else {
            throw call.failure("to \(type)")
        }
        try spend(tensor.count, call)
        return [
            .constant(Tensor(numbers: try Folding.numbers(tensor, call), type: type, shape: tensor.shape))
        ]
    }

    // MARK: - Functions of two numbers

    func binary(
        _ call: Call, _ operation: Network.Binary, _ fold: (Double, Double) -> Double
    ) throws(Failure) -> [Value] {
        [try combined(try call.input(0), try call.input(1), operation, call, fold)]
    }

    func combined(
        _ a: Value, _ b: Value, _ operation: Network.Binary, _ call: Call,
        _ fold: (Double, Double) -> Double
    ) throws(Failure) -> Value {
        if case .constant(let left) = a, case .constant(let right) = b {
            let truncates = operation == .divide && left.isInteger
            return .constant(
                try Folding.binary(left, right, call, self) { x, y in
                    truncates && y == 0 ? 0 : fold(x, y)
                })
        }
        let rank = max(shape(a).count, shape(b).count)
        let left = try widened(a, rank, call), right = try widened(b, rank, call)
        let axes = order(of: [left, right])
        let inputs = [
            try align(left, to: axes, name: call.name), try align(right, to: axes, name: call.name),
        ]
        return .computed(try append(.binary(operation), name: call.name, inputs), axes)
    }

    /// Prepends axes of size 1.
    private func widened(_ value: Value, _ rank: Int, _ call: Call) throws(Failure) -> Value {
        let old = shape(value)
        return try reshaped(value, [Int](repeating: 1, count: rank - old.count) + old, call)
    }

    /// Combines any number of inputs one after the other.
    func variadic(
        _ call: Call, _ operation: Network.Binary, _ fold: (Double, Double) -> Double
    ) throws(Failure) -> [Value] {
        var result = try call.input(0)
        for index in call.inputs.indices.dropFirst() {
            result = try combined(result, try call.input(index), operation, call, fold)
        }
        return [result]
    }

    func power(_ call: Call) throws(Failure) -> [Value] {
        if case .constant(let exponent)? = call.optional(1), exponent.count == 1,
            let number = exponent.numbers?.first, case .computed? = call.optional(0)
        {
            switch number {
            case 1: return [try call.input(0)]
            case 2: return try unary(call, .square) { $0 * $0 }
            case 0.5: return try unary(call, .sqrt) { $0.squareRoot() }
            case -1: return try unary(call, .reciprocal) { 1 / $0 }
            case -0.5: return try unary(call, .rsqrt) { 1 / $0.squareRoot() }
            default: break
            }
        }
        return try binary(call, .power, pow)
    }

    /// Reads an operator that is supported on constants only.
    func folded(
        _ call: Call, type: ElementType? = nil, _ fold: (Double, Double) -> Double
    ) throws(Failure) -> [Value] {
        [
            .constant(
                try Folding.binary(
                    try call.demanded(0, "left"), try call.demanded(1, "right"), type: type, call, self,
                    fold))
        ]
    }

    func negation(_ call: Call) throws(Failure) -> [Value] {
        [.constant(try Folding.unary(try call.demanded(0, "input"), call, self) { $0 == 0 ? 1 : 0 })]
    }

    func choice(_ call: Call) throws(Failure) -> [Value] {
        let condition = try call.demanded(0, "condition")
        let a = try call.input(1), b = try call.input(2)
        if case .constant(let left) = a, case .constant(let right) = b {
            guard
                let shape = Network.broadcast(left.shape, right.shape).flatMap({
                    Network.broadcast($0, condition.shape)
                })
            else { throw call.failure("its inputs do not fit") }
            let flags = try Folding.numbers(Folding.broadcast(condition, to: shape, call, self), call)
            let lefts = try Folding.numbers(Folding.broadcast(left, to: shape, call, self), call)
            let rights = try Folding.numbers(Folding.broadcast(right, to: shape, call, self), call)
            return [
                .constant(
                    Tensor(
                        numbers: flags.indices.map { flags[$0] != 0 ? lefts[$0] : rights[$0] },
                        type: left.type, shape: shape))
            ]
        }
        let rank = max(shape(a).count, shape(b).count, condition.shape.count)
        let left = try widened(a, rank, call), right = try widened(b, rank, call)
        let flag = try widened(.constant(condition), rank, call), axes = order(of: [left, right])
        var inputs: [Int] = []
        for value in [flag, left, right] { inputs.append(try align(value, to: axes, name: call.name)) }
        return [.computed(try append(.select, name: call.name, inputs), axes)]
    }

    // MARK: - Constants only

    func filled(_ call: Call) throws(Failure) -> [Value] {
        guard let shape = try call.integers(0, "shape") else { throw call.failure("has no shape") }
        guard shape.allSatisfy({ $0 >= 0 }), Folding.isBounded(shape) else {
            throw call.failure("its shape \(shape) is negative or too large")
        }
        let count = shape.reduce(1) { $0.multipliedClamping(by: $1) }
        try spend(count, call)
        var type = ElementType.float32, number = 0.0
        if case .tensor(let value)? = call.node.attributes["value"], let tensor = value.tensor {
            (type, number) = (tensor.type, tensor.numbers?.first ?? 0)
        }
        return [
            .constant(Tensor(numbers: [Double](repeating: number, count: count), type: type, shape: shape))
        ]
    }

    func range(_ call: Call) throws(Failure) -> [Value] {
        let first = try call.demanded(0, "start")
        guard let start = first.numbers?.first, let limit = try call.demanded(1, "limit").numbers?.first,
            let step = try call.demanded(2, "delta").numbers?.first, step != 0
        else { throw call.failure("has no start, limit and delta") }
        let length = ((limit - start) / step).rounded(.up)
        guard length < 0x1p30 else { throw call.failure("makes \(length) numbers") }
        let count = max(0, Int(Int64(saturating: length)))
        try spend(count, call)
        return [
            .constant(
                Tensor(
                    numbers: (0..<count).map { start + Double($0) * step }, type: first.type, shape: [count]))
        ]
    }

    func cumulativeSum(_ call: Call) throws(Failure) -> [Value] {
        let tensor = try call.demanded(0, "input")
        let axis = try call.axis(try call.integers(1, "axis")?.first ?? 0, rank: tensor.shape.count)
        guard try call.int("exclusive", else: 0) == 0, try call.int("reverse", else: 0) == 0 else {
            throw call.failure("exclusive or reversed")
        }
        try spend(tensor.count, call)
        var numbers = try Folding.numbers(tensor, call)
        let inner = tensor.shape[(axis + 1)...].reduce(1, *), size = tensor.shape[axis]
        for index in numbers.indices where index / inner % size > 0 {
            numbers[index] += numbers[index - inner]
        }
        return [.constant(Tensor(numbers: numbers, type: tensor.type, shape: tensor.shape))]
    }

    func scatter(_ call: Call) throws(Failure) -> [Value] {
        let data = try call.demanded(0, "data"), places = try call.demanded(1, "indices")
        let updates = try call.demanded(2, "updates")
        guard let indices = places.integers, let depth = places.shape.last, depth >= 1,
            depth <= data.shape.count,
            try call.string("reduction", else: "none") == "none"
        else { throw call.failure("its indices do not fit") }
        var numbers = try Folding.numbers(data, call)
        let new = try Folding.numbers(updates, call), run = data.shape[depth...].reduce(1, *)
        let rows = places.shape.dropLast().reduce(1, *)
        guard new.count == rows * run else { throw call.failure("its updates do not fit") }
        try spend(numbers.count, call)
        for row in 0..<rows {
            var offset = 0
            for axis in 0..<depth {
                offset =
                    offset * data.shape[axis]
                    + (try call.axis(indices[row * depth + axis], rank: data.shape[axis]))
            }
            numbers.replaceSubrange(
                (offset * run)..<((offset + 1) * run), with: new[(row * run)..<((row + 1) * run)])
        }
        return [.constant(Tensor(numbers: numbers, type: data.type, shape: data.shape))]
    }

    // MARK: - Along axes

    func reduction(_ call: Call, _ kind: Network.Reduction) throws(Failure) -> [Value] {
        let value = try call.input(0), old = shape(value)
        let keeps = try call.int("keepdims", else: 1) != 0
        let given = try call.axes() ?? []
        if given.isEmpty, try call.int("noop_with_empty_axes", else: 0) != 0 { return [value] }
        var axes: [Int] = []
        for axis in given { axes.append(try call.axis(axis, rank: old.count)) }
        if axes.isEmpty { axes = Array(old.indices) }
        if case .constant(let tensor) = value {
            return [.constant(try folded(tensor, kind, axes, keeps, call))]
        }
        guard case .computed(let index, let order) = value else { return [value] }
        let made = try append(
            .reduction(kind, axes: axes.map { order[$0] }.sorted(), keepsAxes: keeps), name: call.name,
            [index])
        if keeps { return [.computed(made, order)] }
        let gone = axes.map { order[$0] }
        let rest = old.indices.filter { !axes.contains($0) }.map { order[$0] }
        return [.computed(made, rest.map { axis in axis - gone.count { $0 < axis } })]
    }

    private func folded(
        _ tensor: Tensor, _ kind: Network.Reduction, _ axes: [Int], _ keeps: Bool, _ call: Call
    ) throws(Failure) -> Tensor {
        func reduce(_ start: Double, _ combine: (Double, Double) -> Double) throws(Failure) -> (
            tensor: Tensor, count: Int
        ) {
            try Folding.reduction(tensor, axes, keeps: keeps, call, self, from: start, combine)
        }
        switch kind {
        case .sum: return try reduce(0, +).tensor
        case .product: return try reduce(1, *).tensor
        case .maximum: return try reduce(-.infinity) { max($0, $1) }.tensor
        case .minimum: return try reduce(.infinity) { min($0, $1) }.tensor
        case .sumOfSquares: return try reduce(0) { $0 + $1 * $1 }.tensor
        case .absoluteSum: return try reduce(0) { $0 + abs($1) }.tensor
        case .euclideanNorm:
            return try Folding.unary(reduce(0) { $0 + $1 * $1 }.tensor, call, self) { $0.squareRoot() }
        case .mean:
            let sum = try reduce(0, +)
            return try Folding.unary(sum.tensor, call, self) { $0 / Double(sum.count) }
        }
    }

    func softmax(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0), old = shape(value)
        let axis = try call.axis(try call.int("axis", else: version < 13 ? 1 : -1), rank: old.count)
        // Before operator set 13, the axes from `axis` on are treated as one.
        if version < 13, old[(axis + 1)...].contains(where: { $0 > 1 }) {
            let flat = try reshaped(value, [old[..<axis].reduce(1, *), old[axis...].reduce(1, *)], call)
            return [try reshaped(try softmax(flat, axis: 1, call), old, call)]
        }
        return [try softmax(value, axis: axis, call)]
    }

    private func softmax(_ value: Value, axis: Int, _ call: Call) throws(Failure) -> Value {
        guard case .computed(let index, let axes) = value else { throw call.failure("of a constant") }
        let made = try append(.softmax(axis: axes[axis]), name: call.name, [index])
        if call.node.operation != "LogSoftmax" { return .computed(made, axes) }
        return .computed(try append(.unary(.log), name: call.name, [made]), axes)
    }
}
