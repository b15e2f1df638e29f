import TensorGraph
import Testing

@testable import TensorFlowFormat

@Suite("Reading GraphDefs")
struct GraphDefReadingTests {
    private func read(_ bytes: [UInt8]) throws(GraphDefError) -> Graph {
        try GraphDef.read(ByteRegion(bytes))
    }
    private func tensor(type: Int64, shape: [Int64], _ fields: [UInt8]) throws -> Tensor {
        try #require(try read(Message.constant(type: type, shape: shape, fields)).nodes[0].constant)
    }

    @Test("reads names, inputs and every kind of attribute")
    func attributes() throws {
        let bytes = Message.graph(
            Message.node(
                "conv", "Conv2D", inputs: ["x:1", "^y"],
                attributes: [
                    "bytes": Message.field(2, "SAME"),
                    "int": Message.field(3, Int64(-5)),
                    "float": Message.field(4, Float(0.25)),
                    "bool": Message.field(5, Int64(1)),
                    "type": Message.field(6, Int64(3)),
                    "newType": Message.field(6, Int64(9999)),
                    "shape": Message.field(7, Message.shape([-1, 299])),
                    "rankless": Message.field(7, Message.field(3, Int64(1))),
                    "ints": Message.field(1, Message.field(3, Message.varint(1) + Message.varint(300))),
                    "unpacked": Message.field(1, Message.field(3, Int64(1)) + Message.field(3, Int64(300))),
                    "floats": Message.field(1, Message.field(4, Float(2))),
                    "strings": Message.field(1, Message.field(2, "a") + Message.field(2, "")),
                    "empty": Message.field(1, []),
                    "types": Message.field(1, Message.field(6, Int64(1))),
                    "function": Message.field(10, Message.field(1, "f")),
                ]))
        let graph = try read(bytes)
        let node = try #require(graph.nodes.first)
        #expect(node.name == "conv" && node.operation == "Conv2D" && node.inputs == ["x:1", "^y"])
        #expect(graph.trailer == Message.field(4, Message.field(1, Int64(2474))))
        let found = node.attributes.mapValues { "\($0)" }
        #expect(
            found == [
                "bytes": "bytes([83, 65, 77, 69])", "int": "int(-5)", "float": "float(0.25)",
                "bool": "bool(true)",
                "type": "type(TensorGraph.ElementType.int32)", "newType": "encoded([48, 143, 78])",
                "shape": "shape(Optional([-1, 299]))", "rankless": "shape(nil)", "ints": "ints([1, 300])",
                "unpacked": "ints([1, 300])", "floats": "floats([2.0])", "strings": "strings([[97], []])",
                "empty": "ints([])",
                "types": "encoded([10, 2, 48, 1])", "function": "encoded([82, 3, 10, 1, 102])",
            ])
    }

    @Test("the last value of an attribute wins, as in a protobuf map")
    func duplicateAttribute() throws {
        let twice =
            Message.field(5, Message.field(1, "k") + Message.field(2, Message.field(3, Int64(1))))
            + Message.field(
                5,
                Message.field(1, "k")
                    + Message.field(2, Message.field(3, Int64(2)) + Message.field(4, Float(7))))
        let node = try read(Message.graph(Message.node("a", "B") + twice)).nodes[0]
        guard case .float(7)? = node.attributes["k"] else { Issue.record("\(node.attributes)"); return }
    }

    @Test("weights stay where they are in the file")
    func slices() throws {
        let values: [Float] = [1, -2, 3.5]
        let bytes = Message.constant(
            type: 1, shape: [3], Message.field(4, values.withUnsafeBytes { [UInt8]($0) }))
        let region = ByteRegion(bytes)
        let tensor = try #require(try GraphDef.read(region).nodes[0].constant)
        #expect(tensor.floats == values && tensor.shape == [3])
        guard case .dense(let content) = tensor.contents else { Issue.record("not dense"); return }
        let whole = region.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
        let part = content.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
        #expect((whole..<(whole + UInt(bytes.count))).contains(part))
    }

    @Test("fills up with the last value given, or zero")
    func abbreviated() throws {
        #expect(
            try tensor(type: 1, shape: [2, 2], Message.field(5, Float(0.5))).floats == [0.5, 0.5, 0.5, 0.5])
        #expect(
            try tensor(type: 1, shape: [3], Message.field(5, Float(1)) + Message.field(5, Float(2))).floats
                == [1, 2, 2])
        #expect(try tensor(type: 1, shape: [2], []).floats == [0, 0])
        #expect(try tensor(type: 3, shape: [], Message.field(7, Int64(-1))).integers == [-1])
        #expect(
            try tensor(type: 9, shape: [3], Message.field(10, Int64(1 << 40))).integers == [
                1 << 40, 1 << 40, 1 << 40,
            ])
        #expect(try tensor(type: 1, shape: [0], []).floats == [])
    }

    @Test(
        "reads every numeric type from its own field",
        arguments: [
            (2, 6, [0x31, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F], [0, 0, 0, 0, 0, 0, 0xF0, 0x3F]),
            (4, 7, [0x38, 0xFF, 0x01], [0xFF]), (6, 7, [0x38, 0xFF, 0x01], [0xFF]),
            (5, 7, [0x38, 0xFF, 0x01], [0xFF, 0]),
            (19, 13, [0x68, 0x80, 0x78], [0x00, 0x3C]), (14, 13, [0x68, 0x80, 0x7F], [0x80, 0x3F]),
            (10, 11, [0x58, 0x01], [1]), (22, 16, [0x80, 0x01, 0x07], [7, 0, 0, 0]),
            (23, 17, [0x88, 0x01, 0x07], [7, 0, 0, 0, 0, 0, 0, 0]),
            (8, 9, [0x4A, 8, 0, 0, 0x80, 0x3F, 0, 0, 0, 0x40], [0, 0, 0x80, 0x3F, 0, 0, 0, 0x40]),
        ] as [(Int64, Int, [UInt8], [UInt8])])
    func types(type: Int64, field: Int, encoded: [UInt8], element: [UInt8]) throws {
        guard case .dense(let region) = try tensor(type: type, shape: [], encoded).contents else {
            Issue.record("not dense")
            return
        }
        #expect(region.bytes == element, "field \(field)")
    }

    @Test("reads strings, and fills up with the last")
    func strings() throws {
        guard
            case .strings(let strings) = try tensor(
                type: 7, shape: [3], Message.field(8, "ab") + Message.field(8, "c")
            ).contents
        else { Issue.record("not strings"); return }
        #expect(strings == [[97, 98], [99], [99]])
    }

    @Test("a tensor whose content is not what its shape needs is malformed")
    func mismatch() {
        for fields in [Message.field(4, [0, 0, 0]), Message.field(5, Float(1)) + Message.field(5, Float(1))] {
            #expect { try read(Message.constant(type: 1, shape: [1], fields)) } throws: {
                guard case .malformed(_, .tensorSizeMismatch(expected: 4, _))? = $0 as? GraphDefError else {
                    return false
                }
                return true
            }
        }
    }

    @Test(
        "dimensions that are negative, or whose product overflows even beside a zero, are refused",
        arguments: [
            [-1], [1 << 32, 1 << 32, 0], [0, 1 << 62], [Int64.min],
        ] as [[Int64]])
    func dimensions(shape: [Int64]) {
        #expect { try read(Message.constant(type: 1, shape: shape, [])) } throws: {
            guard case .malformed(_, .invalidDimension)? = $0 as? GraphDefError else { return false }
            return true
        }
    }

    @Test("forty bytes cannot claim gigabytes")
    func bomb() {
        for type in [1, 7] as [Int64] {
            #expect {
                try read(Message.constant(type: type, shape: [1 << 30], Message.field(5, Float(1))))
            } throws: {
                guard case .overLimit? = $0 as? GraphDefError else { return false }
                return true
            }
        }
    }

    @Test(
        "says what a file is that is not a GraphDef",
        arguments: [
            ([], .empty), ([0xFF, 0xD8, 0xFF, 0xE0, 0, 16], .jpeg),
            ([0x89, 0x50, 0x4E, 0x47, 13, 10, 26, 10], .png),
            (Array("PK\u{3}\u{4}".utf8) + [20, 0, 0, 0], .zip), ([0x1F, 0x8B, 8, 0], .gzip),
            (Array("<!DOCTYPE html><html>".utf8), .html), (Array("\n\n  <html>".utf8), .html),
            (Array("homer\nbart\n".utf8), .text),
            (Array("\nhomer simpson, and the rest of it\n".utf8), .text),
            (Array("node {\n  name: \"x\"\n}".utf8), .textGraphDef),
            (Array("version https://git-lfs.github.com/spec/v1\n".utf8), .gitLFSPointer),
            ([0x08, 0x01, 0x12, 0x90, 0x4E, 0x0A], .savedModel),
            ([0x08, 0x07, 0x12, 0x07] + Array("pytorch".utf8), .onnx),
            ([0x20, 0, 0, 0] + Array("TFL3".utf8), .tflite), ([0x00, 0x01, 0x02], .unknown),
            // Nothing but a version: no node is no graph.
            ([0x22, 0x02, 0x08, 0x08], .unknown),
        ] as [([UInt8], ForeignFile)])
    func foreign(bytes: [UInt8], kind: ForeignFile) {
        #expect(throws: GraphDefError.notGraphDef(kind)) { try read(bytes) }
    }

    @Test("a graph cut short is truncated, wherever the cut falls inside a node")
    func truncated() {
        let bytes = Message.graph(Message.node("a", "Placeholder"), Message.node("b", "Relu", inputs: ["a"]))
        let first = Message.field(1, Message.node("a", "Placeholder")).count
        for length in 2..<bytes.count - 5 where length != first {
            #expect { try read(Array(bytes.prefix(length))) } throws: {
                guard case .truncated? = $0 as? GraphDefError else { return false }
                return true
            }
        }
    }

    @Test("names the offset of what is malformed")
    func malformed() {
        let good = Message.field(1, Message.node("a", "Placeholder"))
        #expect(throws: GraphDefError.malformed(offset: good.count + 2, .namelessNode)) {
            try read(good + Message.field(1, Message.field(2, "Relu")))
        }
        #expect(throws: GraphDefError.malformed(offset: good.count + 4, .invalidUTF8)) {
            try read(good + Message.field(1, Message.field(1, [0xC0, 0x80])))
        }
        #expect(
            throws: GraphDefError.malformed(offset: good.count, .unexpectedWireType(field: 1, wireType: 0))
        ) {
            try read(good + [0x08, 1])
        }
    }

    @Test("a missing file is the system's error")
    func missing() {
        #expect(throws: GraphDefError.inputOutput(errno: 2)) {
            try GraphDef.read(path: "/nonexistent/graph.pb")
        }
    }
}
