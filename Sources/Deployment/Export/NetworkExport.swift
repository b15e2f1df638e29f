import Network
import NetworkReading
import ONNXFormat
import TensorGraph

/// The formats to which networks can be exported.
package enum ExportFormat: String, Sendable, CaseIterable { case onnx, tflite }

/// The storage of weights in an export, those of convolutions and of matrices but the last; the computation uses
/// floats in either case.
package enum WeightPrecision: String, Sendable, CaseIterable {
    case float
    /// One byte per weight and a factor per output channel.
    case int8
    /// The bytes of weights that are stored so already, and floats otherwise.
    case stored
}

/// The order of the axes of an ONNX model's input image.
package enum ImageLayout: String, Sendable, CaseIterable {
    /// `[N, height, width, 3]`, as in TensorFlow.
    case nhwc
    /// `[N, 3, height, width]`, as OpenCV's `blobFromImage` returns it.
    case nchw
}

/// The metadata of an exported model.
package struct ExportDescription: Sendable {
    package let name: String
    package let producer: (name: String, version: String)
    /// The entries of ONNX's `metadata_props` or TensorFlow Lite's `metadata`.
    package let entries: [(key: String, value: String)]
    /// The classifier metadata in the format's own schema; nil for a network that is not an image classifier.
    package let classifier: ClassifierMetadata?

    package init(
        name: String, producer: (name: String, version: String), entries: [(key: String, value: String)],
        classifier: ClassifierMetadata? = nil
    ) {
        (self.name, self.producer, self.entries) = (name, producer, entries)
        self.classifier = classifier
    }
}

/// A network that can be written in other formats.
///
///     let export = try NetworkExport(graph, input: "Mul", shape: [1, 299, 299, 3], outputs:
///     ["final_result"])
///     let bytes = try export.write(.onnx, .float, about)
package struct NetworkExport: Sendable {
    let network: PortableNetwork

    /// - Parameters:
    ///   - network: A network with one input; float32 images are `[1, height, width, channels]`.
    ///   - outputs: The names for the network's outputs.
    ///   - graph: The graph that the network was read from, whose quantized weights are kept as they are.
    /// - Throws: `DeploymentError` with the operation and the node that no format can be told of.
    package init(
        _ network: Network, outputs: [String], quantizedIn graph: Graph? = nil
    ) throws(DeploymentError) {
        let grids = try graph?.dequantized().grids ?? [:]
        self.network = try PortableNetwork(network, outputs: outputs, grids: Array(grids.values))
    }

    /// - Parameters:
    ///   - graph: The frozen graph.
    ///   - input: The tensor that is fed.
    ///   - shape: The shape of the input, `[1, height, width, channels]`.
    ///   - outputs: The tensors to compute.
    /// - Throws: `DeploymentError` with the operation and the node that cannot be exported.
    package init(_ graph: Graph, input: String, shape: [Int], outputs: [String]) throws(DeploymentError) {
        network = try PortableNetwork(graph, input: input, shape: shape, outputs: outputs)
    }

    /// The names of the computed tensors, which are those of nodes of the optimized graph.
    package var tensors: [String] { network.steps.map(\.name) }

    /// Returns a TensorFlow Lite model whose convolutions compute with 8-bit integers and that takes and
    /// returns bytes.
    ///
    /// - Parameters:
    ///   - ranges: The ranges of the values of `tensors` over some images.
    ///   - scale: The step of the input for a step of a channel's value.
    ///   - mean: The channel's value, 0 to 255, at which the input is 0.
    package func integerTFLite(
        ranges: [String: ClosedRange<Float>], scale: Float, mean: Int, _ about: ExportDescription
    ) -> [UInt8] {
        let plan = IntegerPlan(network, ranges: ranges, input: .init(scale: scale, zero: mean - 128))
        return TFLiteExport.write(network, .float, about, plan: plan)
    }

    package var takesBatches: Bool { network.takesBatches }

    /// Returns the shape of an output for one image.
    ///
    /// - Precondition: `output` is one of the outputs given to the initializer.
    package func shape(of output: String) -> [Int] { network.shapes[TensorReference(output).node]! }

    /// - Parameter layout: The layout of an ONNX model's input; other formats have a fixed one.
    /// - Throws: `DeploymentError` with the operation that the format cannot express, and the formats that can.
    package func write(
        _ format: ExportFormat, _ precision: WeightPrecision, _ about: ExportDescription,
        layout: ImageLayout = .nhwc
    ) throws(DeploymentError) -> [UInt8] {
        try check(format.rawValue)
        switch format {
        case .onnx:
            let model = ONNXExport.write(network, precision, about, layout)
            do { return try model.write() } catch { throw .tooLarge(bytes: model.encodedSize) }
        case .tflite: return TFLiteExport.write(network, precision, about)
        }
    }

    /// Returns the network as a frozen TensorFlow graph.
    ///
    /// - Throws: `DeploymentError` with the operation that TensorFlow does not have, and the formats that have it.
    package func graph() throws(DeploymentError) -> Graph {
        try check("savedmodel")
        return GraphExport.write(network)
    }

    /// Returns the network as an ONNX model.
    ///
    /// - Parameters:
    ///   - about: The metadata.
    ///   - visible: The number of outputs that the model declares; the others stay tensors inside of it, and
    ///     images among them are channels-first.
    package func onnxModel(
        _ about: ExportDescription, visible: Int
    ) throws(DeploymentError) -> ONNXModel {
        try check(ExportFormat.onnx.rawValue)
        return ONNXExport.write(network, .stored, about, .nhwc, visible: visible)
    }

    /// Returns the name with other characters replaced by those that every format allows.
    package static func portableName(_ name: String) -> String { GraphExport.legal(name) }

    private typealias Refusal = @Sendable (PortableNetwork.Step, PortableNetwork) -> String?
    /// What each format has no operation for.
    private static let refusals: [(format: String, refusal: Refusal)] = [
        (ExportFormat.onnx.rawValue, ONNXExport.refusal),
        (ExportFormat.tflite.rawValue, TFLiteExport.refusal),
        ("savedmodel", GraphExport.refusal), ("coreml", CoreMLExport.refusal),
    ]

    /// Checks that a format can express every operation.
    func check(_ format: String) throws(DeploymentError) {
        let refusal = Self.refusals.first { $0.format == format }!.refusal
        for step in network.steps {
            guard let what = refusal(step, network) else { continue }
            let others = Self.refusals.filter { $0.refusal(step, network) == nil }.map(\.format)
            let hint = others.isEmpty ? "" : "; formats that can: \(others.joined(separator: ", "))"
            throw .unsupported(
                node: step.name, operation: step.operation.name,
                what: "\(what) cannot be written as \(format)\(hint)")
        }
    }
}

