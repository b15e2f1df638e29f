import TensorGraph

/// The formats that networks are taken elsewhere in.
package enum ExportFormat: String, Sendable, CaseIterable { case onnx, tflite }

/// How an export holds the weights of convolutions; what is computed with are floats.
package enum WeightPrecision: String, Sendable, CaseIterable {
    case float
    /// A byte a weight and a factor an output channel.
    case int8
}

/// The order of an image's axes at the input of an ONNX model.
package enum ImageLayout: String, Sendable, CaseIterable {
    /// `[N, height, width, 3]`, TensorFlow's.
    case nhwc
    /// `[N, 3, height, width]`, as OpenCV's `blobFromImage` makes it.
    case nchw
}

/// What an exported model says of itself.
package struct ExportDescription: Sendable {
    package let name: String
    package let producer: (name: String, version: String)
    /// ONNX's `metadata_props`, TensorFlow Lite's `metadata`.
    package let entries: [(key: String, value: String)]
    /// What apps are told in the format's own terms; nil for a network that is no classifier of pictures.
    package let classifier: ClassifierMetadata?

    package init(
        name: String, producer: (name: String, version: String), entries: [(key: String, value: String)],
        classifier: ClassifierMetadata? = nil
    ) {
        (self.name, self.producer, self.entries) = (name, producer, entries)
        self.classifier = classifier
    }
}

/// A frozen graph as a file of another format.
///
///     let bytes = try NetworkExport(graph, input: "Mul", shape: [1, 299, 299, 3], outputs: ["final_result"]).write(.onnx, .float, about)
package struct NetworkExport: Sendable {
    private let network: PortableNetwork

    /// - Parameter shape: of the input, `[1, height, width, channels]`.
    /// - Throws: for an operation that cannot be exported, naming it and its node.
    package init(_ graph: Graph, input: String, shape: [Int], outputs: [String]) throws(DeploymentError) {
        network = try NetworkReader.read(graph, input: input, shape: shape, outputs: outputs)
    }

    package var takesBatches: Bool { network.takesBatches }

    /// The shape that an output has for one image.
    ///
    /// - Precondition: `output` is one of the outputs that the export was made with.
    package func shape(of output: String) -> [Int] { network.shapes[TensorReference(output).node]! }

    /// - Parameter layout: of the input of an ONNX model; other formats have their own.
    package func write(
        _ format: ExportFormat, _ precision: WeightPrecision, _ about: ExportDescription,
        layout: ImageLayout = .nhwc
    ) -> [UInt8] {
        switch format {
        case .onnx: ONNXExport.write(network, precision, about, layout)
        case .tflite: TFLiteExport.write(network, precision, about)
        }
    }
}

extension WeightPrecision {
    /// Smaller weights stay as they are: what describes bytes would outweigh what they save.
    private static let minimumCount = 512

    /// The bytes that a convolution's weights are written as; nil for floats.
    func grid(_ weights: PortableNetwork.Weights, channels: Int) -> ChannelGrid? {
        guard self == .int8, weights.tensor.count >= Self.minimumCount else { return nil }
        if let grid = weights.grid, grid.steps.count == channels { return grid }
        return ChannelGrid(rounding: weights.tensor.floats!, channels: channels)
    }
}
