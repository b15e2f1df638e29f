// The elementwise functions as types, so that a loop over vectors is compiled once for each of them with the
// function inside; a closure would be called for every vector.

/// An elementwise function of one argument.
protocol ElementwiseFunction {
    static func value(_ x: Vector, _ p: FunctionParameters) -> Vector
}

/// The parameters of an elementwise function, see `UnaryFunction`.
struct FunctionParameters { let alpha, beta, gamma: Vector }

/// An elementwise function of two arguments.
protocol ElementwiseCombination {
    static func value(_ a: Vector, _ b: Vector) -> Vector
}

@inline(__always) private var zero: Vector { Vector(repeating: 0) }
@inline(__always) private var one: Vector { Vector(repeating: 1) }

enum Clamp: ElementwiseFunction {
    @inline(__always) static func value(_ x: Vector, _ p: FunctionParameters) -> Vector {
        clamp(x, p.alpha, p.beta)
    }
}

enum Sigmoid: ElementwiseFunction {
    @inline(__always) static func value(_ x: Vector, _ p: FunctionParameters) -> Vector { sigmoid(x) }
}

enum SiLU: ElementwiseFunction {
    @inline(__always) static func value(_ x: Vector, _ p: FunctionParameters) -> Vector { x * sigmoid(x) }
}

enum HardSigmoid: ElementwiseFunction {
    @inline(__always) static func value(_ x: Vector, _ p: FunctionParameters) -> Vector {
        clamp(x * p.alpha + p.beta, zero, one)
    }
}

enum HardSwish: ElementwiseFunction {
    @inline(__always) static func value(_ x: Vector, _ p: FunctionParameters) -> Vector {
        x * clamp(x * p.alpha + p.beta, zero, one)
    }
}

enum GELU: ElementwiseFunction {
    @inline(__always) static func value(_ x: Vector, _ p: FunctionParameters) -> Vector { gelu(x) }
}

enum GELUByTangent: ElementwiseFunction {
    @inline(__always) static func value(_ x: Vector, _ p: FunctionParameters) -> Vector { geluByTangent(x) }
}

enum ELU: ElementwiseFunction {
    @inline(__always) static func value(_ x: Vector, _ p: FunctionParameters) -> Vector {
        p.gamma * x.replacing(with: p.alpha * exponentialMinusOne(x), where: x .< zero)
    }
}

enum LeakyReLU: ElementwiseFunction {
    @inline(__always) static func value(_ x: Vector, _ p: FunctionParameters) -> Vector {
        x.replacing(with: p.alpha * x, where: x .< zero)
    }
}

enum Softplus: ElementwiseFunction {
    @inline(__always) static func value(_ x: Vector, _ p: FunctionParameters) -> Vector { softplus(x) }
}

enum Softsign: ElementwiseFunction {
    @inline(__always) static func value(_ x: Vector, _ p: FunctionParameters) -> Vector {
        x / (one + absolute(x))
    }
}

enum Mish: ElementwiseFunction {
    @inline(__always) static func value(_ x: Vector, _ p: FunctionParameters) -> Vector {
        let y = softplus(x)
        return x * hyperbolicTangent(y)
    }
}

enum Tanh: ElementwiseFunction {
    @inline(__always) static func value(_ x: Vector, _ p: FunctionParameters) -> Vector {
        hyperbolicTangent(x)
    }
}

enum Erf: ElementwiseFunction {
    @inline(__always) static func value(_ x: Vector, _ p: FunctionParameters) -> Vector { errorFunction(x) }
}

enum Erfc: ElementwiseFunction {
    @inline(__always) static func value(_ x: Vector, _ p: FunctionParameters) -> Vector {
        complementaryErrorFunction(x)
    }
}

enum Exp: ElementwiseFunction {
    @inline(__always) static func value(_ x: Vector, _ p: FunctionParameters) -> Vector { exponential(x) }
}

enum Log: ElementwiseFunction {
    @inline(__always) static func value(_ x: Vector, _ p: FunctionParameters) -> Vector { logarithm(x) }
}

enum SquareRoot: ElementwiseFunction {
    @inline(__always) static func value(_ x: Vector, _ p: FunctionParameters) -> Vector { squareRoot(x) }
}

