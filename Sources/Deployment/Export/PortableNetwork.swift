import Network
import TensorGraph

/// A network in terms common to inference formats: convolutions, products and arithmetic have absorbed their
/// biases and activations, and every other operation is that of the typed network.
///
/// Images are `[1, height, width, channels]`, weights have the layout of `Network`, and steps are in
/// topological order; a format with another layout transposes them.
struct PortableNetwork: Sendable {
    /// One operation, with a bias and an activation where it supports them.
    struct Step: Sendable {
        /// The name of the tensor that the step computes, which is unique.
        var name: String
        var operation: Operation
        /// The names of computed tensors and of `constants`.
        let inputs: [String]
    }

    let input: String
    /// The requested tensors; the first holds the probabilities.
    let outputs: [String]
    var steps: [Step] = []
    /// The shapes of the input, of each step's tensor, and of the constants.
    var shapes: [String: [Int]]
    /// The constants that steps read by name: all but weights, biases and operands of arithmetic.
    var constants: [String: Tensor] = [:]

    enum Operation: Sendable {
        /// A convolution with weights `[height, width, channels / groups, outputs]`.
        case convolution(Network.Window, Weights, groups: Int, Activation)
        /// A product of `[…, inputs]` and weights, `[inputs, outputs]`.
        case product(Weights, Activation)
        /// Arithmetic on two computed tensors, or on one and a constant, with numpy's broadcasting; only the
        /// four basic operations have an activation.
        case arithmetic(Network.Binary, Constant?, Activation)
        /// Any other operation.
        case plain(Network.Operation)
    }

    enum Activation: Sendable { case none, relu, relu6 }

    struct Constant: Sendable {
        let tensor: Tensor
        /// Whether the constant is the left operand.
        let isFirst: Bool
    }

    struct Weights: Sendable {
        var tensor: Tensor
        /// The bias, `[outputs]`, or nil.
        var bias: Tensor?
        /// The quantized weights, if the file stored them so.
        var grid: ChannelGrid?
    }
}

extension PortableNetwork {
    /// Returns whether the first output depends on a step through another one with weights.
    func isInner(_ step: Step) -> Bool {
        // Whether the first output depends on a tensor through weights; nil if it does not depend on it.
        var isThroughWeights: [String: Bool] = [outputs[0]: false]
        for reader in steps.reversed() {
            guard let isThrough = isThroughWeights[reader.name] else { continue }
            if reader.name == step.name { return isThrough }
            let hasWeights =
                switch reader.operation {
                case .convolution, .product: true
                case .arithmetic, .plain: false
                }
            for input in reader.inputs {
                isThroughWeights[input] = isThroughWeights[input] == true || isThrough || hasWeights
            }
        }
        return false
    }

    /// Whether each image of a batch is computed independently, so that the first size of every tensor is
    /// free.
    var takesBatches: Bool { steps.allSatisfy(isIndependent) }

    /// Returns whether the step does not mix entries of the first axis, whose size is 1.
    private func isIndependent(_ step: Step) -> Bool {
        let inputs = step.inputs.map { shapes[$0]! }
        guard shapes[step.name]!.first == 1, inputs.allSatisfy({ $0.first == 1 }) else { return false }
        // A constant that a step reads by name has no batch.
        guard !step.inputs.contains(where: { constants[$0] != nil }) else { return false }
        switch step.operation {
        case .convolution, .product: return true
        case .arithmetic(_, let constant, _):
            // A constant with one entry along the first axis is broadcast; two tensors must have that axis.
            let rank = shapes[step.name]!.count
            return inputs.allSatisfy { $0.count == rank }
                && (constant.map { $0.tensor.shape.count <= rank } ?? true)
        case .plain(let operation):
            switch operation {
            case .unary, .maximumPool, .averagePool, .localResponseNormalization, .depthToSpace,
                .spaceToDepth:
                return true
            case .softmax(let axis), .concatenation(let axis), .gather(let axis, _): return axis > 0
            case .reduction(_, let axes, _), .normalization(let axes, _): return !axes.contains(0)
            case .pad(let borders, _): return borders[0] == .init(0, 0)
            case .transpose(let axes): return axes[0] == 0
            case .slice(let stretches): return stretches[0] == .init(begin: 0, count: 1)
            case .tile(let counts): return counts[0] == 1
            case .matrixProduct: return inputs.allSatisfy { $0.count == inputs[0].count && $0.count > 2 }
            case .reshape: return true
            // These are given a size in the formats, or a constant without a batch.
            case .resize, .broadcast, .select: return false
            case .input, .constant, .convolution, .binary: return false
            }
        }
    }
}
