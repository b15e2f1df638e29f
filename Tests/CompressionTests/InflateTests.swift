import Testing

@testable import Compression

private func bytes(_ hexadecimal: String) throws -> [UInt8] { try #require(Hexadecimal.bytes(hexadecimal)) }

@Suite("Inflate")
struct InflateTests {
    @Test("reads what zlib wrote: dynamic, fixed and stored blocks")
    func fromZlib() throws {
        let text = Array(
            String(repeating: "the quick brown fox jumps over the lazy dog; ", count: 9).utf8.prefix(400))
        #expect(
            try Inflate.decompress(
                bytes(
                    "2bc94855282ccd4cce56482aca2fcf5348cbaf50c82acd2d2856c82f4b2d5228014ae72456552aa4e4a75b8379a38a69aa1800"
                ), .raw) == text)
        #expect(
            try Inflate.decompress(bytes("78014b4c4a4e4442290034180623")) == Array("abcabcabcabcabcd".utf8))
        #expect(try Inflate.decompress(bytes("789c010300fcff616263024d0127")) == Array("abc".utf8))
    }

    @Test("reads gzip, with a name, and two members one after the other")
    func fromGzip() throws {
        #expect(
            try Inflate.decompress(
                bytes(
                    "1f8b0800000000000203cb48cdc9c9070086a61036050000001f8b0800000000000203d35128cf2fca490100fe6f886e07000000"
                ), .gzip) == Array("hello, world".utf8))
        // FLG 8: a name, ended by a zero.
        let named = try bytes("1f8b08080000000000ff6100" + "cb48cdc9c9070086a6103605000000")
        #expect(try Inflate.decompress(named, .gzip) == Array("hello".utf8))
    }

    @Test(
        "does not depend on how input and output are cut", arguments: [1, 2, 7, 40, 1000],
        [1, 3, 100, 300, 5000])
    func cut(piece: Int, room: Int) throws {
        let plain = patterned(3000) + patterned(3000) + [UInt8](repeating: 9, count: 2000)
        let packed = Deflate.compress(plain, level: 6, container: .raw)
        try packed.withUnsafeBytes { all in
            let pieces = stride(from: 0, to: all.count, by: piece).map {
                UnsafeRawBufferPointer(rebasing: all[$0..<min($0 + piece, all.count)])
            }
            var inflater = Inflater(segments: pieces)
            // All of the output is kept, but handed out a little more at a time.
            var output = [UInt8](repeating: 0, count: plain.count + room)
            var position = 0
            while !inflater.isFinished {
                let before = position
                try output.withUnsafeMutableBufferPointer {
                    try inflater.decode(
                        into: $0.baseAddress!, position: &position, capacity: min(before + room, $0.count))
                }
                #expect(inflater.isFinished || position == before + room)
            }
            #expect(Array(output[..<position]) == plain)
            // The last byte may have bits that nobody needed.
            #expect((packed.count - 1...packed.count).contains(inflater.offset))
        }
    }

    @Test("names what is wrong, and where")
    func damaged() throws {
        #expect(throws: InflateError.truncated(offset: 0)) { try Inflate.decompress([], .raw) }
        #expect(throws: InflateError.badBlockType(offset: 0)) { try Inflate.decompress([0x07], .raw) }
        #expect(throws: InflateError.badStoredLength(offset: 1, length: 3, complement: 0)) {
            try Inflate.decompress([1, 3, 0, 0, 0, 1, 2, 3], .raw)
        }
        #expect(throws: InflateError.truncated(offset: 7)) {
            try Inflate.decompress([1, 3, 0, 0xfc, 0xff, 1, 2], .raw)
        }
        #expect(throws: InflateError.badHeader(offset: 0)) { try Inflate.decompress([0x78, 0x9d, 3, 0]) }
        #expect(throws: InflateError.tooManyCodes(offset: 0, lengths: 288, distances: 1)) {
            try Inflate.decompress([0xfd, 0, 0, 0, 0], .raw)
        }
    }

    @Test("rejects a distance before the window")
    func distance() {
        // Fixed codes: literal 'a' (0x91, 8 bits), length 3 (0000001), distance 2 (00001).
        var out = BitWriter()
        out.write(0b011, 3)
        out.write(0b1000_1001, 8)
        out.write(0b100_0000, 7)
        out.write(0b10000, 5)
        out.align()
        #expect(throws: InflateError.badDistance(offset: 1, distance: 2, available: 1)) {
            try Inflate.decompress(out.bytes + [UInt8](repeating: 0, count: 3), .raw)
        }
    }

    @Test("rejects codes that are oversubscribed or incomplete, and a block that cannot end")
    func codes() {
        // HLIT 257, HDIST 1, HCLEN 4: lengths of 16, 17, 18, 0.
        func header(_ lengths: [UInt32]) -> [UInt8] {
            var out = BitWriter()
            out.write(0b101, 3)
            out.write(0, 10)
            out.write(UInt32(lengths.count - 4), 4)
            for length in lengths { out.write(length, 3) }
            for _ in 0..<40 { out.write(0, 32) }
            out.align()
            return out.bytes
        }
        for lengths: [UInt32] in [[1, 1, 1, 0], [2, 2, 0, 0], [0, 0, 0, 0], [0, 0, 1, 1], [1, 0, 0, 1]] {
            #expect(throws: InflateError.self) { try Inflate.decompress(header(lengths), .raw) }
        }
    }

    @Test("stops at the limit, and not before it")
    func limit() throws {
        let packed = Deflate.compress([UInt8](repeating: 0, count: 200_000))
        #expect(try Inflate.decompress(packed, limit: 200_000).count == 200_000)
        #expect(throws: InflateError.overLimit(199_999)) { try Inflate.decompress(packed, limit: 199_999) }
        #expect(throws: InflateError.overLimit(0)) { try Inflate.decompress(packed, limit: 0) }
    }

    @Test("checks the sum at the end")
    func checksum() {
        var packed = Deflate.compress(patterned(100))
        packed[packed.count - 1] ^= 1
        #expect(throws: InflateError.self) { try Inflate.decompress(packed) }
        var member = Deflate.compress(patterned(100), container: .gzip)
        member[member.count - 1] ^= 1
        #expect(
            throws: InflateError.badLength(offset: member.count - 4, declared: 100 | 1 << 24, computed: 100)
        ) {
            try Inflate.decompress(member, .gzip)
        }
    }

    @Test("every truncation and every changed bit gives an answer")
    func mutations() {
        let plain = patterned(700) + Array("abcabcabcabc".utf8)
        let packed = Deflate.compress(plain, level: 9)
        for count in 0..<packed.count {
            #expect(throws: InflateError.self) { try Inflate.decompress(Array(packed[..<count])) }
        }
        var harmless = 0
        for bit in 0..<(packed.count * 8) {
            var changed = packed
            changed[bit / 8] ^= 1 << (bit % 8)
            if let result = try? Inflate.decompress(changed, limit: 1 << 20) {
                #expect(result == plain)
                harmless += 1
            }
        }
        // Only the bits that fill the last byte are read by nobody.
        #expect(harmless < 8)
    }
}

