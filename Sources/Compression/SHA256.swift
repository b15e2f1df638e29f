import HashInstructions

/// SHA-256 (FIPS 180-4), of a whole buffer or incrementally.
///
///     SHA256.hash(bytes).description   // "e3b0c442…"
package struct SHA256: Sendable {
    /// A digest of 32 bytes as the eight 32-bit words of FIPS 180-4 §6.2.2.
    package struct Digest: Hashable, Sendable, CustomStringConvertible {
        package let words: SIMD8<UInt32>

        init(words: SIMD8<UInt32>) { self.words = words }

        /// Reads 32 bytes in printed order; returns `nil` for any other count.
        package init?(bytes: some Collection<UInt8>) {
            guard bytes.count == 32 else { return nil }
            var words = SIMD8<UInt32>()
            for (index, byte) in bytes.enumerated() {
                words[index / 4] = words[index / 4] << 8 | UInt32(byte)
            }
            self.words = words
        }

        /// Reads 64 hexadecimal digits; returns `nil` for anything else.
        package init?(hexadecimal text: some StringProtocol) {
            guard let bytes = Hexadecimal.bytes(text) else { return nil }
            self.init(bytes: bytes)
        }

        package var bytes: [UInt8] {
            (0..<32).map { UInt8(truncatingIfNeeded: words[$0 / 4] >> (24 - 8 * ($0 % 4))) }
        }
        package var description: String { Hexadecimal.text(bytes) }
    }

    private var state = SIMD8<UInt32>(
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19
    )
    private var tail = MessageTail()

    private let compress: Compression

    package init() { self.init(usesInstructions: Self.hasInstructions) }

    /// - Parameter usesInstructions: Whether to use the processor's SHA instructions, which it must have.
    init(usesInstructions: Bool) { compress = usesInstructions ? Self.compressByInstructions : Self.compress }

    static let hasInstructions = cpu_has_sha256()

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        let compress = compress
        tail.append(bytes) { blocks, count in compress(&state, blocks, count) }
    }

    package mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    /// Returns the digest of all bytes so far; further updates are allowed.
    package func finalize() -> Digest {
        var (state, tail) = (state, tail)
        let compress = compress
        tail.finish { blocks, count in compress(&state, blocks, count) }
        return Digest(words: state)
    }

    package static func hash(_ bytes: UnsafeRawBufferPointer) -> Digest {
        var hash = SHA256()
        hash.update(bytes)
        return hash.finalize()
    }

    package static func hash(_ bytes: [UInt8]) -> Digest {
        bytes.withUnsafeBytes { hash($0) }
    }
}

/// The round constants (FIPS 180-4 §4.2.2): fractional parts of the cube roots of the first 64 primes.
private let roundConstants: [UInt32] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
]

extension SHA256 {
    private typealias Compression =
        @Sendable (_ state: inout SIMD8<UInt32>, _ blocks: UnsafeRawPointer, _ count: Int) -> Void

    private static func compressByInstructions(
        _ state: inout SIMD8<UInt32>, _ blocks: UnsafeRawPointer, _ count: Int
    ) {
        withUnsafeMutableBytes(of: &state) { state in
            sha256_compress(
                state.baseAddress?.assumingMemoryBound(to: UInt32.self), blocks, count, roundConstants)
        }
    }

    /// Compresses `count` blocks of 64 bytes into the state (FIPS 180-4 §6.2.2).
    private static func compress(_ state: inout SIMD8<UInt32>, _ blocks: UnsafeRawPointer, _ count: Int) {
        // Unsafe: unchecked reads of the 64 constants; every index is below 64.
        roundConstants.withUnsafeBufferPointer { constants in
            guard let k = constants.baseAddress else { return }
            withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { schedule in
                guard let w = schedule.baseAddress else { return }
                var (a, b, c, d) = (state[0], state[1], state[2], state[3])
                var (e, f, g, h) = (state[4], state[5], state[6], state[7])
                for block in 0..<count {
                    let (a0, b0, c0, d0, e0, f0, g0, h0) = (a, b, c, d, e, f, g, h)
                    let p = blocks + 64 &* block
                    var i = 0
                    while i < 16 {
                        w[i] = UInt32(bigEndian: p.loadUnaligned(fromByteOffset: 4 &* i, as: UInt32.self))
                        i &+= 1
                    }
                    while i < 64 {
                        w[i] = smallSigma1(w[i &- 2]) &+ w[i &- 7] &+ smallSigma0(w[i &- 15]) &+ w[i &- 16]
                        i &+= 1
                    }
                    i = 0
                    // After eight rounds the rotated variables are back in place.
                    while i < 64 {
                        round(a, b, c, &d, e, f, g, &h, w[i] &+ k[i])
                        round(h, a, b, &c, d, e, f, &g, w[i &+ 1] &+ k[i &+ 1])
                        round(g, h, a, &b, c, d, e, &f, w[i &+ 2] &+ k[i &+ 2])
                        round(f, g, h, &a, b, c, d, &e, w[i &+ 3] &+ k[i &+ 3])
                        round(e, f, g, &h, a, b, c, &d, w[i &+ 4] &+ k[i &+ 4])
                        round(d, e, f, &g, h, a, b, &c, w[i &+ 5] &+ k[i &+ 5])
                        round(c, d, e, &f, g, h, a, &b, w[i &+ 6] &+ k[i &+ 6])
                        round(b, c, d, &e, f, g, h, &a, w[i &+ 7] &+ k[i &+ 7])
                        i &+= 8
                    }
                    (a, b, c, d) = (a &+ a0, b &+ b0, c &+ c0, d &+ d0)
                    (e, f, g, h) = (e &+ e0, f &+ f0, g &+ g0, h &+ h0)
                }
                state = SIMD8(a, b, c, d, e, f, g, h)
            }
        }
    }

    @inline(__always)
    private static func round(
        _ a: UInt32, _ b: UInt32, _ c: UInt32, _ d: inout UInt32,
        _ e: UInt32, _ f: UInt32, _ g: UInt32, _ h: inout UInt32, _ scheduled: UInt32
    ) {
        let bigSigma1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
        let choice = g ^ (e & (f ^ g))
        let t1 = h &+ scheduled &+ choice &+ bigSigma1
        let bigSigma0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
        let majority = (a & b) | (c & (a | b))
        d = d &+ t1
        h = t1 &+ majority &+ bigSigma0
    }

    @inline(__always) private static func smallSigma0(_ x: UInt32) -> UInt32 {
        rotate(x, 7) ^ rotate(x, 18) ^ (x &>> 3)
    }
    @inline(__always) private static func smallSigma1(_ x: UInt32) -> UInt32 {
        rotate(x, 17) ^ rotate(x, 19) ^ (x &>> 10)
    }
    @inline(__always) private static func rotate(_ x: UInt32, _ n: UInt32) -> UInt32 {
        (x &>> n) | (x &<< (32 &- n))
    }
}
