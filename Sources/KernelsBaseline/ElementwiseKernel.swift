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
    let p = rows.pointee, f = p.function
    let alpha = Vector(repeating: f.alpha), beta = Vector(repeating: f.beta)
    let gamma = Vector(repeating: f.gamma), zero = Vector(repeating: 0), one = Vector(repeating: 1)
    switch f.kind {
    case .clamp: map(p) { clamp($0, alpha, beta) }
    case .sigmoid: map(p) { sigmoid($0) }
    case .silu: map(p) { $0 * sigmoid($0) }
    case .hardSigmoid: map(p) { clamp($0 * alpha + beta, zero, one) }
    case .hardSwish: map(p) { $0 * clamp($0 * alpha + beta, zero, one) }
    case .gelu: map(p) { gelu($0) }
    case .geluTanh: map(p) { geluByTangent($0) }
    case .elu:
        map(p) { x in
            gamma * x.replacing(with: alpha * exponentialMinusOne(x), where: x .< zero)
        }
    case .leakyRelu: map(p) { x in x.replacing(with: alpha * x, where: x .< zero) }
    case .softplus: map(p) { softplus($0) }
    case .softsign: map(p) { $0 / (one + absolute($0)) }
    case .mish: map(p) { $0 * hyperbolicTangent(softplus($0)) }
    case .tanh: map(p) { hyperbolicTangent($0) }
    case .erf: map(p) { errorFunction($0) }
    case .erfc: map(p) { complementaryErrorFunction($0) }
    case .exp: map(p) { exponential($0) }
    case .log: map(p) { logarithm($0) }
    case .squareRoot: map(p) { squareRoot($0) }
    case .reciprocalSquareRoot: map(p) { one / squareRoot($0) }
    case .reciprocal: map(p) { one / $0 }
    case .square: map(p) { $0 * $0 }
    case .absolute: map(p) { absolute($0) }
    case .negate: map(p) { -$0 }
    case .sign:
        map(p) { x in
            x.replacing(with: one, where: x .> zero).replacing(with: -one, where: x .< zero)
        }
    case .sine, .cosine:
        for row in 0..<p.rows {
            let input = p.input + row &* p.inputStride, output = p.output + row &* p.outputStride
            for index in 0..<p.count {
                output[index] = f.kind == .sine ? sinf(input[index]) : cosf(input[index])
            }
        }
    case .floor: map(p) { floor($0) }
    case .ceil: map(p) { -floor(-$0) }
    case .round: map(p) { roundedToEven($0) }
    case .affine: map(p) { $0 * alpha + beta }
    case .quantize:
        let inverse = one / gamma, half = Vector(repeating: 0.5)
        map(p) { floor((clamp($0, alpha, beta) - alpha) * inverse + half) * gamma + alpha }
    }
}

@inline(__always) private func map(_ p: UnaryRows, _ f: (Vector) -> Vector) {
    for row in 0..<p.rows {
        let input = p.input + row &* p.inputStride, output = p.output + row &* p.outputStride
        var index = 0
        while index &+ lanes <= p.count {
            store(f(load(input + index)), output + index)
            index &+= lanes
        }
        let left = p.count &- index
        if left > 0 { storeFirst(left, f(loadFirst(left, input + index)), output + index) }
    }
}

/// Applies an elementwise function to two rows.
package func combine(_ row: UnsafePointer<BinaryRow>) {
    let p = row.pointee
    switch p.function {
    case .add: combine(p) { $0 + $1 }
    case .subtract: combine(p) { $0 - $1 }
    case .multiply: combine(p) { $0 * $1 }
    case .divide: combine(p) { $0 / $1 }
    case .maximum: combine(p) { $1.replacing(with: $0, where: $0 .> $1) }
    case .minimum: combine(p) { $1.replacing(with: $0, where: $0 .< $1) }
    case .squaredDifference:
        combine(p) {
            let d = $0 - $1; return d * d
        }
    case .prelu: combine(p) { a, b in a.replacing(with: a * b, where: a .< Vector(repeating: 0)) }
    case .power:
        for index in 0..<p.count {
            p.output[index] = powf(p.first[p.repeatsFirst ? 0 : index], p.second[p.repeatsSecond ? 0 : index])
        }
    }
}

@inline(__always) private func combine(_ p: BinaryRow, _ f: (Vector, Vector) -> Vector) {
    let one = Vector(repeating: p.first[0]), other = Vector(repeating: p.second[0])
    var index = 0
    while index &+ lanes <= p.count {
        let a = p.repeatsFirst ? one : load(p.first + index)
        let b = p.repeatsSecond ? other : load(p.second + index)
        store(f(a, b), p.output + index)
        index &+= lanes
    }
    let left = p.count &- index
    if left > 0 {
        let a = p.repeatsFirst ? one : loadFirst(left, p.first + index)
        let b = p.repeatsSecond ? other : loadFirst(left, p.second + index)
        storeFirst(left, f(a, b), p.output + index)
    }
}