@Suite("Deflate")
struct DeflateTests {
    static let inputs: [[UInt8]] = [
        [], [0], patterned(2), patterned(3), patterned(70000), [UInt8](repeating: 5, count: 100_000),
        Array(String(repeating: "It was the best of times, it was the worst of times. ", count: 1500).utf8),
        (0..<50000).map { UInt8(truncatingIfNeeded: ($0 &* 0x9e37_79b1) >> 16) },
        (0..<140_000).map { UInt8(truncatingIfNeeded: $0 % 251 + $0 / 40000) },
    ]

    @Test("comes back as it was", arguments: 1...10, inputs.indices)
    func roundTrip(level: Int, input: Int) throws {
        let plain = Self.inputs[input]
        for container in [DeflateContainer.raw, .zlib, .gzip] {
            let packed = Deflate.compress(plain, level: level, container: container)
            #expect(try Inflate.decompress(packed, container) == plain)
            #expect(packed.count <= plain.count + 5 * (plain.count / 65535 + 1) + 18)
        }
    }

    @Test("level 10 compresses in segments, with matches across their borders, and tells how far it is")
    func segments() throws {
        var state: UInt32 = 7
        var plain: [UInt8] = []
        for i in 0..<1_200_000 {
            state = state &* 1_664_525 &+ 1_013_904_223
            plain.append(i > 30_000 && i % 1000 < 100 ? plain[i - 30_000] : UInt8(state >> 24))
        }
        var done: [Int] = []
        let packed = plain.withUnsafeBytes {
            Deflate.compress($0, level: 10, container: .zlib) { done.append($0) }
        }
        #expect(try Inflate.decompress(packed) == plain)
        // The tenth of the bytes that are copies costs next to nothing, in the first bytes of a segment as well.
        #expect(packed.count < plain.count * 92 / 100)
        #expect(done == done.sorted() && done.last == plain.count)
    }

    @Test(
        "level 10 begins a new block where the data changes its character, and elsewhere is within a thousandth of level 9"
    )
    func blocks() {
        // Two alphabets of 16 bytes: 4 bits each in blocks of their own, 5 in one.
        let random = (0..<100_000).map { UInt8(truncatingIfNeeded: ($0 &* 0x9e37_79b1) >> 17 & 15) }
        let changing = random + random.map { $0 + 100 }
        let one = Deflate.compress(random, level: 10).count
        #expect(Deflate.compress(changing, level: 10).count < 2 * one + 500)
        for input in Self.inputs {
            let usual = Deflate.compress(input, level: 9).count
            #expect(Deflate.compress(input, level: 10).count <= usual + usual / 1000)
        }
    }

    @Test("level 10 ends blocks where the data changes its character, not where they are full")
    func settledBlocks() throws {
        // Sums of four dice, wide and narrow by turns: one code for all wastes a bit a byte on every other run.
        var state: UInt32 = 1
        func die(_ sides: UInt32) -> UInt32 {
            state = state &* 1_664_525 &+ 1_013_904_223
            return (state >> 16) % sides
        }
        let bytes = (0..<120_000).map { (i: Int) -> UInt8 in
            let sides: UInt32 = i / 7001 % 2 == 0 ? 48 : 4
            return UInt8(die(sides) + die(sides) + die(sides) + die(sides))
        }
        let usual = Deflate.compress(bytes, level: 9).count, thorough = Deflate.compress(bytes, level: 10)
        #expect(Double(thorough.count) < 0.93 * Double(usual))
        #expect(try Inflate.decompress(thorough) == bytes)
    }

    @Test("a code never exceeds its limit and fills the code space", arguments: [7, 15])
    func limited(limit: Int) {
        // Fibonacci frequencies ask for the longest codes there are.
        var frequencies = [1, 1]
        while frequencies.count < 19 {
            frequencies.append(frequencies[frequencies.count - 1] + frequencies[frequencies.count - 2])
        }
        let code = HuffmanCode(frequencies: frequencies, limit: limit)
        #expect(code.lengths.allSatisfy { (1...limit).contains(Int($0)) })
        #expect(code.lengths.reduce(0) { $0 + 1 << (limit - Int($1)) } == 1 << limit)
        let flat = HuffmanCode(frequencies: [3, 0, 0], limit: limit)
        #expect(flat.lengths == [1, 1, 0])
    }
}
