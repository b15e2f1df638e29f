import Network

/// A function of one tensor x, composed of simpler functions and numbers, for formats without an operator for
/// it.
indirect enum Decomposition: Sendable {
    case x
    case number(Float)
    case unary(Network.Unary, Decomposition)
    case binary(Network.Binary, Decomposition, Decomposition)

    static func + (a: Self, b: Self) -> Self { .binary(.add, a, b) }
    static func - (a: Self, b: Self) -> Self { .binary(.subtract, a, b) }
    static func * (a: Self, b: Self) -> Self { .binary(.multiply, a, b) }
    static func / (a: Self, b: Self) -> Self { .binary(.divide, a, b) }
}

extension Decomposition: ExpressibleByFloatLiteral {
    init(floatLiteral value: Float) { self = .number(value) }
}

extension Network.Unary {
    /// The function in terms of simpler ones; nil for functions that every format has to have.
    var decomposition: Decomposition? {
        let x = Decomposition.x
        func max(_ a: Decomposition, _ b: Decomposition) -> Decomposition { .binary(.maximum, a, b) }
        func min(_ a: Decomposition, _ b: Decomposition) -> Decomposition { .binary(.minimum, a, b) }
        return switch self {
        case .relu: max(x, 0)
        case .clip(let lowest, let highest):
            // An infinite bound is none.
            switch (lowest > -.infinity, highest < .infinity) {
            case (true, true): min(max(x, .number(lowest)), .number(highest))
            case (true, false): max(x, .number(lowest))
            default: min(x, .number(highest))
            }
        case .leakyRelu(let slope): max(x, 0) + .number(slope) * min(x, 0)
        case .elu(let alpha): max(x, 0) + .number(alpha) * (.unary(.exp, min(x, 0)) - 1)
        case .selu: 1.050_700_987_355_480_5 * .unary(.elu(alpha: 1.673_263_242_354_377_2), x)
        case .erfc: 1 - .unary(.erf, x)
        case .rsqrt: 1 / .unary(.sqrt, x)
        case .reciprocal: 1 / x
        case .square: x * x
        // log(1 + eˣ), without overflow.
        case .softplus: max(x, 0) + .unary(.log, 1 + .unary(.exp, .unary(.negate, .unary(.abs, x))))
        case .softsign: x / (1 + .unary(.abs, x))
        case .mish: x * .unary(.tanh, .unary(.softplus, x))
        case .hardSigmoid(let alpha, let beta):
            .unary(.clip(lowest: 0, highest: 1), .number(alpha) * x + .number(beta))
        case .hardSwish: x * .unary(.hardSigmoid(alpha: 1 / 6, beta: 0.5), x)
        case .silu: x * .unary(.sigmoid, x)
        // These are the sequences that ONNX Runtime recognizes.
        case .gelu(isApproximate: false): (x * (.unary(.erf, x / 1.414_213_562_373_095_1) + 1)) * 0.5
        case .gelu(isApproximate: true):
            (0.5 * x)
                * (1 + .unary(.tanh, 0.797_884_560_802_865_4 * (x + 0.044_715 * (x * x * x))))
        case .gridded(let lowest, let highest, let step):
            .unary(
                .floor,
                (.unary(.clip(lowest: lowest, highest: highest), x) - .number(lowest)) / .number(step) + 0.5)
                * .number(step) + .number(lowest)
        case .sigmoid, .tanh, .erf, .exp, .log, .sqrt, .abs, .negate, .sign, .sin, .cos, .floor, .ceil,
            .round:
            nil
        }
    }
}

extension Decomposition: ExpressibleByIntegerLiteral {
    init(integerLiteral value: Int) { self = .number(Float(value)) }
}
