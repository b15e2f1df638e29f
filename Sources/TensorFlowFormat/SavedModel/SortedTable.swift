import Compression
import TensorGraph

/// A sorted table of keys and values in LevelDB's format, with which TensorFlow's checkpoints index their
/// tensors.
///
/// The footer at the end of the file refers to an index block, whose values refer to the blocks of the
/// table's entries. Within a block, a key omits the prefix that it shares with the previous key.
///
/// - Source: https://github.com/google/leveldb/blob/main/doc/table_format.md; tensorflow/core/lib/io/format.h
struct SortedTable {
    /// The maximum number of entries; a model has a few thousand variables.
    static let maximumEntries = 1 << 20
    /// The maximum size of all keys, in bytes; keys that share prefixes can be longer than the file.
    static let maximumKeyBytes = 1 << 26

    /// The range of each key's value in the file.
    private(set) var values: [[UInt8]: Range<Int>] = [:]
    private var keyBytes = 0

    init(_ region: ByteRegion) throws(SortedTableFault) {
        self = try region.withUnsafeBytes { (file) throws(SortedTableFault) in try SortedTable(file: file) }
    }

    private init(file: UnsafeRawBufferPointer) throws(SortedTableFault) {
        let footer = 48, magic: UInt64 = 0xdb47_7524_8b80_fb57
        guard file.count >= footer,
            UInt64(littleEndian: file.loadUnaligned(fromByteOffset: file.count - 8, as: UInt64.self)) == magic
        else { throw .notTable }
        var cursor = Cursor(file: file, offset: file.count - footer, end: file.count - 8)
        _ = try cursor.handle()
        let index = try Self.block(try cursor.handle(), in: file)
        var blocks: [Range<Int>] = []
        try entries(of: index, in: file) { (_, value) throws(SortedTableFault) in blocks.append(value) }
        var left = file.count
        for place in blocks {
            var cursor = Cursor(file: file, offset: place.lowerBound, end: place.upperBound)
            let handle = try cursor.handle()
            // Blocks do not overlap, so that the work is bounded by the file's size.
            guard handle.size <= left else { throw .block(offset: handle.offset, size: handle.size) }
            left -= handle.size
            let block = try Self.block(handle, in: file)
            var found: [([UInt8], Range<Int>)] = []
            try entries(of: block, in: file) { (key, value) throws(SortedTableFault) in
                found.append((key, value))
            }
            for (key, value) in found { values[key] = value }
        }
    }

    /// Returns the range of a block's entries, after its checksum is verified.
    private static func block(
        _ handle: (offset: Int, size: Int), in file: UnsafeRawBufferPointer
    ) throws(SortedTableFault) -> Range<Int> {
        let trailer = 5
        guard file.count >= trailer, handle.size <= file.count - trailer,
            handle.offset <= file.count - trailer - handle.size
        else { throw .block(offset: handle.offset, size: handle.size) }
        let end = handle.offset + handle.size
        let checksum = UInt32(littleEndian: file.loadUnaligned(fromByteOffset: end + 1, as: UInt32.self))
        guard checksum == CRC32C.masked(UnsafeRawBufferPointer(rebasing: file[handle.offset...end])) else {
            throw .checksum(offset: handle.offset)
        }
        guard file[end] == 0 else { throw .compressedBlock(offset: handle.offset, kind: Int(file[end])) }
        // The block ends with its restart points, 32 bits each, and their number.
        guard handle.size >= 4 else { throw .block(offset: handle.offset, size: handle.size) }
        let count = Int(UInt32(littleEndian: file.loadUnaligned(fromByteOffset: end - 4, as: UInt32.self)))
        guard count <= handle.size / 4 - 1 else { throw .block(offset: handle.offset, size: handle.size) }
        return handle.offset..<(end - 4 - 4 * count)
    }

    private mutating func entries(
        of block: Range<Int>, in file: UnsafeRawBufferPointer,
        _ body: ([UInt8], Range<Int>) throws(SortedTableFault) -> Void
    ) throws(SortedTableFault) {
        var cursor = Cursor(file: file, offset: block.lowerBound, end: block.upperBound)
        var key: [UInt8] = [], count = 0
        while cursor.offset < cursor.end {
            let start = cursor.offset
            let shared = try cursor.varint(), unshared = try cursor.varint(), length = try cursor.varint()
            guard shared <= key.count, let rest = cursor.take(unshared), let value = cursor.take(length)
            else {
                throw .entry(offset: start)
            }
            keyBytes += shared + unshared
            guard keyBytes <= Self.maximumKeyBytes else {
                throw .overLimit(offset: start, limit: Self.maximumKeyBytes)
            }
            count += 1
            guard values.count + count <= Self.maximumEntries else {
                throw .overLimit(offset: start, limit: Self.maximumEntries)
            }
            key.removeLast(key.count - shared)
            key.append(contentsOf: file[rest])
            try body(key, value)
        }
    }

    private struct Cursor {
        let file: UnsafeRawBufferPointer
        var offset: Int
        let end: Int

        mutating func varint() throws(SortedTableFault) -> Int {
            let start = offset
            var value: UInt64 = 0
            for shift in stride(from: UInt64(0), through: 56, by: 7) {
                guard offset < end else { break }
                let byte = file[offset]
                offset += 1
                value |= UInt64(byte & 0x7f) << shift
                if byte < 0x80 { return Int(value) }
            }
            throw .entry(offset: start)
        }

        mutating func handle() throws(SortedTableFault) -> (offset: Int, size: Int) {
            (try varint(), try varint())
        }

        mutating func take(_ count: Int) -> Range<Int>? {
            guard count <= end - offset else { return nil }
            defer { offset += count }
            return offset..<(offset + count)
        }
    }
}
