import TensorGraph

/// The formats to which networks can be exported.
package enum ExportFormat: String, Sendable, CaseIterable { case onnx, tflite }

/// The storage of convolution weights in an export; the computation uses floats in either case.
package enum WeightPrecision: String, Sendable, CaseIterable {
    case float
    /// One byte per weight and a factor per output channel.
    case int8
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

/// A frozen graph that can be written in other formats.
///
///     let export = try NetworkExport(graph, input: "Mul", shape: [1, 299, 299, 3], outputs:
///     ["final_result"])
///     let bytes = export.write(.onnx, .float, about)
package struct NetworkExport: Sendable {
    let network: PortableNetwork

    /// - Parameters:
    ///   - graph: The frozen graph.
    ///   - input: The tensor that is fed.
    ///   - shape: The shape of the input, `[1, height, width, channels]`.
    ///   - outputs: The tensors to compute.
    /// - Throws: `DeploymentError` with the operation and the node that cannot be exported.
    package init(_ graph: Graph, input: String, shape: [Int], outputs: [String]) throws(DeploymentError) {
        network = try NetworkReader.read(graph, input: input, shape: shape, outputs: outputs)
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
    /// The number of weights below which quantization does not pay, because its description takes more bytes
    /// than it saves.
    static let minimumCount = 512

    /// Returns the quantized form of a convolution's weights; nil to write floats.
    func grid(_ weights: PortableNetwork.Weights, channels: Int) -> ChannelGrid? {
        guard self == .int8, weights.tensor.count >= Self.minimumCount else { return nil }
        if let grid = weights.grid, grid.steps.count == channels { return grid }
        return ChannelGrid(rounding: weights.tensor.floats!, channels: channels)
    }
}
