import Testing

@testable import Compression

/// Bytes that a line of Python makes too: `(i*i*31 + i*7 + (i>>8)) & 255`.
func patterned(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 * $0 * 31 + $0 * 7 + ($0 >> 8)) }
}

/// Lengths around the padding rules and the unrolled steps, with what Python's hashlib and zlib give.
private let published: [(count: Int, sha256: String, sha1: String, crc: UInt32, adler: UInt32)] = [
    (
        0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709", 0x0, 0x1
    ),
    (
        1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5ba93c9db0cff93f52b521d7420e43f6eda2784f", 0xd202ef8d, 0x10001
    ),
    (
        15, "b08484941cf4ec9cc8ec49b4f8e6a678cc360b755691f5427ccf6551b0719f06",
        "e640f681cf21d35a4bf4f8fd1c8d2982b3aaa9ad", 0x83edebfd, 0x23f705c9
    ),
    (
        17, "1e67e3842bc60370a2539c2e288ada561600ec07280605ed71a971616c05e2ea",
        "a02fb8a9e86dee7416fbf21a632b6be7d8bc2a18", 0xe1c872cf, 0x314906e1
    ),
    (
        55, "40b13d903e319c0905fcc55d22ab849e3068f6a3b0ea624aad8003ddf9cf070d",
        "c76f73bff56e43e636391a3d9fa56cadfa933159", 0x972aa0aa, 0xe3111c39
    ),
    (
        56, "8530bd7129724d1f1eadf109e0faa2804dce39d7f1d3cea91678966bbdb428ea",
        "cffbdee857a33e037928aec0fac35a915ee509de", 0x62455d0f, 0x291d09
    ),
    (
        63, "b29ceda3f8675c7a969e353a88649572e6233b773563c91fb9c6493eb6e8ab08",
        "3d5bca7d46ae245c0e6d54500f9e48a823dfa987", 0x7b531448, 0xdb0c2069
    ),
    (
        64, "6d7f5fdf1b36558350f0a4779d80a35271d416d87b2e57d1c8ba828d2e7d13ae",
        "f3a7be68cf332bb97f972905e3c1891545e76bfc", 0xcfceacfd, 0xfbcd20c1
    ),
    (
        65, "7e4b7e342c37e4917629d05a99dd1c975ec2ffdc06bbce30b8dec9a549df1da3",
        "aea97a7ad40d45a71f4965293b9adf46bf976d32", 0x8aa56d30, 0x1d5d2181
    ),
    (
        119, "09e24cdaf3843d768a08d0c392a551f55f0b49e2cca3a3f72e0b7c2c212fc480",
        "6a417de06b2779410c8de216db2a0a2d5b17340d", 0xd8d875d9, 0xf2963bb9
    ),
    (
        1000, "02c4a8f3a05286e7afb7c26305909875d65e70e549169a947e9a9632e854d72d",
        "5c78ab2cc269807e09c01f433503a40743ed466f", 0x25750e26, 0x3f82f2a0
    ),
    (
        5552, "f899511e2619fff8f3e307c7dbefcfaae7abcae020371804df653114e2b6c833",
        "8702d9af3d77430bc73bedccf3fd9f9f3b36c64d", 0x5d558b3c, 0x715bcbd7
    ),
    (
        100003, "2af7852d2578d50153747e2466a37bd5e8106f55c4e09b81d619acfd8ceb04aa",
        "243f56dcaa2e2dd3b51ea2acf20747ef72679c63", 0xb757a56, 0xcc509821
    ),
]

@Suite("Hashes and checksums")
struct ChecksumTests {
    @Test("agree with Python at every padding boundary", arguments: published.indices)
    func agree(index: Int) {
        let row = published[index]
        let bytes = patterned(row.count)
        #expect(SHA256.hash(bytes).description == row.sha256)
        var plain = SHA256(usesInstructions: false)
        plain.update(bytes)
        #expect(plain.finalize().description == row.sha256, "without the processor's instructions")
        #expect(SHA1.hash(bytes).description == row.sha1)
        #expect(CRC32.checksum(bytes) == row.crc)
        #expect(Adler32.checksum(bytes) == row.adler)
    }

    @Test("do not depend on how the bytes are cut", arguments: [1, 3, 16, 31, 63, 64, 65, 127, 999])
    func cut(piece: Int) {
        let bytes = patterned(3001)
        var (sha256, sha1, crc, adler) = (SHA256(), SHA1(), CRC32(), Adler32())
        for start in stride(from: 0, to: bytes.count, by: piece) {
            let slice = Array(bytes[start..<min(start + piece, bytes.count)])
            sha256.update(slice)
            sha1.update(slice)
            slice.withUnsafeBytes {
                crc.update($0)
                adler.update($0)
            }
        }
        #expect(sha256.finalize() == SHA256.hash(bytes))
        #expect(sha1.finalize() == SHA1.hash(bytes))
        #expect(crc.value == CRC32.checksum(bytes))
        #expect(adler.value == Adler32.checksum(bytes))
    }

    @Test("Adler-32 of the greatest bytes does not overflow")
    func greatest() {
        #expect(Adler32.checksum([UInt8](repeating: 255, count: 100_003)) == 0xab18_3329)
    }

    @Test("a digest reads what it prints, and nothing else")
    func digestText() {
        let digest = SHA256.hash(patterned(7))
        #expect(SHA256.Digest(hexadecimal: digest.description) == digest)
        #expect(SHA256.Digest(bytes: digest.bytes) == digest)
        #expect(SHA256.Digest(hexadecimal: "abc") == nil)
        #expect(SHA256.Digest(hexadecimal: String(repeating: "g", count: 64)) == nil)
    }

    @Test("SHA-1 modulo 2^27, as retrain.py splits by it")
    func remainder() {
        // int(hashlib.sha1(b"a.jpg").hexdigest(), 16) % 2**27
        #expect(SHA1.hash(Array("a.jpg".utf8)).remainder(bits: 27) == 109_503_085)
    }
}
