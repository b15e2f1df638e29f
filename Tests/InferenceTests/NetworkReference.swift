import Foundation
import Kernels
import Network
import TensorGraph

@testable import Inference

/// What a network computes, one number at a time and in double precision, node by node without any of them taken together.
enum NetworkReference {
    static func run(_ network: Network, _ input: TensorReference) -> TensorReference {
        var values: [TensorReference] = []
        for node in network.nodes {
            values.append(compute(node, node.inputs.map { values[$0] }, input))
        }
        return values[network.outputs[0]]
    }

    private static func compute(
        _ node: Network.Node, _ inputs: [TensorReference], _ input: TensorReference
    ) -> TensorReference {
        let shape = node.shape
        switch node.operation {
        case .input: return input
        case .constant(let tensor): return TensorReference(tensor.shape, tensor.floats!.map { Double($0) })
        case .convolution(let window, let groups):
            return convolve(inputs[0], inputs[1], window, groups, shape)
        case .matrixProduct(let left, let right):
            return TensorReference.make(shape) { place in
                let (row, column) = (place[place.count - 2], place[place.count - 1])
                let outer = Array(place.dropLast(2)), s = inputs[0].shape
                var sum = 0.0
                for k in 0..<(left ? s[s.count - 2] : s[s.count - 1]) {
                    let x = inputs[0].broadcast(outer + (left ? [k, row] : [row, k]))
                    sum += x * inputs[1].broadcast(outer + (right ? [column, k] : [k, column]))
                }
                return sum
            }
        case .binary(let function):
            let function = BinaryFunction.named(function.rawValue)
            return TensorReference.make(shape) {
                TensorReference.function(function, inputs[0].broadcast($0), inputs[1].broadcast($0))
            }
        case .select:
            return TensorReference.make(shape) {
                inputs[inputs[0].broadcast($0) != 0 ? 1 : 2].broadcast($0)
            }
        case .unary(let function):
            return TensorReference(
                shape, inputs[0].values.map { TensorReference.function(function.function, $0) })
        case .averagePool(let window, let countsPadding):
            return pool(inputs[0], window, shape) { seen, all in
                seen.reduce(0, +) / Double(countsPadding ? all : seen.count)
            }
        case .maximumPool(let window): return pool(inputs[0], window, shape) { seen, _ in seen.max()! }
        case .reduction(_, let axes, _):
            let kept = inputs[0].shape.indices.map { axes.contains($0) ? 1 : inputs[0].shape[$0] }
            var sums = [Double](repeating: 0, count: kept.reduce(1, *))
            _ = TensorReference.make(inputs[0].shape) { place in
                let index = zip(place.indices.map { axes.contains($0) ? 0 : place[$0] }, kept).reduce(0) {
                    $0 * $1.1 + $1.0
                }
                sums[index] += inputs[0][place]
                return 0
            }
            let share = Double(sums.count) / Double(inputs[0].values.count)
            return TensorReference(shape, sums.map { $0 * share })
        case .softmax(let axis):
            return along([axis], inputs[0]) { row in
                let powers = row.map { exp($0 - row.max()!) }
                return powers.map { $0 / powers.reduce(0, +) }
            }
        case .normalization(let axes, let epsilon):
            return along(axes, inputs[0]) { row in
                let mean = row.reduce(0, +) / Double(row.count)
                let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(row.count)
                return row.map { ($0 - mean) / (variance + Double(epsilon)).squareRoot() }
            }
        case .reshape: return TensorReference(shape, inputs[0].values)
        case .transpose(let axes): return inputs[0].transposed(axes)
        case .slice(let stretches):
            return TensorReference.make(shape) { place in
                inputs[0][zip(place, stretches).map { $1.begin + $0 * $1.step }]
            }
        case .broadcast: return TensorReference.make(shape) { inputs[0].broadcast($0) }
        case .pad(let borders, _):
            return TensorReference.make(shape) { place in
                let source = zip(place, borders).map { $0 - $1.before }
                let isInside = zip(source, inputs[0].shape).allSatisfy { $0 >= 0 && $0 < $1 }
                return isInside ? inputs[0][source] : 0
            }
        case .concatenation(let axis):
            return TensorReference.make(shape) { place in
                var place = place, part = 0
                while place[axis] >= inputs[part].shape[axis] {
                    place[axis] -= inputs[part].shape[axis]
                    part += 1
                }
                return inputs[part][place]
            }
        case .depthToSpace(let block, let isChannelMajor):
            let c = shape[3]
            return TensorReference.make(shape) { p in
                let (i, j) = (p[1] % block, p[2] % block)
                let channel = isChannelMajor ? (p[3] * block + i) * block + j : (i * block + j) * c + p[3]
                return inputs[0][[p[0], p[1] / block, p[2] / block, channel]]
            }
        default: fatalError("no restatement of \(node.operation)")
        }
    }

    private static func convolve(
        _ image: TensorReference, _ filter: TensorReference, _ window: Network.Window, _ groups: Int,
        _ shape: [Int]
    ) -> TensorReference {
        let inputs = filter.shape[2], outputs = shape[3] / groups
        return TensorReference.make(shape) { place in
            var sum = 0.0
            for r in 0..<window.height {
                let y = place[1] * window.strideY - window.padding.top + r * window.dilationY
                for s in 0..<window.width {
                    let x = place[2] * window.strideX - window.padding.left + s * window.dilationX
                    guard (0..<image.shape[1]).contains(y), (0..<image.shape[2]).contains(x) else { continue }
                    for i in 0..<inputs {
                        let channel = place[3] / outputs * inputs + i
                        sum += image[[place[0], y, x, channel]] * filter[[r, s, i, place[3]]]
                    }
                }
            }
            return sum
        }
    }

    /// - Parameter body: takes the numbers of a window, and how many it has with those of the padding.
    private static func pool(
        _ image: TensorReference, _ window: Network.Window, _ shape: [Int], _ body: ([Double], Int) -> Double
    ) -> TensorReference {
        TensorReference.make(shape) { place in
            let top = place[1] * window.strideY - window.padding.top
            let left = place[2] * window.strideX - window.padding.left
            var seen: [Double] = []
            for y in max(0, top)..<min(image.shape[1], top + window.height) {
                for x in max(0, left)..<min(image.shape[2], left + window.width) {
                    seen.append(image[[0, y, x, place[3]]])
                }
            }
            let height = min(top + window.height, image.shape[1] + window.padding.bottom) - top
            let width = min(left + window.width, image.shape[2] + window.padding.right) - left
            return body(seen, height * width)
        }
    }

    private static func along(
        _ axes: [Int], _ input: TensorReference, _ body: ([Double]) -> [Double]
    ) -> TensorReference {
        let order = input.shape.indices.filter { !axes.contains($0) } + axes.sorted()
        let turned = input.transposed(order)
        let count = axes.reduce(1) { $0 * input.shape[$1] }
        var values: [Double] = []
        for begin in stride(from: 0, to: turned.values.count, by: count) {
            values += body(Array(turned.values[begin..<begin + count]))
        }
        return TensorReference(turned.shape, values).transposed(
            input.shape.indices.map { axis in order.firstIndex(of: axis)! })
    }
}

extension BinaryFunction {
    static func named(_ name: String) -> BinaryFunction {
        let all: [BinaryFunction] = [
            .add, .subtract, .multiply, .divide, .maximum, .minimum, .power, .squaredDifference, .prelu,
            .equal, .less, .lessOrEqual,
        ]
        return all.first { "\($0)" == name }!
    }
}
