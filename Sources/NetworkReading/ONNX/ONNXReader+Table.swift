import Network
import SystemFiles

/// The table of supported operators and their handlers.
///
/// A new operator needs an entry here and, if that does not suffice, a function beside those of its kind.
extension ONNXReader {
    static var table: [String: Operation] {
        functions.merging(shapes) { $1 }.merging(images) { $1 }.merging(constants) { $1 }
            .merging(choices) { $1 }.merging(experimental) { $1 }
    }

    private static func one(
        _ operation: Network.Unary, _ fold: @escaping (Double) -> Double
    ) -> Operation {
        { reader in { (call) throws(Failure) in try reader.unary(call, operation, fold) } }
    }
    private static func two(
        _ operation: Network.Binary, _ fold: @escaping (Double, Double) -> Double
    ) -> Operation {
        { reader in { (call) throws(Failure) in try reader.binary(call, operation, fold) } }
    }
    private static func many(
        _ operation: Network.Binary, _ fold: @escaping (Double, Double) -> Double
    ) -> Operation {
        { reader in { (call) throws(Failure) in try reader.variadic(call, operation, fold) } }
    }
    private static func comparison(_ comparison: Comparison) -> Operation {
        { reader in { (call) throws(Failure) in try reader.comparison(call, comparison) } }
    }
    private static func logic(
        _ operation: Network.Binary, _ fold: @escaping (Bool, Bool) -> Bool
    ) -> Operation {
        { reader in { (call) throws(Failure) in try reader.logic(call, operation, fold) } }
    }
    private static func reduction(_ kind: Network.Reduction) -> Operation {
        { reader in { (call) throws(Failure) in try reader.reduction(call, kind) } }
    }
    private static func pool(_ kind: Network.Reduction) -> Operation {
        { reader in { (call) throws(Failure) in try reader.globalPool(call, kind) } }
    }

    private static var functions: [String: Operation] {
        func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
        return [
            "Relu": one(.relu) { max($0, 0) }, "Sigmoid": one(.sigmoid, sigmoid), "Tanh": one(.tanh, tanh),
            "Erf": one(.erf, erf), "Exp": one(.exp, exp), "Log": one(.log, log),
            "Sqrt": one(.sqrt) { $0.squareRoot() }, "Reciprocal": one(.reciprocal) { 1 / $0 },
            "Abs": one(.abs, abs), "Neg": one(.negate, -),
            "Sign": one(.sign) { $0 > 0 ? 1 : $0 < 0 ? -1 : 0 }, "Sin": one(.sin, sin), "Cos": one(.cos, cos),
            "Floor": one(.floor) { $0.rounded(.down) }, "Ceil": one(.ceil) { $0.rounded(.up) },
            "Round": one(.round) { $0.rounded(.toNearestOrEven) },
            "Softplus": one(.softplus) { log1p(exp($0)) }, "Softsign": one(.softsign) { $0 / (1 + abs($0)) },
            "Mish": one(.mish) { $0 * tanh(log1p(exp($0))) },
            "HardSwish": one(.hardSwish) { $0 * min(6, max(0, $0 + 3)) / 6 },
            "LeakyRelu": { reader in
                { (call) throws(Failure) in
                    let slope = try call.float("alpha", else: 0.01)
                    return try reader.unary(call, .leakyRelu(slope: slope)) {
                        $0 < 0 ? $0 * Double(slope) : $0
                    }
                }
            },
            "Elu": { reader in
                { (call) throws(Failure) in
                    let alpha = try call.float("alpha", else: 1)
                    return try reader.unary(call, .elu(alpha: alpha)) {
                        $0 < 0 ? Double(alpha) * expm1($0) : $0
                    }
                }
            },
            "Selu": ONNXReader.selu,
            "HardSigmoid": { reader in
                { (call) throws(Failure) in
                    let alpha = try call.float("alpha", else: 0.2), beta = try call.float("beta", else: 0.5)
                    return try reader.unary(call, .hardSigmoid(alpha: alpha, beta: beta)) {
                        min(1, max(0, Double(alpha) * $0 + Double(beta)))
                    }
                }
            },
            "Gelu": ONNXReader.gelu,
            "Tan": ONNXReader.tangent, "Clip": ONNXReader.clip, "Pow": ONNXReader.power,
            "Swish": ONNXReader.swish,
            "SwiGLU": ONNXReader.gatedSwish,
            "Add": two(.add, +), "Sub": two(.subtract, -), "Mul": two(.multiply, *), "Div": two(.divide, /),
            "PRelu": two(.prelu) { $0 < 0 ? $0 * $1 : $0 },
            "Max": many(.maximum) { max($0, $1) }, "Min": many(.minimum) { min($0, $1) },
            "Sum": many(.add, +), "Mean": ONNXReader.mean, "Celu": ONNXReader.celu,
            "LpNormalization": ONNXReader.normNormalization,
            "MeanVarianceNormalization": ONNXReader.meanVarianceNormalization,
            "MatMul": ONNXReader.matrixProduct, "Gemm": ONNXReader.generalProduct,
            "Einsum": ONNXReader.einsum, "Attention": ONNXReader.attention,
            "RotaryEmbedding": ONNXReader.rotaryEmbedding,
            "ReduceMean": reduction(.mean), "ReduceSum": reduction(.sum), "ReduceMax": reduction(.maximum),
            "ReduceMin": reduction(.minimum), "ReduceProd": reduction(.product),
            "ReduceSumSquare": reduction(.sumOfSquares), "ReduceL2": reduction(.euclideanNorm),
            "ReduceL1": reduction(.absoluteSum), "ReduceLogSum": ONNXReader.logarithmicSum,
            "ReduceLogSumExp": ONNXReader.logarithmicSum,
            "Softmax": ONNXReader.softmax, "LogSoftmax": ONNXReader.softmax, "Hardmax": ONNXReader.hardmax,
            "ArgMax": place(of: .maximum), "ArgMin": place(of: .minimum),
            "BatchNormalization": ONNXReader.batchNormalization,
            "LayerNormalization": ONNXReader.layerNormalization,
            "RMSNormalization": ONNXReader.rootMeanSquareNormalization,
            // ONNX Runtime's name of it.
            "SimplifiedLayerNormalization": ONNXReader.rootMeanSquareNormalization,
            "InstanceNormalization": ONNXReader.instanceNormalization,
            "GroupNormalization": ONNXReader.groupNormalization, "LRN": ONNXReader.localResponseNormalization,
        ]
    }

