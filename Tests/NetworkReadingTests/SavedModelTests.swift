import Compression
import Foundation
import Network
import SystemFiles
import TensorGraph
import TestSupport
import Testing

@testable import NetworkReading
@testable import TensorFlowFormat

/// The models in `SavedModels` are TensorFlow's own, made by `scripts/make_test_networks.py`: `two` by TensorFlow 2, with functions
/// that are called twice, several outputs, and two variables of one name; `one` as TensorFlow 1 saves a session; `keras3` by Keras 3.
@Suite("Reading SavedModel folders")
struct SavedModelTests {
    static let models = SharedData.project.appendingPathComponent("Tests/NetworkReadingTests/SavedModels")

    static func folder(_ name: String) -> FilePath { FilePath(models.appendingPathComponent(name).path) }

    static let input = (0..<48).map { sinf(Float($0)) }

    /// What a model computes of `input`.
    func evaluate(_ model: SavedModel, _ output: String) throws -> [Float] {
        let end = try #require(model.outputs.first { $0.name == output })
        let network = try GraphReader.read(
            model.graph, input: model.inputs[0].tensor, inputShape: [1, 4, 4, 3], outputs: [end.tensor])
        try network.verify()
        return try NetworkEvaluator.run(network, Self.input)[0].values
    }

    func expectClose(_ values: [Float], _ expected: [Float]) {
        #expect(values.count == expected.count)
        let largest = expected.map { abs($0) }.max() ?? 0
        for (value, wanted) in zip(values, expected) { #expect(abs(value - wanted) <= 1e-5 * largest) }
    }

    @Test("a model of TensorFlow 2 computes what TensorFlow does")
    func functions() throws {
        let model = try SavedModel.read(folder: Self.folder("two"))
        #expect(model.signature == "serving_default")
        #expect(model.inputs.map(\.name) == ["image"] && model.inputs[0].shape == [-1, 4, 4, 3])
        #expect(model.outputs.map(\.name) == ["features", "map"])
        expectClose(try evaluate(model, "features"), [2.3724463, 1.0045794, -3.2730808, 2.0964928])
        let map = try evaluate(model, "map")
        expectClose([map.reduce(0, +)], [77.319062])
    }

    @Test("a session of TensorFlow 1 computes what TensorFlow does")
    func session() throws {
        let model = try SavedModel.read(folder: Self.folder("one"))
        expectClose(try evaluate(model, "default"), [-0.09783815, -2.5627956])
    }

    @Test("a model of Keras 3, whose variables are restored in copies, computes what TensorFlow does")
    func copies() throws {
        let model = try SavedModel.read(folder: Self.folder("keras3"))
        expectClose(try evaluate(model, "output_0"), [0.005355138, -0.026144784])
    }

    @Test("the frozen graph has no variables, calls or control edges, and survives being written")
    func frozen() throws {
        let model = try SavedModel.read(folder: Self.folder("two"))
        let kinds = Set(model.graph.nodes.map(\.operation))
        #expect(
            kinds.isDisjoint(with: [
                "VarHandleOp", "ReadVariableOp", "StatefulPartitionedCall", "PartitionedCall",
            ]))
        #expect(!model.graph.nodes.contains { $0.inputs.contains { $0.hasPrefix("^") } })
        let again = try GraphDef.read(ByteRegion(try GraphDef.write(model.graph)))
        #expect(again.nodes.map(\.name) == model.graph.nodes.map(\.name))
        let both = try [model.graph, again].map {
            try GraphReader.read(
                $0, input: model.inputs[0].tensor, inputShape: [1, 4, 4, 3],
                outputs: [model.outputs[0].tensor]
            ).description
        }
        #expect(both[0] == both[1])
    }

    @Test("a plain graph's functions are put in the place of their calls")
    func plainGraph() throws {
        let meta = try MetaGraph.all(
            in: ByteRegion(mapping: Self.folder("two").appending("saved_model.pb").description))
        let graph = try #require(meta[0].graph)
        let output = try #require(meta[0].signatures["serving_default"]?.outputs[0].tensor)
        let flat = try FunctionInlining.inlined(graph, for: [output])
        #expect(flat.nodes.contains { $0.operation == "FusedBatchNormV3" })
        #expect(!flat.nodes.contains { $0.operation.hasSuffix("PartitionedCall") })
    }
}

