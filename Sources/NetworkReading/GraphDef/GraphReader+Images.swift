import Network
import TensorGraph

/// Convolutions, pooling, normalizations and other operations on images.
extension GraphReader {
    static let images: [String: Handler] = [
        "Conv2D": { (reader, call) throws(GraphReadingError) in
            try reader.readConvolution(call, isDepthwise: false)
        },
        "DepthwiseConv2dNative": { (reader, call) throws(GraphReadingError) in
            try reader.readConvolution(call, isDepthwise: true)
        },
        "MaxPool": { (reader, call) throws(GraphReadingError) in
            try reader.move(
                try reader.poolWindow(call), over: try reader.value(call), fill: -.infinity, call
            ) { .maximumPool($0) }
        },
        "AvgPool": { (reader, call) throws(GraphReadingError) in
            let window = try reader.poolWindow(call), value = try reader.value(call)
            guard case .node(let image) = value else {
                return try reader.make(.averagePool(window, countsPadding: false), [value], call)
            }
            let made = try reader.composed { (network) throws(NodeError) in
                try network.appendAveraging(window, countsPadding: false, over: image, name: call.name)
            }
            reader.define(call, .node(made))
        },
        "BatchNormWithGlobalNormalization": { (reader, call) throws(GraphReadingError) in
            try reader.readBatchNormalization(call)
        },
        "FusedBatchNorm": { (reader, call) throws(GraphReadingError) in
            try reader.readBatchNormalization(call)
        },
        "FusedBatchNormV2": { (reader, call) throws(GraphReadingError) in
            try reader.readBatchNormalization(call)
        },
        "FusedBatchNormV3": { (reader, call) throws(GraphReadingError) in
            try reader.readBatchNormalization(call)
        },
        "LRN": { (reader, call) throws(GraphReadingError) in
            try reader.make(
                .localResponseNormalization(
                    radius: try call.int("depth_radius", default: 5),
                    bias: try call.float("bias", default: 1),
                    alpha: try call.float("alpha", default: 1), beta: try call.float("beta", default: 0.5)),
                [try reader.value(call)], call)
        },
        "ResizeBilinear": { (reader, call) throws(GraphReadingError) in
            try reader.readResize(call, isNearest: false)
        },
        "ResizeNearestNeighbor": { (reader, call) throws(GraphReadingError) in
            try reader.readResize(call, isNearest: true)
        },
        "DepthToSpace": { (reader, call) throws(GraphReadingError) in
            try call.requireChannelsLast()
            try reader.make(
                .depthToSpace(block: try call.int("block_size", default: 0), isChannelMajor: false),
                [try reader.value(call)], call)
        },
        "SpaceToDepth": { (reader, call) throws(GraphReadingError) in
            try call.requireChannelsLast()
            try reader.make(
                .spaceToDepth(block: try call.int("block_size", default: 0)), [try reader.value(call)], call)
        },
        "SpaceToBatchND": { (reader, call) throws(GraphReadingError) in try reader.enterPhases(call) },
        "BatchToSpaceND": { (reader, call) throws(GraphReadingError) in try reader.leavePhases(call) },
        "ExtractImagePatches": { (reader, call) throws(GraphReadingError) in try reader.readPatches(call) },
    ]

    private mutating func readConvolution(
        _ call: NodeCall, isDepthwise: Bool
    ) throws(GraphReadingError) {
        try call.requireChannelsLast()
        let weights = try constant(call, 1), filter = weights.shape
        guard filter.count == 4, Network.count(filter) != nil else {
            throw call.malformed("filter shape \(filter)")
        }
        guard weights.type == .float32, case .dense = weights.contents else {
            throw call.unsupported("weights of type \(weights.type)")
        }
        let stride = try call.spatial("strides"), dilation = try call.spatial("dilations", default: 1)
        var window = Network.Window(
            height: filter[0], width: filter[1], strideY: stride.height, strideX: stride.width,
            dilationY: dilation.height, dilationX: dilation.width)
        var input = try value(call), isPhased = false, image: [Int]
        if case .dilated(let node, let block, let margin) = input {
            guard call.string("padding") == "VALID", stride == (1, 1), dilation == (1, 1) else {
                throw call.unsupported("strides or padding after SpaceToBatchND")
            }
            (input, isPhased, image) = (.node(node), true, network.shape(node))
            (window.dilationY, window.dilationX, window.padding) = (block[0], block[1], margin)
        } else {
            image = try shape(call)
            guard image.count == 4 else { throw call.malformed("an input of shape \(image)") }
            window.padding = try margin(of: window, over: image, call)
        }
        // A depthwise filter [h, w, C, m] has the memory layout of a grouped one with C groups, [h, w, 1, C ·
        // m].
        var values = Value.constant(weights)
        if isDepthwise {
            guard filter[2] == image[3] else {
                throw call.malformed("a filter of \(filter[2]) channels over an image of \(image[3])")
            }
            let grouped = [filter[0], filter[1], 1, filter[2] * filter[3]]
            values = .constant(Tensor(type: weights.type, shape: grouped, contents: weights.contents))
        }
        guard image[3] % filter[2] == 0 else {
            throw call.malformed("a filter of \(filter[2]) channels over an image of \(image[3])")
        }
        let groups = isDepthwise ? image[3] : image[3] / filter[2]
        try move(window, over: input, with: [values], fill: 0, call) { .convolution($0, groups: groups) }
        if isPhased { markPhased(try made(call)) }
    }

