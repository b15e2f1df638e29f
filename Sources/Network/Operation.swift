import TensorGraph

extension Network {
    /// The operation of a node. Axes are counted from the front and are never negative.
    package enum Operation: Sendable {
        /// A tensor that is fed.
        case input(Shape)
        /// A constant, such as weights, which may lie in the mapped file. Other nodes read only float32
        /// constants.
        case constant(Tensor)

        /// A convolution of an image `[N, H, W, C]` with weights `[h, w, C / groups, outputs]`. The outputs
        /// are assigned to the groups in order, so that a depthwise convolution has as many groups as
        /// channels and weights `[h, w, 1, C · multiplier]`.
        case convolution(Window, groups: Int)
        /// A product of `[…, M, K]` and `[…, K, N]`, whose leading axes broadcast by numpy's rule; a flag
        /// means that an operand's last two axes are transposed.
        case matrixProduct(transposesLeft: Bool, transposesRight: Bool)

        /// An elementwise function of two tensors, which broadcast by numpy's rule.
        case binary(Binary)
        case unary(Unary)
        /// A selection between two tensors by a condition, in which any value but 0 is true; all three
        /// broadcast by numpy's rule.
        case select

        /// Max pooling over an image; padding is ignored.
        case maximumPool(Window)
        /// Average pooling over an image; `countsPadding` includes the zeros of the window's padding in the
        /// mean.
        case averagePool(Window, countsPadding: Bool)
        /// A reduction over any axes, which are kept with size 1 or removed.
        case reduction(Reduction, axes: [Int], keepsAxes: Bool)
        case softmax(axis: Int)
        /// `(x − mean) / √(variance + epsilon)` with mean and variance over `axes`, the core of layer,
        /// instance and group normalization. Scale and shift are separate products and sums.
        case normalization(axes: [Int], epsilon: Float)
        /// `x / (bias + alpha · Σ x²)^beta`, where the sum covers `radius` neighbours along the last axis on
        /// both sides.
        case localResponseNormalization(radius: Int, bias: Float, alpha: Float, beta: Float)

        /// Padding before and after each axis.
        case pad([Border], Padding)
        case concatenation(axis: Int)
        /// A tensor with another shape and the same elements in the same order.
        case reshape(Shape)
        /// A transposition: axis `i` of the result is axis `axes[i]` of the input.
        case transpose([Int])
        /// A strided slice along each axis.
        case slice([Stretch])
        /// Entries of an axis in any order.
        case gather(axis: Int, indices: [Int])
        /// Broadcasting to a shape: axes of size 1 are repeated, and new leading axes are added.
        case broadcast(Shape)
        /// Repetition of the whole tensor along each axis.
        case tile([Int])
        case resize(Resize)
        /// A rearrangement of channels into blocks of pixels: `[N, H, W, C]` to `[N, H·b, W·b, C/b²]`. Either
        /// the channels of one pixel are contiguous (TensorFlow, ONNX's DCR), or the pixels of one channel
        /// are (`isChannelMajor`; ONNX's CRD, PyTorch's pixel shuffle).
        case depthToSpace(block: Int, isChannelMajor: Bool)
        /// A rearrangement of blocks of pixels into channels, in TensorFlow's order.
        case spaceToDepth(block: Int)
    }

    package enum Binary: String, Sendable, CaseIterable {
        case add, subtract, multiply, divide, maximum, minimum, power, squaredDifference
        /// `a`, or `a · b` for negative a.
        case prelu
        /// A comparison, whose result is 1 if it holds and otherwise 0, as for what is no number.
        case equal, less, lessOrEqual

        package var isComparison: Bool { [.equal, .less, .lessOrEqual].contains(self) }
    }

    package enum Reduction: String, Sendable, CaseIterable {
        case mean, maximum, minimum, sum, product, sumOfSquares
        /// The square root of the sum of squares.
        case euclideanNorm
        /// The sum of absolute values.
        case absoluteSum
    }

    /// Elementwise functions of one argument.
    package enum Unary: Sendable, Equatable {
        case relu
        /// Clamping to a range; ReLU6 clamps to 0…6.
        case clip(lowest: Float, highest: Float)
        /// x, or slope · x for negative x.
        case leakyRelu(slope: Float)
        /// x, or alpha · (eˣ − 1) for negative x.
        case elu(alpha: Float)
        case selu
        case sigmoid, tanh, erf, erfc, exp, log, sqrt, rsqrt, reciprocal, square, abs, negate, sign
        case sin, cos, floor, ceil
        /// Rounding to the nearest integer, ties to even.
        case round
        case softplus, softsign, mish
        /// min(1, max(0, alpha · x + beta)).
        case hardSigmoid(alpha: Float, beta: Float)
        /// x · min(6, max(0, x + 3)) / 6.
        case hardSwish
        /// x · sigmoid(x).
        case silu
        /// x · (1 + erf(x / √2)) / 2, or its approximation with tanh.
        case gelu(isApproximate: Bool)
        /// Rounding to the nearest of lowest + k · step up to highest, halves up, as fake quantization does.
        case gridded(lowest: Float, highest: Float, step: Float)
    }

    package enum Padding: Sendable, Equatable {
        case constant(Float)
        /// A mirror image without the edge's entry, or with it.
        case reflect, symmetric
        /// The edge's entry repeated.
        case edge
    }

    package struct Border: Sendable, Equatable {
        package var before, after: Int
        package init(_ before: Int, _ after: Int) { (self.before, self.after) = (before, after) }
    }

    /// A slice of `count` entries from `begin` on at distance `step`, which may be negative.
    package struct Stretch: Sendable, Equatable {
        package var begin, count, step: Int
        package init(begin: Int, count: Int, step: Int = 1) {
            (self.begin, self.count, self.step) = (begin, count, step)
        }
    }
}

extension Network.Operation {
    /// The name for errors and dumps.
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
