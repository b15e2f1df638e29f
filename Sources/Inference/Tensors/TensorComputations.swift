import Kernels

/// A matrix product of the last two axes of two tensors; the axes before broadcast.
struct MatrixProduct {
    /// The second factor.
    var other: Value
    /// Whether a factor's last two axes are exchanged first.
    var transposesFirst = false, transposesSecond = false
    /// What products are multiplied with.
    var scale: Float = 1
}

/// What is made of the numbers along some axes.
enum Reduction: String {
    case mean, sum, maximum, minimum, product, sumOfSquares
    /// The root of the sum of squares.
    case euclideanNorm
    /// The sum of magnitudes.
    case absoluteSum
}

/// Numbers picked along every axis by itself: slices with any step, gathers, padding of every kind, repetitions.
struct Selection {
    /// Of each axis of the output, the places along the input's axis; −1 for `fill`.
    var places: [[Int32]]
    var fill: Float = 0

    /// - Parameter stretches: of each axis, the first place, how many, and the step, which may be negative.
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

    /// Repeated as a whole.
    static func tile(_ shape: [Int], counts: [Int]) -> Selection {
        Selection(
            places: zip(shape, counts).map { size, count in
                (0..<size * count).map { Int32($0 % size) }
            })
    }

    /// Repeated along axes of one number.
    static func broadcast(_ shape: [Int], to result: [Int]) -> Selection {
        let shape = [Int](repeating: 1, count: result.count - shape.count) + shape
        return Selection(
            places: zip(shape, result).map { size, count in
                (0..<count).map { size == 1 ? 0 : Int32($0) }
            })
    }

    enum Border {
        case constant(Float)
        /// The edge's number; mirrored at the edge's number; mirrored at the edge.
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

    private static func all(_ shape: [Int]) -> Selection {
        Selection(places: shape.map { size in (0..<size).map { Int32($0) } })
    }
}

/// How an image is resized: each pixel of a row, and of a column, is a weighted sum of the same number of others.
struct Resampling {
    struct Axis {
        /// Pixels that each one is made of.
        var taps: Int
        /// `[size, taps]` each.
        var places: [Int32]
        var weights: [Float]
        var size: Int { places.count / taps }
    }
    var vertical, horizontal: Axis
}

extension LayerList {
    /// Makes layers of their own of activations that follow convolutions: for images in less than single precision, whose kernels
    /// clamp only.
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
