import SystemFiles
import TensorGraph
import WireFormat

extension ONNXModel {
    /// Passes the encoded model to `body` piece by piece in order; weights are not copied. External weights
    /// are written into the model.
    ///
    /// - Throws: `ONNXError.tooLargeToWrite` before the first piece, and errors of `body`.
    package func write(
        pieces body: (UnsafeRawBufferPointer) throws(ONNXError) -> Void
    ) throws(ONNXError) {
        let message = encoded()
        guard message.count <= Int(Int32.max) else { throw .tooLargeToWrite(bytes: message.count) }
        for piece in message.pieces {
            switch piece {
            case .bytes(let bytes): try ByteRegion(bytes).withUnsafeBytes(body)
            case .region(let region):
                try region.withUnsafeBytes(body)
                region.releasePages()
            }
        }
    }

    package func write() throws(ONNXError) -> [UInt8] {
        var bytes: [UInt8] = []
        try write { (piece) throws(ONNXError) in bytes.append(contentsOf: piece) }
        return bytes
    }

    /// Writes to an open file from its current position.
    ///
    /// - Throws: `ONNXError`; after `.inputOutput` with the system's error number, the file is incomplete.
    package func write(to descriptor: Int32) throws(ONNXError) {
        try write { (piece) throws(ONNXError) in
            let code = Descriptors.writeAll(descriptor, piece)
            guard code == 0 else { throw .inputOutput(errno: code) }
        }
    }

    /// The size in bytes of the encoded model.
    package var encodedSize: Int { encoded().count }

    private func encoded() -> WireWriter {
        var fields = OrderedFields(others)
        fields.add(Field.Model.formatVersion) { $0.field($1, formatVersion) }
        fields.add(Field.Model.producer, producer)
        fields.add(Field.Model.producerVersion, producerVersion)
        fields.add(Field.Model.graph) { $0.field($1, graph.encoded()) }
        for set in operatorSets {
            var message = WireWriter()
            if let domain = set.domain { message.field(Field.OperatorSet.domain, domain.utf8) }
            message.field(Field.OperatorSet.version, set.version)
            fields.add(Field.Model.operatorSets) { $0.field($1, message) }
        }
        for entry in metadata {
            var message = WireWriter()
            message.field(Field.Entry.key, entry.key.utf8)
            message.field(Field.Entry.value, entry.value.utf8)
            fields.add(Field.Model.metadata) { $0.field($1, message) }
        }
        return fields.whole()
    }
}

extension ONNXGraph {
    fileprivate func encoded() -> WireWriter {
        var fields = OrderedFields(others)
        for node in nodes {
            fields.add(Field.Graph.node) { $0.field($1, node.encoded, else: node.message) }
        }
        fields.add(Field.Graph.name, name)
        for tensor in initializers {
            fields.add(Field.Graph.initializer) { $0.field($1, tensor.encoded, else: tensor.message) }
        }
        for (number, values) in [
            (Field.Graph.input, inputs), (Field.Graph.output, outputs), (Field.Graph.value, values),
        ] {
            for value in values { fields.add(number) { $0.field($1, value.encoded, else: value.message) } }
        }
        return fields.whole()
    }
}

extension ONNXNode {
    fileprivate func message() -> WireWriter {
        var message = WireWriter()
        for input in inputs { message.field(Field.Node.input, input.utf8) }
        for output in outputs { message.field(Field.Node.output, output.utf8) }
        if !name.isEmpty { message.field(Field.Node.name, name.utf8) }
        message.field(Field.Node.operation, operation.utf8)
        // Attributes are sorted so that equal nodes are encoded equally.
        for (key, value) in attributes.sorted(by: { $0.key < $1.key }) {
            message.field(Field.Node.attribute, value.message(name: key))
        }
        if !domain.isEmpty { message.field(Field.Node.domain, domain.utf8) }
        if !overload.isEmpty { message.field(Field.Node.overload, overload.utf8) }
        return message
    }
}

