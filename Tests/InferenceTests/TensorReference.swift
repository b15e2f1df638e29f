import Foundation
import Kernels
import TensorGraph

@testable import Inference

/// Plain restatements of the computations on tensors of any shape, in double precision.
struct TensorReference {
    var shape: [Int]
    var values: [Double]

    init(_ shape: [Int], _ values: [Double]) { (self.shape, self.values) = (shape, values) }

    init(_ shape: [Int], seed: Int) {
        var numbers = Numbers(seed: seed)
        self.init(shape, numbers.next(shape.reduce(1, *)).map { Double(Float($0)) })
    }

    /// - Parameter body: takes the place along each axis.
    static func make(_ shape: [Int], _ body: ([Int]) -> Double) -> TensorReference {
        var values: [Double] = [], place = [Int](repeating: 0, count: shape.count)
        for _ in 0..<shape.reduce(1, *) {
            values.append(body(place))
            for axis in shape.indices.reversed() {
                place[axis] += 1
                if place[axis] < shape[axis] { break }
                place[axis] = 0
            }
        }
        return TensorReference(shape, values)
    }

    subscript(place: [Int]) -> Double {
        values[zip(place, shape).reduce(0) { $0 * $1.1 + $1.0 }]
    }

    /// At a place of a tensor that this one is broadcast to.
    func broadcast(_ place: [Int]) -> Double {
        let own = place.suffix(shape.count)
        return self[zip(own, shape).map { $1 == 1 ? 0 : $0 }]
    }

    func transposed(_ permutation: [Int]) -> TensorReference {
        Self.make(permutation.map { shape[$0] }) { place in
            var source = place
            for (axis, from) in permutation.enumerated() { source[from] = place[axis] }
            return self[source]
        }
    }

    static func function(_ function: UnaryFunction, _ x: Double) -> Double {
        let a = Double(function.alpha), b = Double(function.beta), c = Double(function.gamma)
        func sigmoid(_ x: Double) -> Double { 1 / (1 + Foundation.exp(-x)) }
        func softplus(_ x: Double) -> Double { max(x, 0) + log1p(Foundation.exp(-abs(x))) }
        return switch function.kind {
        case .clamp: min(max(x, a), b)
        case .sigmoid: sigmoid(x)
        case .silu: x * sigmoid(x)
        case .hardSigmoid: min(max(a * x + b, 0), 1)
        case .hardSwish: x * min(max(a * x + b, 0), 1)
        case .gelu: x * erfc(-x / 2.squareRoot()) / 2
        case .geluTanh:
            x * (1 + Foundation.tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x))) / 2
        case .elu: c * (x < 0 ? a * expm1(x) : x)
        case .leakyRelu: x < 0 ? a * x : x
        case .softplus: softplus(x)
        case .softsign: x / (1 + abs(x))
        case .mish: x * Foundation.tanh(softplus(x))
        case .tanh: Foundation.tanh(x)
        case .erf: Foundation.erf(x)
        case .erfc: Foundation.erfc(x)
        case .exp: Foundation.exp(x)
        case .log: Foundation.log(x)
        case .squareRoot: x.squareRoot()
        case .reciprocalSquareRoot: 1 / x.squareRoot()
        case .reciprocal: 1 / x
        case .square: x * x
        case .absolute: abs(x)
        case .negate: -x
        case .sign: x > 0 ? 1 : x < 0 ? -1 : 0
        case .sine: sin(x)
        case .cosine: cos(x)
        case .floor: x.rounded(.down)
        case .ceil: x.rounded(.up)
        case .round: x.rounded(.toNearestOrEven)
        case .affine: x * a + b
        case .quantize: ((min(max(x, a), b) - a) / c + 0.5).rounded(.down) * c + a
        }
    }

    static func function(_ function: BinaryFunction, _ a: Double, _ b: Double) -> Double {
        switch function {
        case .add: a + b
        case .subtract: a - b
        case .multiply: a * b
        case .divide: a / b
        case .maximum: max(a, b)
        case .minimum: min(a, b)
        case .power: pow(a, b)
        case .squaredDifference: (a - b) * (a - b)
        case .prelu: a < 0 ? a * b : a
        case .equal: a == b ? 1 : 0
        case .less: a < b ? 1 : 0
        case .lessOrEqual: a <= b ? 1 : 0
        }
    }
}

/// A list of layers that reads one tensor and constants.
struct TensorProgram {
    var list = LayerList()
    let input: TensorReference

    init(_ input: TensorReference) {
        self.input = input
        list.input = list.newValue(shape: input.shape)
    }

    mutating func constant(_ tensor: TensorReference) -> Value {
        list.newConstant(ByteRegion(of: tensor.values.map { Float($0) }), shape: tensor.shape)
    }

    mutating func append(_ computation: Computation, to value: Value? = nil, shape: [Int]) -> Value {
        let output = list.newValue(shape: shape)
        list.layers.append(
            Layer(
                name: "layer\(list.layers.count)", input: value ?? list.input, output: output,
                computation: computation))
        return output
    }

    /// The largest difference of an output from what is expected, relative to 1 and its magnitude, over all instruction sets, on one
    /// thread and three, which must give the same bits.
    mutating func worst(_ output: Value, _ expected: TensorReference) -> Double {
        list.outputs = [output]
        list.outputShapes = [expected.shape]
        var worst = 0.0
        for set in InstructionSet.available {
            var first: [UInt32]?
            for threads in [1, 3] {
                let plan = Plan(
                    list, input: "in", inputShape: input.shape, instructionSet: set, threads: threads)
                let executor = Executor(plan, pool: threads > 1 ? ThreadPool(threads: threads) : nil)
                for _ in 0..<2 {
                    for (index, value) in input.values.enumerated() { executor.input[index] = Float(value) }
                    executor.run()
                    let result = Array(executor.output(0))
                    let bits = result.map(\.bitPattern)
                    guard result.count == expected.values.count, bits == first ?? bits else {
                        return .infinity
                    }
                    first = bits
                    for (x, y) in zip(result, expected.values) {
                        worst = max(worst, abs(Double(x) - y) / max(1, abs(y)))
                        if x.isNaN { worst = .infinity }
                    }
                }
            }
        }
        return worst
    }
}
