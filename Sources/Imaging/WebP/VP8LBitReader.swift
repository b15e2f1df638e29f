/// A reader for the bits of a VP8L stream, least significant first (RFC 9649 §3.3).
///
/// Beyond the end of the data it reads zeros. Loops copy it into a local variable.
struct VP8LBitReader {
    private var buffer: UInt64 = 0
    /// The number of bits in the buffer, including padding.
    private var count = 0
    private var next: UnsafePointer<UInt8>
    private let end: UnsafePointer<UInt8>
    /// The number of padding bits. libwebp tolerates missing bits in streams of fewer than eight bytes.
    private var missing: Int

    init(_ bytes: UnsafeRawBufferPointer) {
        next =
            bytes.baseAddress.map { $0.assumingMemoryBound(to: UInt8.self) } ?? UnsafePointer(bitPattern: 1)!
        end = next + bytes.count
        missing = -8 * max(0, 8 - bytes.count)
    }

    /// Whether bits beyond the data were used.
    @inline(__always) var isExhausted: Bool { count < missing }

    /// Ensures that at least 56 bits are ready.
    @inline(__always) mutating func refill() {
        if end - next >= 8 {
            buffer |=
                UnsafeRawPointer(next).loadUnaligned(as: UInt64.self).littleEndian
                &<< UInt64(truncatingIfNeeded: count)
            next += (63 &- count) &>> 3
            count |= 56
        } else {
            refillAtEnd()
        }
    }

    @inline(never) private mutating func refillAtEnd() {
        // The bits above `count` are read again.
        buffer &= (1 &<< UInt64(truncatingIfNeeded: count)) &- 1
        while count < 56 {
            if next < end {
                buffer |= UInt64(next.pointee) &<< UInt64(truncatingIfNeeded: count)
                next += 1
            } else if missing < 1 << 40 {
                missing &+= 8
            }
            count &+= 8
        }
    }

    /// The number of bits that are ready.
    @inline(__always) var available: Int { count }

    /// The next bits, of which only the `available` ones are valid.
    @inline(__always) var bits: UInt64 { buffer }

    @inline(__always) mutating func take(_ bits: Int) {
        buffer = buffer &>> UInt64(truncatingIfNeeded: bits)
        count &-= bits
    }

    /// - Parameter count: The number of bits, 0...32, which must be ready.
    @inline(__always) mutating func take(number count: Int) -> Int {
        let value = Int(truncatingIfNeeded: buffer & ((1 &<< UInt64(truncatingIfNeeded: count)) &- 1))
        take(count)
        return value
    }

    /// - Parameter count: The number of bits, 0...32.
    mutating func read(_ count: Int) -> Int {
        refill()
        return take(number: count)
    }
}
