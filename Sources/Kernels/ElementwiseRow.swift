/// A function of one number, with its parameters.
package struct UnaryFunction: Equatable, BitwiseCopyable, Sendable {
    package enum Kind: UInt8, BitwiseCopyable, Sendable {
        /// `x`, clamped to `alpha...beta`.
        case clamp
        case sigmoid, silu
        /// `min(max(alpha * x + beta, 0), 1)`, and the same times x.
        case hardSigmoid, hardSwish
        /// With the error function, and with its approximation by a hyperbolic tangent.
        case gelu, geluTanh
        /// `gamma * x` above zero; below `gamma * alpha * (exp(x) - 1)`: ELU and SELU.
        case elu
        /// `alpha * x` below zero.
        case leakyRelu
        case softplus, softsign, mish
        case tanh, erf, erfc, exp, log, squareRoot, reciprocalSquareRoot, reciprocal, square, absolute
        case negate, sign, sine, cosine
        /// Towards minus infinity, plus infinity, and to the nearest, ties to even.
        case floor, ceil, round
        /// `x * alpha + beta`.
        case affine
        /// `x`, clamped to `alpha...beta` and rounded to `alpha` plus a multiple of `gamma`, halves upwards.
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
    /// PyTorch's and ONNX's: `x / 6 + 1 / 2` clamped to 0...1.
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

/// A function of every number of a few rows of consecutive ones.
package struct UnaryRows {
    package var function: UnaryFunction
    package var input: UnsafePointer<Float>
    /// May be the input.
    package var output: UnsafeMutablePointer<Float>
    /// Floats from one row to the next.
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
    /// a where it is not negative, else `a * b`.
    case prelu
}

/// A function of every two numbers of two rows, one of which may be a single number.
package struct BinaryRow {
    package var function: BinaryFunction
    package var first, second: UnsafePointer<Float>
    /// One number stands for the whole row.
    package var repeatsFirst, repeatsSecond: Bool
    package var output: UnsafeMutablePointer<Float>
    package var count: Int

    package init(
        _ function: BinaryFunction, first: UnsafePointer<Float>, repeatsFirst: Bool,
        second: UnsafePointer<Float>, repeatsSecond: Bool, output: UnsafeMutablePointer<Float>, count: Int
    ) {
        (self.function, self.first, self.second, self.output) = (function, first, second, output)
        (self.repeatsFirst, self.repeatsSecond, self.count) = (repeatsFirst, repeatsSecond, count)
    }
}

/// Rows of consecutive numbers, each normalized by itself: by softmax, or to mean 0 and variance 1.
package struct NormalizedRows {
    package var input: UnsafePointer<Float>
    package var output: UnsafeMutablePointer<Float>
    /// Floats from one row to the next.
    package var inputStride, outputStride: Int
    package var rows, count: Int
    /// `[count]` each: what a normalized number is multiplied with, and what is added then. Not of softmax.
    package var scale, shift: UnsafePointer<Float>?
    /// Added to the variance.
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
