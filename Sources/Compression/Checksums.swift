/// The CRC-32 of gzip, zip and PNG (ISO 3309; reflected polynomial 0xEDB88320).
package struct CRC32: Sendable {
    private var register: UInt32 = 0xffff_ffff

    package init() {}

    /// The checksum of all bytes so far.
    package var value: UInt32 { ~register }

    /// Adds bytes with the slicing-by-16 algorithm, whose sixteen table lookups per step are independent of
    /// each other.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard var p = bytes.baseAddress else { return }
        let t = Self.tables
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
        register = crc
    }

    package static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var crc = CRC32()
        crc.update(bytes)
        return crc.value
    }

    package static func checksum(_ bytes: [UInt8]) -> UInt32 {
        bytes.withUnsafeBytes { checksum($0) }
    }

    /// The tables, `[16, 256]`: row n holds the CRC of each byte followed by n zero bytes. They are
    /// initialized once, never freed, and only read.
    nonisolated(unsafe) private static let tables: UnsafePointer<UInt32> = {
        let tables = UnsafeMutablePointer<UInt32>.allocate(capacity: 16 * 256)
        for byte in 0..<256 {
            var crc = UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? 0xedb8_8320 ^ (crc >> 1) : crc >> 1 }
            tables[byte] = crc
        }
        for i in 256..<(16 * 256) { tables[i] = tables[Int(tables[i - 256] & 255)] ^ (tables[i - 256] >> 8) }
        return UnsafePointer(tables)
    }()
}

/// The Adler-32 checksum of a zlib stream (RFC 1950 §9).
package struct Adler32: Sendable {
    private var low: UInt32 = 1
    private var high: UInt32 = 0

    package init() {}

    /// The checksum of all bytes so far.
    package var value: UInt32 { high << 16 | low }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard var p = bytes.assumingMemoryBound(to: UInt8.self).baseAddress else { return }
        var left = bytes.count
        while left > 0 {
            // Each lane grows by at most 255 per step, so 16 bits hold 257 steps of 16 bytes.
            let run = min(left, 257 * 16)
            let steps = run / 16
            // The dependency is from step to step, not from byte to byte. Bytes are handled as the halves of
            // 16-bit lanes, and those as halves of 32-bit lanes, so that every operation works on whole
            // vectors.
            var (sums, prefixes) = (SIMD4<UInt32>(), SIMD4<UInt32>())
            var (even, odd) = (SIMD8<UInt16>(), SIMD8<UInt16>())
            for step in 0..<steps {
                // Unsafe: `16 * steps <= left`.
                let pairs = (UnsafeRawPointer(p) + 16 * step).loadUnaligned(as: SIMD8<UInt16>.self)
                let (low, high) = (pairs & 255, pairs &>> 8)
                even &+= low
                odd &+= high
                let quads = unsafeBitCast(low &+ high, to: SIMD4<UInt32>.self)
                prefixes &+= sums
                sums &+= (quads & 0xffff) &+ (quads &>> 16)
            }
            var weighted: UInt32 = 0
            for lane in 0..<8 {
                let (first, second) = (UInt32(16 - 2 * lane), UInt32(15 - 2 * lane))
                weighted &+= first &* UInt32(even[lane]) &+ second &* UInt32(odd[lane])
            }
            high &+= low &* UInt32(16 * steps) &+ 16 &* prefixes.wrappedSum() &+ weighted
            low &+= sums.wrappedSum()
            for i in (16 * steps)..<run {
                low &+= UInt32(p[i])
                high &+= low
            }
            (low, high) = (low % 65521, high % 65521)
            p += run
            left -= run
        }
    }

    package static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var adler = Adler32()
        adler.update(bytes)
        return adler.value
    }

    package static func checksum(_ bytes: [UInt8]) -> UInt32 {
        bytes.withUnsafeBytes { checksum($0) }
    }
}
