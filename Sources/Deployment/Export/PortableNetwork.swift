import TensorGraph

/// A frozen network in the terms that formats for inference share: every shape known, every attribute checked, weights as constants,
/// each step after those it reads.
///
/// Images are `[1, height, width, channels]` and weights lie as TensorFlow has them; a format of another layout turns them itself.
struct PortableNetwork: Sendable {
    /// One operation, with the bias and the activation after it where it can take them up.
    struct Step: Sendable {
        /// Of the tensor it makes, and of the node that TensorFlow makes it with.
        var name: String
        var operation: Operation
        /// Names of computed tensors.
        let inputs: [String]
    }

    let input: String
    /// The tensors that are asked for; the first is that of the probabilities.
    let outputs: [String]
    var steps: [Step] = []
    /// Of the input and of what each step makes.
    var shapes: [String: [Int]]
}

extension PortableNetwork {
    /// Whether the network computes each image of a batch by itself, so that the first size of every tensor is free.
    var takesBatches: Bool {
        steps.allSatisfy { step in
            guard shapes[step.name]!.first == 1 else { return false }
            switch step.operation {
            case .concatenation(axis: 0): return false
            case .arithmetic(_, nil, _):
                // Of two tensors, none is repeated along the first axis.
                return step.inputs.allSatisfy { shapes[$0]!.first == 1 }
            case .softmax: return shapes[step.name]!.count > 1
            default: return true
            }
        }
    }

    enum Operation: Sendable {
        /// Weights `[height, width, channels, outputs]`, or, depthwise, `[height, width, channels, multiplier]`.
        case convolution(Window, Weights, isDepthwise: Bool, Activation)
        /// A vector by weights `[inputs, outputs]`.
        case product(Weights, Activation)
        /// Of two computed tensors, or of one and a constant; shapes are broadcast as numpy's.
        case arithmetic(Arithmetic, Constant?, Activation)
        case activation(Activation)
        case pool(Reduction, Window)
        /// `x / (bias + alpha · Σ x²)^beta`, the sum over `radius` channels to both sides.
        case localResponseNormalization(radius: Int, bias: Float, alpha: Float, beta: Float)
        /// Over the last axis.
        case softmax
        /// Over height and width, which stay as 1 × 1 or go.
        case reduction(Reduction, keepsAxes: Bool)
        case squareRoot
        /// Zeros around an image.
        case pad(Margin)
        case concatenation(axis: Int)
        /// The same numbers in the same order.
        case reshape
    }

    enum Activation: Sendable { case none, relu, relu6 }
    enum Arithmetic: String, Sendable { case add, subtract, multiply, divide, squaredDifference }
    enum Reduction: Sendable { case mean, maximum }

    struct Constant: Sendable {
        let tensor: Tensor
        /// Whether it is the left of the two operands.
        let isFirst: Bool
    }

    struct Weights: Sendable {
        let tensor: Tensor
        /// `[outputs]`; nil for none.
        var bias: Tensor?
        /// The weights as the bytes they came as; nil where they came as floats.
        let grid: ChannelGrid?
    }

    struct Margin: Sendable, Equatable {
        var top = 0, left = 0, bottom = 0, right = 0
        var isEmpty: Bool { self == Margin() }
    }

    /// How a window moves over an image.
    struct Window: Sendable {
        let height, width, strideY, strideX: Int
        /// Pixels beyond the edges that windows reach into.
        let margin: Margin
        /// Whether the margin is what TensorFlow's SAME makes.
        let isSame: Bool
    }
}