    /// Moves a window over an image, or over several.
    ///
    /// - Parameters:
    ///   - others: The further inputs of the operation, which are constants.
    ///   - fill: The value of padding that leaves the result unchanged.
    private mutating func move(
        _ window: Network.Window, over input: Value, with others: [Value] = [], fill: Float, _ call: NodeCall,
        _ operation: (Network.Window) -> Network.Operation
    ) throws(GraphReadingError) {
        guard case .node(let image) = input, network.shape(image)[0] > 1 else {
            return try make(operation(window), [input] + others, call)
        }
        let made = try composed { (network) throws(NodeError) in
            var inputs: [Int] = []
            for case .constant(let tensor) in others {
                inputs.append(try network.append(.constant(tensor), name: call.name + "/constant"))
            }
            return try network.appendMoving(
                window, over: image, with: inputs, fill: fill, name: call.name, operation)
        }
        define(call, .node(made))
    }

    /// Returns the padding of a window.
    ///
    /// - Source: TensorFlow's rule: SAME gives ceil(size / stride) outputs and puts an odd pixel of padding
    ///   after the image.
    func margin(
        of window: Network.Window, over image: [Int], _ call: NodeCall
    ) throws(GraphReadingError) -> Network.Margin {
        func need(_ size: Int, _ window: Int, _ stride: Int, _ dilation: Int) -> Int {
            max(0, (size - 1) / stride * stride + (window - 1) * dilation + 1 - size)
        }
        switch call.string("padding") {
        case "SAME":
            guard window.height <= 1 << 16, window.width <= 1 << 16 else {
                throw call.malformed("a window of \(window)")
            }
            let y = need(image[1], window.height, window.strideY, window.dilationY)
            let x = need(image[2], window.width, window.strideX, window.dilationX)
            return Network.Margin(top: y / 2, left: x / 2, bottom: y - y / 2, right: x - x / 2)
        case "VALID": return Network.Margin()
        case "EXPLICIT":
            guard let list = call.ints("explicit_paddings"), list.count == 8,
                [0, 1, 6, 7].allSatisfy({ list[$0] == 0 }), list.allSatisfy({ (0...4096).contains($0) })
            else { throw call.malformed("explicit_paddings") }
            return Network.Margin(top: list[2], left: list[4], bottom: list[3], right: list[5])
        case let other: throw call.malformed("padding \(other ?? "absent")")
        }
    }

    private func poolWindow(_ call: NodeCall) throws(GraphReadingError) -> Network.Window {
        try call.requireChannelsLast()
        let size = try call.spatial("ksize"), stride = try call.spatial("strides"), image = try shape(call)
        guard image.count == 4 else { throw call.malformed("an input of shape \(image)") }
        var window = Network.Window(
            height: size.height, width: size.width, strideY: stride.height, strideX: stride.width)
        window.padding = try margin(of: window, over: image, call)
        return window
    }