extension ONNXAttribute {
    /// Returns the attribute of a control-flow node.
    package static func graph(_ graph: ONNXGraph, name: String) -> ONNXAttribute {
        var message = WireWriter()
        message.field(Field.Attribute.name, name.utf8)
        message.field(Field.Attribute.graph, graph.encoded())
        message.field(Field.Attribute.kind, Kind.graph)
        return .encoded(kind: Kind.graph, ByteRegion(message.bytes))
    }

    fileprivate func message(name: String) -> WireWriter {
        var message = WireWriter()
        if case .encoded(_, let whole) = self {
            message.raw(whole.bytes)
            return message
        }
        message.field(Field.Attribute.name, name.utf8)
        let kind: Int64
        switch self {
        case .float(let value):
            message.field(Field.Attribute.float, value)
            kind = Kind.float
        case .int(let value):
            message.field(Field.Attribute.int, value)
            kind = Kind.int
        case .string(let bytes):
            message.field(Field.Attribute.string, bytes)
            kind = Kind.string
        case .tensor(let tensor):
            message.field(Field.Attribute.tensor, tensor.encoded, else: tensor.message)
            kind = Kind.tensor
        case .floats(let values):
            for value in values { message.field(Field.Attribute.floats, value) }
            kind = Kind.floats
        case .ints(let values):
            for value in values { message.field(Field.Attribute.ints, value) }
            kind = Kind.ints
        case .strings(let values):
            for value in values { message.field(Field.Attribute.strings, value) }
            kind = Kind.strings
        case .encoded(let given, _): kind = given
        }
        message.field(Field.Attribute.kind, kind)
        return message
    }
}

extension ONNXInitializer {
    fileprivate func message() -> WireWriter {
        var message = WireWriter()
        for size in shape { message.field(Field.Tensor.dimensions, Int64(size)) }
        message.field(Field.Tensor.dataType, dataType)
        if case .strings(let strings)? = tensor?.contents {
            for string in strings { message.field(Field.Tensor.strings, string) }
        }
        message.field(Field.Tensor.name, name.utf8)
        if case .dense(let region)? = tensor?.contents { message.field(Field.Tensor.raw, region) }
        return message
    }
}

extension ONNXValue {
    fileprivate func message() -> WireWriter {
        var message = WireWriter(), type = WireWriter(), tensor = WireWriter()
        if let dataType { tensor.field(Field.TensorType.dataType, dataType) }
        if let shape {
            var sizes = WireWriter()
            for size in shape {
                var dimension = WireWriter()
                switch size {
                case .size(let value): dimension.field(Field.Dimension.size, value)
                case .symbol(let name): dimension.field(Field.Dimension.symbol, name.utf8)
                case .unknown: break
                }
                sizes.field(Field.Shape.dimension, dimension)
            }
            tensor.field(Field.TensorType.shape, sizes)
        }
        type.field(Field.TypeOf.tensor, tensor)
        message.field(Field.Value.name, name.utf8)
        message.field(Field.Value.type, type)
        return message
    }
}

extension WireWriter {
    fileprivate mutating func field(_ number: Int, _ region: ByteRegion?, else made: () -> WireWriter) {
        if let region { field(number, region) } else { field(number, made()) }
    }
}

/// A message whose fields are in ascending order; unchanged fields are merged with new ones.
private struct OrderedFields {
    private var message = WireWriter()
    private var kept: ArraySlice<EncodedField>

    init(_ others: [EncodedField]) {
        kept =
            others.enumerated().sorted { ($0.element.number, $0.offset) < ($1.element.number, $1.offset) }
            .map(\.element)[...]
    }

    /// - Precondition: Numbers ascend from call to call.
    mutating func add(_ number: Int, _ write: (inout WireWriter, Int) -> Void) {
        while let field = kept.first, field.number < number {
            message.raw(field.bytes.bytes)
            kept.removeFirst()
        }
        write(&message, number)
    }

    mutating func add(_ number: Int, _ text: String?) {
        if let text { add(number) { $0.field($1, text.utf8) } }
    }

    mutating func whole() -> WireWriter {
        for field in kept { message.raw(field.bytes.bytes) }
        kept = []
        return message
    }
}
