import TensorFlowFormat
import TensorGraph

/// The messages of an ONNX model that are written, with the numbers of onnx.proto3.
///
/// - Source: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3
enum ONNX {
    /// The operator set and the IR version that introduced it.
    static let operatorSet: Int64 = 13, formatVersion: Int64 = 7

    enum Field {
        enum Model {
            static let irVersion = 1, producer = 2, producerVersion = 3, graph = 7, operatorSets = 8,
                metadata = 14
        }
        enum OperatorSet { static let version = 2 }
        enum Entry { static let key = 1, value = 2 }
        enum Graph { static let node = 1, name = 2, initializer = 5, input = 11, output = 12 }
        enum Node { static let input = 1, output = 2, name = 3, operation = 4, attribute = 5 }
        enum Attribute { static let name = 1, float = 2, int = 3, string = 4, ints = 8, type = 20 }
        enum Tensor { static let dimensions = 1, type = 2, name = 8, bytes = 9 }
        enum Value {
            static let name = 1, type = 2, tensorType = 1, elementType = 1, shape = 2, dimension = 1,
                size = 1, parameter = 2
        }
    }

    enum ElementType: Int64 { case float32 = 1, int8 = 3, int64 = 7 }

    enum Attribute {
        case int(Int), ints([Int]), float(Float), string(String)
    }

    static func tensor(_ name: String, _ type: ElementType, _ shape: [Int], _ bytes: ByteRegion) -> WireWriter
    {
        var message = WireWriter()
        for size in shape { message.field(Field.Tensor.dimensions, Int64(size)) }
        message.field(Field.Tensor.type, type.rawValue)
        message.field(Field.Tensor.name, name.utf8)
        message.field(Field.Tensor.bytes, bytes)
        return message
    }

    static func node(
        _ operation: String, name: String, inputs: [String], output: String,
        attributes: KeyValuePairs<String, Attribute>
    ) -> WireWriter {
        var message = WireWriter()
        for input in inputs { message.field(Field.Node.input, input.utf8) }
        message.field(Field.Node.output, output.utf8)
        message.field(Field.Node.name, name.utf8)
        message.field(Field.Node.operation, operation.utf8)
        for (key, value) in attributes { message.field(Field.Node.attribute, attribute(key, value)) }
        return message
    }

    /// Returns an attribute, whose last field is its `AttributeProto.AttributeType`.
    private static func attribute(_ name: String, _ value: Attribute) -> WireWriter {
        var message = WireWriter()
        message.field(Field.Attribute.name, name.utf8)
        let type: Int64
        switch value {
        case .float(let value):
            message.field(Field.Attribute.float, value)
            type = 1
        case .int(let value):
            message.field(Field.Attribute.int, Int64(value))
            type = 2
        case .string(let value):
            message.field(Field.Attribute.string, value.utf8)
            type = 3
        case .ints(let values):
            for value in values { message.field(Field.Attribute.ints, Int64(value)) }
            type = 7
        }
        message.field(Field.Attribute.type, type)
        return message
    }

    /// Returns the description of a float32 input or output.
    ///
    /// - Parameter isBatch: Whether the first size is free, the symbol `N`.
    static func value(_ name: String, _ shape: [Int], isBatch: Bool) -> WireWriter {
        var sizes = WireWriter(), tensor = WireWriter(), type = WireWriter(), message = WireWriter()
        for (axis, size) in shape.enumerated() {
            var dimension = WireWriter()
            if axis == 0, isBatch {
                dimension.field(Field.Value.parameter, "N".utf8)
            } else {
                dimension.field(Field.Value.size, Int64(size))
            }
            sizes.field(Field.Value.dimension, dimension)
        }
        tensor.field(Field.Value.elementType, ElementType.float32.rawValue)
        tensor.field(Field.Value.shape, sizes)
        type.field(Field.Value.tensorType, tensor)
        message.field(Field.Value.name, name.utf8)
        message.field(Field.Value.type, type)
        return message
    }

    static func model(
        graph: WireWriter, producer: (name: String, version: String), metadata: [(key: String, value: String)]
    ) -> WireWriter {
        var set = WireWriter(), message = WireWriter()
        set.field(Field.OperatorSet.version, operatorSet)
        message.field(Field.Model.irVersion, formatVersion)
        message.field(Field.Model.producer, producer.name.utf8)
        message.field(Field.Model.producerVersion, producer.version.utf8)
        message.field(Field.Model.graph, graph)
        message.field(Field.Model.operatorSets, set)
        for (key, value) in metadata {
            var entry = WireWriter()
            entry.field(Field.Entry.key, key.utf8)
            entry.field(Field.Entry.value, value.utf8)
            message.field(Field.Model.metadata, entry)
        }
        return message
    }
}
