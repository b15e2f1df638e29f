import TensorGraph
import Testing

@testable import TensorFlowFormat

@Suite("Wire format")
struct WireReaderTests {
    private func reading<Result>(
        _ bytes: [UInt8], _ body: (inout WireReader) throws(GraphDefError) -> Result
    ) throws(GraphDefError) -> Result {
        try ByteRegion(bytes).withUnsafeBytes { (file) throws(GraphDefError) -> Result in
            var reader = WireReader(file: file)
            return try body(&reader)
        }
    }

    @Test(
        "reads varints of one to ten bytes",
        arguments: [
            ([0x00], 0), ([0x01], 1), ([0x7F], 127), ([0x80, 0x01], 128), ([0xAC, 0x02], 300),
            ([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], UInt64.max),
            // Longer than it need be: allowed.
            ([0x81, 0x80, 0x00], 1),
        ] as [([UInt8], UInt64)])
    func varint(bytes: [UInt8], value: UInt64) throws {
        #expect(try reading(bytes) { (reader) throws(GraphDefError) in try reader.varint() } == value)
    }

    @Test("rejects a varint of more than 64 bits")
    func overlongVarint() {
        for last in [[0x02], [0x80, 0x00]] as [[UInt8]] {
            #expect(throws: GraphDefError.malformed(offset: 0, .overlongVarint)) {
                try reading([UInt8](repeating: 0xFF, count: 9) + last) { (reader) throws(GraphDefError) in
                    try reader.varint()
                }
            }
        }
    }

    @Test("a varint that the file cuts is truncated, not zero")
    func truncatedVarint() {
        #expect(throws: GraphDefError.truncated(offset: 0, needed: 3, available: 0)) {
            try reading([0x80, 0x80]) { (reader) throws(GraphDefError) in try reader.varint() }
        }
    }

    @Test("a length over the file's end is a truncation; over the message's end, malformed")
    func lengths() {
        #expect(throws: GraphDefError.truncated(offset: 1, needed: 5, available: 2)) {
            try reading([0x0A, 5, 1, 2]) { (reader) throws(GraphDefError) in
                _ = try reader.next()
                _ = try reader.payload()
            }
        }
        #expect(throws: GraphDefError.malformed(offset: 3, .lengthBeyondMessage(length: 9, available: 0))) {
            try reading([0x0A, 2, 0x0A, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9]) { (reader) throws(GraphDefError) in
                _ = try reader.next()
                var inner = try reader.message()
                _ = try inner.next()
                _ = try inner.payload()
            }
        }
    }

    @Test("a length of 2^64 - 1 does not overflow")
    func hugeLength() {
        #expect(throws: GraphDefError.self) {
            try reading([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]) {
                (reader) throws(GraphDefError) in
                try reader.payload()
            }
        }
        #expect(throws: GraphDefError.truncated(offset: 0, needed: Int.max, available: 0)) {
            try reading([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]) {
                (reader) throws(GraphDefError) in
                try reader.payload()
            }
        }
    }

    @Test(
        "rejects field 0 and the wire types that GraphDefs never use",
        arguments: [
            (0x02, GraphDefFault.invalidFieldNumber), (0x0B, .invalidWireType(3)),
            (0x0C, .invalidWireType(4)),
            (0x0E, .invalidWireType(6)), (0x0F, .invalidWireType(7)),
        ] as [(UInt8, GraphDefFault)])
    func tags(tag: UInt8, fault: GraphDefFault) {
        #expect(throws: GraphDefError.malformed(offset: 0, fault)) {
            try reading([tag]) { (reader) throws(GraphDefError) in _ = try reader.next() }
        }
    }
}
