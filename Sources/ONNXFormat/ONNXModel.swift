import TensorGraph

/// ONNX's `ModelProto`: a network as exporters write it, with its nodes, weights and versions as the file has them.
///
///     var model = try ONNXModel.read(path: "resnet18.onnx")
///     model.graph.nodes.append(ONNXNode("Softmax", inputs: ["output"], outputs: ["probabilities"]))
///     try model.write(to: descriptor)
///
/// Reading copies no weights: initializers are slices of the mapped file, or of the mapped files beside it. What was not changed is
/// written exactly as it came; fields follow each other by number, as Protocol Buffers' serializers have them, so that reading a
/// model and writing it gives the same bytes. Subgraphs of control-flow nodes are not read: they are kept as bytes, so that no file
/// makes the reader recurse.
///
/// - Source: onnx/onnx.proto (IR versions 3 to 10); https://github.com/onnx/onnx/blob/main/docs/IR.md
package struct ONNXModel: Sendable {
    package struct OperatorSet: Equatable, Sendable {
        /// nil or empty for the standard operators, which files also call `ai.onnx`.
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
    /// The number of functions that the model defines for itself (IR version 8), which its nodes may call.
    package internal(set) var functionCount = 0
    /// All other fields, as they came.
    var others: [EncodedField] = []

    package init(
        formatVersion: Int64 = 8, producer: String? = nil, producerVersion: String? = nil,
        operatorSets: [OperatorSet] = [], metadata: [Metadata] = [], graph: ONNXGraph = ONNXGraph()
    ) {
        (self.formatVersion, self.producer, self.producerVersion) = (formatVersion, producer, producerVersion)
        (self.operatorSets, self.metadata, self.graph) = (operatorSets, metadata, graph)
    }

    /// The version of the standard operators; nil where the model imports none.
    package var operatorSet: Int64? { operatorSets.first(where: \.isStandard)?.version }

    /// Sets the value of `key`, which is added where it is new.
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
    /// In the order of the file, which the format demands to be topological; the reader does not check it.
    package var nodes: [ONNXNode]
    package var initializers: [ONNXInitializer]
    /// Before IR version 4, the initializers are among them.
    package var inputs: [ONNXValue]
    package var outputs: [ONNXValue]
    /// What the exporter knew of the shapes in between.
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

/// A whole field with its tag, as the file has it.
struct EncodedField: Sendable {
    let number: Int
    let bytes: ByteRegion
}
