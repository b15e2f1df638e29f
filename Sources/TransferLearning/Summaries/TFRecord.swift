/// TensorFlow's framing of records in a file: length, its checksum, the bytes, their checksum, all little-endian.
///
/// - Source: TensorFlow `core/lib/io/record_writer.h`.
enum TFRecord {
    static func framed(_ record: [UInt8]) -> [UInt8] {
        let length = bytes(of: UInt64(record.count))
        return length + bytes(of: CRC32C.masked(length)) + record + bytes(of: CRC32C.masked(record))
    }

    /// The record at a byte, and where the next begins; nil where it is cut short or a checksum is wrong.
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

/// CRC-32C (Castagnoli; reflected polynomial 0x82F63B78, RFC 3720 §12.1).
enum CRC32C {
    static func checksum(_ bytes: [UInt8]) -> UInt32 {
        var crc: UInt32 = 0xffff_ffff
        for byte in bytes { crc = table[Int((crc ^ UInt32(byte)) & 255)] ^ (crc >> 8) }
        return ~crc
    }

    /// Rotated and shifted, so that the checksum of bytes which hold checksums stays a good one (`core/lib/hash/crc32c.h`).
    static func masked(_ bytes: [UInt8]) -> UInt32 {
        let crc = checksum(bytes)
        return ((crc >> 15) | (crc << 17)) &+ 0xa282_ead8
    }

    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { crc, _ in crc & 1 == 1 ? 0x82f6_3b78 ^ (crc >> 1) : crc >> 1 }
    }
}
