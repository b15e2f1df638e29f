import Kernels
import TensorGraph

/// Height, width and channels of a value. An image of batch size one, `[1, height, width, channels]`, has its
/// own; a vector `[1, channels]` is 1 × 1 × channels; a tensor of any other shape is 1 × rows × the size of
/// its last axis.
struct Extent: Equatable {
    var height, width, channels: Int

    init(height: Int, width: Int, channels: Int) {
        (self.height, self.width, self.channels) = (height, width, channels)
    }

    /// Creates the extent of a tensor.
    ///
    /// - Parameter shape: The tensor's shape, of any rank.
    init(shape: [Int]) {
        if shape.count == 4 && shape[0] == 1 {
            self.init(height: shape[1], width: shape[2], channels: shape[3])
        } else {
            self.init(height: 1, width: shape.dropLast().reduce(1, *), channels: shape.last ?? 1)
        }
    }

    var pixels: Int { height * width }
    var count: Int { pixels * channels }
}

/// A tensor that layers read or write, as an index into `LayerList.extents`.
typealias Value = Int

/// The number of pixels of padding on each side of an image.
struct Margin: Equatable {
    var top = 0, left = 0, bottom = 0, right = 0
    var isEmpty: Bool { self == Margin() }

    mutating func formUnion(_ other: Margin) {
        self = Margin(
            top: max(top, other.top), left: max(left, other.left), bottom: max(bottom, other.bottom),
            right: max(right, other.right))
    }
}

/// The geometry of a convolution's or pooling's sliding window.
struct Window: Equatable {
    var height, width: Int
    var strideY, strideX: Int
    /// The padding, in pixels, that windows reach into.
    var padding = Margin()
    /// The distance, in pixels, from one filter tap to the next.
    var dilationY = 1, dilationX = 1

    var isDilated: Bool { dilationY > 1 || dilationX > 1 }
}

/// An activation that limits values to `lowest...highest`; ReLU and ReLU6 are clamps.
struct Clamp: Equatable {
    var lowest = -Float.infinity, highest = Float.infinity
    static let none = Clamp(), relu = Clamp(lowest: 0), relu6 = Clamp(lowest: 0, highest: 6)
}

struct Convolution {
    var window: Window
    /// The filters, float32, `[windowHeight, windowWidth, inputChannels, outputChannels]`, or `[windowHeight,
    /// windowWidth, channels]` for a depthwise convolution. They are a view of the mapped file where possible
    /// and are copied once, when they are packed into the kernels' panels.
    var weights: ByteRegion
    /// The distance, in floats, between rows of `weights` where they are a slice of a wider convolution; nil where
    /// rows are contiguous.
    var weightStride: Int?
    /// Whether `weights` are `[outputChannels, inputChannels]`, as those of a product with a transposed factor; the
    /// window is one pixel then.
    var isOutputMajor = false
    /// The factor of each output channel, from the normalizations that follow; nil where all are 1.
    var scale: [Float]?
    var bias: [Float]
    var isDepthwise = false
    /// The number of groups that input and output channels are divided into; each group of outputs reads only
    /// its group of inputs, and the weights' `inputChannels` are those of one group.
    var groups = 1
    /// An image that is added to the result before the clamp.
    var residual: Value?
    var clamp = Clamp.none
    /// The activation that is applied after the clamp.
    var activation: UnaryFunction?

    /// Returns the convolution that computes a range of the output channels.
    ///
    /// This convolution must be depthwise or have a window of one pixel.
    func outputs(_ range: Range<Int>) -> Convolution {
        var part = self
        part.weightStride = rowStride
        part.weights =
            isOutputMajor ? rows(range) : weights[4 * range.lowerBound..<weights.count]
        (part.scale, part.bias) = (scale.map { Array($0[range]) }, Array(bias[range]))
        return part
    }

    /// Returns the convolution of a range of the input channels, a term of this convolution's sum, without
    /// bias, residual and activations.
    ///
    /// This convolution must have a window of one pixel.
    func inputs(_ range: Range<Int>) -> Convolution {
        var part = self
        if isOutputMajor { part.weightStride = rowStride }
        part.weights = isOutputMajor ? weights[4 * range.lowerBound..<weights.count] : rows(range)
        (part.bias, part.residual, part.clamp, part.activation) = (bias.map { _ in 0 }, nil, .none, nil)
        return part
    }

    /// The distance, in floats, between rows of `weights`.
    var rowStride: Int {
        weightStride ?? (isOutputMajor ? weights.count / 4 / bias.count : bias.count)
    }

    /// Returns a range of the rows of `weights`.
    private func rows(_ range: Range<Int>) -> ByteRegion {
        weights[4 * range.lowerBound * rowStride..<min(weights.count, 4 * range.upperBound * rowStride)]
    }

    /// The filters of a whole convolution as `weights` has them where `isOutputMajor` is false.
    var inputMajorWeights: ByteRegion {
        guard isOutputMajor else { return weights }
        let outputs = bias.count, row = rowStride, inputs = weights.count / 4 / outputs
        return ByteRegion(count: inputs * outputs, of: Float.self) { target in
            weights.withUnsafeBytes { source in
                for output in 0..<outputs {
                    for input in 0..<inputs {
                        target[input * outputs + output] = source.loadUnaligned(
                            fromByteOffset: 4 * (output * row + input), as: Float.self)
                    }
                }
            }
        }
    }
}

/// A scale and a shift of each channel, `[channels]` each, and the sum with another image.
struct Affine {
    var scale: [Float]?
    var shift: [Float]?
    var addend: Value?
    var clamp = Clamp.none
}

