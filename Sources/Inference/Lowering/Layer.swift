import TensorGraph

/// The extent of an image with one picture: `[1, height, width, channels]`; a vector `[1, channels]` is 1 × 1 × channels.
struct Extent: Equatable {
    var height, width, channels: Int
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
    /// Added before the clamp.
    var residual: Value?
    var clamp = Clamp.none

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
        (part.bias, part.residual, part.clamp) = (bias.map { _ in 0 }, nil, .none)
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
    /// From one value a channel.
    case squaredDifference(Value)
    case squareRoot
    /// A copy into the middle of zeros.
    case pad(Margin)
    /// Channels side by side.
    case concatenation([Value])
    /// The same numbers in the same order, in another extent.
    case reshape
    /// The same image in another element.
    case conversion
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
        case .concatenation(let parts): parts
        case .convolution(let convolution), .invertedResidual(_, _, let convolution):
            [input] + (convolution.residual.map { [$0] } ?? [])
        case .affine(let affine): [input] + (affine.addend.map { [$0] } ?? [])
        case .squaredDifference(let center): [input, center]
        default: [input]
        }
    }
}

/// A graph as the engine sees it: layers in an order in which they can run.
struct LayerList {
    var layers: [Layer] = []
    /// When each layer runs, where several run at the same time; empty: one after another.
    var moments: [Int] = []
    var extents: [Extent] = []
    /// What values are held as, where it is not single precision.
    var elements: [Value: Element] = [:]
    var input: Value = 0
    var outputs: [Value] = []
    /// As TensorFlow would give them.
    var outputShapes: [[Int]] = []

    func element(of value: Value) -> Element { elements[value] ?? .float32 }

    /// A value that no layer makes yet.
    mutating func newValue(_ extent: Extent) -> Value {
        extents.append(extent)
        return extents.count - 1
    }

    /// Whether a layer works on an image in less than single precision.
    func usesCells(_ layer: Layer) -> Bool {
        element(of: layer.input) != .float32 || element(of: layer.output) != .float32
    }
}
