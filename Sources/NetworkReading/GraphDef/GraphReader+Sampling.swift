import Network
import TensorGraph

/// Operations that sample images at other places by products: bicubic resizing and transposed convolutions.
extension GraphReader {
    static let sampling: [String: Handler] = [
        "ScaleAndTranslate": { (reader, call) throws(GraphReadingError) in try reader.readScaling(call) },
        "ResizeBicubic": { (reader, call) throws(GraphReadingError) in try reader.readBicubicResize(call) },
        "Conv2DBackpropInput": { (reader, call) throws(GraphReadingError) in
            try reader.readTransposedConvolution(call)
        },
    ]

    // MARK: - Bicubic resizing

    private mutating func readBicubicResize(_ call: NodeCall) throws(GraphReadingError) {
        let size = try integers(call, 1), old = try shape(call)
        guard size.count == 2, old.count == 4, (size + old).allSatisfy({ (1...1 << 16).contains($0) }) else {
            throw call.malformed("a size of \(size) for \(old)")
        }
        let isAligned = try call.bool("align_corners"), isCentred = try call.bool("half_pixel_centers")
        try sample(call, to: size) { axis, old, new in
            Self.bicubicWeights(from: old, to: new, isAligned: isAligned, isCentred: isCentred)
        }
    }

    /// Makes an image of which each row and column is a weighted sum of the source's.
    ///
    /// - Parameters:
    ///   - size: The height and width to make.
    ///   - matrix: The weights of an axis, `[new, old]`, of 0 for the height and 1 for the width and both sizes.
    mutating func sample(
        _ call: NodeCall, to size: [Int], _ matrix: (_ axis: Int, _ old: Int, _ new: Int) -> [Float]
    ) throws(GraphReadingError) {
        let old = try shape(call), (height, width, channels) = (old[1], old[2], old[3])
        func weights(_ axis: Int) throws(GraphReadingError) -> Value {
            let shape = [1, size[axis], old[axis + 1]]
            try spend(shape, call)
            return .constant(Tensor(matrix(axis, shape[2], shape[1]), shape: shape))
        }
        let product = Network.Operation.matrixProduct(transposesLeft: false, transposesRight: false)
        let flat = try apply(
            .reshape([old[0], height, width * channels]), [try value(call)], name: call.name, call)
        let down = try apply(product, [weights(0), flat], name: call.name, call)
        let rows = try apply(
            .reshape([old[0] * size[0], width, channels]), [down], name: call.name, call)
        let across = try apply(product, [weights(1), rows], name: call.name, call)
        try make(.reshape([old[0], size[0], size[1], channels]), [across], call)
    }

    /// Returns a matrix of weights, `[new, old]`.
    ///
    /// - Source: TensorFlow `core/kernels/image/resize_bicubic_op.cc`: Keys' cubic convolution, from a table of 1024
    ///   steps; with half-pixel centers a is −0.5 and pixels outside the image have no weight, otherwise a is −0.75 and
    ///   they are those at the border.
    private static func bicubicWeights(
        from old: Int, to new: Int, isAligned: Bool, isCentred: Bool
    ) -> [Float] {
        let scale = isAligned && new > 1 ? Float(old - 1) / Float(new - 1) : Float(old) / Float(new)
        let steps: Float = 1024, a = isCentred ? -0.5 : -0.75
        func weight(_ distance: Double) -> Double {
            let x = distance
            return x <= 1
                ? ((a + 2) * x - (a + 3)) * x * x + 1 : (((x - 5) * x + 8) * x - 4) * a
        }
        var result = [Float](repeating: 0, count: new * old)
        for row in 0..<new {
            let place = isCentred ? (Float(row) + 0.5) * scale - 0.5 : Float(row) * scale
            let first = place.rounded(.down)
            let offset = Double(((place - first) * steps).rounded(.toNearestOrEven) / steps)
            var taps: [(index: Int, weight: Double)] = []
            for tap in -1...2 {
                let index = Int(first) + tap, inside = min(max(index, 0), old - 1)
                if isCentred, inside != index { continue }
                taps.append((inside, weight(abs(Double(tap) - offset))))
            }
            let sum = isCentred ? taps.reduce(0) { $0 + $1.weight } : 1
            for (index, weight) in taps { result[row * old + index] += Float(weight / sum) }
        }
        return result
    }

    // MARK: - Transposed convolutions

    /// Reads the gradient of a convolution: the convolution of the image, with zeros between its pixels, by turned filters.
    private mutating func readTransposedConvolution(_ call: NodeCall) throws(GraphReadingError) {
        try call.requireChannelsLast()
        let size = try integers(call, 0), weights = try constant(call, 1), old = try shape(call, 2)
        let filter = weights.shape
        guard size.count == 4, old.count == 4, filter.count == 4, filter[3] == old[3], filter[2] == size[3],
            size[0] == old[0], Network.count(filter) != nil,
            (size + filter).allSatisfy({ (1...1 << 16).contains($0) }), weights.type == .float32,
            case .dense = weights.contents
        else { throw call.malformed("makes \(size) of \(old) by \(filter)") }
        let stride = try call.spatial("strides"), dilation = try call.spatial("dilations", default: 1)
        var window = Network.Window(
            height: filter[0], width: filter[1], strideY: stride.height, strideX: stride.width,
            dilationY: dilation.height, dilationX: dilation.width)
        let padding = try margin(of: window, over: size, call)
        window.padding = padding
        guard let made = window.size(over: size[1], size[2]), made == (old[1], old[2]) else {
            throw call.malformed("makes \(size) of \(old) by \(filter)")
        }
        let (high, wide) = ((filter[0] - 1) * dilation.height, (filter[1] - 1) * dilation.width)
        let top = high - padding.top, left = wide - padding.left
        window.padding = Network.Margin(
            top: top, left: left, bottom: size[1] - old[1] * stride.height + high - top,
            right: size[2] - old[2] * stride.width + wide - left)
        guard [top, left, window.padding.bottom, window.padding.right].allSatisfy({ $0 >= 0 }) else {
            throw call.unsupported("whose window is smaller than its strides")
        }
        (window.strideY, window.strideX) = (1, 1)
        var image = try value(call, 2)
        if stride != (1, 1) {
            let none = Network.Border(0, 0)
            let apart = try apply(
                .reshape([old[0], old[1], 1, old[2], 1, old[3]]), [image], name: call.name, call)
            let spread = try apply(
                .pad(
                    [none, none, .init(0, stride.height - 1), none, .init(0, stride.width - 1), none],
                    .constant(0)), [apart], name: call.name, call)
            image = try apply(
                .reshape([old[0], old[1] * stride.height, old[2] * stride.width, old[3]]), [spread],
                name: call.name, call)
        }
        try spend(filter, call)
        try make(.convolution(window, groups: 1), [image, .constant(Self.turned(weights))], call)
    }

    /// Returns a filter `[height, width, K, C]`, turned by half a turn, as `[height, width, C, K]`.
    private static func turned(_ weights: Tensor) -> Tensor {
        let values = weights.floats ?? [], shape = weights.shape
        let (places, outputs, inputs) = (shape[0] * shape[1], shape[2], shape[3])
        var result = [Float](repeating: 0, count: values.count)
        for place in 0..<places {
            let from = (places - 1 - place) * outputs * inputs, to = place * outputs * inputs
            for output in 0..<outputs {
                for input in 0..<inputs {
                    result[to + input * outputs + output] = values[from + output * inputs + input]
                }
            }
        }
        return Tensor(result, shape: [shape[0], shape[1], inputs, outputs])
    }
}
