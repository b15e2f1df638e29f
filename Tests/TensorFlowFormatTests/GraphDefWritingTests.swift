import Foundation
import TensorGraph
import TestSupport
import Testing

@testable import TensorFlowFormat

@Suite("Writing GraphDefs")
struct GraphDefWritingTests {
    @Test(
        "what was not changed is written exactly as it came",
        .tags(.oracle), .enabled(if: SharedData.isPresent, SharedData.absence),
        arguments: [
            "models/efficientnet_lite0/efficientnet_lite0.pb", "models/googlenet/googlenet.pb",
            "models/inception_v3_2015/classify_image_graph_def.pb",
        ])
    func byteIdentical(path: String) throws {
        let region = try ByteRegion(mapping: SharedData.url(path).path)
        let graph = try GraphDef.read(region)
        var offset = 0
        try GraphDef.write(graph) { (piece) throws(GraphDefError) in
            let isSame = region.withUnsafeBytes { whole in
                offset + piece.count <= whole.count
                    && memcmp(whole.baseAddress! + offset, piece.baseAddress!, piece.count) == 0
            }
            #expect(isSame, "at \(offset)")
            offset += piece.count
        }
        #expect(offset == region.count)
    }

    @Test(
        "a fully re-encoded network means the same", .tags(.oracle),
        .enabled(if: SharedData.isPresent, SharedData.absence))
    func reencoded() throws {
        let graph = try GraphDef.read(
            path: SharedData.url("models/efficientnet_lite0/efficientnet_lite0.pb").path)
        let fresh = Graph(
            nodes: graph.nodes.map {
                Node(
                    $0.operation, name: $0.name, inputs: $0.inputs, attributes: $0.attributes,
                    device: $0.device)
            }, trailer: graph.trailer)
        let again = try GraphDef.read(ByteRegion(try GraphDef.write(fresh)))
        #expect(
            again.nodes.map { "\($0.name) \($0.operation) \($0.inputs) \($0.attributes.keys.sorted())" }
                == graph.nodes.map {
                    "\($0.name) \($0.operation) \($0.inputs) \($0.attributes.keys.sorted())"
                })
        for (old, new) in zip(graph.nodes, again.nodes) {
            #expect(
                old.constant?.shape == new.constant?.shape && old.constant?.floats == new.constant?.floats,
                "\(old.name)")
        }
    }

    @Test("an integer without axes is written where OpenCV looks for it", arguments: [Int32(3), -1, .min])
    func integers(_ value: Int32) throws {
        let graph = Graph(nodes: [.constant("axis", Tensor([value], shape: []))])
        let bytes = try GraphDef.write(graph)
        // int_val, field 7, packed.
        #expect(value != 3 || bytes.suffix(6).contains(0x3A))
        #expect(try GraphDef.read(ByteRegion(bytes)).nodes[0].constant?.integers == [Int(value)])
    }

    @Test("a changed node is encoded anew: its other attributes survive")
    func changed() throws {
        let bytes = Message.graph(
            Message.node("a", "Placeholder"),
            Message.node(
                "b", "Conv2D", inputs: ["a"],
                attributes: [
                    "bytes": Message.field(2, "SAME"), "int": Message.field(3, Int64(-5)),
                    "float": Message.field(4, Float(0.25)),
                    "bool": Message.field(5, Int64(1)), "no": Message.field(5, Int64(0)),
                    "type": Message.field(6, Int64(3)),
                    "shape": Message.field(7, Message.shape([-1, 299, 3])),
                    "rankless": Message.field(7, Message.field(3, Int64(1))),
                    "ints": Message.field(1, Message.field(3, Message.varint(1) + Message.varint(300))),
                    "empty": Message.field(1, []),
                    "floats": Message.field(1, Message.field(4, [0, 0, 0x80, 0x3F])),
                    "strings": Message.field(1, Message.field(2, "a")),
                    "function": Message.field(10, Message.field(1, "f")),
                    "value": Message.field(
                        8,
                        Message.field(1, Int64(7)) + Message.field(2, Message.shape([2]))
                            + Message.field(8, "x") + Message.field(8, "y")),
                ]))
        var graph = try GraphDef.read(ByteRegion(bytes))
        #expect(graph.nodes[1].encoded != nil)
        graph.nodes[1].name = "c"
        #expect(graph.nodes[1].encoded == nil)
        #expect(
            try GraphDef.write(graph)
                == bytes.map { $0 == UInt8(ascii: "b") ? UInt8(ascii: "c") : $0 }.restoringAttributeNames())
        #expect(GraphDef.encodedSize(of: graph) == bytes.count)
    }

    @Test("writes to a file what it writes to memory")
    func file() throws {
        let weights = Tensor((0..<100_000).map { Float($0) }, shape: [1000, 100])
        let graph = Graph(nodes: [.constant("w", weights), Node("Relu", name: "r", inputs: ["w"])])
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(
            "graph-\(UUID().uuidString).pb"
        ).path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let descriptor = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0o600)
        try #require(descriptor >= 0)
        try GraphDef.write(graph, to: descriptor)
        close(descriptor)
        #expect(FileManager.default.contents(atPath: path).map { [UInt8]($0) } == (try GraphDef.write(graph)))
        #expect(try GraphDef.read(path: path).nodes[0].constant?.floats == weights.floats)
        #expect(throws: GraphDefError.inputOutput(errno: EBADF)) { try GraphDef.write(graph, to: -1) }
    }

    @Test("any bytes are read or refused, never trapped on")
    func mutations() throws {
        let seed = Message.graph(
            Message.node(
                "input", "Placeholder",
                attributes: ["shape": Message.field(7, Message.shape([-1, 299, 299, 3]))]),
            Message.node(
                "w", "Const",
                attributes: [
                    "dtype": Message.field(6, Int64(1)),
                    "value": Message.field(
                        8,
                        Message.field(1, Int64(1)) + Message.field(2, Message.shape([2, 3]))
                            + Message.field(5, [0, 0, 0, 1, 0, 0, 0, 2]) + Message.field(4, [])),
                ]),
            Message.node(
                "s", "Const",
                attributes: [
                    "value": Message.field(
                        8,
                        Message.field(1, Int64(7)) + Message.field(2, Message.shape([2]))
                            + Message.field(8, "x"))
                ]),
            Message.node(
                "conv", "Conv2D", inputs: ["input", "w"],
                attributes: [
                    "strides": Message.field(1, Message.field(3, [1, 2, 2, 1])),
                    "padding": Message.field(2, "SAME"),
                ]))
        for length in 0..<seed.count { _ = try? GraphDef.read(ByteRegion(Array(seed.prefix(length)))) }
        var random = SplitMix64(state: 7)
        var read = 0, refused = 0
        for _ in 0..<20_000 {
            var bytes = seed
            for _ in 0...Int(random.next() % 4) {
                let place = Int(random.next() % UInt64(bytes.count))
                switch random.next() % 3 {
                case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes[place] ^= 1 << UInt8(random.next() % 8)
                default: bytes.remove(at: place)
                }
            }
            if let graph = try? GraphDef.read(ByteRegion(bytes)) {
                read += 1
                // What was read can be written, and read again.
                let again = try GraphDef.read(
                    ByteRegion(
                        try GraphDef.write(
                            Graph(
                                nodes: graph.nodes.map {
                                    Node(
                                        $0.operation, name: $0.name, inputs: $0.inputs,
                                        attributes: $0.attributes, device: $0.device)
                                }, trailer: graph.trailer))))
                #expect(again.nodes.count == graph.nodes.count)
            } else {
                refused += 1
            }
        }
        #expect(read > 1000 && refused > 1000)
    }
}

extension [UInt8] {
    /// The attribute names that hold a `b`, put back.
    fileprivate func restoringAttributeNames() -> [UInt8] {
        var text = self
        for (wrong, right) in [("cytes", "bytes"), ("cool", "bool")] {
            let pattern = Array(wrong.utf8)
            for start in 0...(text.count - pattern.count)
            where Array(text[start..<(start + pattern.count)]) == pattern {
                text.replaceSubrange(start..<(start + pattern.count), with: Array(right.utf8))
            }
        }
        return text
    }
}

/// Steele, Lea and Flood's SplitMix64: the same mutations on every run.
struct SplitMix64 {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
