import Network
import TensorGraph

/// Comparisons, whose results are 1 and 0, and operations that select between tensors.
extension GraphReader {
    static let choices: [String: Handler] = {
        var table: [String: Handler] = [:]
        func add(_ name: String, _ handler: @escaping Handler) { table[name] = handler }
        for (name, function) in comparisons {
            add(name) { (reader, call) throws(GraphReadingError) in
                if case .constant = try reader.value(call), case .constant = try reader.value(call, 1) {
                    return try reader.compare(call) { function($0, $1) }
                }
                try reader.readComparison(name, call)
            }
        }
        for (name, function) in [("IsNan", Network.Unary?.none), ("IsInf", .abs)] {
            add(name) { (reader, call) throws(GraphReadingError) in
                let value = try reader.value(call)
                let size = try function.map { (function) throws(GraphReadingError) in
                    try reader.apply(.unary(function), [value], name: call.name, call)
                }
                let infinity = Value.constant(Tensor([Float.infinity], shape: []))
                if let size { return try reader.make(.binary(.equal), [size, infinity], call) }
                let same = try reader.apply(.binary(.equal), [value, value], name: call.name, call)
                reader.define(call, try reader.negated(same, call))
            }
        }
        add("LogicalNot") { (reader, call) throws(GraphReadingError) in
            guard case .constant(let tensor) = try reader.value(call) else {
                return reader.define(call, try reader.negated(try reader.value(call), call))
            }
            guard var numbers = Numbers(tensor) else { throw call.unsupported("of type \(tensor.type)") }
            numbers.values = numbers.values.map { $0 == 0 ? 1 : 0 }
            guard let result = numbers.tensor else { throw call.unsupported("of type \(tensor.type)") }
            reader.define(call, .constant(result))
        }
        add("FloorMod") { (reader, call) throws(GraphReadingError) in
            // The result has the divisor's sign.
            try reader.compare(call, keepsType: true) { $1 == 0 ? 0 : $0 - ($0 / $1).rounded(.down) * $1 }
        }
        add("DivNoNan") { (reader, call) throws(GraphReadingError) in
            if case .constant = try reader.value(call), case .constant = try reader.value(call, 1) {
                return try reader.compare(call, keepsType: true) { $1 == 0 ? 0 : $0 / $1 }
            }
            try reader.divideUnlessZero(call)
        }
        add("Select") { (reader, call) throws(GraphReadingError) in
            try reader.select(call, isFirstAxis: true)
        }
        add("SelectV2") { (reader, call) throws(GraphReadingError) in
            try reader.select(call, isFirstAxis: false)
        }
        add("ClipByValue") { (reader, call) throws(GraphReadingError) in
            let low = try reader.floats(call, 1), high = try reader.floats(call, 2)
            if low.count == 1, high.count == 1 {
                let clip = Network.Unary.clip(lowest: low[0], highest: high[0])
                return try reader.make(.unary(clip), [try reader.value(call)], call)
            }
            let raised = try reader.apply(
                .binary(.maximum), [try reader.value(call), try reader.value(call, 1)], name: call.name, call)
            try reader.make(.binary(.minimum), [raised, try reader.value(call, 2)], call)
        }
        return table
    }()

    private static let comparisons: [String: @Sendable (Double, Double) -> Double] = [
        "Equal": { $0 == $1 ? 1 : 0 }, "NotEqual": { $0 != $1 ? 1 : 0 }, "Less": { $0 < $1 ? 1 : 0 },
        "LessEqual": { $0 <= $1 ? 1 : 0 }, "Greater": { $0 > $1 ? 1 : 0 },
        "GreaterEqual": { $0 >= $1 ? 1 : 0 }, "LogicalAnd": { $0 != 0 && $1 != 0 ? 1 : 0 },
        "LogicalOr": { $0 != 0 || $1 != 0 ? 1 : 0 },
    ]

    /// Reads a comparison of computed tensors.
    private mutating func readComparison(_ name: String, _ call: NodeCall) throws(GraphReadingError) {
        let operands = [try value(call), try value(call, 1)], swapped: [Value] = operands.reversed()
        switch name {
        case "Equal": try make(.binary(.equal), operands, call)
        case "NotEqual":
            let isEqual = try apply(.binary(.equal), operands, name: call.name, call)
            define(call, try negated(isEqual, call))
        case "Less": try make(.binary(.less), operands, call)
        case "LessEqual": try make(.binary(.lessOrEqual), operands, call)
        case "Greater": try make(.binary(.less), swapped, call)
        case "GreaterEqual": try make(.binary(.lessOrEqual), swapped, call)
        case "LogicalAnd": try make(.binary(.multiply), operands, call)
        default: try make(.binary(.maximum), operands, call)
        }
    }

