import TensorGraph
import WireFormat

typealias Reader = WireReader<ONNXError>

extension ONNXModel {
    /// The maximum number of nodes; the largest networks have about ten thousand.
    package static let maximumNodes = 1 << 20

    /// Maps a model file and the files with its external weights.
    ///
    /// - Throws: `ONNXError`
    package static func read(path: String) throws(ONNXError) -> ONNXModel {
        let region: ByteRegion
        do throws(MappingError) { region = try ByteRegion(mapping: path) } catch {
            throw .inputOutput(errno: error.errno)
        }
        return try read(region, folder: folder(of: path))
    }

    /// Reads a model in memory.
    ///
    /// - Parameter folder: The folder for external weights; with nil, such weights are an error.
    /// - Throws: `ONNXError` if the bytes are not an ONNX model, are truncated or malformed.
    package static func read(_ region: ByteRegion, folder: String? = nil) throws(ONNXError) -> ONNXModel {
        try region.withUnsafeBytes { (file) throws(ONNXError) -> ONNXModel in
            var reader = ModelReader(region: region, folder: folder)
            return try reader.model(Reader(file: file))
        }
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}

/// Reads the messages of one model.
struct ModelReader {
    let region: ByteRegion
    private let folder: String?
    var tensors: TensorReader

    init(region: ByteRegion, folder: String?) {
        (self.region, self.folder) = (region, folder)
        tensors = TensorReader(region: region, files: ExternalFiles(folder: folder))
    }

    mutating func model(_ message: Reader) throws(ONNXError) -> ONNXModel {
        var message = message
        var model = ONNXModel(formatVersion: 0)
        model.folder = folder
        var hasGraph = false
        while let field = try message.next() {
            switch field.number {
            case Field.Model.formatVersion: model.formatVersion = try message.integer(field)
            case Field.Model.producer: model.producer = try message.text(field)
            case Field.Model.producerVersion: model.producerVersion = try message.text(field)
            case Field.Model.graph:
                // Protocol Buffers would merge a second graph with the first, but no exporter writes one.
                guard !hasGraph else { throw .notONNX }
                hasGraph = true
                model.graph = try graph(try message.nested(field))
            case Field.Model.operatorSets: model.operatorSets.append(try operatorSet(message.nested(field)))
            case Field.Model.metadata:
                let entry = try message.nested(field).entry()
                model.metadata.append(.init(key: entry.key, value: entry.value))
            default:
                try message.skip(field)
                model.others.append(encoded(field, message))
            }
        }
        guard hasGraph, !model.operatorSets.isEmpty || !model.graph.nodes.isEmpty else { throw .notONNX }
        return model
    }

    func operatorSet(_ message: Reader) throws(ONNXError) -> ONNXModel.OperatorSet {
        var message = message, set = ONNXModel.OperatorSet(domain: nil, version: 0)
        while let field = try message.next() {
            switch field.number {
            case Field.OperatorSet.domain: set.domain = try message.text(field)
            case Field.OperatorSet.version: set.version = try message.integer(field)
            default: try message.skip(field)
            }
        }
        return set
    }

    mutating func graph(_ message: Reader) throws(ONNXError) -> ONNXGraph {
        var message = message, graph = ONNXGraph()
        func check(_ count: Int, _ kind: ONNXLimit, _ field: WireField) throws(ONNXError) {
            guard count < ONNXModel.maximumNodes else {
                throw .overLimit(offset: field.offset, kind, limit: ONNXModel.maximumNodes)
            }
        }
        while let field = try message.next() {
            switch field.number {
            case Field.Graph.node:
                try check(graph.nodes.count, .nodes, field)
                graph.nodes.append(try node(try message.nested(field)))
            case Field.Graph.name: graph.name = try message.text(field)
            case Field.Graph.initializer:
                try check(graph.initializers.count, .initializers, field)
                graph.initializers.append(try tensors.initializer(try message.nested(field)))
            case Field.Graph.input:
                try check(graph.inputs.count, .values, field)
                graph.inputs.append(try value(message.nested(field)))
            case Field.Graph.output:
                try check(graph.outputs.count, .values, field)
                graph.outputs.append(try value(message.nested(field)))
            case Field.Graph.value:
                try check(graph.values.count, .values, field)
                graph.values.append(try value(message.nested(field)))
            default:
                try message.skip(field)
                try check(graph.others.count, .values, field)
                graph.others.append(encoded(field, message))
            }
        }
        return graph
    }

    mutating func node(_ message: Reader) throws(ONNXError) -> ONNXNode {
        var message = message
        let start = message.offset
        var name = "", operation = "", domain = "", overload = ""
        var inputs: [String] = [], outputs: [String] = []
        var attributes: [String: ONNXAttribute] = [:]
        while let field = try message.next() {
            switch field.number {
            case Field.Node.input: inputs.append(try message.text(field))
            case Field.Node.output: outputs.append(try message.text(field))
            case Field.Node.name: name = try message.text(field)
            case Field.Node.operation: operation = try message.text(field)
            case Field.Node.domain: domain = try message.text(field)
            case Field.Node.overload: overload = try message.text(field)
            case Field.Node.attribute:
                let (key, value) = try attribute(try message.nested(field))
                attributes[key] = value
            default: try message.skip(field)
            }
        }
        guard !operation.isEmpty else { throw .malformed(offset: start, .namelessOperator) }
        return ONNXNode(
            operation, name: name, domain: domain, overload: overload, inputs: inputs, outputs: outputs,
            attributes: attributes, encoded: region[start..<message.end])
    }

