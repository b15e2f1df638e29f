/// CRC-32 as gzip, zip and PNG use it (ISO 3309; reflected polynomial 0xEDB88320).
package struct CRC32: Sendable {
    private var register: UInt32 = 0xffff_ffff

    package init() {}

    /// The checksum of everything given so far.
    package var value: UInt32 { ~register }

    /// Slicing by sixteen: sixteen independent table reads a step instead of sixteen that wait for each other.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard var p = bytes.baseAddress else { return }
        let t = Self.tables
        var (crc, left) = (register, bytes.count)
        // Unsafe: a byte indexes a table of 256, and whole 16-byte steps are counted before they are read.
        while left >= 16 {
            let a = UInt64(littleEndian: p.loadUnaligned(as: UInt64.self)) ^ UInt64(crc)
            let b = UInt64(littleEndian: p.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            let first = t[15 * 256 + Int(a & 255)] ^ t[14 * 256 + Int(a &>> 8 & 255)]
                ^ t[13 * 256 + Int(a &>> 16 & 255)] ^ t[12 * 256 + Int(a &>> 24 & 255)]
            let second = t[11 * 256 + Int(a &>> 32 & 255)] ^ t[10 * 256 + Int(a &>> 40 & 255)]
                ^ t[9 * 256 + Int(a &>> 48 & 255)] ^ t[8 * 256 + Int(a &>> 56)]
            let third = t[7 * 256 + Int(b & 255)] ^ t[6 * 256 + Int(b &>> 8 & 255)]
                ^ t[5 * 256 + Int(b &>> 16 & 255)] ^ t[4 * 256 + Int(b &>> 24 & 255)]
            let fourth = t[3 * 256 + Int(b &>> 32 & 255)] ^ t[2 * 256 + Int(b &>> 40 & 255)]
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

    /// `[16, 256]`: row n holds the CRC of a byte followed by n zero bytes. Made once, never freed, only read.
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

/// Adler-32, the checksum of a zlib stream (RFC 1950 §9).
package struct Adler32: Sendable {
    private var low: UInt32 = 1
    private var high: UInt32 = 0

    package init() {}

    /// The checksum of everything given so far.
    package var value: UInt32 { high << 16 | low }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard var p = bytes.assumingMemoryBound(to: UInt8.self).baseAddress else { return }
        var left = bytes.count
        while left > 0 {
            // The longest run for which 32 bits cannot overflow is 5,552 bytes (zlib's NMAX): 173 steps of 32.
            let run = min(left, 5536)
            let steps = run / 32
            // Sums of bytes by lane, of those sums, and of bytes weighted by their place in a step: the chain from
            // byte to byte becomes one from step to step.
            var (sums, prefixes, weighted) = (SIMD16<UInt32>(), SIMD16<UInt32>(), SIMD16<UInt32>())
            let weights0 = SIMD16<UInt16>(32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17)
            let weights1 = weights0 &- 16
            for step in 0..<steps {
                // Unsafe: `steps * 32 <= left`.
                let v0 = SIMD16<UInt16>(truncatingIfNeeded: UnsafeRawPointer(p + 32 * step).loadUnaligned(as: SIMD16<UInt8>.self))
                let v1 = SIMD16<UInt16>(truncatingIfNeeded: UnsafeRawPointer(p + 32 * step + 16).loadUnaligned(as: SIMD16<UInt8>.self))
                prefixes &+= sums
                sums &+= SIMD16<UInt32>(truncatingIfNeeded: v0 &+ v1)
                weighted &+= SIMD16<UInt32>(truncatingIfNeeded: v0 &* weights0 &+ v1 &* weights1)
            }
            high &+= low &* UInt32(32 * steps) &+ 32 &* prefixes.wrappedSum() &+ weighted.wrappedSum()
            low &+= sums.wrappedSum()
            for i in (32 * steps)..<run {
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
