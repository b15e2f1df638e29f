import Compression

/// TensorFlow's record format: a length, its checksum, the bytes, and their checksum, all little-endian.
///
/// - Source: TensorFlow `core/lib/io/record_writer.h`.
enum TFRecord {
    static func framed(_ record: [UInt8]) -> [UInt8] {
        let length = bytes(of: UInt64(record.count))
        return length + bytes(of: CRC32C.masked(length)) + record + bytes(of: CRC32C.masked(record))
    }

    /// Returns the record at an offset and the offset of the next one; nil if it is truncated or a checksum
    /// is wrong.
    static func read(_ file: UnsafeRawBufferPointer, at start: Int) -> (
        contents: UnsafeRawBufferPointer, next: Int
    )? {
        func checksum(_ at: Int) -> UInt32 {
            UInt32(littleEndian: file.loadUnaligned(fromByteOffset: at, as: UInt32.self))
        }
        guard file.count - start >= 16, checksum(start + 8) == CRC32C.masked(Array(file[start..<(start + 8)]))
        else { return nil }
        let length = UInt64(littleEndian: file.loadUnaligned(fromByteOffset: start, as: UInt64.self))
        guard length <= UInt64(file.count - start - 16) else { return nil }
        let end = start + 12 + Int(length),
            contents = UnsafeRawBufferPointer(rebasing: file[(start + 12)..<end])
        return checksum(end) == CRC32C.masked(Array(contents)) ? (contents, end + 4) : nil
    }

    private static func bytes(of value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
}