    mutating func attribute(_ message: Reader) throws(ONNXError) -> (String, ONNXAttribute) {
        typealias Kind = ONNXAttribute.Kind
        var message = message
        let start = message.offset
        var name = "", declared = Kind.undefined, given = Kind.undefined, isReference = false
        var float: Float = 0, int: Int64 = 0, string: [UInt8] = [], tensor: ONNXInitializer?
        var floats: [Float] = [], ints: [Int64] = [], strings: [[UInt8]] = []
        while let field = try message.next() {
            switch field.number {
            case Field.Attribute.name: name = try message.text(field)
            case Field.Attribute.kind: declared = try message.integer(field)
            case Field.Attribute.float:
                try message.expect(.fixed32, field)
                (float, given) = (Float(bitPattern: try message.fixed32()), Kind.float)
            case Field.Attribute.int: (int, given) = (try message.integer(field), Kind.int)
            case Field.Attribute.string:
                try message.expect(.lengthDelimited, field)
                (string, given) = (try message.bytes(), Kind.string)
            case Field.Attribute.tensor:
                (tensor, given) = (try tensors.initializer(try message.nested(field)), Kind.tensor)
            case Field.Attribute.floats:
                try message.appendRepeated(field, .fixed32, to: &floats) { (packed) throws(ONNXError) in
                    Float(bitPattern: try packed.fixed32())
                }
                given = Kind.floats
            case Field.Attribute.ints:
                try message.appendRepeated(field, .varint, to: &ints) { (packed) throws(ONNXError) in
                    Int64(bitPattern: try packed.varint())
                }
                given = Kind.ints
            case Field.Attribute.strings:
                try message.expect(.lengthDelimited, field)
                strings.append(try message.bytes())
                given = Kind.strings
            default:
                try message.skip(field)
                switch field.number {
                case Field.Attribute.graph: given = Kind.graph
                case Field.Attribute.graphs: given = Kind.graphs
                case Field.Attribute.tensors: given = Kind.tensors
                case Field.Attribute.sparse: given = Kind.sparse
                case Field.Attribute.sparses: given = Kind.sparses
                case Field.Attribute.typeValue: given = Kind.type
                case Field.Attribute.typeValues: given = Kind.types
                case Field.Attribute.reference: isReference = true
                default: break
                }
            }
        }
        // The type is mandatory since IR version 2; without it, the field that is present determines it.
        let kind = declared == Kind.undefined ? given : declared
        let whole = ONNXAttribute.encoded(kind: kind, region[start..<message.end])
        if isReference { return (name, whole) }
        return switch kind {
        case Kind.float: (name, .float(float))
        case Kind.int: (name, .int(int))
        case Kind.string: (name, .string(string))
        case Kind.tensor: (name, tensor.map { .tensor($0) } ?? whole)
        case Kind.floats: (name, .floats(floats))
        case Kind.ints: (name, .ints(ints))
        case Kind.strings: (name, .strings(strings))
        default: (name, whole)
        }
    }

    private func value(_ message: Reader) throws(ONNXError) -> ONNXValue {
        var message = message
        let start = message.offset
        var name = "", dataType: Int64?, shape: [ONNXValue.Dimension]?
        while let field = try message.next() {
            switch field.number {
            case Field.Value.name: name = try message.text(field)
            case Field.Value.type:
                var type = try message.nested(field)
                while let field = try type.next() {
                    guard field.number == Field.TypeOf.tensor else {
                        try type.skip(field)
                        continue
                    }
                    var tensor = try type.nested(field)
                    while let field = try tensor.next() {
                        switch field.number {
                        case Field.TensorType.dataType: dataType = try tensor.integer(field)
                        case Field.TensorType.shape: shape = try self.shape(tensor.nested(field))
                        default: try tensor.skip(field)
                        }
                    }
                }
            default: try message.skip(field)
            }
        }
        return ONNXValue(
            name: name, dataType: dataType, shape: shape, encoded: region[start..<message.end])
    }

    private func shape(_ message: Reader) throws(ONNXError) -> [ONNXValue.Dimension] {
        var message = message, shape: [ONNXValue.Dimension] = []
        while let field = try message.next() {
            guard field.number == Field.Shape.dimension else {
                try message.skip(field)
                continue
            }
            guard shape.count < TensorReader.maximumRank else {
                throw .overLimit(offset: field.offset, .dimensions, limit: TensorReader.maximumRank)
            }
            var dimension = try message.nested(field), size = ONNXValue.Dimension.unknown
            while let field = try dimension.next() {
                switch field.number {
                case Field.Dimension.size: size = .size(try dimension.integer(field))
                case Field.Dimension.symbol: size = .symbol(try dimension.text(field))
                default: try dimension.skip(field)
                }
            }
            shape.append(size)
        }
        return shape
    }

    /// Returns the field that was just skipped, with its tag.
    private func encoded(_ field: WireField, _ message: Reader) -> EncodedField {
        EncodedField(number: field.number, bytes: region[field.offset..<message.offset])
    }
}

extension Reader {
    mutating func integer(_ field: WireField) throws(ONNXError) -> Int64 {
        try expect(.varint, field)
        return Int64(bitPattern: try varint())
    }

    mutating func text(_ field: WireField) throws(ONNXError) -> String {
        try expect(.lengthDelimited, field)
        return try string()
    }

    mutating func nested(_ field: WireField) throws(ONNXError) -> Reader {
        try expect(.lengthDelimited, field)
        return try message()
    }

    /// Reads a `StringStringEntryProto`.
    func entry() throws(ONNXError) -> (key: String, value: String) {
        var message = self, key = "", value = ""
        while let field = try message.next() {
            switch field.number {
            case Field.Entry.key: key = try message.text(field)
            case Field.Entry.value: value = try message.text(field)
            default: try message.skip(field)
            }
        }
        return (key, value)
    }
}
