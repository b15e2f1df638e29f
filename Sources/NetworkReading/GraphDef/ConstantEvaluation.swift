import Network
import TensorGraph
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The elements of a constant of any type in row-major order.
struct Numbers {
    var type: ElementType
    var shape: [Int]
    var values: [Double]

    init(type: ElementType, shape: [Int], values: [Double]) {
        (self.type, self.shape, self.values) = (type, shape, values)
    }

    /// - Returns: The elements, or nil for types with which networks do not compute.
    init?(_ tensor: Tensor) {
        guard case .dense(let region) = tensor.contents else { return nil }
        (type, shape) = (tensor.type, tensor.shape)
        switch tensor.type {
        case .float32: values = region.array(of: Float.self).map(Double.init)
        case .float64: values = region.array(of: Double.self)
        case .int32: values = region.array(of: Int32.self).map(Double.init)
        case .int64: values = region.array(of: Int64.self).map(Double.init)
        case .uint8, .bool: values = region.array(of: UInt8.self).map(Double.init)
        case .int8: values = region.array(of: Int8.self).map(Double.init)
        case .bfloat16:
            values = region.array(of: UInt16.self).map { Double(Float(bitPattern: UInt32($0) << 16)) }
        default: return nil
        }
    }

    /// The tensor, with the values rounded to the type; integers that do not fit are clamped.
    ///
    /// - Returns: The tensor, or nil for types that are not created.
    var tensor: Tensor? {
        switch type {
        case .float32: return Tensor(values.map(Float.init), shape: shape)
        case .float64: return Tensor(values, shape: shape)
        case .int32: return Tensor(values.map { Self.integer(Int32.self, $0) }, shape: shape)
        case .int64: return dense(values.map { Self.integer(Int64.self, $0) })
        case .uint8: return dense(values.map { Self.integer(UInt8.self, $0) })
        case .bool: return dense(values.map { UInt8($0 == 0 ? 0 : 1) })
        default: return nil
        }
    }

    private func dense(_ elements: [some BitwiseCopyable]) -> Tensor {
        Tensor(type: type, shape: shape, contents: .dense(ByteRegion(of: elements)))
    }

    private static func integer<Value: FixedWidthInteger>(_ type: Value.Type, _ value: Double) -> Value {
        guard value == value else { return 0 }
        return Value(exactly: value.rounded(.towardZero)) ?? (value < 0 ? .min : .max)
    }
}

extension Network.Operation {
    /// Evaluates the operation on constants; `shape` is the inferred shape of the result.
    ///
    /// - Returns: The result, or nil for operations that are not evaluated while reading.
    func evaluate(_ inputs: [Numbers], shape: [Int]) -> Numbers? {
        guard var result = inputs.first else { return nil }
        switch self {
        case .reshape: break
        case .unary(let function):
            guard let compute = function.function else { return nil }
            result.values = result.values.map(compute)
        case .binary(let function):
            guard let compute = function.function else { return nil }
            let left = AxisWalk(of: inputs[0].shape, over: shape),
                right = AxisWalk(of: inputs[1].shape, over: shape)
            result.values = zip(left.offsets, right.offsets).map {
                compute(inputs[0].values[$0], inputs[1].values[$1])
            }
        case .broadcast:
            result.values = AxisWalk(of: inputs[0].shape, over: shape).offsets.map { inputs[0].values[$0] }
        case .transpose(let axes):
            let steps = AxisWalk.steps(of: inputs[0].shape)
            result.values = AxisWalk(steps: axes.map { steps[$0] }, over: shape).offsets.map {
                inputs[0].values[$0]
            }
        case .slice(let stretches):
            let steps = AxisWalk.steps(of: inputs[0].shape)
            var start = 0, strides: [Int] = []
            for (stretch, step) in zip(stretches, steps) {
                start += stretch.begin * step
                strides.append(stretch.step * step)
            }
            let walk = AxisWalk(steps: strides, start: start, over: shape)
            result.values = walk.offsets.map { inputs[0].values[$0] }
        case .gather(let axis, let indices):
            let source = inputs[0], size = source.shape[axis]
            let inner = source.shape[(axis + 1)...].reduce(1, *), outer = source.shape[..<axis].reduce(1, *)
            result.values = []
            for block in 0..<outer {
                for index in indices {
                    let begin = (block * size + index) * inner
                    result.values += source.values[begin..<begin + inner]
                }
            }
        case .concatenation(let axis):
            result.values = []
            for block in 0..<shape[..<axis].reduce(1, *) {
                for input in inputs {
                    let run = input.shape[axis...].reduce(1, *)
                    result.values += input.values[block * run..<(block + 1) * run]
                }
            }
        case .pad(let borders, let padding): result.values = Self.padded(inputs[0], borders, padding)
        case .matrixProduct(let swapsLeft, let swapsRight):
            result.values = Self.product(inputs[0], swapsLeft, inputs[1], swapsRight, shape: shape)
        case .tile(let counts):
            var steps: [Int] = [], sizes: [Int] = []
            for (axis, step) in AxisWalk.steps(of: inputs[0].shape).enumerated() {
                steps += [0, step]
                sizes += [counts[axis], inputs[0].shape[axis]]
            }
            result.values = AxisWalk(steps: steps, over: sizes).offsets.map { inputs[0].values[$0] }
        case .reduction(let reduction, let axes, _):
            guard let combine = reduction.function else { return nil }
            // The reduced axes come last, so that each result's elements are consecutive.
            let from = inputs[0].shape, steps = AxisWalk.steps(of: from)
            let order = from.indices.filter { !axes.contains($0) } + axes
            let walk = AxisWalk(steps: order.map { steps[$0] }, over: order.map { from[$0] })
            let count = axes.reduce(1) { $0 * from[$1] }, values = walk.offsets.map { inputs[0].values[$0] }
            result.values = stride(from: 0, to: values.count, by: count).map {
                combine(values[$0..<$0 + count])
            }
        default: return nil
        }
        result.shape = shape
        return result
    }

