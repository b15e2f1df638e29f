/// A Protocol Buffers message with the field types of TensorBoard's events.
struct SummaryMessage {
    private(set) var bytes: [UInt8] = []

    mutating func field(_ number: Int, _ value: Int64) {
        varint(UInt64(number << 3))
        varint(UInt64(bitPattern: value))
    }

    mutating func field(_ number: Int, _ value: Double) {
        varint(UInt64(number << 3 | 1))
        fixed(value.bitPattern)
    }

    mutating func field(_ number: Int, _ value: Float) {
        varint(UInt64(number << 3 | 5))
        fixed(value.bitPattern)
    }

    mutating func field(_ number: Int, _ text: String) { field(number, bytes: Array(text.utf8)) }
    mutating func field(_ number: Int, _ message: SummaryMessage) { field(number, bytes: message.bytes) }

    mutating func field(_ number: Int, packed values: [Double]) {
        var packed = SummaryMessage()
        for value in values { packed.fixed(value.bitPattern) }
        field(number, packed)
    }

    mutating func field(_ number: Int, bytes content: [UInt8]) {
        varint(UInt64(number << 3 | 2))
        varint(UInt64(content.count))
        bytes += content
    }

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private mutating func fixed(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
}