/// The computation of one step of a plan.
enum Computation {
    case convolution(Convolution)
    /// A pointwise convolution and the depthwise convolution after it, fused so that the image between them
    /// is never stored.
    case expandedDepthwise(expansion: Convolution, depthwise: Convolution)
    /// An expansion, a depthwise convolution and a projection, fused so that the images between them are
    /// never stored.
    case invertedResidual(expansion: Convolution, depthwise: Convolution, projection: Convolution)
    case affine(Affine)
    case maximumPool(Window)
    case averagePool(Window)
    /// Computes `input / (bias + alpha * Σ input²)^beta`, where the sum runs over `radius` channels to both
    /// sides.
    case localResponseNormalization(radius: Int, bias: Float, alpha: Float, beta: Float)
    case softmax
    /// Reduces each channel over all pixels.
    case mean, maximum
    /// Copies the image and surrounds it with zeros.
    case pad(Margin)
    /// Concatenates images along their channels.
    case concatenation([Value])
    /// Copies the elements, in their order, to another shape.
    case reshape
    /// Converts the image to another storage type.
    case conversion

    // The computations below take tensors of any shape.

    case unary(UnaryFunction)
    /// Applies a function to the elements of two tensors, which are broadcast as in NumPy.
    case binary(BinaryFunction, Value)
    /// Takes the elements of the first tensor where the input is not 0, and elsewhere those of the second; all
    /// three are broadcast as in NumPy.
    case choice(Value, else: Value)
    case matrixProduct(MatrixProduct)
    /// Computes `(x − mean) / √(variance + epsilon) · scale + shift` along the last axis.
    case layerNormalization(scale: [Float]?, shift: [Float]?, epsilon: Float)
    case reduction(Reduction, axes: [Int])
    /// Axis i of the output is axis `permutation[i]` of the input.
    case transpose(permutation: [Int])
    case selection(Selection)
    /// Concatenates tensors along an axis.
    case join([Value], axis: Int)
    case resize(Resampling)
}

/// One operation of the engine, which covers one or several nodes of the network.
struct Layer {
    /// The name of the node whose tensor is `output`.
    var name: String
    var input: Value
    var output: Value
    var computation: Computation

    var inputs: [Value] {
        switch computation {
        case .concatenation(let parts), .join(let parts, _): parts
        case .binary(_, let other): [input, other]
        case .choice(let chosen, let other): [input, chosen, other]
        case .matrixProduct(let product): [input, product.other] + (product.addend.map { [$0] } ?? [])
        case .convolution(let convolution), .invertedResidual(_, _, let convolution):
            [input] + (convolution.residual.map { [$0] } ?? [])
        case .affine(let affine): [input] + (affine.addend.map { [$0] } ?? [])
        default: [input]
        }
    }

    /// Returns the layer with each of its inputs replaced.
    func mappingInputs(_ replace: (Value) -> Value) -> Layer {
        var layer = self
        layer.input = replace(input)
        switch computation {
        case .concatenation(let parts):
            layer.computation = .concatenation(parts.map(replace))
        case .join(let parts, let axis): layer.computation = .join(parts.map(replace), axis: axis)
        case .binary(let function, let other): layer.computation = .binary(function, replace(other))
        case .choice(let chosen, let other):
            layer.computation = .choice(replace(chosen), else: replace(other))
        case .matrixProduct(var product):
            product.other = replace(product.other)
            product.addend = product.addend.map(replace)
            layer.computation = .matrixProduct(product)
        case .convolution(var convolution):
            convolution.residual = convolution.residual.map(replace)
            layer.computation = .convolution(convolution)
        case .invertedResidual(let expansion, let depthwise, var projection):
            projection.residual = projection.residual.map(replace)
            layer.computation = .invertedResidual(
                expansion: expansion, depthwise: depthwise, projection: projection)
        case .affine(var affine):
            affine.addend = affine.addend.map(replace)
            layer.computation = .affine(affine)
        default: break
        }
        return layer
    }
}

/// A network as the engine runs it: layers in topological order, and the values between them.
struct LayerList {
    var layers: [Layer] = []
    /// The level at which each layer runs; layers of one level run concurrently. Empty where layers run one
    /// after another.
    var levels: [Int] = []
    var extents: [Extent] = []
    /// The shapes of values that are not images of batch size one.
    var shapes: [Value: [Int]] = [:]
    /// The values that no layer computes: float32 numbers that are written into an executor's arena once.
    var constants: [Value: ByteRegion] = [:]
    /// The storage types of values that are not held in single precision.
    var types: [Value: StorageType] = [:]
    var input: Value = 0
    var outputs: [Value] = []
    /// The outputs' shapes as TensorFlow states them.
    var outputShapes: [[Int]] = []

    func type(of value: Value) -> StorageType { types[value] ?? .float32 }

    func shape(of value: Value) -> [Int] {
        let extent = extents[value]
        return shapes[value] ?? [1, extent.height, extent.width, extent.channels]
    }

    /// Adds a value.
    mutating func newValue(_ extent: Extent) -> Value {
        extents.append(extent)
        return extents.count - 1
    }

    mutating func newValue(shape: [Int]) -> Value {
        let value = newValue(Extent(shape: shape))
        shapes[value] = shape
        return value
    }

    mutating func newValue(like other: Value) -> Value {
        let value = newValue(extents[other])
        shapes[value] = shapes[other]
        return value
    }

    mutating func newConstant(_ numbers: ByteRegion, shape: [Int]) -> Value {
        let value = newValue(shape: shape)
        constants[value] = numbers
        return value
    }

    /// Returns whether a layer reads or writes an image in less than single precision.
    func usesLowPrecision(_ layer: Layer) -> Bool {
        type(of: layer.input) != .float32 || type(of: layer.output) != .float32
    }
}
