import Kernels
import TensorGraph

/// The extent of an image with one picture: `[1, height, width, channels]`; a vector `[1, channels]` is 1 × 1 × channels. A tensor of
/// another shape is a row of vectors along its last axis.
struct Extent: Equatable {
    var height, width, channels: Int

    init(height: Int, width: Int, channels: Int) {
        (self.height, self.width, self.channels) = (height, width, channels)
    }

    /// - Parameter shape: of any rank.
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

/// Something layers read and write: an index into `LayerList.extents`.
typealias Value = Int

/// Pixels beyond the edges of an image, or the zeros that stand there.
struct Margin: Equatable {
    var top = 0, left = 0, bottom = 0, right = 0
    var isEmpty: Bool { self == Margin() }

    mutating func formUnion(_ other: Margin) {
        self = Margin(
            top: max(top, other.top), left: max(left, other.left), bottom: max(bottom, other.bottom),
            right: max(right, other.right))
    }
}

/// How a window moves over an image.
struct Window: Equatable {
    var height, width: Int
    var strideY, strideX: Int
    /// Pixels of padding that windows reach into.
    var padding = Margin()
    /// Pixels from one of a filter's taps to the next.
    var dilationY = 1, dilationX = 1

    var isDilated: Bool { dilationY > 1 || dilationX > 1 }
}

/// What remains between two bounds; the activations ReLU and ReLU6 are such clamps.
struct Clamp: Equatable {
    var lowest = -Float.infinity, highest = Float.infinity
    static let none = Clamp(), relu = Clamp(lowest: 0), relu6 = Clamp(lowest: 0, highest: 6)
}

struct Convolution {
    var window: Window
    /// Float32, `[windowHeight, windowWidth, inputChannels, outputChannels]`; depthwise: `[windowHeight, windowWidth, channels]`. In the
    /// file's memory, where possible: they are copied once, when the kernels' panels are packed.
    var weights: ByteRegion
    /// Floats of `weights` from one row of output channels to the next, where they are some of another convolution's; nil: no more than
    /// there are.
    var weightStride: Int?
    /// Factors of output channels, from normalizations that follow; nil for 1.
    var scale: [Float]?
    var bias: [Float]
    var isDepthwise = false
    /// Into how many parts input and output channels are divided, each output part made of one input part; `inputChannels` of the
    /// weights are then those of a part.
    var groups = 1
    /// Added before the clamp.
    var residual: Value?
    var clamp = Clamp.none
    /// Follows the clamp.
    var activation: UnaryFunction?

    /// Some of its output channels; of a depthwise convolution or one of one pixel.
    func outputs(_ range: Range<Int>) -> Convolution {
        var part = self
        part.weightStride = weightStride ?? bias.count
        part.weights = weights[4 * range.lowerBound..<weights.count]
        (part.scale, part.bias) = (scale.map { Array($0[range]) }, Array(bias[range]))
        return part
    }

    /// What some input channels add to the output of a convolution of one pixel; without bias, residual and clamp.
    func inputs(_ range: Range<Int>) -> Convolution {
        var part = self
        let row = 4 * (weightStride ?? bias.count)
        part.weights = weights[range.lowerBound * row..<range.upperBound * row]
        (part.bias, part.residual, part.clamp, part.activation) = (bias.map { _ in 0 }, nil, .none, nil)
        return part
    }
}

/// `[channels]` each.
struct Affine {
    var scale: [Float]?
    var shift: [Float]?
    var addend: Value?
    var clamp = Clamp.none
}

/// What one step of a plan computes.
enum Computation {
    case convolution(Convolution)
    /// Two convolutions, of one pixel and of every channel by itself, without the image between them.
    case expandedDepthwise(expansion: Convolution, depthwise: Convolution)
    /// These two and the convolution of one pixel after them, without the images between.
    case invertedResidual(expansion: Convolution, depthwise: Convolution, projection: Convolution)
    case affine(Affine)
    case maximumPool(Window)
    case averagePool(Window)
    /// `input / (bias + alpha * Σ input²)^beta`, the sum over `radius` channels to both sides.
    case localResponseNormalization(radius: Int, bias: Float, alpha: Float, beta: Float)
    case softmax
    /// Over all pixels.
    case mean, maximum
    /// A copy into the middle of zeros.
    case pad(Margin)
    /// Channels side by side.
    case concatenation([Value])
    /// The same numbers in the same order, in another extent.
    case reshape
    /// The same image in another element.
    case conversion

    // On tensors of any shape.

    case unary(UnaryFunction)
    /// With another tensor, both repeated along axes where they have one number, as NumPy broadcasts.
    case binary(BinaryFunction, Value)
    case matrixProduct(MatrixProduct)
    /// `(x − mean) / √(variance + epsilon) · scale + shift` along the last axis.
    case layerNormalization(scale: [Float]?, shift: [Float]?, epsilon: Float)
    case reduction(Reduction, axes: [Int])
    /// Axis i of the output is axis `permutation[i]` of the input.
    case transpose(permutation: [Int])
    case selection(Selection)
    /// Tensors one after another along an axis.
    case join([Value], axis: Int)
    case resize(Resampling)
}

/// One operation of the engine, made of one or several nodes.
struct Layer {
    /// The node that makes `output`.
    var name: String
    var input: Value
    var output: Value
    var computation: Computation

    var inputs: [Value] {
        switch computation {
        case .concatenation(let parts), .join(let parts, _): parts
        case .binary(_, let other): [input, other]
        case .matrixProduct(let product): [input, product.other]
        case .convolution(let convolution), .invertedResidual(_, _, let convolution):
            [input] + (convolution.residual.map { [$0] } ?? [])
        case .affine(let affine): [input] + (affine.addend.map { [$0] } ?? [])
        default: [input]
        }
    }

    /// The same layer, reading other values.
    func mappingInputs(_ replace: (Value) -> Value) -> Layer {
        var layer = self
        layer.input = replace(input)
        switch computation {
        case .concatenation(let parts):
            layer.computation = .concatenation(parts.map(replace))
        case .join(let parts, let axis): layer.computation = .join(parts.map(replace), axis: axis)
        case .binary(let function, let other): layer.computation = .binary(function, replace(other))
        case .matrixProduct(var product):
            product.other = replace(product.other)
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

/// A graph as the engine sees it: layers in an order in which they can run.
struct LayerList {
    var layers: [Layer] = []
    /// When each layer runs, where several run at the same time; empty: one after another.
    var moments: [Int] = []
    var extents: [Extent] = []
    /// Shapes of values that are no images of one picture.
    var shapes: [Value: [Int]] = [:]
    /// Values that no layer makes: float32 numbers, written into an executor's memory once.
    var constants: [Value: ByteRegion] = [:]
    /// What values are held as, where it is not single precision.
    var elements: [Value: Element] = [:]
    var input: Value = 0
    var outputs: [Value] = []
    /// As TensorFlow would give them.
    var outputShapes: [[Int]] = []

    func element(of value: Value) -> Element { elements[value] ?? .float32 }

    func shape(of value: Value) -> [Int] {
        let extent = extents[value]
        return shapes[value] ?? [1, extent.height, extent.width, extent.channels]
    }

    /// A value that no layer makes yet.
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

    /// Whether a layer works on an image in less than single precision.
    func usesCells(_ layer: Layer) -> Bool {
        element(of: layer.input) != .float32 || element(of: layer.output) != .float32
    }
}