    private static func padded(
        _ source: Numbers, _ borders: [Network.Border], _ padding: Network.Padding
    ) -> [Double] {
        /// Returns the entry of an axis that is read at a place beside it; nil for the number that fills.
        func entry(at place: Int, of size: Int) -> Int? {
            if (0..<size).contains(place) { return place }
            let isBefore = place < 0
            switch padding {
            case .constant: return nil
            case .edge: return isBefore ? 0 : size - 1
            case .reflect: return isBefore ? -place : 2 * (size - 1) - place
            case .symmetric: return isBefore ? -place - 1 : 2 * size - 1 - place
            }
        }
        var offsets: [Int?] = [0]
        for (axis, step) in AxisWalk.steps(of: source.shape).enumerated() {
            let size = source.shape[axis], border = borders[axis]
            let entries = (-border.before..<size + border.after).map { entry(at: $0, of: size) }
            offsets = offsets.flatMap { offset in
                entries.map { entry in entry.flatMap { place in offset.map { $0 + place * step } } }
            }
        }
        let fill: Double = if case .constant(let number) = padding { Double(number) } else { 0 }
        return offsets.map { $0.map { source.values[$0] } ?? fill }
    }

    private static func product(
        _ left: Numbers, _ swapsLeft: Bool, _ right: Numbers, _ swapsRight: Bool, shape: [Int]
    ) -> [Double] {
        let batch = Array(shape.dropLast(2)), rows = shape[batch.count], columns = shape[batch.count + 1]
        let depth = left.shape[left.shape.count - (swapsLeft ? 2 : 1)]
        let lefts = AxisWalk(of: Array(left.shape.dropLast(2)), over: batch).offsets
        let rights = AxisWalk(of: Array(right.shape.dropLast(2)), over: batch).offsets
        var result: [Double] = []
        result.reserveCapacity(shape.reduce(1, *))
        for (a, b) in zip(lefts, rights) {
            let (a, b) = (a * rows * depth, b * depth * columns)
            for row in 0..<rows {
                for column in 0..<columns {
                    var sum = 0.0
                    for index in 0..<depth {
                        sum +=
                            left.values[a + (swapsLeft ? index * rows + row : row * depth + index)]
                            * right.values[
                                b + (swapsRight ? column * depth + index : index * columns + column)]
                    }
                    result.append(sum)
                }
            }
        }
        return result
    }
}

/// The offsets of a tensor's elements in the order of another shape.
private struct AxisWalk {
    let offsets: [Int]

    /// - Parameter steps: The distance between consecutive entries of each axis.
    init(steps: [Int], start: Int = 0, over sizes: [Int]) {
        var offsets = [start]
        for (step, size) in zip(steps, sizes) {
            offsets =
                size == 1 ? offsets : offsets.flatMap { offset in (0..<size).map { offset + $0 * step } }
        }
        self.offsets = offsets
    }