enum ReciprocalSquareRoot: ElementwiseFunction {
    @inline(__always) static func value(_ x: Vector, _ p: FunctionParameters) -> Vector {
        one / squareRoot(x)
    }
}

enum Reciprocal: ElementwiseFunction {
    @inline(__always) static func value(_ x: Vector, _ p: FunctionParameters) -> Vector { one / x }
}

enum Square: ElementwiseFunction {
    @inline(__always) static func value(_ x: Vector, _ p: FunctionParameters) -> Vector { x * x }
}

enum Absolute: ElementwiseFunction {
    @inline(__always) static func value(_ x: Vector, _ p: FunctionParameters) -> Vector { absolute(x) }
}

enum Negate: ElementwiseFunction {
    @inline(__always) static func value(_ x: Vector, _ p: FunctionParameters) -> Vector { -x }
}

enum Sign: ElementwiseFunction {
    @inline(__always) static func value(_ x: Vector, _ p: FunctionParameters) -> Vector {
        x.replacing(with: one, where: x .> zero).replacing(with: -one, where: x .< zero)
    }
}

enum Floor: ElementwiseFunction {
    @inline(__always) static func value(_ x: Vector, _ p: FunctionParameters) -> Vector { floor(x) }
}

enum Ceil: ElementwiseFunction {
    @inline(__always) static func value(_ x: Vector, _ p: FunctionParameters) -> Vector { -floor(-x) }
}

enum Round: ElementwiseFunction {
    @inline(__always) static func value(_ x: Vector, _ p: FunctionParameters) -> Vector { roundedToEven(x) }
}

enum AffineMap: ElementwiseFunction {
    @inline(__always) static func value(_ x: Vector, _ p: FunctionParameters) -> Vector {
        x * p.alpha + p.beta
    }
}

enum Quantize: ElementwiseFunction {
    @inline(__always) static func value(_ x: Vector, _ p: FunctionParameters) -> Vector {
        floor((clamp(x, p.alpha, p.beta) - p.alpha) * (one / p.gamma) + Vector(repeating: 0.5)) * p.gamma
            + p.alpha
    }
}

enum Addition: ElementwiseCombination {
    @inline(__always) static func value(_ a: Vector, _ b: Vector) -> Vector { a + b }
}

enum Subtraction: ElementwiseCombination {
    @inline(__always) static func value(_ a: Vector, _ b: Vector) -> Vector { a - b }
}

enum Multiplication: ElementwiseCombination {
    @inline(__always) static func value(_ a: Vector, _ b: Vector) -> Vector { a * b }
}

enum Division: ElementwiseCombination {
    @inline(__always) static func value(_ a: Vector, _ b: Vector) -> Vector { a / b }
}

enum Maximum: ElementwiseCombination {
    @inline(__always) static func value(_ a: Vector, _ b: Vector) -> Vector {
        b.replacing(with: a, where: a .> b)
    }
}

enum Minimum: ElementwiseCombination {
    @inline(__always) static func value(_ a: Vector, _ b: Vector) -> Vector {
        b.replacing(with: a, where: a .< b)
    }
}

enum SquaredDifference: ElementwiseCombination {
    @inline(__always) static func value(_ a: Vector, _ b: Vector) -> Vector { (a - b) * (a - b) }
}

enum PReLU: ElementwiseCombination {
    @inline(__always) static func value(_ a: Vector, _ b: Vector) -> Vector {
        a.replacing(with: a * b, where: a .< zero)
    }
}

enum Equality: ElementwiseCombination {
    @inline(__always) static func value(_ a: Vector, _ b: Vector) -> Vector {
        zero.replacing(with: one, where: a .== b)
    }
}

enum Less: ElementwiseCombination {
    @inline(__always) static func value(_ a: Vector, _ b: Vector) -> Vector {
        zero.replacing(with: one, where: a .< b)
    }
}

enum LessOrEqual: ElementwiseCombination {
    @inline(__always) static func value(_ a: Vector, _ b: Vector) -> Vector {
        zero.replacing(with: one, where: a .<= b)
    }
}
