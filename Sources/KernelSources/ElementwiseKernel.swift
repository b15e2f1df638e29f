import Kernels
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Applies an elementwise function to rows; a value's result does not depend on its position in a vector.
package func mapRows(_ rows: UnsafePointer<UnaryRows>) {
    let p = rows.pointee
    switch p.function.kind {
    case .clamp: map(p, Clamp.self)
    case .sigmoid: map(p, Sigmoid.self)
    case .silu: map(p, SiLU.self)
    case .hardSigmoid: map(p, HardSigmoid.self)
    case .hardSwish: map(p, HardSwish.self)
    case .gelu: map(p, GELU.self)
    case .geluTanh: map(p, GELUByTangent.self)
    case .elu: map(p, ELU.self)
    case .leakyRelu: map(p, LeakyReLU.self)
    case .softplus: map(p, Softplus.self)
    case .softsign: map(p, Softsign.self)
    case .mish: map(p, Mish.self)
    case .tanh: map(p, Tanh.self)
    case .erf: map(p, Erf.self)
    case .erfc: map(p, Erfc.self)
    case .exp: map(p, Exp.self)
    case .log: map(p, Log.self)
    case .squareRoot: map(p, SquareRoot.self)
    case .reciprocalSquareRoot: map(p, ReciprocalSquareRoot.self)
    case .reciprocal: map(p, Reciprocal.self)
    case .square: map(p, Square.self)
    case .absolute: map(p, Absolute.self)
    case .negate: map(p, Negate.self)
    case .sign: map(p, Sign.self)
    case .floor: map(p, Floor.self)
    case .ceil: map(p, Ceil.self)
    case .round: map(p, Round.self)
    case .affine: map(p, AffineMap.self)
    case .quantize: map(p, Quantize.self)
    case .sine, .cosine:
        // The engine of pages has no C library, and is given no program with these.
        #if !arch(wasm32)
        for row in 0..<p.rows {
            let input = p.input + row &* p.inputStride, output = p.output + row &* p.outputStride
            for index in 0..<p.count {
                output[index] = p.function.kind == .sine ? sinf(input[index]) : cosf(input[index])
            }
        }
        #endif
    }
}

@inline(__always) private func map<Function: ElementwiseFunction>(_ p: UnaryRows, _ function: Function.Type) {
    let f = p.function
    let parameters = FunctionParameters(
        alpha: Vector(repeating: f.alpha), beta: Vector(repeating: f.beta), gamma: Vector(repeating: f.gamma))
    for row in 0..<p.rows {
        let input = p.input + row &* p.inputStride, output = p.output + row &* p.outputStride
        var index = 0
        while index &+ lanes <= p.count {
            store(Function.value(load(input + index), parameters), output + index)
            index &+= lanes
        }
        let left = p.count &- index
        if left > 0 {
            storeFirst(
                left, Function.value(loadFirst(left, input + index), parameters), output + index)
        }
    }
}

/// Applies an elementwise function to the rows of two operands.
package func combineRows(_ rows: UnsafePointer<BinaryRows>) {
    let p = rows.pointee
    switch p.function {
    case .add: combine(p, Addition.self)
    case .subtract: combine(p, Subtraction.self)
    case .multiply: combine(p, Multiplication.self)
    case .divide: combine(p, Division.self)
    case .maximum: combine(p, Maximum.self)
    case .minimum: combine(p, Minimum.self)
    case .squaredDifference: combine(p, SquaredDifference.self)
    case .prelu: combine(p, PReLU.self)
    case .equal: combine(p, Equality.self)
    case .less: combine(p, Less.self)
    case .lessOrEqual: combine(p, LessOrEqual.self)
    case .power:
        #if !arch(wasm32)
        for row in 0..<p.rows {
            let first = p.first + row &* p.firstStride, second = p.second + row &* p.secondStride
            let output = p.output + row &* p.outputStride
            for index in 0..<p.count {
                output[index] = powf(first[p.repeatsFirst ? 0 : index], second[p.repeatsSecond ? 0 : index])
            }
        }
        #endif
    }
}

@inline(__always) private func combine<Function: ElementwiseCombination>(
    _ p: BinaryRows, _ function: Function.Type
) {
    for row in 0..<p.rows {
        let first = p.first + row &* p.firstStride, second = p.second + row &* p.secondStride
        let output = p.output + row &* p.outputStride
        let one = Vector(repeating: first[0]), other = Vector(repeating: second[0])
        var index = 0
        while index &+ lanes <= p.count {
            let a = p.repeatsFirst ? one : load(first + index)
            let b = p.repeatsSecond ? other : load(second + index)
            store(Function.value(a, b), output + index)
            index &+= lanes
        }
        let left = p.count &- index
        if left > 0 {
            let a = p.repeatsFirst ? one : loadFirst(left, first + index)
            let b = p.repeatsSecond ? other : loadFirst(left, second + index)
            storeFirst(left, Function.value(a, b), output + index)
        }
    }
}
