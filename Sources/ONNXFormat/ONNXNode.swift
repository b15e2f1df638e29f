import TensorGraph

/// ONNX's `NodeProto`: one operation.
package struct ONNXNode: Sendable {
    /// The name, which may be empty and need not be unique.
    package var name: String { didSet { encoded = nil } }
    package var operation: String { didSet { encoded = nil } }
    /// The domain; empty for the standard operators, which files also call `ai.onnx`.
    package var domain: String { didSet { encoded = nil } }
    /// The variant of the model's function that the node calls; empty for operators.
    package var overload: String { didSet { encoded = nil } }
    /// The version of the standard operators if it is not the model's, because the node has been part of a
    /// function.
    package var operatorSet: Int64?
    /// The names of values; an empty name is an omitted optional input.
    package var inputs: [String] { didSet { encoded = nil } }
    /// The names of values; an empty name is an omitted optional output.
    package var outputs: [String] { didSet { encoded = nil } }
    package var attributes: [String: ONNXAttribute] { didSet { encoded = nil } }

    /// The `NodeProto` from which this node was read, which is written again if nothing has changed; nil
    /// after a change.
    package private(set) var encoded: ByteRegion?

    package init(
        _ operation: String, name: String = "", domain: String = "", overload: String = "",
        inputs: [String], outputs: [String], attributes: [String: ONNXAttribute] = [:],
        encoded: ByteRegion? = nil
    ) {
        (self.name, self.operation, self.domain, self.overload) = (name, operation, domain, overload)
        (self.inputs, self.outputs, self.attributes, self.encoded) = (inputs, outputs, attributes, encoded)
    }

    package var isStandard: Bool { domain.isEmpty || domain == "ai.onnx" }
}

/// A node's attribute, ONNX's `AttributeProto`.
package enum ONNXAttribute: Sendable {
    case float(Float)
    case int(Int64)
    case string([UInt8])
    case tensor(ONNXInitializer)
    case floats([Float])
    case ints([Int64])
    case strings([[UInt8]])
    /// The encoded `AttributeProto` of a subgraph, sparse tensor, type or reference to a function's
    /// attribute, with its `AttributeType` if the file gives it.
    case encoded(kind: Int64, ByteRegion)

    /// Whether the attribute is one or several subgraphs.
    package var isGraph: Bool {
        if case .encoded(kind: Kind.graph, _) = self { return true }
        if case .encoded(kind: Kind.graphs, _) = self { return true }
        return false
    }

    /// The values of `AttributeProto.AttributeType`.
    enum Kind {
        static let undefined: Int64 = 0, float: Int64 = 1, int: Int64 = 2, string: Int64 = 3,
            tensor: Int64 = 4
        static let graph: Int64 = 5, floats: Int64 = 6, ints: Int64 = 7, strings: Int64 = 8
        static let tensors: Int64 = 9, graphs: Int64 = 10, sparse: Int64 = 11, sparses: Int64 = 12
        static let type: Int64 = 13, types: Int64 = 14
    }
}

/// ONNX's `TensorProto`, as an initializer of the graph or as an attribute.
package struct ONNXInitializer: Sendable {
    package let name: String
    /// The `TensorProto.DataType` in the file.
    package let dataType: Int64
    package let shape: [Int]
    /// The tensor; nil for types that `Tensor` does not support, such as 4-bit numbers and float8.
    package let tensor: Tensor?
    /// The `TensorProto` from which this was read; nil for a new tensor and for external weights, because the
    /// written model must not depend on their file.
    let encoded: ByteRegion?

    /// - Precondition: ONNX supports the tensor's type, which is not a TensorFlow resource or quantized type.
    package init(_ name: String, _ tensor: Tensor) {
        (self.name, self.tensor, shape, encoded) = (name, tensor, tensor.shape, nil)
        dataType = tensor.type.onnx!
    }

    init(name: String, dataType: Int64, shape: [Int], tensor: Tensor?, encoded: ByteRegion?) {
        (self.name, self.dataType, self.shape, self.tensor) = (name, dataType, shape, tensor)
        self.encoded = encoded
    }
}

/// ONNX's `ValueInfoProto`: the type and shape of a value.
package struct ONNXValue: Sendable {
    package enum Dimension: Equatable, Sendable {
        case size(Int64)
        /// A symbolic size such as `batch_size`.
        case symbol(String)
        case unknown
    }

    package let name: String
    /// The `TensorProto.DataType`; nil for a value that is not a dense tensor, such as a sequence or a map.
    package let dataType: Int64?
    /// The shape; nil if the rank is unknown.
    package let shape: [Dimension]?
    let encoded: ByteRegion?

    /// Creates the description of a dense tensor.
    ///
    /// - Precondition: ONNX supports the type.
    package init(_ name: String, _ type: ElementType, shape: [Dimension]?) {
        self.init(name: name, dataType: type.onnx!, shape: shape, encoded: nil)
    }

    init(name: String, dataType: Int64?, shape: [Dimension]?, encoded: ByteRegion?) {
        (self.name, self.dataType, self.shape, self.encoded) = (name, dataType, shape, encoded)
    }

    package var type: ElementType? { dataType.flatMap { ElementType(onnx: $0) } }
}

extension ElementType {
    /// The `TensorProto.DataType` of each type that both formats support.
    private static let numbers: [(onnx: Int64, type: ElementType)] = [
        (1, .float32), (2, .uint8), (3, .int8), (4, .uint16), (5, .int16), (6, .int32), (7, .int64),
        (8, .string), (9, .bool), (10, .float16), (11, .float64), (12, .uint32), (13, .uint64),
        (14, .complex64), (15, .complex128), (16, .bfloat16),
    ]

    /// - Returns: The type, or nil for float8, 4-bit and later types.
    package init?(onnx: Int64) {
        guard let entry = Self.numbers.first(where: { $0.onnx == onnx }) else { return nil }
        self = entry.type
    }

    /// The `TensorProto.DataType`; nil for TensorFlow's quantized types and resources.
    package var onnx: Int64? { Self.numbers.first { $0.type == self }?.onnx }
}
