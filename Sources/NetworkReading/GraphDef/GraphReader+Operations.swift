import Network
import TensorGraph

extension GraphReader {
    typealias Handler = @Sendable (inout GraphReader, NodeCall) throws(GraphReadingError) -> Void

    /// The handler of each operation; a new operation needs an entry here.
    static let operations: [String: Handler] = {
        var table = images
        table.merge(sampling) { first, _ in first }
        table.merge(arrangements) { first, _ in first }
        table.merge(choices) { first, _ in first }
        table.merge(compositions) { first, _ in first }
        table.merge(rankings) { first, _ in first }
        func add(_ name: String, _ handler: @escaping Handler) { table[name] = handler }
        for (name, function) in functions {
            add(name) { (reader, call) throws(GraphReadingError) in
                try reader.make(.unary(function), [try reader.value(call)], call)
            }
        }
        for (name, function) in arithmetic {
            add(name) { (reader, call) throws(GraphReadingError) in
                try reader.make(.binary(function), [try reader.value(call), try reader.value(call, 1)], call)
            }
        }
        for (name, reduction) in reductions {
            add(name) { (reader, call) throws(GraphReadingError) in
                let rank = try reader.shape(call).count
                let axes = try reader.axes(try reader.integers(call, 1), rank: rank, call)
                try reader.make(
                    .reduction(reduction, axes: axes, keepsAxes: try call.bool("keep_dims")),
                    [try reader.value(call)], call)
            }
        }
        for name in passing {
            add(name) { (reader, call) throws(GraphReadingError) in
                for index in call.sources.indices {
                    reader.define(call, output: index, try reader.value(call, index))
                }
            }
        }
        add("AddN") { (reader, call) throws(GraphReadingError) in
            var sum = try reader.value(call)
            for index in call.sources.indices.dropFirst() {
                sum = try reader.apply(
                    .binary(.add), [sum, try reader.value(call, index)], name: call.name, call)
            }
            reader.define(call, sum)
        }
        add("LeakyRelu") { (reader, call) throws(GraphReadingError) in
            let slope = try call.float("alpha", default: 0.2)
            try reader.make(.unary(.leakyRelu(slope: slope)), [try reader.value(call)], call)
        }
        add("FloorDiv") { (reader, call) throws(GraphReadingError) in try reader.readFloorDivision(call) }
        add("Cast") { (reader, call) throws(GraphReadingError) in try reader.readCast(call) }
        add("FakeQuantWithMinMaxVars") { (reader, call) throws(GraphReadingError) in
            let low = try reader.floats(call, 1), high = try reader.floats(call, 2)
            guard low.count == 1, high.count == 1 else { throw call.malformed("ranges are no scalars") }
            try reader.readGrid(call, low[0], high[0])
        }
        add("FakeQuantWithMinMaxArgs") { (reader, call) throws(GraphReadingError) in
            try reader.readGrid(call, call.float("min", default: -6), call.float("max", default: 6))
        }
        add("Dequantize") { (reader, call) throws(GraphReadingError) in try reader.readDequantized(call) }
        add("Softmax") { (reader, call) throws(GraphReadingError) in
            try reader.make(.softmax(axis: reader.shape(call).count - 1), [try reader.value(call)], call)
        }
        add("LogSoftmax") { (reader, call) throws(GraphReadingError) in
            let axis = try reader.shape(call).count - 1
            let shares = try reader.apply(
                .softmax(axis: axis), [try reader.value(call)], name: call.name, call)
            try reader.make(.unary(.log), [shares], call)
        }
        add("MatMul") { (reader, call) throws(GraphReadingError) in
            try reader.make(
                .matrixProduct(
                    transposesLeft: try call.bool("transpose_a"),
                    transposesRight: try call.bool("transpose_b")),
                [try reader.value(call), try reader.value(call, 1)], call)
        }
        add("Einsum") { (reader, call) throws(GraphReadingError) in try reader.readEinsum(call) }
        for name in ["BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"] {
            add(name) { (reader, call) throws(GraphReadingError) in
                try reader.make(
                    .matrixProduct(
                        transposesLeft: try call.bool("adj_x"), transposesRight: try call.bool("adj_y")),
                    [try reader.value(call), try reader.value(call, 1)], call)
            }
        }
        return table
    }()

