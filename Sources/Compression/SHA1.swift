/// SHA-1 (FIPS 180-4), which is not collision-resistant; retrain.py assigns images to its splits by it.
package struct SHA1: Sendable {
    /// A digest of 20 bytes.
    package struct Digest: Hashable, Sendable, CustomStringConvertible {
        package let bytes: [UInt8]
        package var description: String { Hexadecimal.text(bytes) }

        /// Returns the last `bits` bits, at most 64: the digest as a big-endian number modulo `2^bits`.
        package func remainder(bits: Int) -> UInt64 {
            precondition(bits > 0 && bits <= 64)
            let low = bytes.suffix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            return bits == 64 ? low : low & ((1 << UInt64(bits)) - 1)
        }
    }

    private var state: (UInt32, UInt32, UInt32, UInt32, UInt32) = (
        0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0
    )
    private var tail = MessageTail()

    package init() {}

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        tail.append(bytes) { blocks, count in Self.compress(&state, blocks, count) }
    }

    package mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    /// Returns the digest of all bytes so far; further updates are allowed.
    package func finalize() -> Digest {
        var (state, tail) = (state, tail)
        tail.finish { blocks, count in Self.compress(&state, blocks, count) }
        let words = [state.0, state.1, state.2, state.3, state.4]
        return Digest(
            bytes: words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * $0)) } })
    }

    package static func hash(_ bytes: UnsafeRawBufferPointer) -> Digest {
        var hash = SHA1()
        hash.update(bytes)
        return hash.finalize()
    }

    package static func hash(_ bytes: [UInt8]) -> Digest {
        bytes.withUnsafeBytes { hash($0) }
    }

    /// Compresses `count` blocks of 64 bytes into the state (FIPS 180-4 §6.1.2).
    private static func compress(
        _ state: inout (UInt32, UInt32, UInt32, UInt32, UInt32), _ blocks: UnsafeRawPointer, _ count: Int
    ) {
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 80) { schedule in
            // Unsafe: the schedule has 80 words, and every index is below 80.
            guard let w = schedule.baseAddress else { return }
            for block in 0..<count {
                let p = blocks + 64 * block
                for i in 0..<16 {
                    w[i] = UInt32(bigEndian: p.loadUnaligned(fromByteOffset: 4 * i, as: UInt32.self))
                }
                for i in 16..<80 { w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1) }
                var (a, b, c, d, e) = state
                for i in 0..<80 {
                    let (f, k): (UInt32, UInt32) =
                        switch i {
                        case ..<20: (d ^ (b & (c ^ d)), 0x5a82_7999)
                        case ..<40: (b ^ c ^ d, 0x6ed9_eba1)
                        case ..<60: ((b & c) | (d & (b | c)), 0x8f1b_bcdc)
                        default: (b ^ c ^ d, 0xca62_c1d6)
                        }
                    let next = rotate(a, 5) &+ f &+ e &+ k &+ w[i]
                    (e, d, c, b, a) = (d, c, rotate(b, 30), a, next)
                }
                state = (state.0 &+ a, state.1 &+ b, state.2 &+ c, state.3 &+ d, state.4 &+ e)
            }
        }
    }

    @inline(__always) private static func rotate(_ x: UInt32, _ n: UInt32) -> UInt32 {
        (x &<< n) | (x &>> (32 &- n))
    }
}
