import Network

/// The elementwise functions, of one tensor and of two.
extension CoreMLExport {
    mutating func compute(
        _ arithmetic: Network.Binary, _ operands: [String], _ name: String,
        _ type: MIL.ElementType,
        _ shape: [Int]
    ) -> String {
        let inputs = [("x", [operands[0]]), ("y", [operands[1]])]
        switch arithmetic {
        case .add: return block.append("add", inputs, name, type, shape)
        case .subtract: return block.append("sub", inputs, name, type, shape)
        case .multiply: return block.append("mul", inputs, name, type, shape)
        case .divide: return block.append("real_div", inputs, name, type, shape)
        case .maximum: return block.append("maximum", inputs, name, type, shape)
        case .minimum: return block.append("minimum", inputs, name, type, shape)
        case .power: return block.append("pow", inputs, name, type, shape)
        case .squaredDifference:
            let difference = block.append("sub", inputs, name + "_difference", type, shape)
            return block.append("square", [("x", [difference])], name, type, shape)
        case .prelu, .equal, .less, .lessOrEqual: preconditionFailure("refused")
        }
    }

    /// The operation of a function of one tensor that has no parameters; nil for other functions.
    private static func operation(_ function: Network.Unary) -> String? {
        switch function {
        case .relu: "relu"
        case .clip(lowest: 0, highest: 6): "relu6"
        case .sigmoid: "sigmoid"
        case .tanh: "tanh"
        case .erf: "erf"
        case .exp: "exp"
        case .sqrt: "sqrt"
        case .square: "square"
        case .abs: "abs"
        case .sign: "sign"
        case .sin: "sin"
        case .cos: "cos"
        case .floor: "floor"
        case .ceil: "ceil"
        case .softsign: "softsign"
        default: nil
        }
    }

    static func canCompute(_ function: Network.Unary) -> Bool {
        func canCompute(_ part: Decomposition) -> Bool {
            switch part {
            case .x, .number: true
            case .unary(let inner, let rest): Self.canCompute(inner) && canCompute(rest)
            case .binary(let function, let left, let right):
                function != .prelu && canCompute(left) && canCompute(right)
            }
        }
        return operation(function) != nil || function.decomposition.map(canCompute) ?? false
    }

    mutating func compute(
        _ function: Network.Unary, _ x: String, _ name: String, _ type: MIL.ElementType, _ shape: [Int]
    ) -> String {
        if let operation = Self.operation(function) {
            return block.append(operation, [("x", [x])], name, type, shape)
        }
        return compute(function.decomposition!, x, name, type, shape)
    }

    /// Writes a function that is composed of others.
    private mutating func compute(
        _ function: Decomposition, _ x: String, _ name: String, _ type: MIL.ElementType, _ shape: [Int]
    ) -> String {
        switch function {
        case .x: return x
        case .number(let value): return block.numbers(name + "_y", [value], [], type)
        case .unary(let unary, let part):
            return compute(unary, compute(part, x, name + "_inner", type, shape), name, type, shape)
        case .binary(let binary, let left, let right):
            let operands = [
                compute(left, x, name + "_left", type, shape),
                compute(right, x, name + "_right", type, shape),
            ]
            return compute(binary, operands, name, type, shape)
        }
    }
}
