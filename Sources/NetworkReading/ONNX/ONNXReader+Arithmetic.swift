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
        [try applied(operation, to: try call.input(0), call, fold)]
    }

    func applied(
        _ operation: Network.Unary, to value: Value, _ call: Call, _ fold: (Double) -> Double
    ) throws(Failure) -> Value {
        switch value {
        case .constant(let tensor): return .constant(try Folding.unary(tensor, call, self, fold))
        case .computed(let index, let axes):
            return .computed(try append(.unary(operation), name: call.name, [index]), axes)
        }
    }

    func clip(_ call: Call) throws(Failure) -> [Value] {
        let bounds = [call.optional(1), call.optional(2)]
        if bounds.contains(where: { $0.map { !$0.isConstant } ?? false }) {
            var value = try call.input(0)
            if let low = bounds[0] { value = try combined(value, low, .maximum, call) { max($0, $1) } }
            if let high = bounds[1] { value = try combined(value, high, .minimum, call) { min($0, $1) } }
            return [value]
        }
        func bound(_ input: Int, _ attribute: String, else other: Float) throws(Failure) -> Float {
            if let tensor = try call.constant(input, attribute) {
                return tensor.numbers?.first.map { Float($0) } ?? other
            }
            return try call.float(attribute, else: other)
        }
        let low = try bound(1, "min", else: -.infinity), high = try bound(2, "max", else: .infinity)
        return try unary(call, .clip(lowest: low, highest: high)) { min(max($0, Double(low)), Double(high)) }
    }

    func tangent(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0)
        return [
            try combined(
                applied(.sin, to: value, call, sin), applied(.cos, to: value, call, cos), .divide, call, /)
        ]
    }

    /// Reads x · sigmoid(α · x).
    func swish(_ call: Call) throws(Failure) -> [Value] {
        [try swish(try call.input(0), alpha: try call.float("alpha", else: 1), call)]
    }

    func swish(_ value: Value, alpha: Float, _ call: Call) throws(Failure) -> Value {
        func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
        if alpha == 1 { return try applied(.silu, to: value, call) { $0 * sigmoid($0) } }
        let factor = Value.constant(Tensor([alpha], shape: []))
        let gate = try applied(.sigmoid, to: combined(value, factor, .multiply, call, *), call, sigmoid)
        return try combined(value, gate, .multiply, call, *)
    }

    /// Reads swish(a) · b.
    func gatedSwish(_ call: Call) throws(Failure) -> [Value] {
        let gate = try swish(try call.input(0), alpha: try call.float("alpha", else: 1), call)
        return [try combined(gate, try call.input(1), .multiply, call, *)]
    }

    func gelu(_ call: Call) throws(Failure) -> [Value] {
        let isApproximate = try call.string("approximate", else: "none") == "tanh"
        return [try gelu(try call.input(0), isApproximate: isApproximate, call)]
    }

    func gelu(_ value: Value, isApproximate: Bool, _ call: Call) throws(Failure) -> Value {
        try applied(.gelu(isApproximate: isApproximate), to: value, call) {
            isApproximate
                ? $0 / 2 * (1 + tanh(0.7978845608028654 * ($0 + 0.044715 * $0 * $0 * $0)))
                : $0 / 2 * (1 + erf($0 / 2.0.squareRoot()))
        }
    }

    /// Reads α · elu(x / α) with ELU's factor 1.
    func celu(_ call: Call) throws(Failure) -> [Value] {
        let alpha = try call.float("alpha", else: 1)
        let factor = Value.constant(Tensor([alpha], shape: []))
        let scaled = try combined(try call.input(0), factor, .divide, call, /)
        let bent = try applied(.elu(alpha: 1), to: scaled, call) { $0 < 0 ? expm1($0) : $0 }
        return [try combined(bent, factor, .multiply, call, *)]
    }

    /// Reads x / ‖x‖ along an axis.
    func normNormalization(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0), power = try call.int("p", else: 2)
        guard power == 1 || power == 2 else { throw call.failure("its p is \(power)") }
        let axis = try call.axis(try call.int("axis", else: -1), rank: shape(value).count)
        let norm = try reduced(
            value, power == 1 ? .absoluteSum : .euclideanNorm, [axis], keeps: true, call)
        // Zeros stay zeros.
        let least = Value.constant(Tensor([Float.leastNormalMagnitude], shape: []))
        let divisor = try combined(norm, least, .maximum, call) { max($0, $1) }
        return [try combined(value, divisor, .divide, call, /)]
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

    // MARK: - Functions of two numbers

    func binary(
        _ call: Call, _ operation: Network.Binary, _ fold: (Double, Double) -> Double
    ) throws(Failure) -> [Value] {
        [try combined(try call.input(0), try call.input(1), operation, call, fold)]
    }

    func combined(
        _ a: Value, _ b: Value, _ operation: Network.Binary, _ call: Call, truncatesWholes: Bool = true,
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
        let made = try append(.binary(operation), name: call.name, inputs)
        if operation == .divide, truncatesWholes, inputs.allSatisfy(wholes.contains) {
            return try truncated(made, axes, call)
        }
        return .computed(made, axes)
    }

    /// Prepends axes of size 1.
    func widened(_ value: Value, _ rank: Int, _ call: Call) throws(Failure) -> Value {
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

    func mean(_ call: Call) throws(Failure) -> [Value] {
        let sum = try variadic(call, .add, +)[0]
        let count = Value.constant(Tensor([Float(call.inputs.count)], shape: []))
        return [try combined(sum, count, .divide, call, /)]
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

    /// Reads a matrix with ones on a diagonal, in the shape of the input.
    func eye(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0), size = shape(value), offset = try call.int("k", else: 0)
        guard size.count == 2, offset.magnitude < 1 << 30 else { throw call.failure("of \(size)") }
        var given = 1
        if case .constant(let tensor) = value { given = Int(tensor.type.onnx ?? 1) }
        guard let type = ElementType(onnx: Int64(try call.int("dtype", else: given))) else {
            throw call.failure("of a type that is not read")
        }
        try spend(size[0].multipliedClamping(by: size[1]), call)
        var numbers = [Double](repeating: 0, count: size[0] * size[1])
        for row in 0..<size[0] where (0..<size[1]).contains(row + offset) {
            numbers[row * size[1] + row + offset] = 1
        }
        return [.constant(Tensor(numbers: numbers, type: type, shape: size))]
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

    // MARK: - Along axes

    func reduction(_ call: Call, _ kind: Network.Reduction) throws(Failure) -> [Value] {
        let value = try call.input(0)
        guard let axes = try reducedAxes(call) else { return [value] }
        return [try reduced(value, kind, axes, keeps: try call.int("keepdims", else: 1) != 0, call)]
    }

    /// Returns the axes of a reduction; nil if nothing is reduced.
    private func reducedAxes(_ call: Call) throws(Failure) -> [Int]? {
        let rank = shape(try call.input(0)).count, given = try call.axes() ?? []
        if given.isEmpty {
            return try call.int("noop_with_empty_axes", else: 0) != 0 ? nil : Array(0..<rank)
        }
        var axes: [Int] = []
        for axis in given { axes.append(try call.axis(axis, rank: rank)) }
        return axes
    }

    /// Reads the logarithm of a sum, or of a sum of exponential functions.
    func logarithmicSum(_ call: Call) throws(Failure) -> [Value] {
        var value = try call.input(0), largest: Value?
        let keeps = try call.int("keepdims", else: 1) != 0
        guard let axes = try reducedAxes(call) else { throw call.failure("reduces no axes") }
        if call.node.operation == "ReduceLogSumExp" {
            // The largest number is subtracted, so that no power overflows.
            let most = try reduced(value, .maximum, axes, keeps: true, call)
            value = try applied(.exp, to: try combined(value, most, .subtract, call, -), call, exp)
            largest = keeps ? most : try reduced(most, .maximum, axes, keeps: false, call)
        }
        let sum = try applied(.log, to: try reduced(value, .sum, axes, keeps: keeps, call), call, log)
        return [try largest.map { (most) throws(Failure) in try combined(sum, most, .add, call, +) } ?? sum]
    }

    /// Returns a reduction over ONNX's axes.
    func reduced(
        _ value: Value, _ kind: Network.Reduction, _ axes: [Int], keeps: Bool, _ call: Call
    ) throws(Failure) -> Value {
        switch value {
        case .constant(let tensor): return .constant(try folded(tensor, kind, axes, keeps, call))
        case .computed(let index, let order):
            let gone = axes.map { order[$0] }
            let made = try append(
                .reduction(kind, axes: gone.sorted(), keepsAxes: keeps), name: call.name, [index])
            if keeps { return .computed(made, order) }
            let rest = order.indices.filter { !axes.contains($0) }.map { order[$0] }
            return .computed(made, rest.map { axis in axis - gone.count { $0 < axis } })
        }
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

    func softmax(_ value: Value, axis: Int, _ call: Call) throws(Failure) -> Value {
        let isLogarithm = call.node.operation == "LogSoftmax"
        guard case .computed(let index, let axes) = value else {
            // The largest number is subtracted, so that no power overflows.
            let largest = try reduced(value, .maximum, [axis], keeps: true, call)
            let powers = try applied(.exp, to: try combined(value, largest, .subtract, call, -), call, exp)
            let sum = try reduced(powers, .sum, [axis], keeps: true, call)
            let shares = try combined(powers, sum, .divide, call, /)
            return isLogarithm ? try applied(.log, to: shares, call, log) : shares
        }
        let made = try append(.softmax(axis: axes[axis]), name: call.name, [index])
        if !isLogarithm { return .computed(made, axes) }
        return .computed(try append(.unary(.log), name: call.name, [made]), axes)
    }
}
