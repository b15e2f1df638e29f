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
        varint(number << 3 | 5) + bytes(of: value)
    }
    static func bytes<Value: BitwiseCopyable>(of value: Value) -> [UInt8] {
        withUnsafeBytes(of: value) { [UInt8]($0) }
    }

    /// A `TensorProto` with packed or further fields.
    static func tensor(_ name: String, type: Int64, shape: [Int64], _ fields: [UInt8]) -> [UInt8] {
        shape.flatMap { field(1, $0) } + field(2, type) + field(8, name) + fields
    }

    static func value(_ name: String, _ sizes: [[UInt8]]) -> [UInt8] {
        field(1, name) + field(2, field(1, field(1, Int64(1)) + field(2, sizes.flatMap { field(1, $0) })))
    }

    static func node(
        _ operation: String, inputs: [String], outputs: [String], attributes: [[UInt8]] = []
    ) -> [UInt8] {
        inputs.flatMap { field(1, $0) } + outputs.flatMap { field(2, $0) } + field(3, "n")
            + field(4, operation)
            + attributes.flatMap { field(5, $0) }
    }

    /// A model of the fields of its graph: IR version 8, operator set 17.
    static func model(_ graph: [UInt8]) -> [UInt8] {
        field(1, Int64(8)) + field(2, "maker") + field(3, "1.0") + field(7, graph)
            + field(8, field(1, "") + field(2, Int64(17)))
            + field(14, field(1, "key") + field(2, "value"))
    }

    /// A whole small network: y = Relu(x · w).
    static var example: [UInt8] {
        let weights = tensor(
            "w", type: 1, shape: [2, 2], field(9, [Float](arrayLiteral: 1, -2, 3, 4).flatMap(bytes)))
        return model(
            field(1, node("MatMul", inputs: ["x", "w"], outputs: ["p"]))
                + field(
                    1,
                    node(
                        "Relu", inputs: ["p"], outputs: ["y"],
                        attributes: [
                            field(1, "ints") + field(8, Int64(1)) + field(8, Int64(-2)) + field(20, Int64(7))
                        ]))
                + field(2, "graph") + field(5, weights) + field(10, "documentation")
                + field(11, value("x", [field(2, "batch"), field(1, Int64(2))]))
                + field(12, value("y", [[], field(1, Int64(2))]))
                + field(13, value("p", [field(1, Int64(1)), field(1, Int64(2))])))
    }
}