    /// Returns 1 where a computed tensor is 0, and elsewhere 0.
    mutating func negated(_ value: Value, _ call: NodeCall) throws(GraphReadingError) -> Value {
        let zero = Value.constant(Tensor([Float(0)], shape: []))
        return try apply(.binary(.equal), [value, zero], name: call.name, call)
    }

    /// Evaluates a function of two constants that are broadcast.
    private mutating func compare(
        _ call: NodeCall, keepsType: Bool = false, _ function: (Double, Double) -> Double
    ) throws(GraphReadingError) {
        let left = try constant(call, 0), right = try constant(call, 1)
        guard let shape = Network.broadcast(left.shape, right.shape) else {
            throw call.malformed("does not take \(left.shape) and \(right.shape)")
        }
        try spend(shape, call)
        guard let a = Numbers(left)?.broadcast(to: shape), let b = Numbers(right)?.broadcast(to: shape),
            let result = Numbers(
                type: keepsType ? left.type : .bool, shape: shape, values: zip(a, b).map(function)
            ).tensor
        else { throw call.unsupported("of types \(left.type) and \(right.type)") }
        define(call, .constant(result))
    }

    /// Reads a quotient that is 0 where the divisor is.
    private mutating func divideUnlessZero(_ call: NodeCall) throws(GraphReadingError) {
        let dividend = try value(call), divisor = try value(call, 1)
        if case .constant(let tensor) = divisor, tensor.floats?.contains(0) == false {
            return try make(.binary(.divide), [dividend, divisor], call)
        }
        let zero = Value.constant(Tensor([0 as Float], shape: []))
        let quotient = try apply(
            .binary(.divide), [dividend, divisor], name: "\(call.name)/quotient", call)
        let isZero = try negated(divisor, call)
        try make(.select, [isZero, zero, quotient], call)
    }

    /// Reads a selection.
    ///
    /// - Parameter isFirstAxis: Whether a condition with one axis applies to the first axis of the others
    ///   (TensorFlow's `Select`) rather than the last (`SelectV2`).
    private mutating func select(_ call: NodeCall, isFirstAxis: Bool) throws(GraphReadingError) {
        let chosen = try value(call, 1), other = try value(call, 2)
        guard case .constant(let condition) = try value(call) else {
            var flags = try value(call)
            let given = try self.shape(call, 0), rank = try self.shape(call, 1).count
            if isFirstAxis, given.count == 1, rank > 1 {
                let column = given + [Int](repeating: 1, count: rank - 1)
                flags = try apply(.reshape(column), [flags], name: call.name, call)
            }
            return try make(.select, [flags, chosen, other], call)
        }
        guard let flags = Numbers(condition) else { throw call.unsupported("of type \(condition.type)") }
        // Most conditions compare sizes, which are constant, and therefore select one whole tensor.
        if flags.values.count == 1 {
            let taken = flags.values[0] != 0 ? 1 : 2
            if try shape(call, 1) == shape(call, 2) { return define(call, taken == 1 ? chosen : other) }
        }
        var shape = condition.shape
        let rank = try self.shape(call, 1).count
        if isFirstAxis, shape.count == 1, rank > 1 { shape += [Int](repeating: 1, count: rank - 1) }
        guard let mask = Numbers(type: .float32, shape: shape, values: flags.values).tensor else {
            throw call.unsupported("of type \(condition.type)")
        }
        if case .constant(let left) = chosen, case .constant(let right) = other {
            guard
                let size = Network.broadcast(left.shape, right.shape).flatMap({ Network.broadcast($0, shape) }
                )
            else { throw call.malformed("does not take \(left.shape), \(right.shape) and \(shape)") }
            try spend(size, call)
            guard let a = Numbers(left)?.broadcast(to: size), let b = Numbers(right)?.broadcast(to: size),
                let which = Numbers(mask)?.broadcast(to: size),
                let result = Numbers(
                    type: left.type, shape: size, values: a.indices.map { which[$0] != 0 ? a[$0] : b[$0] }
                ).tensor
            else { throw call.unsupported("of type \(left.type)") }
            return define(call, .constant(result))
        }
        try make(.select, [.constant(mask), chosen, other], call)
    }
}

extension Numbers {
    /// Returns the tensor's values, broadcast to a shape.
    func broadcast(to shape: [Int]) -> [Double]? {
        if shape == self.shape { return values }
        return Network.Operation.broadcast(shape).evaluate([self], shape: shape)?.values
    }
}
