import TensorGraph

/// The formats that networks are taken elsewhere in.
package enum ExportFormat: String, Sendable, CaseIterable { case onnx, tflite }

/// How an export holds the weights of convolutions; what is computed with are floats.
package enum WeightPrecision: String, Sendable, CaseIterable {
    case float
    /// A byte a weight and a factor an output channel.
    case int8
}

/// What an exported model says of itself.
package struct ExportDescription: Sendable {
    package let name: String
    package let producer: (name: String, version: String)
    /// ONNX's `metadata_props`, TensorFlow Lite's `metadata`.
    package let entries: [(key: String, value: String)]

    package init(
        name: String, producer: (name: String, version: String), entries: [(key: String, value: String)]
    ) {
        (self.name, self.producer, self.entries) = (name, producer, entries)
    }
}

/// A frozen graph as a file of another format.
///
///     let bytes = try NetworkExport(graph, input: "Mul", shape: [1, 299, 299, 3], output: "final_result").write(.onnx, .float, about)
package struct NetworkExport: Sendable {
    private let network: PortableNetwork

    /// - Parameter shape: of the input, `[1, height, width, channels]`.
    /// - Throws: for an operation that cannot be exported, naming it and its node.
    package init(_ graph: Graph, input: String, shape: [Int], output: String) throws(DeploymentError) {
        network = try NetworkReader.read(graph, input: input, shape: shape, output: output)
    }

    package func write(_ format: ExportFormat, _ precision: WeightPrecision, _ about: ExportDescription)
        -> [UInt8]
    {
        switch format {
        case .onnx: ONNXExport.write(network, precision, about)
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
