import TensorGraph

/// ONNX's `NodeProto`: one operation.
package struct ONNXNode: Sendable {
    /// May be empty, and need not be unique.
    package var name: String { didSet { encoded = nil } }
    package var operation: String { didSet { encoded = nil } }
    /// Empty for the standard operators, which files also call `ai.onnx`.
    package var domain: String { didSet { encoded = nil } }
    /// Names of values; an empty name stands for an optional input that is left out.
    package var inputs: [String] { didSet { encoded = nil } }
    /// Names of values; an empty name stands for an optional output that is left out.
    package var outputs: [String] { didSet { encoded = nil } }
    package var attributes: [String: ONNXAttribute] { didSet { encoded = nil } }

    /// The `NodeProto` this node was read from; nil once anything was changed. What is unchanged is written as it came.
    package private(set) var encoded: ByteRegion?

    package init(
        _ operation: String, name: String = "", domain: String = "", inputs: [String], outputs: [String],
        attributes: [String: ONNXAttribute] = [:], encoded: ByteRegion? = nil
    ) {
        (self.name, self.operation, self.domain) = (name, operation, domain)
        (self.inputs, self.outputs, self.attributes, self.encoded) = (inputs, outputs, attributes, encoded)
    }

    package var isStandard: Bool { domain.isEmpty || domain == "ai.onnx" }
}

/// A node's attribute, as ONNX's `AttributeProto`.
package enum ONNXAttribute: Sendable {
    case float(Float)
    case int(Int64)
    case string([UInt8])
    case tensor(ONNXInitializer)
    case floats([Float])
    case ints([Int64])
    case strings([[UInt8]])
    /// Subgraphs, sparse tensors, types and references to a function's attributes: the whole encoded `AttributeProto`, with its
    /// `AttributeType` where the file gives it.
    case encoded(kind: Int64, ByteRegion)

    /// Whether it is a subgraph, or several.
    package var isGraph: Bool {
        if case .encoded(kind: Kind.graph, _) = self { return true }
        if case .encoded(kind: Kind.graphs, _) = self { return true }
        return false
    }

    /// `AttributeProto.AttributeType`.
    enum Kind {
        static let undefined: Int64 = 0, float: Int64 = 1, int: Int64 = 2, string: Int64 = 3,
            tensor: Int64 = 4
        static let graph: Int64 = 5, floats: Int64 = 6, ints: Int64 = 7, strings: Int64 = 8
        static let tensors: Int64 = 9, graphs: Int64 = 10, sparse: Int64 = 11, sparses: Int64 = 12
        static let type: Int64 = 13, types: Int64 = 14
    }
}

/// ONNX's `TensorProto` among the graph's initializers, or as an attribute.
package struct ONNXInitializer: Sendable {
    package let name: String
    /// `TensorProto.DataType`, as the file has it.
    package let dataType: Int64
    package let shape: [Int]
    /// nil for a type that `Tensor` does not hold: numbers of 4 bits, float8.
    package let tensor: Tensor?
    /// The `TensorProto` this was read from; nil for a tensor that was made here, or that lies in another file, for the model that is
    /// written need not lie beside that file.
    let encoded: ByteRegion?

    /// - Precondition: the tensor's type is one that ONNX has: no TensorFlow resource or quantized type.
    package init(_ name: String, _ tensor: Tensor) {
        (self.name, self.tensor, shape, encoded) = (name, tensor, tensor.shape, nil)
        dataType = tensor.type.onnx!
    }

    init(name: String, dataType: Int64, shape: [Int], tensor: Tensor?, encoded: ByteRegion?) {
        (self.name, self.dataType, self.shape, self.tensor) = (name, dataType, shape, tensor)
        self.encoded = encoded
    }
}

/// ONNX's `ValueInfoProto`: what is known of a value.
package struct ONNXValue: Sendable {
    package enum Dimension: Equatable, Sendable {
        case size(Int64)
        /// Named, as `batch_size`.
        case symbol(String)
        case unknown
    }

    package let name: String
    /// `TensorProto.DataType`; nil for what is not a dense tensor: a sequence, a map, an optional value.
    package let dataType: Int64?
    /// nil: unknown rank.
    package let shape: [Dimension]?
    let encoded: ByteRegion?

    /// A dense tensor.
    ///
    /// - Precondition: the type is one that ONNX has.
    package init(_ name: String, _ type: ElementType, shape: [Dimension]?) {
        self.init(name: name, dataType: type.onnx!, shape: shape, encoded: nil)
    }

    init(name: String, dataType: Int64?, shape: [Dimension]?, encoded: ByteRegion?) {
        (self.name, self.dataType, self.shape, self.encoded) = (name, dataType, shape, encoded)
    }

    package var type: ElementType? { dataType.flatMap { ElementType(onnx: $0) } }
}

extension ElementType {
    /// `TensorProto.DataType` of the types that both have.
    private static let numbers: [(onnx: Int64, type: ElementType)] = [
        (1, .float32), (2, .uint8), (3, .int8), (4, .uint16), (5, .int16), (6, .int32), (7, .int64),
        (8, .string), (9, .bool), (10, .float16), (11, .float64), (12, .uint32), (13, .uint64),
        (14, .complex64), (15, .complex128), (16, .bfloat16),
    ]

    /// - Returns: nil for float8, 4-bit and later types.
    package init?(onnx: Int64) {
        guard let entry = Self.numbers.first(where: { $0.onnx == onnx }) else { return nil }
        self = entry.type
    }

    /// `TensorProto.DataType`; nil for TensorFlow's quantized types and resources.
    package var onnx: Int64? { Self.numbers.first { $0.type == self }?.onnx }
}