    private static var shapes: [String: Operation] {
        [
            "Identity": ONNXReader.identity, "Dropout": ONNXReader.dropout, "Reshape": ONNXReader.reshape,
            "Flatten": ONNXReader.flatten, "Squeeze": ONNXReader.squeeze, "Unsqueeze": ONNXReader.unsqueeze,
            "Transpose": ONNXReader.transpose, "Concat": ONNXReader.concatenation, "Split": ONNXReader.split,
            "Slice": ONNXReader.slice, "Gather": ONNXReader.gather, "GatherND": ONNXReader.gatherTuples,
            "GatherElements": ONNXReader.gatherElements, "TopK": ONNXReader.topEntries,
            "OneHot": ONNXReader.oneHot,
            "Expand": ONNXReader.expand,
            "Tile": ONNXReader.tile, "Pad": ONNXReader.pad,
        ]
    }

    private static var images: [String: Operation] {
        [
            "Conv": ONNXReader.convolution, "ConvTranspose": ONNXReader.transposedConvolution,
            "MaxPool": ONNXReader.maximumPool,
            "AveragePool": ONNXReader.averagePool, "GlobalAveragePool": pool(.mean),
            "GlobalMaxPool": pool(.maximum), "LpPool": ONNXReader.normPool,
            "GlobalLpPool": ONNXReader.globalNormPool,
            "Col2Im": ONNXReader.blocksToImage, "Resize": ONNXReader.resize, "Upsample": ONNXReader.resize,
            "DepthToSpace": ONNXReader.depthToSpace, "SpaceToDepth": ONNXReader.spaceToDepth,
        ]
    }

    /// Operators that are supported on constants only.
    private static var constants: [String: Operation] {
        [
            "Constant": ONNXReader.constant, "ConstantOfShape": ONNXReader.filled, "Shape": ONNXReader.shape,
            "Size": ONNXReader.size, "Range": ONNXReader.range, "CumSum": ONNXReader.cumulativeSum,
            "EyeLike": ONNXReader.eye, "Trilu": ONNXReader.triangle,
            "NonZero": ONNXReader.nonzeroPlaces, "ScatterND": ONNXReader.scatter,
            "ScatterElements": ONNXReader.scatterElements, "Scatter": ONNXReader.scatterElements,
            "DequantizeLinear": ONNXReader.dequantized,
        ]
    }

    private static var choices: [String: Operation] {
        [
            "Equal": comparison(.equal), "Less": comparison(.less), "LessOrEqual": comparison(.lessOrEqual),
            "Greater": comparison(.greater), "GreaterOrEqual": comparison(.greaterOrEqual),
            "And": logic(.multiply) { $0 && $1 }, "Or": logic(.maximum) { $0 || $1 },
            "Xor": logic(.squaredDifference) { $0 != $1 }, "Not": ONNXReader.negation,
            "IsNaN": ONNXReader.isNoNumber, "IsInf": ONNXReader.isInfinite, "Where": ONNXReader.choice,
            "Cast": ONNXReader.cast, "CastLike": ONNXReader.castLike, "Mod": ONNXReader.remainder,
            "ThresholdedRelu": ONNXReader.thresholded, "Shrink": ONNXReader.shrunk, "If": ONNXReader.branch,
        ]
    }
}
