/// Hand-built Protocol Buffers messages, so that the reader is tested against bytes the writer did not make.
enum Message {
    static func varint(_ value: UInt64) -> [UInt8] {
        value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7F) | 0x80] + varint(value >> 7)
    }
    static func field(_ number: UInt64, _ payload: [UInt8]) -> [UInt8] {
        varint(number << 3 | 2) + varint(UInt64(payload.count)) + payload
    }
    static func field(_ number: UInt64, _ text: String) -> [UInt8] { field(number, Array(text.utf8)) }
    static func field(_ number: UInt64, _ value: Int64) -> [UInt8] {
        varint(number << 3) + varint(UInt64(bitPattern: value))
    }
    static func field(_ number: UInt64, _ value: Float) -> [UInt8] {
        varint(number << 3 | 5) + (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> ($0 * 8)) }
    }

    static func shape(_ sizes: [Int64]) -> [UInt8] { sizes.flatMap { field(2, field(1, $0)) } }

    /// A whole GraphDef with one `Const` node whose TensorProto has this type, shape and further fields.
    static func constant(type: Int64, shape sizes: [Int64], _ fields: [UInt8]) -> [UInt8] {
        let tensor = field(1, type) + field(2, shape(sizes)) + fields
        return graph(node("c", "Const", attributes: ["dtype": field(6, type), "value": field(8, tensor)]))
    }

    static func node(
        _ name: String, _ operation: String, inputs: [String] = [], attributes: [String: [UInt8]] = [:]
    ) -> [UInt8] {
        field(1, name) + field(2, operation) + inputs.flatMap { field(3, $0) }
            + attributes.sorted { $0.key < $1.key }.flatMap {
                field(5, field(1, $0.key) + field(2, $0.value))
            }
    }

    static func graph(_ nodes: [UInt8]...) -> [UInt8] {
        nodes.flatMap { field(1, $0) } + field(4, field(1, Int64(2474)))
    }
}
