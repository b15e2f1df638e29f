/// The numbers of TensorFlow Lite's schema that are written.
///
/// - Source: https://github.com/google-ai-edge/LiteRT/blob/main/tflite/converter/schema/schema.fbs, version 3
enum TFLite {
    static let identifier = "TFL3", version: UInt32 = 3

    enum Field {
        enum Model {
            static let version = 0, operatorCodes = 1, subgraphs = 2, description = 3, buffers = 4,
                metadata = 6, signatures = 7
        }
        enum OperatorCode { static let oldCode = 0, version = 2, code = 3 }
        enum Subgraph { static let tensors = 0, inputs = 1, outputs = 2, operators = 3, name = 4 }
        enum Tensor { static let shape = 0, type = 1, buffer = 2, name = 3, quantization = 4, hasRank = 8 }
        enum Quantization { static let scale = 2, zeroPoint = 3, axis = 6 }
        enum Operator { static let code = 0, inputs = 1, outputs = 2, optionsType = 3, options = 4 }
        enum Buffer { static let data = 0 }
        enum Metadata { static let name = 0, buffer = 1 }
        enum Signature { static let inputs = 0, outputs = 1, key = 2, subgraph = 4 }
        enum TensorMap { static let name = 0, tensor = 1 }

        enum Convolution {
            static let padding = 0, strideX = 1, strideY = 2, activation = 3, dilationX = 4, dilationY = 5
        }
        enum Depthwise {
            static let padding = 0, strideX = 1, strideY = 2, multiplier = 3, activation = 4, dilationX = 5,
                dilationY = 6
        }
        enum FullyConnected { static let activation = 0, keepsAxes = 2 }
        enum LeakyRelu { static let slope = 0 }
        enum Gelu { static let isApproximate = 0 }
        enum BatchProduct { static let transposesLeft = 0, transposesRight = 1 }
        enum Resize { static let alignsCorners = 2, hasHalfPixelCenters = 3 }
        enum NearestResize { static let alignsCorners = 0, hasHalfPixelCenters = 1 }
        enum Block { static let size = 0 }
        enum MirrorPad { static let mode = 0 }
        enum Gather { static let axis = 0 }
        enum Cast { static let from = 0, to = 1 }
        enum Pool { static let padding = 0, strideX = 1, strideY = 2, width = 3, height = 4 }
        enum Softmax { static let beta = 0 }
        enum Concatenation { static let axis = 0 }
        enum Reshape { static let shape = 0 }
        enum Reduction { static let keepsAxes = 0 }
        enum Normalization { static let radius = 0, bias = 1, alpha = 2, beta = 3 }
        /// The activation of arithmetic operators and fully connected layers.
        enum Activated { static let activation = 0 }
    }

    enum ElementType: Int8 { case float32 = 0, int32 = 2, uint8 = 3, bool = 6, int8 = 9 }

    /// A `BuiltinOperator`, its required version, and its `BuiltinOptions`.
    struct Builtin: Hashable {
        let code: Int32, version: Int32, options: UInt8

        init(_ code: Int32, version: Int32 = 1, options: UInt8) {
            (self.code, self.version, self.options) = (code, version, options)
        }

        static let add = Builtin(0, options: 11), averagePool = Builtin(1, options: 5),
            concatenation = Builtin(2, options: 10)
        static let convolution = Builtin(3, options: 1), depthwise = Builtin(4, options: 2)
        /// Version 5 supports a scale per channel.
        static let dequantize = Builtin(6, version: 5, options: 38)
        /// Version 2 takes tensors of 8-bit integers.
        static let dequantizeValues = Builtin(6, version: 2, options: 38)
        static let quantize = Builtin(114, options: 89)
        static let fullyConnected = Builtin(9, options: 8),
            localResponseNormalization = Builtin(13, options: 13)
        static let maximumPool = Builtin(17, options: 5), multiply = Builtin(18, options: 21),
            reshape = Builtin(22, options: 17)
        static let softmax = Builtin(25, options: 9), pad = Builtin(34, options: 22),
            mean = Builtin(40, options: 27)
        static let subtract = Builtin(41, options: 28), divide = Builtin(42, options: 29),
            reduceMaximum = Builtin(82, options: 27)
        static let squaredDifference = Builtin(99, options: 76)
        static let padWithValue = Builtin(60, options: 43), mirrorPad = Builtin(100, options: 77)
        static let maximum = Builtin(55, options: 39), minimum = Builtin(57, options: 39),
            power = Builtin(78, options: 56)
        static let negate = Builtin(59, options: 42), abs = Builtin(101, options: 78),
            exp = Builtin(47, options: 33), square = Builtin(92, options: 66),
            cos = Builtin(108, options: 84),
            sign = Builtin(158, options: 123)
        static let leakyRelu = Builtin(98, options: 75), hardSwish = Builtin(117, options: 91),
            gelu = Builtin(150, options: 116)
        static let batchProduct = Builtin(126, options: 101), select = Builtin(123, options: 98)
        static let less = Builtin(58, options: 41), lessOrEqual = Builtin(63, options: 46),
            equal = Builtin(71, options: 53), notEqual = Builtin(72, options: 54),
            cast = Builtin(53, options: 37)
        static let sum = Builtin(74, options: 27), reduceProduct = Builtin(81, options: 27),
            reduceMinimum = Builtin(89, options: 27)
        static let transpose = Builtin(39, options: 26), slice = Builtin(65, options: 48),
            stridedSlice = Builtin(45, options: 32), gather = Builtin(36, options: 23),
            tile = Builtin(69, options: 51)
        static let broadcast = Builtin(130, version: 2, options: 104)
        static let resizeLinear = Builtin(23, version: 3, options: 15),
            resizeNearest = Builtin(97, version: 3, options: 74)
        static let depthToSpace = Builtin(5, options: 94), spaceToDepth = Builtin(26, options: 19)
        /// These operators have no options.
        static let relu = Builtin(19, options: 0), relu6 = Builtin(21, options: 0),
            squareRoot = Builtin(75, options: 0), sigmoid = Builtin(14, options: 0),
            tanh = Builtin(28, options: 0), log = Builtin(73, options: 0),
            reciprocalRoot = Builtin(76, options: 0), sin = Builtin(66, options: 0),
            floor = Builtin(8, options: 0), ceil = Builtin(104, options: 0), round = Builtin(116, options: 0),
            elu = Builtin(111, options: 0), prelu = Builtin(54, options: 0)

        /// The operator with the version that takes 8-bit integers.
        var integer: Builtin {
            let versions: [Builtin: Int32] = [
                .convolution: 3, .depthwise: 3, .fullyConnected: 4, .add: 2, .subtract: 2, .multiply: 2,
                .averagePool: 2, .maximumPool: 2, .concatenation: 2, .softmax: 2, .pad: 2, .mean: 2,
                .reduceMaximum: 2, .relu: 2, .relu6: 2,
            ]
            return Builtin(code, version: versions[self] ?? version, options: options)
        }
    }

    enum Padding { static let same: Int8 = 0, valid: Int8 = 1 }
}