    private static let functions: [String: Network.Unary] = [
        "Relu": .relu, "Relu6": .clip(lowest: 0, highest: 6), "Elu": .elu(alpha: 1), "Selu": .selu,
        "Sigmoid": .sigmoid, "Tanh": .tanh, "Erf": .erf, "Erfc": .erfc, "Exp": .exp, "Log": .log,
        "Sqrt": .sqrt, "Rsqrt": .rsqrt, "Reciprocal": .reciprocal, "Inv": .reciprocal, "Square": .square,
        "Abs": .abs, "Neg": .negate, "Sign": .sign, "Sin": .sin, "Cos": .cos, "Floor": .floor,
        "Ceil": .ceil, "Round": .round, "Rint": .round, "Softplus": .softplus, "Softsign": .softsign,
    ]

    private static let arithmetic: [String: Network.Binary] = [
        "BiasAdd": .add, "Add": .add, "AddV2": .add, "Sub": .subtract, "Mul": .multiply, "RealDiv": .divide,
        "Div": .divide, "Maximum": .maximum, "Minimum": .minimum, "Pow": .power,
        "SquaredDifference": .squaredDifference,
    ]

    private static let reductions: [String: Network.Reduction] = [
        "Mean": .mean, "Max": .maximum, "Min": .minimum, "Sum": .sum, "Prod": .product,
        "EuclideanNorm": .euclideanNorm,
    ]

    /// Operations that pass their inputs through.
    private static let passing = [
        "Identity", "IdentityN", "StopGradient", "CheckNumerics", "PlaceholderWithDefault", "PreventGradient",
        "Snapshot", "EnsureShape",
    ]

    private mutating func readEinsum(_ call: NodeCall) throws(GraphReadingError) {
        let equation = call.string("equation") ?? ""
        var shapes: [[Int]] = []
        for index in call.sources.indices { shapes.append(try shape(call, index)) }
        guard let sum = Einsum(equation, shapes) else {
            throw call.unsupported("equation '\(equation)' of \(shapes), which is no matrix product")
        }
        var values: [Value] = []
        for (index, operand) in sum.operands.enumerated() {
            var input = try value(call, index)
            if !operand.sums.isEmpty {
                input = try apply(
                    .reduction(.sum, axes: operand.sums, keepsAxes: false), [input], name: call.name, call)
            }
            let turned = try transposed(input, operand.order, call)
            values.append(try apply(.reshape(operand.shape), [turned], name: call.name, call))
        }
        var result = values[0]
        if values.count == 2 {
            result = try apply(
                .matrixProduct(transposesLeft: false, transposesRight: false), values, name: call.name, call)
            result = try apply(.reshape(sum.shape), [result], name: call.name, call)
        }
        define(call, try transposed(result, sum.order, call))
    }

    private mutating func transposed(
        _ value: Value, _ order: [Int], _ call: NodeCall
    ) throws(GraphReadingError) -> Value {
        order == Array(order.indices)
            ? value : try apply(.transpose(order), [value], name: call.name, call)
    }

    private mutating func readFloorDivision(_ call: NodeCall) throws(GraphReadingError) {
        let operands = [try value(call), try value(call, 1)]
        if case .constant(let left) = operands[0], case .constant(let right) = operands[1],
            let a = left.integers, let b = right.integers, b.count == 1 || a.count == b.count, !a.isEmpty
        {
            let quotients = try a.indices.map { (index) throws(GraphReadingError) -> Double in
                let divisor = b[b.count == 1 ? 0 : index]
                guard divisor != 0 else { throw call.malformed("divides by 0") }
                return (Double(a[index]) / Double(divisor)).rounded(.down)
            }
            let result = Numbers(type: left.type, shape: left.shape, values: quotients)
            return define(call, .constant(result.tensor!))
        }
        let quotient = try apply(.binary(.divide), operands, name: call.name, call)
        try make(.unary(.floor), [quotient], call)
    }