/// Copies of a model whose files are damaged.
@Suite("Damaged SavedModel folders")
final class DamagedSavedModelTests {
    let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "savedmodel-\(UUID().uuidString)")
        try FileManager.default.copyItem(at: SavedModelTests.models.appendingPathComponent("two"), to: folder)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func read() throws(SavedModelError) { _ = try SavedModel.read(folder: FilePath(folder.path)) }

    func data(_ name: String) throws -> Data { try Data(contentsOf: folder.appendingPathComponent(name)) }

    func withFile(_ name: String, _ change: (inout Data) -> Void, _ body: () throws -> Void) throws {
        var contents = try data(name)
        change(&contents)
        try contents.write(to: folder.appendingPathComponent(name))
        try body()
    }

    @Test("a missing checkpoint, and a missing graph, are told by their names")
    func missing() throws {
        try FileManager.default.removeItem(at: folder.appendingPathComponent("variables"))
        #expect(throws: SavedModelError.inputOutput(file: "variables/variables.index", errno: ENOENT)) {
            try read()
        }
        try FileManager.default.removeItem(at: folder.appendingPathComponent("saved_model.pb"))
        #expect(throws: SavedModelError.inputOutput(file: "saved_model.pb", errno: ENOENT)) { try read() }
    }

    @Test("a shard that is cut short, or of which a bit was lost, names the variable")
    func shards() throws {
        let shard = "variables/variables.data-00000-of-00001"
        let whole = try data(shard)
        try withFile(shard, { $0 = $0.prefix(100) }) {
            #expect {
                try read()
            } throws: {
                guard case .variable(_, .outsideShard(_, _, shard: 100))? = $0 as? SavedModelError else {
                    return false
                }
                return true
            }
            var flipped = whole
            for index in flipped.indices { flipped[index] ^= 1 }
            try flipped.write(to: folder.appendingPathComponent(shard))
            #expect {
                try read()
            } throws: {
                guard case .variable(_, .checksum)? = $0 as? SavedModelError else { return false }
                return true
            }
        }
    }

    @Test("an unknown signature is refused with those that there are")
    func signature() throws {
        #expect(throws: SavedModelError.noSignature("train", present: ["serving_default"])) {
            try SavedModel.read(folder: FilePath(folder.path), signature: "train")
        }
    }

    @Test("an index that is cut short or changed anywhere is read or refused, never a trap")
    func index() throws {
        let whole = try [UInt8](data("variables/variables.index"))
        let table = try SortedTable(ByteRegion(whole))
        #expect(table.values.count == 7)
        for count in 0..<whole.count {
            #expect(throws: SortedTableFault.notTable) { try SortedTable(ByteRegion(Array(whole[..<count]))) }
        }
        for place in whole.indices.dropLast(8) {
            var changed = whole
            changed[place] ^= 0x55
            // Only the footer's unused bytes are not covered by a checksum.
            if let read = try? SortedTable(ByteRegion(changed)) { #expect(read.values == table.values) }
        }
    }

    @Test("a table whose keys share more than the file is long is over the limit")
    func keyBomb() throws {
        // A block of one long key and many entries that repeat it.
        var block: [UInt8] = [0] + varint(60_000) + [0] + [UInt8](repeating: 65, count: 60_000)
        for _ in 0..<4096 { block += varint(60_000) + [0, 0] }
        #expect {
            try SortedTable(ByteRegion(Self.table(block)))
        } throws: {
            guard case .overLimit(_, SortedTable.maximumKeyBytes)? = $0 as? SortedTableFault else {
                return false
            }
            return true
        }
    }

    func varint(_ value: Int) -> [UInt8] { Self.varint(value) }
    static func varint(_ value: Int) -> [UInt8] {
        var writer = WireWriter()
        writer.varint(UInt64(value))
        guard case .bytes(let bytes)? = writer.pieces.first else { return [] }
        return bytes
    }

    /// A table of one block of entries.
    static func table(_ entries: [UInt8]) -> [UInt8] {
        var file: [UInt8] = []
        func add(_ entries: [UInt8]) -> [UInt8] {
            let contents = entries + [0, 0, 0, 0]
            let handle = varint(file.count) + varint(contents.count)
            file +=
                contents + [0]
                + withUnsafeBytes(of: CRC32C.masked(contents + [0]).littleEndian) { [UInt8]($0) }
            return handle
        }
        let handle = add(entries)
        let index = add([0, 1] + varint(handle.count) + [90] + handle)
        let footer = add([]) + index
        file += footer + [UInt8](repeating: 0, count: 40 - footer.count)
        return file + withUnsafeBytes(of: UInt64(0xdb47_7524_8b80_fb57).littleEndian) { [UInt8]($0) }
    }
}
