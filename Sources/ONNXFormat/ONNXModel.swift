import TensorGraph

/// ONNX's `ModelProto`: the nodes, weights and versions of a network as the file has them.
///
///     var model = try ONNXModel.read(path: "resnet18.onnx")
///     model.graph.nodes.append(ONNXNode("Softmax", inputs: ["output"], outputs: ["probabilities"]))
///     try model.write(to: descriptor)
///
/// Reading does not copy weights: initializers are slices of the mapped files. Unchanged parts are written
/// byte for byte, and fields are in ascending order as in other Protocol Buffers serializers, so that reading
/// and writing a model gives the same bytes. Subgraphs of control-flow nodes are kept as bytes, so that no
/// file can cause recursion.
///
/// - Source: onnx/onnx.proto (IR versions 3 to 10); https://github.com/onnx/onnx/blob/main/docs/IR.md
package struct ONNXModel: Sendable {
    package struct OperatorSet: Equatable, Sendable {
        /// The domain; nil or empty for the standard operators, which files also call `ai.onnx`.
        package var domain: String?
        package var version: Int64

        package init(domain: String? = "", version: Int64) {
            (self.domain, self.version) = (domain, version)
        }

        package var isStandard: Bool { ["", "ai.onnx"].contains(domain ?? "") }
    }

    package struct Metadata: Equatable, Sendable {
        package var key: String
        package var value: String

        package init(key: String, value: String) { (self.key, self.value) = (key, value) }
    }

    package var formatVersion: Int64
    package var producer: String?
    package var producerVersion: String?
    package var operatorSets: [OperatorSet]
    package var metadata: [Metadata]
    package var graph: ONNXGraph
    /// The folder for external weights; nil if the model was not read from a file.
    var folder: String?
    /// All other fields as read.
    var others: [EncodedField] = []

    package init(
        formatVersion: Int64 = 8, producer: String? = nil, producerVersion: String? = nil,
        operatorSets: [OperatorSet] = [], metadata: [Metadata] = [], graph: ONNXGraph = ONNXGraph()
    ) {
        (self.formatVersion, self.producer, self.producerVersion) = (formatVersion, producer, producerVersion)
        (self.operatorSets, self.metadata, self.graph) = (operatorSets, metadata, graph)
    }

    /// The version of the standard operators; nil if the model imports none.
    package var operatorSet: Int64? { operatorSets.first(where: \.isStandard)?.version }

    /// The weights that lie in files beside a model that was read.
    package var externalTensors: [Tensor] {
        graph.initializers.compactMap { $0.encoded == nil ? $0.tensor : nil }
    }

    /// Sets the value of `key`, adding it if necessary.
    package mutating func setMetadata(_ key: String, _ value: String) {
        if let index = metadata.firstIndex(where: { $0.key == key }) {
            metadata[index].value = value
        } else {
            metadata.append(Metadata(key: key, value: value))
        }
    }
}

/// ONNX's `GraphProto`.
package struct ONNXGraph: Sendable {
    package var name: String?
    /// The nodes in the file's order, which should be topological but is not verified.
    package var nodes: [ONNXNode]
    package var initializers: [ONNXInitializer]
    /// The inputs; before IR version 4 they include the initializers.
    package var inputs: [ONNXValue]
    package var outputs: [ONNXValue]
    /// The shapes of intermediate values, as far as the exporter declared them.
    package var values: [ONNXValue]
    var others: [EncodedField] = []

    package init(
        name: String? = nil, nodes: [ONNXNode] = [], initializers: [ONNXInitializer] = [],
        inputs: [ONNXValue] = [], outputs: [ONNXValue] = [], values: [ONNXValue] = []
    ) {
        (self.name, self.nodes, self.initializers) = (name, nodes, initializers)
        (self.inputs, self.outputs, self.values) = (inputs, outputs, values)
    }
}

/// An encoded field with its tag, as read.
struct EncodedField: Sendable {
    let number: Int
    let bytes: ByteRegion
}
