import TensorGraph

/// Reads the `NodeDef` messages of one file.
struct NodeReader {
    let region: ByteRegion
    var tensors: TensorReader

    init(region: ByteRegion) {
        (self.region, tensors) = (region, TensorReader(region: region))
    }

    mutating func node(_ message: WireReader) throws(GraphDefError) -> Node {
        var message = message
        let start = message.offset
        var name = "", operation = "", device = ""
        var inputs: [String] = []
        var attributes: [String: Attribute] = [:]
        while let field = try message.next() {
            if (1...5).contains(field.number) { try message.expect(.lengthDelimited, field) }
            switch field.number {
            case 1: name = try message.string()
            case 2: operation = try message.string()
            case 3: inputs.append(try message.string())
            case 4: device = try message.string()
            case 5:
                let (key, value) = try message.message().mapEntry()
                attributes[key] =
                    try value.map { value throws(GraphDefError) in try attribute(value) } ?? .encoded([])
            default: try message.skip(field)
            }
        }
        guard !name.isEmpty, !operation.isEmpty else { throw .malformed(offset: start, .namelessNode) }
        return Node(
            operation, name: name, inputs: inputs, attributes: attributes, device: device,
            encoded: region[start..<message.end])
    }

    private mutating func attribute(_ message: WireReader) throws(GraphDefError) -> Attribute {
        var message = message
        let start = message.offset
        var value: Attribute?
        // `value` is a oneof, of which the last field counts.
        while let field = try message.next() {
            switch field.number {
            case 1:
                try message.expect(.lengthDelimited, field)
                value = try list(try message.message())
            case 2:
                try message.expect(.lengthDelimited, field)
                value = .bytes(try message.bytes())
            case 3:
                try message.expect(.varint, field)
                value = .int(Int64(bitPattern: try message.varint()))
            case 4:
                try message.expect(.fixed32, field)
                value = .float(Float(bitPattern: try message.fixed32()))
            case 5:
                try message.expect(.varint, field)
                value = .bool(try message.varint() != 0)
            case 6:
                try message.expect(.varint, field)
                value = ElementType(encoded: try message.varint()).map { .type($0) }
            case 7:
                try message.expect(.lengthDelimited, field)
                value = .shape(try TensorReader.shape(try message.message(), of: .attribute))
            case 8:
                try message.expect(.lengthDelimited, field)
                value = try tensors.tensor(try message.message()).map { .tensor($0) }
            default:
                try message.skip(field)
                value = nil
            }
        }
        return value ?? .encoded([UInt8](message.file[start..<message.end]))
    }

    /// Reads a list of one kind of element; nil if `Attribute` does not support the kind. An empty list has
    /// no kind.
    private func list(_ message: WireReader) throws(GraphDefError) -> Attribute? {
        var message = message
        var integers: [Int64] = [], floats: [Float] = [], strings: [[UInt8]] = []
        var isOther = false
        while let field = try message.next() {
            switch field.number {
            case 2:
                try message.expect(.lengthDelimited, field)
                strings.append(try message.bytes())
            case 3:
                try message.appendRepeated(field, .varint, to: &integers) { (packed) throws(GraphDefError) in
                    Int64(bitPattern: try packed.varint())
                }
            case 4:
                try message.appendRepeated(field, .fixed32, to: &floats) { (packed) throws(GraphDefError) in
                    Float(bitPattern: try packed.fixed32())
                }
            default:
                try message.skip(field)
                isOther = true
            }
        }
        switch (integers.isEmpty, floats.isEmpty, strings.isEmpty) {
        case _ where isOther: return nil
        case (_, true, true): return .ints(integers)
        case (true, false, true): return .floats(floats)
        case (true, true, false): return .strings(strings)
        default: return nil
        }
    }
}

extension ElementType {
    init?(encoded value: UInt64) {
        guard let value = Int32(exactly: value), let type = ElementType(rawValue: value) else { return nil }
        self = type
    }
}
