/// Bits of a VP8L stream, the least significant first (RFC 9649 §3.3).
///
/// Beyond the end of its data it reads zeros. Loops copy it into a local variable.
struct VP8LBitReader {
    private var buffer: UInt64 = 0
    /// How many bits of the buffer are there; made up ones count too.
    private var count = 0
    private var next: UnsafePointer<UInt8>
    private let end: UnsafePointer<UInt8>
    /// How many bits were made up. libwebp allows streams of fewer than eight bytes the rest of them.
    private var missing: Int

    init(_ bytes: UnsafeRawBufferPointer) {
        next =
            bytes.baseAddress.map { $0.assumingMemoryBound(to: UInt8.self) } ?? UnsafePointer(bitPattern: 1)!
        end = next + bytes.count
        missing = -8 * max(0, 8 - bytes.count)
    }

    /// Whether bits beyond the data were used.
    @inline(__always) var isExhausted: Bool { count < missing }

    /// Makes at least 56 bits ready.
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
        // What lies above `count` comes again.
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

    /// How many bits are ready.
    @inline(__always) var available: Int { count }

    /// The next bits, of which only those that `refill` made ready are known.
    @inline(__always) var bits: UInt64 { buffer }

    @inline(__always) mutating func take(_ bits: Int) {
        buffer = buffer &>> UInt64(truncatingIfNeeded: bits)
        count &-= bits
    }

    /// - Parameter count: 0...32, ready.
    @inline(__always) mutating func take(number count: Int) -> Int {
        let value = Int(truncatingIfNeeded: buffer & ((1 &<< UInt64(truncatingIfNeeded: count)) &- 1))
        take(count)
        return value
    }

    /// - Parameter count: 0...32.
    mutating func read(_ count: Int) -> Int {
        refill()
        return take(number: count)
    }
}
