import SystemFiles
import TensorGraph

extension GraphDef {
    /// Passes the encoded graph to `body` piece by piece in order; weights are not copied.
    ///
    /// - Throws: `GraphDefError.tooLargeToWrite` before the first piece, and errors of `body`.
    package static func write(
        _ graph: Graph, pieces body: (UnsafeRawBufferPointer) throws(GraphDefError) -> Void
    ) throws(GraphDefError) {
        let message = encode(graph)
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

    package static func write(_ graph: Graph) throws(GraphDefError) -> [UInt8] {
        var bytes: [UInt8] = []
        try write(graph) { (piece) throws(GraphDefError) in bytes.append(contentsOf: piece) }
        return bytes
    }

    /// Writes to an open file from its current position.
    ///
    /// - Throws: `GraphDefError`; after `.inputOutput` with the system's error number, the file is
    ///   incomplete.
    package static func write(_ graph: Graph, to descriptor: Int32) throws(GraphDefError) {
        try write(graph) { (piece) throws(GraphDefError) in
            let code = Descriptors.writeAll(descriptor, piece)
            guard code == 0 else { throw .inputOutput(errno: code) }
        }
    }

    /// Returns the size in bytes of the encoded graph.
    package static func encodedSize(of graph: Graph) -> Int { encode(graph).count }

    private static func encode(_ graph: Graph) -> WireWriter {
        var message = WireWriter()
        for node in graph.nodes {
            if let encoded = node.encoded {
                message.field(1, encoded)
            } else {
                message.field(1, encode(node))
            }
        }
        message.raw(graph.trailer)
        return message
    }

    private static func encode(_ node: Node) -> WireWriter {
        var message = WireWriter()
        message.field(1, node.name.utf8)
        message.field(2, node.operation.utf8)
        for input in node.inputs { message.field(3, input.utf8) }
        if !node.device.isEmpty { message.field(4, node.device.utf8) }
        // Attributes are sorted so that equal graphs are encoded equally.
        for (key, value) in node.attributes.sorted(by: { $0.key < $1.key }) {
            var entry = WireWriter()
            entry.field(1, key.utf8)
            entry.field(2, encode(value))
            message.field(5, entry)
        }
        return message
    }

    private static func encode(_ attribute: Attribute) -> WireWriter {
        var message = WireWriter()
        switch attribute {
        case .bytes(let bytes): message.field(2, bytes)
        case .int(let value): message.field(3, value)
        case .float(let value): message.field(4, value)
        case .bool(let value): message.field(5, Int64(value ? 1 : 0))
        case .type(let type): message.field(6, Int64(type.rawValue))
        case .shape(let shape): message.field(7, encode(shape))
        case .tensor(let tensor): message.field(8, encode(tensor))
        case .ints(let values):
            var packed = WireWriter()
            for value in values { packed.varint(UInt64(bitPattern: value)) }
            message.field(1, list(values.isEmpty ? nil : 3, packed))
        case .floats(let values):
            var packed = WireWriter()
            for value in values { packed.fixed32(value.bitPattern) }
            message.field(1, list(values.isEmpty ? nil : 4, packed))
        case .strings(let strings):
            var list = WireWriter()
            for string in strings { list.field(2, string) }
            message.field(1, list)
        case .encoded(let bytes): message.raw(bytes)
        }
        return message
    }

    private static func list(_ field: Int?, _ packed: WireWriter) -> WireWriter {
        var list = WireWriter()
        if let field { list.field(field, packed) }
        return list
    }

    private static func encode(_ shape: [Int]?) -> WireWriter {
        var message = WireWriter()
        guard let shape else {
            message.field(3, Int64(1))
            return message
        }
        for size in shape {
            var dimension = WireWriter()
            if size != 0 { dimension.field(1, Int64(size)) }
            message.field(2, dimension)
        }
        return message
    }

    private static func encode(_ tensor: Tensor) -> WireWriter {
        var message = WireWriter()
        message.field(1, Int64(tensor.type.rawValue))
        message.field(2, encode(tensor.shape))
        switch tensor.contents {
        case .dense where tensor.type == .int32 && tensor.shape.isEmpty:
            // OpenCV looks for axes in int_val only, where TensorFlow's Python writes them.
            var value = WireWriter()
            value.varint(UInt64(bitPattern: Int64(tensor.integers?.first ?? 0)))
            message.field(7, value)
        case .dense(let region): message.field(4, region)
        case .strings(let strings): for string in strings { message.field(8, string) }
        }
        return message
    }
}
