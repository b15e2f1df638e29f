import TensorGraph

/// A frozen network in terms common to inference formats: shapes are known, attributes are validated, weights
/// are constants, and steps are in topological order.
///
/// Images are `[1, height, width, channels]` and weights have TensorFlow's layout; a format with another
/// layout transposes them.
struct PortableNetwork: Sendable {
    /// One operation, with a bias and an activation where it supports them.
    struct Step: Sendable {
        /// The name of the tensor that the step computes, which is that of TensorFlow's node.
        var name: String
        var operation: Operation
        /// The names of computed tensors.
        let inputs: [String]
    }

    let input: String
    /// The requested tensors; the first holds the probabilities.
    let outputs: [String]
    var steps: [Step] = []
    /// The shapes of the input and of each step's tensor.
    var shapes: [String: [Int]]
}

extension PortableNetwork {
    /// Whether each image of a batch is computed independently, so that the first size of every tensor is
    /// free.
    var takesBatches: Bool {
        steps.allSatisfy { step in
            guard shapes[step.name]!.first == 1 else { return false }
            switch step.operation {
            case .concatenation(axis: 0): return false
            case .arithmetic(_, nil, _):
                // Neither of two tensors may be broadcast along the first axis.
                return step.inputs.allSatisfy { shapes[$0]!.first == 1 }
            case .softmax: return shapes[step.name]!.count > 1
            default: return true
            }
        }
    }

    enum Operation: Sendable {
        /// A convolution with weights `[height, width, channels, outputs]`, or `[height, width, channels,
        /// multiplier]` if it is depthwise.
        case convolution(Window, Weights, isDepthwise: Bool, Activation)
        /// A product of vectors and weights, `[inputs, outputs]`.
        case product(Weights, Activation)
        /// Arithmetic on two computed tensors, or on one and a constant, with numpy's broadcasting.
        case arithmetic(Arithmetic, Constant?, Activation)
        case activation(Activation)
        case pool(Reduction, Window)
        /// `x / (bias + alpha · Σ x²)^beta`, where the sum covers `radius` channels on both sides.
        case localResponseNormalization(radius: Int, bias: Float, alpha: Float, beta: Float)
        /// Softmax over the last axis.
        case softmax
        /// A reduction over height and width, which are kept as 1 × 1 or removed.
        case reduction(Reduction, keepsAxes: Bool)
        case squareRoot
        /// Zero padding around an image.
        case pad(Margin)
        case concatenation(axis: Int)
        /// A tensor with another shape and the same elements in the same order.
        case reshape
    }

    enum Activation: Sendable { case none, relu, relu6 }
    enum Arithmetic: String, Sendable { case add, subtract, multiply, divide, squaredDifference }
    enum Reduction: Sendable { case mean, maximum }

    struct Constant: Sendable {
        let tensor: Tensor
        /// Whether the constant is the left operand.
        let isFirst: Bool
    }

    struct Weights: Sendable {
        let tensor: Tensor
        /// The bias, `[outputs]`, or nil.
        var bias: Tensor?
        /// The quantized weights, if the graph stored them so.
        let grid: ChannelGrid?
    }

    struct Margin: Sendable, Equatable {
        var top = 0, left = 0, bottom = 0, right = 0
        var isEmpty: Bool { self == Margin() }
    }

    /// The movement of a window over an image.
    struct Window: Sendable {
        let height, width, strideY, strideX: Int
        /// The pixels of padding on each side.
        let margin: Margin
        /// Whether the margin is that of TensorFlow's SAME padding.
        let isSame: Bool
    }
}
