import Foundation
import TensorGraph
import TestSupport
import Testing

@testable import ONNXFormat

@Suite("Reading ONNX models")
struct ONNXReadingTests {
    private func read(_ bytes: [UInt8]) throws(ONNXError) -> ONNXModel {
        try ONNXModel.read(ByteRegion(bytes))
    }
    private func tensor(_ type: Int64, _ shape: [Int64], _ fields: [UInt8]) throws -> ONNXInitializer {
        let bytes = Message.model(Message.field(5, Message.tensor("w", type: type, shape: shape, fields)))
        return try #require(try read(bytes).graph.initializers.first)
    }
    private func content(_ tensor: ONNXInitializer) -> [UInt8] {
        if case .dense(let region)? = tensor.tensor?.contents { region.bytes } else { [] }
    }

    @Test("reads versions, metadata, nodes, attributes, weights and shapes")
    func example() throws {
        let model = try read(Message.example)
        #expect(model.formatVersion == 8 && model.producer == "maker" && model.operatorSet == 17)
        #expect(model.metadata == [.init(key: "key", value: "value")])
        let graph = model.graph
        #expect(graph.name == "graph" && graph.nodes.map(\.operation) == ["MatMul", "Relu"])
        #expect(graph.nodes[0].inputs == ["x", "w"] && graph.nodes[0].outputs == ["p"])
        #expect("\(try #require(graph.nodes[1].attributes["ints"]))" == "ints([1, -2])")
        #expect(graph.initializers[0].tensor?.floats == [1, -2, 3, 4])
        #expect(graph.inputs[0].shape == [.symbol("batch"), .size(2)] && graph.inputs[0].type == .float32)
        #expect(graph.outputs[0].shape == [.unknown, .size(2)] && graph.values[0].name == "p")
    }

    @Test("reads every field that numbers may lie in")
    func typedData() throws {
        let floats = [Float](arrayLiteral: 1, 2).flatMap(Message.bytes)
        #expect(try tensor(1, [2], Message.field(4, floats)).tensor?.floats == [1, 2])
        let single = Message.field(4, Float(1)) + Message.field(4, Float(2))
        #expect(try tensor(1, [2], single).tensor?.floats == [1, 2])
        let doubles = Message.field(10, Message.bytes(of: 0.5))
        #expect(try tensor(11, [1], doubles).tensor?.doubles == [0.5])
        #expect(try tensor(7, [2], Message.field(7, [1] + Message.varint(.max))).tensor?.integers == [1, -1])
        #expect(try tensor(6, [], Message.field(5, Int64(-3))).tensor?.integers == [-3])
        #expect(content(try tensor(2, [2], Message.field(5, [1, 0xC8, 1]))) == [1, 200])
        #expect(content(try tensor(9, [2], Message.field(5, [7, 0]))) == [1, 0])
        #expect(content(try tensor(10, [1], Message.field(5, Message.varint(0x3C00)))) == [0, 0x3C])
        #expect(content(try tensor(16, [1], Message.field(5, Message.varint(0x3F80)))) == [0x80, 0x3F])
        #expect(content(try tensor(12, [1], Message.field(11, [5]))) == [5, 0, 0, 0])
    }

    @Test("keeps a tensor of a type it does not hold, without its values")
    func float8() throws {
        let tensor = try tensor(17, [2], Message.field(9, [1, 2]))
        #expect(tensor.tensor == nil && tensor.dataType == 17 && tensor.shape == [2])
    }

    @Test("keeps a subgraph as bytes, however deep it is")
    func deepSubgraph() throws {
        var graph = Message.field(1, Message.node("Relu", inputs: ["x"], outputs: ["y"]))
        for _ in 0..<300 {
            let body = Message.field(1, "then_branch") + Message.field(6, graph) + Message.field(20, Int64(5))
            graph = Message.field(1, Message.node("If", inputs: ["c"], outputs: ["y"], attributes: [body]))
        }
        let node = try read(Message.model(graph)).graph.nodes[0]
        #expect(node.attributes["then_branch"]?.isGraph == true)
    }

