import Compression
import SystemFiles
import TensorGraph

/// A checkpoint: the index `variables.index` of tensors, whose elements lie in shards such as
/// `variables.data-00000-of-00001`.
///
/// A shard is mapped when one of its tensors is read; tensors are slices of the mapping.
///
/// - Source: tensorflow/core/util/tensor_bundle/tensor_bundle.h, tensorflow/core/protobuf/tensor_bundle.proto
struct TensorBundle {
    private let folder: FilePath
    private let index: ByteRegion
    private let places: [[UInt8]: Range<Int>]
    private let shardCount: Int
    private var shards: [Int: ByteRegion] = [:]

    private static let indexName = "variables/variables.index"

    /// - Parameter folder: The folder of the SavedModel.
    init(folder: FilePath) throws(SavedModelError) {
        self.folder = folder
        index = try SavedModel.mapped(Self.indexName, in: folder)
        do throws(SortedTableFault) { places = try SortedTable(index).values } catch { throw .index(error) }
        guard let place = places[[]] else { throw .index(.header) }
        var shardCount = 0, isBigEndian = false
        try Self.fields(of: index[place]) { (field, message) throws(GraphDefError) in
            switch field.number {
            case 1:
                try message.expect(.varint, field)
                shardCount = Int(clamping: try message.varint())
            case 2:
                try message.expect(.varint, field)
                isBigEndian = try message.varint() != 0
            default: try message.skip(field)
            }
        }
        guard !isBigEndian, (1...99_999).contains(shardCount) else { throw .index(.header) }
        self.shardCount = shardCount
    }

    /// A tensor's `BundleEntryProto`.
    private struct Entry {
        var type: ElementType?
        var shape: [Int]? = []
        var shard = 0, offset = 0, size = 0
        var checksum: UInt32?
        var isPartitioned = false
    }

    /// Returns the tensor of a key.
    ///
    /// - Parameters:
    ///   - key: The tensor's key in the index.
    ///   - name: The variable's name, for errors.
    mutating func tensor(_ key: String, name: String) throws(SavedModelError) -> Tensor {
        guard let place = places[Array(key.utf8)] else {
            throw .variable(name: name, .missing(key: key))
        }
        let entry = try Self.entry(index[place])
        func refuse(_ fault: VariableFault) -> SavedModelError { .variable(name: name, fault) }
        guard !entry.isPartitioned else { throw refuse(.partitioned) }
        guard let type = entry.type, let size = type.size, let shape = entry.shape else {
            throw refuse(.unsupportedType(entry.type))
        }
        // The product does not overflow, because the shape was checked like a constant's.
        let expected = shape.reduce(1, *) * size
        guard entry.size == expected else {
            throw refuse(.sizeMismatch(expected: expected, found: entry.size))
        }
        guard entry.shard < shardCount else { throw refuse(.noSuchShard(entry.shard, of: shardCount)) }
        let shard = try self.shard(entry.shard)
        guard entry.size <= shard.count, entry.offset <= shard.count - entry.size else {
            throw refuse(.outsideShard(offset: entry.offset, size: entry.size, shard: shard.count))
        }
        let bytes = shard[entry.offset..<(entry.offset + entry.size)]
        if let checksum = entry.checksum {
            guard bytes.withUnsafeBytes({ CRC32C.masked($0) }) == checksum else { throw refuse(.checksum) }
        }
        return Tensor(type: type, shape: shape, contents: .dense(bytes))
    }

    private mutating func shard(_ number: Int) throws(SavedModelError) -> ByteRegion {
        if let mapped = shards[number] { return mapped }
        func digits(_ number: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, 5 - text.count)) + text
        }
        let name = "variables/variables.data-\(digits(number))-of-\(digits(shardCount))"
        let region = try SavedModel.mapped(name, in: folder)
        shards[number] = region
        return region
    }

    private static func entry(_ region: ByteRegion) throws(SavedModelError) -> Entry {
        var entry = Entry()
        try fields(of: region) { (field, message) throws(GraphDefError) in
            func number(_ message: inout WireReader) throws(GraphDefError) -> Int {
                try message.expect(.varint, field)
                return Int(clamping: try message.varint())
            }
            switch field.number {
            case 1:
                try message.expect(.varint, field)
                entry.type = ElementType(encoded: try message.varint())
            case 2:
                try message.expect(.lengthDelimited, field)
                entry.shape = try TensorReader.shape(try message.message(), of: .constant)
            case 3: entry.shard = try number(&message)
            case 4: entry.offset = try number(&message)
            case 5: entry.size = try number(&message)
            case 6:
                try message.expect(.fixed32, field)
                entry.checksum = try message.fixed32()
            case 7:
                try message.skip(field)
                entry.isPartitioned = true
            default: try message.skip(field)
            }
        }
        return entry
    }

    private static func fields(
        of region: ByteRegion, _ body: (WireField, inout WireReader) throws(GraphDefError) -> Void
    ) throws(SavedModelError) {
        do throws(GraphDefError) {
            try region.withUnsafeBytes { (bytes) throws(GraphDefError) in
                var message = WireReader(file: bytes)
                while let field = try message.next() { try body(field, &message) }
            }
        } catch { throw .malformed(file: indexName, error) }
    }
}
