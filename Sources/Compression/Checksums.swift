/// The CRC-32 of gzip, zip and PNG (ISO 3309; reflected polynomial 0xEDB88320).
package struct CRC32: Sendable {
    private var register: UInt32 = 0xffff_ffff

    package init() {}

    /// The checksum of all bytes so far.
    package var value: UInt32 { ~register }

    /// Adds bytes.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        register = Self.code.updated(register, bytes)
    }

    package static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var crc = CRC32()
        crc.update(bytes)
        return crc.value
    }

    package static func checksum(_ bytes: [UInt8]) -> UInt32 {
        bytes.withUnsafeBytes { checksum($0) }
    }

    private static let code = ReflectedCRC(polynomial: 0xedb8_8320)
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