    @Test("rejects sizes that are negative, overflow, or do not fit the data")
    func sizes() {
        func fault(_ shape: [Int64], _ bytes: Int = 4) -> ONNXFault? {
            do { _ = try tensor(1, shape, Message.field(9, [UInt8](repeating: 0, count: bytes))) } catch {
                if case .malformed(_, let fault)? = error as? ONNXError { return fault }
            }
            return nil
        }
        #expect(fault([1]) == nil)
        #expect(fault([-1]) == .invalidDimension(-1))
        #expect(fault([.max, .max]) == .invalidDimension(.max))
        #expect(fault([0, 1 << 40, 1 << 40]) == .invalidDimension(1 << 40))
        #expect(fault([2]) == .tensorSizeMismatch(tensor: "w", expected: 8, found: 4))
        #expect(fault([1], 0) == .tensorSizeMismatch(tensor: "w", expected: 4, found: 0))
    }

    @Test("what is no model is told from a model that is cut short")
    func otherFiles() {
        #expect(throws: ONNXError.notONNX) { try read([]) }
        #expect(throws: ONNXError.notONNX) { try read(Message.field(1, Int64(8))) }
        let bytes = Message.example
        for count in 1..<bytes.count {
            do throws(ONNXError) { _ = try read(Array(bytes.prefix(count))) } catch {
                switch error {
                case .truncated, .notONNX: continue
                default: Issue.record("\(count): \(error)")
                }
            }
        }
    }

    @Test("mutated models are read or refused, and what is read is written and read again")
    func mutations() throws {
        let bytes = Message.example
        var state: UInt64 = 1
        for _ in 0..<20_000 {
            var mutant = bytes
            for _ in 0..<3 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                mutant[Int(state >> 33) % mutant.count] = UInt8(state >> 24 & 0xFF)
            }
            guard let model = try? read(mutant) else { continue }
            let again = try read(try model.write())
            #expect(again.graph.nodes.count == model.graph.nodes.count)
        }
    }
}