    /// Reads the patches under a window, `[N, rows, columns, height · width · C]`, as pixels in the patches' order.
    ///
    /// - Source: TensorFlow `ExtractImagePatches`, whose padding is zeros.
    private mutating func readPatches(_ call: NodeCall) throws(GraphReadingError) {
        let size = try call.spatial("ksizes"), stride = try call.spatial("strides")
        let rate = try call.spatial("rates"), shape = try shape(call)
        guard shape.count == 4 else { throw call.malformed("an input of shape \(shape)") }
        var window = Network.Window(
            height: size.height, width: size.width, strideY: stride.height, strideX: stride.width,
            dilationY: rate.height, dilationX: rate.width)
        window.padding = try margin(of: window, over: shape, call)
        guard let places = window.size(over: shape[1], shape[2]) else {
            throw call.malformed("a window of \(size) over \(shape)")
        }
        let none = Network.Border(0, 0), margin = window.padding
        let height = shape[1] + margin.top + margin.bottom, width = shape[2] + margin.left + margin.right
        let area = size.height * size.width
        try spend([shape[0], places.height, places.width, area], call)
        var image = try value(call)
        if !margin.isEmpty {
            image = try apply(
                .pad(
                    [none, .init(margin.top, margin.bottom), .init(margin.left, margin.right), none],
                    .constant(0)), [image], name: call.name + "/padded", call)
        }
        let pixels = try apply(
            .reshape([shape[0], height * width, shape[3]]), [image], name: call.name + "/pixels", call)
        var indices: [Int] = []
        indices.reserveCapacity(places.height * places.width * area)
        for row in 0..<places.height {
            for column in 0..<places.width {
                for y in 0..<size.height {
                    let start = (row * stride.height + y * rate.height) * width + column * stride.width
                    for x in 0..<size.width { indices.append(start + x * rate.width) }
                }
            }
        }
        let taken = try apply(
            .gather(axis: 1, indices: indices), [pixels], name: call.name + "/taken", call)
        try make(
            .reshape([shape[0], places.height, places.width, area * shape[3]]), [taken], call)
    }

    /// Reads a batch normalization as a product and a sum per channel.
    ///
    /// - Source: both forms are `(x - mean) * rsqrt(variance + epsilon) * gamma + beta`.
    private mutating func readBatchNormalization(_ call: NodeCall) throws(GraphReadingError) {
        let isLegacy = call.node.operation == "BatchNormWithGlobalNormalization"
        if !isLegacy {
            try call.requireChannelsLast()
            // TensorFlow's default is true.
            if try call.bool("is_training", default: true) { throw call.unsupported("is_training") }
        }
        let order =
            isLegacy ? (mean: 1, variance: 2, beta: 3, gamma: 4) : (mean: 3, variance: 4, beta: 2, gamma: 1)
        let mean = try floats(call, order.mean), variance = try floats(call, order.variance)
        let beta = try floats(call, order.beta), channels = mean.count
        let epsilon = try call.float(
            isLegacy ? "variance_epsilon" : "epsilon", default: isLegacy ? 0.001 : 0.0001)
        let isScaled = isLegacy ? try call.bool("scale_after_normalization") : true
        let gamma = isScaled ? try floats(call, order.gamma) : [Float](repeating: 1, count: channels)
        guard [variance, beta, gamma].allSatisfy({ $0.count == channels }), channels > 0 else {
            throw call.malformed("statistics of \(mean.count) channels")
        }
        // Double precision is used, so that folding rounds once.
        let scale = (0..<channels).map { (channel) -> Double in
            let deviation = (Double(variance[channel]) + Double(epsilon)).squareRoot()
            return Double(gamma[channel]) / deviation
        }
        let shift = (0..<channels).map { (channel) -> Float in
            let scaledMean = Double(mean[channel]) * scale[channel]
            return Float(Double(beta[channel]) - scaledMean)
        }
        let scaled = try apply(
            .binary(.multiply),
            [try value(call), .constant(Tensor(scale.map(Float.init), shape: [channels]))], name: call.name,
            call)
        try make(.binary(.add), [scaled, .constant(Tensor(shift, shape: [channels]))], call)
    }

    private mutating func readResize(_ call: NodeCall, isNearest: Bool) throws(GraphReadingError) {
        let size = try integers(call, 1)
        guard size.count == 2 else { throw call.malformed("a size of \(size)") }
        let isAligned = try call.bool("align_corners"), isCentred = try call.bool("half_pixel_centers")
        let coordinates: Network.Resize.Coordinates =
            isAligned
            ? .alignedCorners : isCentred ? (isNearest ? .halfPixelNearest : .halfPixel) : .asymmetric
        try make(
            .resize(
                Network.Resize(
                    height: size[0], width: size[1],
                    method: isNearest ? .nearest(isAligned ? .halfUp : .floor) : .linear,
                    coordinates: coordinates)), [try value(call)], call)
    }
}