extension PortableNetwork.Operation {
    /// The name for errors.
    var name: String {
        switch self {
        case .convolution: "convolution"
        case .product: "matrixProduct"
        case .arithmetic(let function, _, _): function.rawValue
        case .plain(let operation): operation.name
        }
    }
}

extension PortableNetwork {
    /// Reads a frozen graph, whose normalizations are folded and whose quantized weights are kept as they are.
    ///
    /// - Parameters:
    ///   - graph: The frozen graph.
    ///   - input: The tensor that is fed.
    ///   - shape: The shape of the input, `[1, height, width, channels]`.
    ///   - outputs: The tensors to compute.
    /// - Throws: `DeploymentError` with the operation and the node that cannot be expressed.
    init(_ graph: Graph, input: String, shape: [Int], outputs: [String]) throws(DeploymentError) {
        let input = TensorReference(input).node, outputs = outputs.map { TensorReference($0).node }
        let (plain, grids) = try graph.dequantized()
        let (optimized, _) = try Optimization(inputs: [input], outputs: outputs).apply(to: plain)
        for node in optimized.nodes where outputs.contains(node.name) && node.constant != nil {
            throw .unsupported(
                node: node.name, operation: node.operation, what: "is an output that nothing computes")
        }
        let network: Network
        do {
            network = try GraphReader.read(optimized, input: input, inputShape: shape, outputs: outputs)
        } catch { throw DeploymentError(error) }
        try self.init(network, outputs: outputs, grids: Array(grids.values))
    }
}

extension DeploymentError {
    /// The error of a graph that cannot be read as a network.
    init(_ error: GraphReadingError) {
        self =
            switch error {
            case .noSuchTensor(let name): .noSuchTensor(name, node: "")
            case .unsupportedOperation(let operation, let node, _):
                .unsupported(
                    node: node, operation: operation, what: "is not among the operations that are supported")
            case .unsupported(let node, let operation, let what):
                .unsupported(node: node, operation: operation, what: what)
            case .malformed(let node, let operation, let what):
                .malformed(node: node, operation: operation, what: what)
            case .cycle(let node): .cycle(node: node)
            case .function(let error):
                .malformed(node: "", operation: "function", what: "\(error)")
            case .constantOutput(let name):
                .unsupported(node: name, operation: "Const", what: "is an output that nothing computes")
            case .tooManyNodes(let count, let limit):
                .unsupported(node: "", operation: "graph", what: "has \(count) nodes, more than \(limit)")
            case .overLimit(let node, let limit):
                .unsupported(
                    node: node, operation: "constant", what: "computes more than \(limit) constant numbers")
            }
    }
}

extension WeightPrecision {
    /// The number of weights below which stored bytes do not pay, because their description takes more bytes than
    /// it saves.
    private static let minimumStoredCount = 512
    /// The number of weights below which floats are not rounded. Such layers are the first ones, whose errors all
    /// others pass on: in EfficientNet-Lite0 they hold 1 % of the weights and make half of the error.
    static let minimumCount = 4096

    /// Returns the quantized form of a step's weights, with a factor per output channel; nil to write floats.
    ///
    /// - Parameters:
    ///   - weights: The weights, whose last axis is that of the output channels.
    ///   - step: The convolution or product.
    ///   - network: The network of the step.
    func grid(
        _ weights: PortableNetwork.Weights, of step: PortableNetwork.Step, in network: PortableNetwork
    ) -> ChannelGrid? {
        guard self != .float, weights.tensor.count >= Self.minimumStoredCount else { return nil }
        let isProduct = if case .product = step.operation { true } else { false }
        // The final layer has few weights, and its errors would be those of the scores; so has the novelty rule.
        if isProduct, !network.isInner(step) { return nil }
        let channels = weights.tensor.shape.last!
        if let grid = weights.grid, grid.steps.count == channels { return grid }
        guard self == .int8, weights.tensor.count >= Self.minimumCount else { return nil }
        // Tokens are normalized: where inputs have either sign, errors that cancel along a channel are twice as large.
        if isProduct, network.shapes[step.name]!.count > 2 {
            return ChannelGrid(rounding: weights.tensor.floats!, channels: channels)
        }
        // Errors of positive inputs that do not cancel shift a channel as a whole: probabilities of single pictures
        // moved by up to 0.14, and by 0.05 with errors that do.
        return ChannelGrid(carrying: weights.tensor.floats!, channels: channels)
    }
}