@Suite("Weights in other files")
struct ONNXExternalDataTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)

    private func model(_ location: String, offset: String = "4", length: String? = "8") -> [UInt8] {
        var entries = ["location": location, "offset": offset]
        entries["length"] = length
        let fields = entries.flatMap { Message.field(13, Message.field(1, $0) + Message.field(2, $1)) }
        return Message.model(
            Message.field(
                5, Message.tensor("w", type: 1, shape: [2], fields + Message.field(14, Int64(1)))))
    }

    /// What comes of reading `bytes` in a folder with a file of weights, a link out of it, and weights outside.
    private func reading(_ bytes: [UInt8]) throws -> Result<ONNXModel, ONNXError> {
        let models = folder.appendingPathComponent("models")
        try FileManager.default.createDirectory(at: models, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let weights = Data([Float](arrayLiteral: 0, 1, 2).flatMap(Message.bytes))
        try weights.write(to: folder.appendingPathComponent("outside.bin"))
        try weights.write(to: models.appendingPathComponent("w.bin"))
        try FileManager.default.createSymbolicLink(
            at: models.appendingPathComponent("link.bin"),
            withDestinationURL: folder.appendingPathComponent("outside.bin"))
        try FileManager.default.createSymbolicLink(
            at: models.appendingPathComponent("up"), withDestinationURL: folder)
        let path = models.appendingPathComponent("model.onnx")
        try Data(bytes).write(to: path)
        return Result { () throws(ONNXError) in try ONNXModel.read(path: path.path) }
    }

    @Test("are read from the model's folder, and written into the model")
    func embedded() throws {
        let model = try reading(model("w.bin")).get()
        #expect(model.graph.initializers[0].tensor?.floats == [1, 2])
        let written = try ONNXModel.read(ByteRegion(try model.write()))
        #expect(written.graph.initializers[0].tensor?.floats == [1, 2])
    }

    @Test(
        "are refused where they lie outside the model's folder",
        arguments: ["../outside.bin", "/etc/hostname", "x/../../outside.bin", "up/outside.bin"])
    func confinement(location: String) throws {
        guard case .failure(let error) = try reading(model(location)) else {
            Issue.record("was read")
            return
        }
        #expect(error == .externalData(tensor: "w", .outsideFolder(location: location)))
    }

    @Test("may be a link to a file, as in Hugging Face's cache, but to nothing else")
    func links() throws {
        let model = try reading(model("link.bin")).get()
        #expect(model.graph.initializers[0].tensor?.floats == [1, 2])
        guard case .failure(.externalData("w", .inputOutput(_, EISDIR))) = try reading(self.model("up"))
        else {
            Issue.record("a link to a folder was read")
            return
        }
    }

    @Test("are refused where the file does not have them")
    func ranges() throws {
        func fault(_ bytes: [UInt8]) throws -> ONNXExternalFault? {
            if case .failure(.externalData("w", let fault)) = try reading(bytes) { fault } else { nil }
        }
        #expect(
            try fault(model("w.bin", offset: "8"))
                == .beyondFile(path: "w.bin", offset: 8, length: 8, size: 12))
        #expect(
            try fault(model("w.bin", offset: "\(Int.max)", length: nil))
                == .beyondFile(path: "w.bin", offset: .max, length: 8, size: 12))
        #expect(
            try fault(model("w.bin", length: "4"))
                == .sizeMismatch(path: "w.bin", expected: 8, found: 4))
        #expect(try fault(model("w.bin", offset: "-1")) == .malformedEntry(key: "offset"))
        #expect(try fault(model("")) == .malformedEntry(key: "location"))
        guard case .inputOutput(_, ENOENT)? = try fault(model("absent.bin")) else {
            Issue.record("an absent file")
            return
        }
        #expect(throws: ONNXError.externalData(tensor: "w", .noFolder)) {
            try ONNXModel.read(ByteRegion(model("w.bin")))
        }
    }
}

@Suite("The order of an ONNX model's nodes")
struct ONNXSortingTests {
    private func names(_ nodes: [ONNXNode]) -> [String] {
        ONNXModel(graph: ONNXGraph(nodes: nodes)).sorted().graph.nodes.map { $0.outputs[0] }
    }

    @Test("is kept where nothing is read before it is made")
    func kept() {
        let nodes = [
            ONNXNode("Relu", inputs: ["x"], outputs: ["a"]), ONNXNode("Relu", inputs: ["x"], outputs: ["b"]),
            ONNXNode("Add", inputs: ["a", "b"], outputs: ["c"]),
        ]
        #expect(names(nodes) == ["a", "b", "c"])
    }

    @Test("becomes that of the reads, and nodes of a cycle stay in the model")
    func sorted() {
        let late = [
            ONNXNode("Add", inputs: ["a", "b"], outputs: ["c"]),
            ONNXNode("Relu", inputs: ["a"], outputs: ["b"]), ONNXNode("Relu", inputs: ["x"], outputs: ["a"]),
        ]
        #expect(names(late) == ["a", "b", "c"])
        let cycle = [
            ONNXNode("Relu", inputs: ["b"], outputs: ["a"]), ONNXNode("Relu", inputs: ["a"], outputs: ["b"]),
            ONNXNode("Relu", inputs: ["c"], outputs: ["c"]),
        ]
        #expect(names(cycle).sorted() == ["a", "b", "c"])
    }

    @Test("a hundred thousand nodes from the last to the first are sorted without recursion")
    func long() {
        let nodes = (0..<100_000).reversed().map {
            ONNXNode("Relu", inputs: ["v\($0)"], outputs: ["v\($0 + 1)"])
        }
        #expect(names(nodes).prefix(3) == ["v1", "v2", "v3"])
    }
}