    /// Creates the offsets of a tensor that is broadcast.
    init(of shape: [Int], over sizes: [Int]) {
        let steps = zip(shape, Self.steps(of: shape)).map { $0 == 1 ? 0 : $1 }
        self.init(steps: [Int](repeating: 0, count: sizes.count - shape.count) + steps, over: sizes)
    }

    static func steps(of shape: [Int]) -> [Int] {
        var steps = shape, step = 1
        for axis in shape.indices.reversed() {
            steps[axis] = step
            step *= shape[axis]
        }
        return steps
    }
}

extension Network.Unary {
    /// The function in double precision; nil for functions that are not evaluated.
    var function: ((Double) -> Double)? {
        switch self {
        case .relu: { max($0, 0) }
        case .clip(let lowest, let highest): { min(max($0, Double(lowest)), Double(highest)) }
        case .sigmoid: { 1 / (1 + exponential(-$0)) }
        case .exp: { exponential($0) }
        case .log: { logarithm($0) }
        case .sin: { sine($0) }
        case .cos: { cosine($0) }
        case .tanh: { hyperbolicTangent($0) }
        case .erf: { errorFunction($0) }
        case .erfc: { 1 - errorFunction($0) }
        case .softplus: { logarithm(1 + exponential($0)) }
        case .silu: { $0 / (1 + exponential(-$0)) }
        case .mish: { $0 * hyperbolicTangent(logarithm(1 + exponential($0))) }
        case .hardSwish: { $0 * min(6, max(0, $0 + 3)) / 6 }
        case .hardSigmoid(let alpha, let beta): { min(1, max(0, Double(alpha) * $0 + Double(beta))) }
        case .gelu(false): { $0 / 2 * (1 + errorFunction($0 / 2.0.squareRoot())) }
        case .gelu(true):
            {
                $0 / 2 * (1 + hyperbolicTangent(0.7978845608028654 * ($0 + 0.044715 * $0 * $0 * $0)))
            }
        case .sqrt: { $0.squareRoot() }
        case .rsqrt: { 1 / $0.squareRoot() }
        case .reciprocal: { 1 / $0 }
        case .square: { $0 * $0 }
        case .abs: { Swift.abs($0) }
        case .sign: { $0 > 0 ? 1 : $0 < 0 ? -1 : 0 }
        case .negate: { -$0 }
        case .floor: { $0.rounded(.down) }
        case .ceil: { $0.rounded(.up) }
        case .round: { $0.rounded(.toNearestOrEven) }
        default: nil
        }
    }
}

private func exponential(_ x: Double) -> Double { exp(x) }
private func sine(_ x: Double) -> Double { sin(x) }
private func cosine(_ x: Double) -> Double { cos(x) }
private func logarithm(_ x: Double) -> Double { log(x) }
private func errorFunction(_ x: Double) -> Double { erf(x) }
private func hyperbolicTangent(_ x: Double) -> Double { tanh(x) }

extension Network.Binary {
    /// The function in double precision; nil for functions that are not evaluated while reading.
    var function: ((Double, Double) -> Double)? {
        switch self {
        case .add: { $0 + $1 }
        case .subtract: { $0 - $1 }
        case .multiply: { $0 * $1 }
        case .divide: { $0 / $1 }
        case .maximum: { max($0, $1) }
        case .minimum: { min($0, $1) }
        case .power: { pow($0, $1) }
        case .squaredDifference: { ($0 - $1) * ($0 - $1) }
        case .prelu: nil
        case .equal: { $0 == $1 ? 1 : 0 }
        case .less: { $0 < $1 ? 1 : 0 }
        case .lessOrEqual: { $0 <= $1 ? 1 : 0 }
        }
    }
}

extension Network.Reduction {
    fileprivate var function: ((ArraySlice<Double>) -> Double)? {
        switch self {
        case .sum: { $0.reduce(0, +) }
        case .mean: { $0.reduce(0, +) / Double($0.count) }
        case .product: { $0.reduce(1, *) }
        case .maximum: { $0.reduce(-.infinity) { max($0, $1) } }
        case .minimum: { $0.reduce(.infinity) { min($0, $1) } }
        default: nil
        }
    }
}
