/// TensorFlow's framing of records in a file: length, its checksum, the bytes, their checksum, all little-endian.
///
/// - Source: TensorFlow `core/lib/io/record_writer.h`.
enum TFRecord {
    static func framed(_ record: [UInt8]) -> [UInt8] {
        let length = bytes(of: UInt64(record.count))
        return length + bytes(of: CRC32C.masked(length)) + record + bytes(of: CRC32C.masked(record))
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
