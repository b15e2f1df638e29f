import TensorGraph

extension Network {
    /// What a node computes. Axes are counted from the front and never negative.
    package enum Operation: Sendable {
        /// A tensor that is given from outside.
        case input(Shape)
        /// Weights lie where the file has them. Only float32 constants are read by other nodes.
        case constant(Tensor)

        /// An image `[N, H, W, C]` and weights `[h, w, C / groups, outputs]`; outputs belong to groups in order, so that a depthwise
        /// convolution has as many groups as channels and weights `[h, w, 1, C · multiplier]`.
        case convolution(Window, groups: Int)
        /// `[…, M, K]` by `[…, K, N]`, the axes before them broadcast as numpy's; a flag says that an operand's last two axes are swapped.
        case matrixProduct(transposesLeft: Bool, transposesRight: Bool)

        /// Of two tensors that are broadcast as numpy's.
        case binary(Binary)
        case unary(Unary)
        /// Of a constant condition, where anything but 0 is true, and two tensors: all three are broadcast as numpy's.
        case select

        /// Over images; what lies beyond the edges is left out.
        case maximumPool(Window)
        /// Over images; `countsPadding` says that zeros of the window's padding are part of the mean.
        case averagePool(Window, countsPadding: Bool)
        /// Over any axes, which stay with size 1 or go.
        case reduction(Reduction, axes: [Int], keepsAxes: Bool)
        case softmax(axis: Int)
        /// `(x − mean) / √(variance + epsilon)`, mean and variance over `axes`: the heart of layer, instance and group normalization.
        /// Scale and shift are products and sums after it.
        case normalization(axes: [Int], epsilon: Float)
        /// `x / (bias + alpha · Σ x²)^beta`, the sum over `radius` neighbours of the last axis to both sides.
        case localResponseNormalization(radius: Int, bias: Float, alpha: Float, beta: Float)

        /// Before and after each axis.
        case pad([Border], Padding)
        case concatenation(axis: Int)
        /// The same numbers in the same order.
        case reshape(Shape)
        /// Axis `i` of the result is axis `axes[i]` of the input.
        case transpose([Int])
        /// One stretch of each axis.
        case slice([Stretch])
        /// Entries of an axis, in any order.
        case gather(axis: Int, indices: [Int])
        /// Axes of size 1 repeated, and axes put in front, to the shape.
        case broadcast(Shape)
        /// The whole tensor repeated so often along each axis.
        case tile([Int])
        case resize(Resize)
        /// Channels to pixels of a block: `[N, H, W, C]` to `[N, H·b, W·b, C/b²]`. A pixel's channels are together (TensorFlow's, ONNX's
        /// DCR), or each channel's pixels are (`isChannelMajor`, CRD, torch's pixel shuffle).
        case depthToSpace(block: Int, isChannelMajor: Bool)
        /// Pixels of a block to channels, as TensorFlow's.
        case spaceToDepth(block: Int)
    }

    package enum Binary: String, Sendable, CaseIterable {
        case add, subtract, multiply, divide, maximum, minimum, power, squaredDifference
        /// The left where it is not negative, else left · right.
        case prelu
    }

    package enum Reduction: String, Sendable, CaseIterable {
        case mean, maximum, minimum, sum, product, sumOfSquares
        /// The root of the sum of squares.
        case euclideanNorm
        /// The sum of magnitudes.
        case absoluteSum
    }

    /// Functions of one number.
    package enum Unary: Sendable, Equatable {
        case relu
        /// ReLU6 is the clip to 0…6.
        case clip(lowest: Float, highest: Float)
        /// x where it is not negative, else slope · x.
        case leakyRelu(slope: Float)
        /// x where it is not negative, else alpha · (eˣ − 1).
        case elu(alpha: Float)
        case selu
        case sigmoid, tanh, erf, erfc, exp, log, sqrt, rsqrt, reciprocal, square, abs, negate, sign
        case sin, cos, floor, ceil
        /// To the nearest integer, halves to even.
        case round
        case softplus, softsign, mish
        /// min(1, max(0, alpha · x + beta)).
        case hardSigmoid(alpha: Float, beta: Float)
        /// x · min(6, max(0, x + 3)) / 6.
        case hardSwish
        /// x · sigmoid(x).
        case silu
        /// x · (1 + erf(x / √2)) / 2, or the approximation by tanh.
        case gelu(isApproximate: Bool)
        /// The nearest of the numbers lowest + k · step up to highest, as quantized values take them; halves up.
        case gridded(lowest: Float, highest: Float, step: Float)
    }

    package enum Padding: Sendable, Equatable {
        case constant(Float)
        /// As in a mirror at the edge: without the outermost entry, or with it.
        case reflect, symmetric
        /// The outermost entry again and again.
        case edge
    }

    package struct Border: Sendable, Equatable {
        package var before, after: Int
        package init(_ before: Int, _ after: Int) { (self.before, self.after) = (before, after) }
    }

    /// `count` entries of an axis from `begin` on, each `step` after the one before; `step` may be negative.
    package struct Stretch: Sendable, Equatable {
        package var begin, count, step: Int
        package init(begin: Int, count: Int, step: Int = 1) {
            (self.begin, self.count, self.step) = (begin, count, step)
        }
    }
}

extension Network.Operation {
    /// For errors and dumps.
    package var name: String {
        switch self {
        case .input: "input"
        case .constant: "constant"
        case .convolution: "convolution"
        case .matrixProduct: "matrixProduct"
        case .binary(let function): function.rawValue
        case .unary(let function): "\(function)".prefix { $0 != "(" }.description
        case .select: "select"
        case .maximumPool: "maximumPool"
        case .averagePool: "averagePool"
        case .reduction(let reduction, _, _): "\(reduction.rawValue)Reduction"
        case .softmax: "softmax"
        case .normalization: "normalization"
        case .localResponseNormalization: "localResponseNormalization"
        case .pad: "pad"
        case .concatenation: "concatenation"
        case .reshape: "reshape"
        case .transpose: "transpose"
        case .slice: "slice"
        case .gather: "gather"
        case .broadcast: "broadcast"
        case .tile: "tile"
        case .resize: "resize"
        case .depthToSpace: "depthToSpace"
        case .spaceToDepth: "spaceToDepth"
        }
    }
}
