/// A cyclic redundancy check of 32 bits with reflected input and output.
struct ReflectedCRC: @unchecked Sendable {
    /// The tables, `[16, 256]`: row n holds the CRC of each byte followed by n zero bytes. They are
    /// initialized once, never freed, and only read.
    private let tables: UnsafePointer<UInt32>

    /// - Parameter polynomial: The generator polynomial, with the coefficient of x³¹ in the lowest bit.
    init(polynomial: UInt32) {
        let tables = UnsafeMutablePointer<UInt32>.allocate(capacity: 16 * 256)
        for byte in 0..<256 {
            var crc = UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? polynomial ^ (crc >> 1) : crc >> 1 }
            tables[byte] = crc
        }
        for i in 256..<(16 * 256) { tables[i] = tables[Int(tables[i - 256] & 255)] ^ (tables[i - 256] >> 8) }
        self.tables = UnsafePointer(tables)
    }

    /// Adds bytes with the slicing-by-16 algorithm, whose sixteen table lookups per step are independent of
    /// each other, and returns the new register.
    func updated(_ register: UInt32, _ bytes: UnsafeRawBufferPointer) -> UInt32 {
        guard var p = bytes.baseAddress else { return register }
        let t = tables
        var (crc, left) = (register, bytes.count)
        // Unsafe: a byte indexes 256 entries, and 16-byte steps are counted before they are read.
        while left >= 16 {
            let a = UInt64(littleEndian: p.loadUnaligned(as: UInt64.self)) ^ UInt64(crc)
            let b = UInt64(littleEndian: p.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            let first =
                t[15 * 256 + Int(a & 255)] ^ t[14 * 256 + Int(a &>> 8 & 255)]
                ^ t[13 * 256 + Int(a &>> 16 & 255)] ^ t[12 * 256 + Int(a &>> 24 & 255)]
            let second =
                t[11 * 256 + Int(a &>> 32 & 255)] ^ t[10 * 256 + Int(a &>> 40 & 255)]
                ^ t[9 * 256 + Int(a &>> 48 & 255)] ^ t[8 * 256 + Int(a &>> 56)]
            let third =
                t[7 * 256 + Int(b & 255)] ^ t[6 * 256 + Int(b &>> 8 & 255)]
                ^ t[5 * 256 + Int(b &>> 16 & 255)] ^ t[4 * 256 + Int(b &>> 24 & 255)]
            let fourth =
                t[3 * 256 + Int(b &>> 32 & 255)] ^ t[2 * 256 + Int(b &>> 40 & 255)]
                ^ t[256 + Int(b &>> 48 & 255)] ^ t[Int(b &>> 56)]
            crc = (first ^ second) ^ (third ^ fourth)
            p += 16
            left -= 16
        }
        while left > 0 {
            crc = t[Int((crc ^ UInt32(p.load(as: UInt8.self))) & 255)] ^ (crc &>> 8)
            p += 1
            left -= 1
        }
        return crc
    }
}

/// The CRC-32C checksum of TensorFlow's files (Castagnoli; reflected polynomial 0x82F63B78, RFC 3720 §12.1).
package enum CRC32C {
    package static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        ~code.updated(0xffff_ffff, bytes)
    }

    package static func checksum(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { checksum($0) } }

    /// Returns the checksum as TensorFlow stores it: rotated and with a constant added, so that a checksum of
    /// bytes that contain checksums remains a good one.
    ///
    /// - Source: TensorFlow `core/lib/hash/crc32c.h`.
    package static func masked(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        let crc = checksum(bytes)
        return ((crc >> 15) | (crc << 17)) &+ 0xa282_ead8
    }

    package static func masked(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { masked($0) } }

    private static let code = ReflectedCRC(polynomial: 0x82f6_3b78)
}
