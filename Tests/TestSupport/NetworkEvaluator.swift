import Foundation
import Network
import TensorGraph

/// Computes a network plainly, node by node, as its operations are defined: what readers, passes and the engine are compared with.
///
/// It knows no blocks, vectors or threads; sums are accumulated in single precision in the order of the axes.
package struct NetworkEvaluator {
    package struct Array: Sendable {
        package var shape: [Int]
        package var values: [Float]

        package init(shape: [Int], values: [Float]) { (self.shape, self.values) = (shape, values) }
    }

    package enum Failure: Error { case operation(String), input }

    /// The outputs for one value of the network's input, in the input node's own order of axes.
    package static func run(_ network: Network, _ input: [Float]) throws -> [Array] {
        var values = [Array?](repeating: nil, count: network.nodes.count)
        var readers = network.readerCounts
        for (index, node) in network.nodes.enumerated() {
            let result = try compute(node, node.inputs.map { values[$0]! }, input)
            guard result.count == node.shape.reduce(1, *) else { throw Failure.operation(node.name) }
            values[index] = Array(shape: node.shape, values: result)
            for read in node.inputs {
                readers[read] -= 1
                if readers[read] == 0 { values[read] = nil }
            }
        }
        return network.outputs.map { values[$0]! }
    }

    private static func compute(_ node: Network.Node, _ x: [Array], _ input: [Float]) throws -> [Float] {
        let shape = node.shape
        switch node.operation {
        case .input:
            guard input.count == shape.reduce(1, *) else { throw Failure.input }
            return input
        case .constant(let tensor): return tensor.floats ?? []
        case .convolution(let window, let groups): return convolution(x[0], x[1], window, groups, shape)
        case .matrixProduct(let left, let right): return product(x[0], left, x[1], right, shape)
        case .binary(let function):
            let a = broadcast(x[0], shape), b = broadcast(x[1], shape), f = binary(function)
            return zip(a, b).map { f($0, $1) }
        case .unary(let function): return x[0].values.map(unary(function))
        case .select:
            let c = broadcast(x[0], shape), a = broadcast(x[1], shape), b = broadcast(x[2], shape)
            return c.indices.map { c[$0] != 0 ? a[$0] : b[$0] }
        case .maximumPool(let window):
            return pool(x[0], window, shape, counts: false) { $0.max() ?? -.infinity }
        case .averagePool(let window, let counts):
            return pool(x[0], window, shape, counts: counts) { $0.reduce(0, +) / Float($0.count) }
        case .reduction(let kind, let axes, _): return reduction(x[0], kind, axes)
        case .softmax(let axis):
            return alongAxes(x[0], [axis]) { values in
                let top = values.max()!, powers = values.map { exp($0 - top) }, sum = powers.reduce(0, +)
                return powers.map { $0 / sum }
            }
        case .normalization(let axes, let epsilon):
            return alongAxes(x[0], axes) { values in
                let mean = values.reduce(0, +) / Float(values.count)
                let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Float(values.count)
                return values.map { ($0 - mean) / (variance + epsilon).squareRoot() }
            }
        case .localResponseNormalization(let radius, let bias, let alpha, let beta):
            return alongAxes(x[0], [shape.count - 1]) { values in
                values.indices.map { index in
                    let part = values[max(0, index - radius)...min(values.count - 1, index + radius)]
                    return values[index] / pow(bias + alpha * part.reduce(0) { $0 + $1 * $1 }, beta)
                }
            }
        case .pad(let borders, let padding): return pad(x[0], borders, padding, shape)
        case .concatenation(let axis):
            var begin = 0, ends: [(Array, Int)] = []
            for part in x {
                ends.append((part, begin))
                begin += part.shape[axis]
            }
            return indexed(shape) { position in
                let (part, begin) = ends.last { $0.1 <= position[axis] }!
                var inner = position
                inner[axis] -= begin
                return part.values[offset(inner, part.shape)]
            }
        case .reshape: return x[0].values
        case .transpose(let axes):
            return indexed(shape) { position in
                var source = position
                for (axis, origin) in axes.enumerated() { source[origin] = position[axis] }
                return x[0].values[offset(source, x[0].shape)]
            }
        case .slice(let stretches):
            return indexed(shape) { position in
                x[0].values[
                    offset(
                        position.indices.map { stretches[$0].begin + position[$0] * stretches[$0].step },
                        x[0].shape)]
            }
        case .gather(let axis, let indices):
            return indexed(shape) { position in
                var source = position
                source[axis] = indices[position[axis]]
                return x[0].values[offset(source, x[0].shape)]
            }
        case .broadcast: return broadcast(x[0], shape)
        case .tile:
            return indexed(shape) { position in
                x[0].values[offset(position.indices.map { position[$0] % x[0].shape[$0] }, x[0].shape)]
            }
        case .resize(let resize): return try self.resize(x[0], resize, shape)
        case .depthToSpace(let block, let isChannelMajor):
            return indexed(shape) { p in
                let (dy, dx, channels) = (p[1] % block, p[2] % block, shape[3])
                let channel =
                    isChannelMajor
                    ? p[3] * block * block + dy * block + dx : (dy * block + dx) * channels + p[3]
                return x[0].values[offset([p[0], p[1] / block, p[2] / block, channel], x[0].shape)]
            }
        case .spaceToDepth(let block):
            return indexed(shape) { p in
                let channels = x[0].shape[3], place = p[3] / channels
                return x[0].values[
                    offset(
                        [p[0], p[1] * block + place / block, p[2] * block + place % block, p[3] % channels],
                        x[0].shape)]
            }
        }
    }

    // MARK: - Positions

    private static func offset(_ position: [Int], _ shape: [Int]) -> Int {
        zip(position, shape).reduce(0) { $0 * $1.1 + $1.0 }
    }

    private static func indexed(_ shape: [Int], _ value: ([Int]) -> Float) -> [Float] {
        var position = [Int](repeating: 0, count: shape.count)
        return (0..<shape.reduce(1, *)).map { _ in
            defer {
                for axis in shape.indices.reversed() {
                    position[axis] += 1
                    if position[axis] < shape[axis] { break }
                    position[axis] = 0
                }
            }
            return value(position)
        }
    }

    private static func broadcast(_ array: Array, _ shape: [Int]) -> [Float] {
        if array.shape == shape { return array.values }
        if array.values.count == 1 { return [Float](repeating: array.values[0], count: shape.reduce(1, *)) }
        let ones = shape.count - array.shape.count
        return indexed(shape) { position in
            array.values[
                offset(
                    array.shape.indices.map { array.shape[$0] == 1 ? 0 : position[$0 + ones] }, array.shape)]
        }
    }

    /// Hands all elements that differ only along `axes` to `body` together, in order.
    private static func alongAxes(_ array: Array, _ axes: [Int], _ body: ([Float]) -> [Float]) -> [Float] {
        let kept = array.shape.indices.map { axes.contains($0) ? 1 : array.shape[$0] }
        let places = broadcast(
            Array(shape: kept, values: (0..<kept.reduce(1, *)).map { Float(bitPattern: UInt32($0)) }),
            array.shape
        ).map { Int($0.bitPattern) }
        var groups = [[Int]](repeating: [], count: kept.reduce(1, *))
        for (index, group) in places.enumerated() { groups[group].append(index) }
        var result = array.values
        for group in groups {
            for (index, value) in zip(group, body(group.map { array.values[$0] })) { result[index] = value }
        }
        return result
    }

    private static func reduction(_ array: Array, _ kind: Network.Reduction, _ axes: [Int]) -> [Float] {
        let kept = array.shape.indices.map { axes.contains($0) ? 1 : array.shape[$0] }
        let all = alongAxes(array, axes) { values in
            let result: Float
            switch kind {
            case .mean: result = values.reduce(0, +) / Float(values.count)
            case .sum: result = values.reduce(0, +)
            case .maximum: result = values.max()!
            case .minimum: result = values.min()!
            case .product: result = values.reduce(1, *)
            case .sumOfSquares: result = values.reduce(0) { $0 + $1 * $1 }
            case .euclideanNorm: result = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
            case .absoluteSum: result = values.reduce(0) { $0 + abs($1) }
            }
            return [Float](repeating: result, count: values.count)
        }
        return indexed(kept) { all[offset($0, array.shape)] }
    }

    // MARK: - Sums of products

    private static func convolution(
        _ image: Array, _ weights: Array, _ window: Network.Window, _ groups: Int, _ shape: [Int]
    ) -> [Float] {
        let (height, width, channels) = (image.shape[1], image.shape[2], image.shape[3])
        let inner = weights.shape[2], outputs = weights.shape[3], share = outputs / groups
        var result = [Float](repeating: 0, count: shape.reduce(1, *))
        image.values.withUnsafeBufferPointer { x in
            weights.values.withUnsafeBufferPointer { w in
                result.withUnsafeMutableBufferPointer { y in
                    for n in 0..<shape[0] {
                        for p in 0..<shape[1] {
                            for q in 0..<shape[2] {
                                let to = ((n * shape[1] + p) * shape[2] + q) * outputs
                                for r in 0..<window.height {
                                    let row = p * window.strideY + r * window.dilationY - window.padding.top
                                    guard row >= 0, row < height else { continue }
                                    for s in 0..<window.width {
                                        let column =
                                            q * window.strideX + s * window.dilationX - window.padding.left
                                        guard column >= 0, column < width else { continue }
                                        let from = ((n * height + row) * width + column) * channels
                                        let filter = (r * window.width + s) * inner * outputs
                                        for g in 0..<groups {
                                            for c in 0..<inner {
                                                let value = x[from + g * inner + c]
                                                let line = filter + c * outputs + g * share
                                                for k in 0..<share {
                                                    y[to + g * share + k] += value * w[line + k]
                                                }
                                            }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        return result
    }

    private static func product(
        _ a: Array, _ swapsLeft: Bool, _ b: Array, _ swapsRight: Bool, _ shape: [Int]
    ) -> [Float] {
        let rank = shape.count, rows = shape[rank - 2], columns = shape[rank - 1]
        let inner = a.shape[a.shape.count - (swapsLeft ? 2 : 1)]
        let outer = [Int](shape.dropLast(2))
        func starts(_ array: Array) -> [Int] {
            let lead = [Int](array.shape.dropLast(2)), size = array.shape.suffix(2).reduce(1, *)
            let numbers = (0..<lead.reduce(1, *)).map { Float(bitPattern: UInt32($0)) }
            return broadcast(Array(shape: lead, values: numbers), outer).map { Int($0.bitPattern) * size }
        }
        var result = [Float](repeating: 0, count: shape.reduce(1, *))
        for (batch, (left, right)) in zip(starts(a), starts(b)).enumerated() {
            for i in 0..<rows {
                for j in 0..<columns {
                    var sum: Float = 0
                    for k in 0..<inner {
                        sum +=
                            a.values[left + (swapsLeft ? k * rows + i : i * inner + k)]
                            * b.values[right + (swapsRight ? j * inner + k : k * columns + j)]
                    }
                    result[(batch * rows + i) * columns + j] = sum
                }
            }
        }
        return result
    }

    // MARK: - Windows, borders and sizes

    private static func pool(
        _ image: Array, _ window: Network.Window, _ shape: [Int], counts: Bool, _ body: ([Float]) -> Float
    ) -> [Float] {
        let padding = window.padding, height = image.shape[1], width = image.shape[2]
        return indexed(shape) { p in
            var values: [Float] = []
            for r in 0..<window.height {
                for s in 0..<window.width {
                    let row = p[1] * window.strideY + r * window.dilationY - padding.top
                    let column = p[2] * window.strideX + s * window.dilationX - padding.left
                    if row >= 0, row < height, column >= 0, column < width {
                        values.append(image.values[offset([p[0], row, column, p[3]], image.shape)])
                    } else if counts, row < height + padding.bottom, column < width + padding.right {
                        values.append(0)
                    }
                }
            }
            return body(values)
        }
    }

    private static func pad(
        _ array: Array, _ borders: [Network.Border], _ padding: Network.Padding, _ shape: [Int]
    ) -> [Float] {
        indexed(shape) { position in
            var source = position
            for (axis, size) in array.shape.enumerated() {
                let place = position[axis] - borders[axis].before
                switch padding {
                case .constant(let fill):
                    if place < 0 || place >= size { return fill }
                    source[axis] = place
                case .edge: source[axis] = min(max(place, 0), size - 1)
                case .reflect:
                    source[axis] = place < 0 ? -place : place >= size ? 2 * size - 2 - place : place
                case .symmetric:
                    source[axis] = place < 0 ? -1 - place : place >= size ? 2 * size - 1 - place : place
                }
            }
            return array.values[offset(source, array.shape)]
        }
    }

    /// Entries of the source and their weights, for one place of the result.
    private static func taps(
        _ place: Int, _ size: Int, _ source: Int, _ scale: Float?, _ resize: Network.Resize
    ) throws -> [(Int, Float)] {
        let x = Float(place), ratio = scale ?? Float(size) / Float(source), position: Float
        switch resize.coordinates {
        case .asymmetric: position = x / ratio
        case .halfPixel: position = (x + 0.5) / ratio - 0.5
        case .torchHalfPixel: position = size == 1 ? 0 : (x + 0.5) / ratio - 0.5
        case .alignedCorners: position = size == 1 ? 0 : x * Float(source - 1) / Float(size - 1)
        case .halfPixelNearest: position = (x + 0.5) / ratio
        }
        func clamped(_ index: Int) -> Int { min(max(index, 0), source - 1) }
        switch resize.method {
        case .nearest(let rounding):
            switch rounding {
            case .floor: return [(clamped(Int(position.rounded(.down))), 1)]
            case .ceil: return [(clamped(Int(position.rounded(.up))), 1)]
            case .halfDown: return [(clamped(Int((position - 0.5).rounded(.up))), 1)]
            case .halfUp: return [(clamped(Int((position + 0.5).rounded(.down))), 1)]
            }
        case .linear:
            let begin = position.rounded(.down), part = position - begin
            return [(clamped(Int(begin)), 1 - part), (clamped(Int(begin) + 1), part)]
        case .cubic(let a):
            let begin = position.rounded(.down)
            return (-1...2).map { step in
                let d = abs(position - begin - Float(step))
                let weight =
                    d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
                return (clamped(Int(begin) + step), weight)
            }
        }
    }

    private static func resize(_ image: Array, _ resize: Network.Resize, _ shape: [Int]) throws -> [Float] {
        let rows = try (0..<shape[1]).map { try taps($0, shape[1], image.shape[1], resize.scaleY, resize) }
        let columns = try (0..<shape[2]).map { try taps($0, shape[2], image.shape[2], resize.scaleX, resize) }
        return indexed(shape) { p in
            var sum: Float = 0
            for (row, wy) in rows[p[1]] {
                for (column, wx) in columns[p[2]] {
                    sum += wy * wx * image.values[offset([p[0], row, column, p[3]], image.shape)]
                }
            }
            return sum
        }
    }

    // MARK: - Functions

    private static func binary(_ function: Network.Binary) -> (Float, Float) -> Float {
        switch function {
        case .add: return (+)
        case .subtract: return (-)
        case .multiply: return (*)
        case .divide: return (/)
        case .maximum: return { max($0, $1) }
        case .minimum: return { min($0, $1) }
        case .power: return { pow($0, $1) }
        case .squaredDifference: return { ($0 - $1) * ($0 - $1) }
        case .prelu: return { $0 >= 0 ? $0 : $0 * $1 }
        case .equal: return { $0 == $1 ? 1 : 0 }
        case .less: return { $0 < $1 ? 1 : 0 }
        case .lessOrEqual: return { $0 <= $1 ? 1 : 0 }
        }
    }

    private static func unary(_ function: Network.Unary) -> (Float) -> Float {
        func sigmoid(_ x: Float) -> Float { 1 / (1 + exp(-x)) }
        switch function {
        case .relu: return { max($0, 0) }
        case .clip(let low, let high): return { min(max($0, low), high) }
        case .leakyRelu(let slope): return { $0 >= 0 ? $0 : slope * $0 }
        case .elu(let alpha): return { $0 >= 0 ? $0 : alpha * expm1($0) }
        case .selu: return { 1.050_701 * ($0 >= 0 ? $0 : 1.673_263_2 * expm1($0)) }
        case .sigmoid: return sigmoid
        case .tanh: return { tanh($0) }
        case .erf: return { erf($0) }
        case .erfc: return { erfc($0) }
        case .exp: return { exp($0) }
        case .log: return { log($0) }
        case .sqrt: return { $0.squareRoot() }
        case .rsqrt: return { 1 / $0.squareRoot() }
        case .reciprocal: return { 1 / $0 }
        case .square: return { $0 * $0 }
        case .abs: return { abs($0) }
        case .negate: return { -$0 }
        case .sign: return { $0 > 0 ? 1 : $0 < 0 ? -1 : 0 }
        case .sin: return { sin($0) }
        case .cos: return { cos($0) }
        case .floor: return { $0.rounded(.down) }
        case .ceil: return { $0.rounded(.up) }
        case .round: return { $0.rounded(.toNearestOrEven) }
        case .softplus: return { max($0, 0) + log1p(exp(-abs($0))) }
        case .softsign: return { $0 / (1 + abs($0)) }
        case .mish: return { $0 * tanh(max($0, 0) + log1p(exp(-abs($0)))) }
        case .hardSigmoid(let alpha, let beta): return { min(1, max(0, alpha * $0 + beta)) }
        case .hardSwish: return { $0 * min(6, max(0, $0 + 3)) / 6 }
        case .silu: return { $0 * sigmoid($0) }
        case .gelu(let isApproximate):
            return {
                isApproximate
                    ? $0 / 2 * (1 + tanh(0.797_884_6 * ($0 + 0.044_715 * $0 * $0 * $0)))
                    : $0 / 2 * (1 + erf($0 / Float(2).squareRoot()))
            }
        case .gridded(let low, let high, let step):
            return { low + (((min(max($0, low), high) - low) / step) + 0.5).rounded(.down) * step }
        }
    }
}