    private mutating func readCast(_ call: NodeCall) throws(GraphReadingError) {
        guard case .type(let type)? = call.node.attributes["DstT"] else {
            throw call.malformed("has no DstT")
        }
        guard case .constant(let tensor) = try value(call) else {
            return define(call, try converted(try value(call), to: type, call))
        }
        try spend(tensor.shape, call)
        guard var numbers = Numbers(tensor) else { throw call.unsupported("from \(tensor.type)") }
        numbers.type = type == .float16 || type == .bfloat16 ? .float32 : type
        guard let result = numbers.tensor else { throw call.unsupported("to \(type)") }
        define(call, .constant(result))
    }

    /// Converts a computed tensor, whose numbers stay floats.
    private mutating func converted(
        _ value: Value, to type: ElementType, _ call: NodeCall
    ) throws(GraphReadingError) -> Value {
        var isFloat = true
        if case .type(let source)? = call.node.attributes["SrcT"] {
            isFloat = [.float32, .float16, .bfloat16, .float64].contains(source)
            if source == .bool { return value }
        }
        switch type {
        case .float32, .float16, .bfloat16, .float64: return value
        case .bool: return try negated(try negated(value, call), call)
        case .int8, .int16, .int32, .int64, .uint8, .uint16:
            guard isFloat else { return value }
            // Integers are rounded towards 0.
            let size = try apply(.unary(.abs), [value], name: call.name, call)
            let whole = try apply(.unary(.floor), [size], name: call.name, call)
            let sign = try apply(.unary(.sign), [value], name: call.name, call)
            return try apply(.binary(.multiply), [whole, sign], name: call.name, call)
        default: throw call.unsupported("of a computed tensor to \(type)")
        }
    }

    /// Reads the clamping and rounding of fake quantization.
    ///
    /// - Source: TensorFlow's `FakeQuantWithMinMaxVars`: the range is shifted so that 0 is on the grid.
    private mutating func readGrid(
        _ call: NodeCall, _ low: Float, _ high: Float
    ) throws(GraphReadingError) {
        let bits = try call.int("num_bits", default: 8)
        guard (2...16).contains(bits), low <= 0, high >= 0, low < high, low.isFinite, high.isFinite else {
            throw call.malformed("a range of \(low)…\(high) in \(bits) bits")
        }
        let first: Float = try call.bool("narrow_range") ? 1 : 0, last = Float((1 << bits) - 1)
        let step = (high - low) / (last - first), zero = first - low / step
        let nudged = zero < first ? first : zero > last ? last : zero.rounded(.toNearestOrAwayFromZero)
        let grid = Network.Unary.gridded(
            lowest: (first - nudged) * step, highest: (last - nudged) * step, step: step)
        guard case .constant(let tensor) = try value(call) else {
            return try make(.unary(grid), [try value(call)], call)
        }
        guard let weights = tensor.floats else { throw call.unsupported("of type \(tensor.type)") }
        try spend(tensor.shape, call)
        let lowest = (first - nudged) * step, highest = (last - nudged) * step
        define(
            call,
            .constant(
                Tensor(
                    weights.map { (weight: Float) -> Float in
                        let clamped = min(max(weight, lowest), highest)
                        return ((clamped - lowest) / step + 0.5).rounded(.down) * step + lowest
                    }, shape: tensor.shape)))
    }

    private mutating func readDequantized(_ call: NodeCall) throws(GraphReadingError) {
        let tensor = try constant(call, 0), low = try floats(call, 1), high = try floats(call, 2)
        let name = call.string("mode") ?? "MIN_COMBINED"
        guard let mode = DequantizationMode(rawValue: name) else { throw call.unsupported("mode \(name)") }
        guard low.count == 1, high.count == 1 else {
            throw call.unsupported("ranges of \(low.count) channels")
        }
        try spend(tensor.shape, call)
        guard let result = tensor.dequantized(low: low[0], high: high[0], mode) else {
            throw call.unsupported("type \(tensor.type)")
        }
        define(call, .constant(result))
    }
}
