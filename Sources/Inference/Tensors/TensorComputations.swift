import Kernels
import Network

/// A batched matrix product over the last two axes of two tensors; the leading axes broadcast.
struct MatrixProduct {
    /// The second factor.
    var other: Value
    /// Whether the last two axes of a factor are transposed first.
    var transposesFirst = false, transposesSecond = false
    /// The factor by which products are multiplied.
    var scale: Float = 1
    /// A tensor that is added to the scaled products, broadcast to the result's shape.
    var addend: Value?
    /// How the factors are seen in the values that hold them, from the value to the factor.
    var firstChanges: [ViewChange] = [], secondChanges: [ViewChange] = []
    /// The permutation of the result's axes with which it is written; nil to write it as it is.
    var permutation: [Int]?
}

extension MatrixProduct {
    /// The operands of a product in one order of axes: the first factor `[…, rows, depth]`, the second `[…, depth,
    /// columns]`, and what is added and the result `[…, rows, columns]`, with the same leading axes.
    typealias Views = (first: TensorView, second: TensorView, sum: TensorView, output: TensorView)

    /// Returns the operands' views.
    ///
    /// - Parameters:
    ///   - first: The first factor as its value holds it, after `firstChanges`.
    ///   - second: The second factor, after `secondChanges`.
    ///   - addend: What is added; without it, `sum` is the result's view.
    ///   - output: The result as it is written.
    func views(first: TensorView, second: TensorView, addend: TensorView?, output: TensorView) -> Views {
        let output =
            permutation.map { permutation in
                output.transposed(permutation.indices.map { permutation.firstIndex(of: $0)! })
            } ?? output
        let rank = output.shape.count, outer = Array(output.shape.dropLast(2))
        func exchanged(_ view: TensorView, _ isWanted: Bool) -> TensorView {
            let last = view.shape.count - 1
            return isWanted ? view.transposed(Array(0..<last - 1) + [last, last - 1]) : view
        }
        let first = exchanged(first, transposesFirst), second = exchanged(second, transposesSecond)
        let depth = first.shape[first.shape.count - 1]
        return (
            first.broadcast(to: outer + [output.shape[rank - 2], depth]),
            second.broadcast(to: outer + [depth, output.shape[rank - 1]]),
            addend?.broadcast(to: output.shape) ?? output, output
        )
    }
}

/// A change of a tensor's shape that needs no copy.
enum ViewChange: Equatable {
    /// Axis i of the result is axis `permutation[i]` of the tensor.
    case transpose([Int])
    /// The positions `begin..<begin + count` of each axis.
    case slice([Range<Int>])
    /// Another shape that differs by axes of size 1 only.
    case spread([Int])
}

/// A reduction over axes.
enum Reduction: String {
    case mean, sum, maximum, minimum, product, sumOfSquares
    /// The square root of the sum of squares.
    case euclideanNorm
    /// The sum of absolute values.
    case absoluteSum
}

/// A selection of positions along each axis: slices with any step, gathers, padding of every kind, and
/// repetitions.
struct Selection {
    /// For each output axis, the positions along the input's axis; −1 stands for `fill`.
    var places: [[Int32]]
    var fill: Float = 0

    /// - Parameter stretches: The first position, the count and the step, which may be negative, for each
    ///   axis.
    static func slice(_ stretches: [(begin: Int, count: Int, step: Int)]) -> Selection {
        Selection(
            places: stretches.map { stretch in
                (0..<stretch.count).map { Int32(stretch.begin + $0 * stretch.step) }
            })
    }

    static func gather(_ shape: [Int], axis: Int, indices: [Int]) -> Selection {
        var selection = all(shape)
        selection.places[axis] = indices.map { Int32($0) }
        return selection
    }

    /// Repeats the whole tensor `counts` times along each axis.
    static func tile(_ shape: [Int], counts: [Int]) -> Selection {
        Selection(
            places: zip(shape, counts).map { size, count in
                (0..<size * count).map { Int32($0 % size) }
            })
    }

    /// Repeats the values along axes of size 1.
    static func broadcast(_ shape: [Int], to result: [Int]) -> Selection {
        let shape = [Int](repeating: 1, count: result.count - shape.count) + shape
        return Selection(
            places: zip(shape, result).map { size, count in
                (0..<count).map { size == 1 ? 0 : Int32($0) }
            })
    }

    enum Border {
        case constant(Float)
        /// The edge's value repeated; a mirror image without the edge; a mirror image that repeats the edge.
        case edge, reflect, symmetric
    }

    static func pad(_ shape: [Int], _ borders: [(before: Int, after: Int)], _ border: Border) -> Selection {
        var selection = Selection(
            places: zip(shape, borders).map { size, widths in
                (-widths.before..<size + widths.after).map { place in
                    if (0..<size).contains(place) { return Int32(place) }
                    let last = size - 1
                    return switch border {
                    case .constant: -1
                    case .edge: Int32(min(max(place, 0), last))
                    case .reflect: Int32(place < 0 ? -place : 2 * last - place)
                    case .symmetric: Int32(place < 0 ? -place - 1 : 2 * last + 1 - place)
                    }
                }
            })
        if case .constant(let fill) = border { selection.fill = fill }
        return selection
    }

    /// Returns the distance, in floats, of each position along each axis from the first value of the input; −1 where the
    /// fill value stands.
    func distances(in input: TensorView) -> [[Int]] {
        // Axes that the output has in front repeat the whole input.
        let input = input.broadcast(
            to: [Int](repeating: 1, count: places.count - input.shape.count) + input.shape)
        return places.enumerated().map { axis, places in
            places.map { $0 < 0 ? -1 : Int($0) * input.strides[axis] }
        }
    }

    private static func all(_ shape: [Int]) -> Selection {
        Selection(places: shape.map { size in (0..<size).map { Int32($0) } })
    }
}

/// A separable resampling: each output row and column is a weighted sum of the same number of input rows or
/// columns.
struct Resampling {
    typealias Axis = Network.Resize.Axis
    var vertical, horizontal: Axis
}

extension LayerList {
    /// Turns activations that are fused into convolutions into layers of their own, because the low-precision
    /// kernels can only clamp.
    mutating func separateActivations() {
        var separated: [Layer] = []
        for var layer in layers {
            guard case .convolution(var convolution) = layer.computation,
                let activation = convolution.activation
            else {
                separated.append(layer)
                continue
            }
            let output = layer.output
            convolution.activation = nil
            layer.output = newValue(like: output)
            layer.computation = .convolution(convolution)
            separated.append(layer)
            separated.append(
                Layer(
                    name: layer.name, input: layer.output, output: output, computation: .unary(activation)))
        }
        layers = separated
    }
}
