/// An elementwise function of one argument, with its parameters.
package struct UnaryFunction: Equatable, BitwiseCopyable, Sendable {
    package enum Kind: UInt8, BitwiseCopyable, Sendable {
        /// Clamps `x` to `alpha...beta`.
        case clamp
        case sigmoid, silu
        /// `min(max(alpha * x + beta, 0), 1)`, and that times `x`.
        case hardSigmoid, hardSwish
        /// GELU by the error function, and by its approximation with a hyperbolic tangent.
        case gelu, geluTanh
        /// ELU and SELU: `gamma * x` for positive x, otherwise `gamma * alpha * (exp(x) - 1)`.
        case elu
        /// `x`, or `alpha * x` for negative x.
        case leakyRelu
        case softplus, softsign, mish
        case tanh, erf, erfc, exp, log, squareRoot, reciprocalSquareRoot, reciprocal, square, absolute
        case negate, sign, sine, cosine
        /// Rounding down, up, and to the nearest with ties to even.
        case floor, ceil, round
        /// `x * alpha + beta`.
        case affine
        /// Clamps `x` to `alpha...beta` and rounds it to `alpha` plus a multiple of `gamma`, halves upwards.
        case quantize
    }

    package var kind: Kind
    package var alpha, beta, gamma: Float

    package init(_ kind: Kind, alpha: Float = 0, beta: Float = 0, gamma: Float = 1) {
        (self.kind, self.alpha, self.beta, self.gamma) = (kind, alpha, beta, gamma)
    }

    package static let sigmoid = UnaryFunction(.sigmoid), silu = UnaryFunction(.silu)
    package static let gelu = UnaryFunction(.gelu), geluTanh = UnaryFunction(.geluTanh)
    package static let tanh = UnaryFunction(.tanh), softplus = UnaryFunction(.softplus)
    /// The form of PyTorch and ONNX: `x / 6 + 1 / 2` clamped to 0...1.
    package static let hardSigmoid = UnaryFunction(.hardSigmoid, alpha: 1 / 6, beta: 0.5)
    package static let hardSwish = UnaryFunction(.hardSwish, alpha: 1 / 6, beta: 0.5)
    package static let selu = UnaryFunction(.elu, alpha: 1.6732632423543772, gamma: 1.0507009873554805)
    package static func elu(alpha: Float = 1) -> UnaryFunction { UnaryFunction(.elu, alpha: alpha) }
    package static func leakyRelu(alpha: Float) -> UnaryFunction {
        UnaryFunction(.leakyRelu, alpha: alpha)
    }
    package static func clamp(_ lowest: Float, _ highest: Float) -> UnaryFunction {
        UnaryFunction(.clamp, alpha: lowest, beta: highest)
    }
}

/// The parameters for an elementwise function of several rows of consecutive values.
package struct UnaryRows {
    package var function: UnaryFunction
    package var input: UnsafePointer<Float>
    /// The results; the address may be that of the input.
    package var output: UnsafeMutablePointer<Float>
    /// Floats between consecutive rows.
    package var inputStride, outputStride: Int
    package var rows, count: Int

    package init(
        _ function: UnaryFunction, input: UnsafePointer<Float>, inputStride: Int,
        output: UnsafeMutablePointer<Float>, outputStride: Int, rows: Int, count: Int
    ) {
        (self.function, self.input, self.output) = (function, input, output)
        (self.inputStride, self.outputStride) = (inputStride, outputStride)
        (self.rows, self.count) = (rows, count)
    }
}

package enum BinaryFunction: UInt8, BitwiseCopyable, Sendable {
    case add, subtract, multiply, divide, maximum, minimum
    case power
    /// `(a - b)²`.
    case squaredDifference
    /// `a`, or `a * b` for negative a.
    case prelu
    /// 1 if the comparison holds, and otherwise 0.
    case equal, less, lessOrEqual
}

/// The parameters for an elementwise function of the rows of two operands, in either of which a single value
/// may stand for a row.
package struct BinaryRows {
    package var function: BinaryFunction
    package var first, second: UnsafePointer<Float>
    package var output: UnsafeMutablePointer<Float>
    /// Floats between consecutive rows; 0 for an operand with one row that stands for all.
    package var firstStride, secondStride, outputStride: Int
    /// Whether an operand has one value for each row.
    package var repeatsFirst, repeatsSecond: Bool
    package var rows, count: Int

    package init(
        _ function: BinaryFunction, first: UnsafePointer<Float>, firstStride: Int = 0, repeatsFirst: Bool,
        second: UnsafePointer<Float>, secondStride: Int = 0, repeatsSecond: Bool,
        output: UnsafeMutablePointer<Float>, outputStride: Int = 0, rows: Int = 1, count: Int
    ) {
        (self.function, self.first, self.second, self.output) = (function, first, second, output)
        (self.firstStride, self.secondStride, self.outputStride) = (firstStride, secondStride, outputStride)
        (self.repeatsFirst, self.repeatsSecond) = (repeatsFirst, repeatsSecond)
        (self.rows, self.count) = (rows, count)
    }
}

/// The parameters for softmax, or for normalization to mean 0 and variance 1, of each of several rows.
package struct NormalizedRows {
    package var input: UnsafePointer<Float>
    package var output: UnsafeMutablePointer<Float>
    /// Floats between consecutive rows.
    package var inputStride, outputStride: Int
    package var rows, count: Int
    /// The factors and the terms applied after normalization, `[count]` each; softmax ignores them.
    package var scale, shift: UnsafePointer<Float>?
    /// The term added to the variance.
    package var epsilon: Float

    package init(
        input: UnsafePointer<Float>, inputStride: Int, output: UnsafeMutablePointer<Float>, outputStride: Int,
        rows: Int, count: Int, scale: UnsafePointer<Float>? = nil,
        shift: UnsafePointer<Float>? = nil, epsilon: Float = 0
    ) {
        (self.input, self.output) = (input, output)
        (self.inputStride, self.outputStride) = (inputStride, outputStride)
        (self.rows, self.count) = (rows, count)
        (self.scale, self.shift, self.epsilon) = (scale, shift, epsilon)
    }
}
