import Compression
import Testing

@testable import BottleneckCache

@Suite("Half precision") struct HalfPrecisionTests {
    @Test(
        "numbers whose halves are known",
        arguments: [
            (Float(0), UInt16(0)), (-0.0, 0x8000), (1, 0x3C00), (-2, 0xC000), (65504, 0x7BFF),
            (0x1p-14, 0x0400),
            (0x1p-24, 0x0001), (0x1p-25, 0x0000), (0x1.8p-24, 0x0002), (0.1, 0x2E66), (1 / 3, 0x3555),
            (2049, 0x6800), (2051, 0x6802), (0x1.FFEp-15, 0x0400),
        ] as [(Float, UInt16)])
    func known(number: Float, bits: UInt16) {
        #expect(HalfPrecision.bits(number) == bits)
    }

    @Test("every half comes back as it went")
    func roundTrip() {
        for bits in UInt16(0)...UInt16.max where bits & 0x7C00 != 0x7C00 {
            #expect(HalfPrecision.bits(HalfPrecision.value(bits)) == bits)
        }
    }

    @Test("what is out of range has none, and leaves its vector as it is")
    func outOfRange() {
        for number in [Float.infinity, -.infinity, .nan, 65520, -1e30] {
            #expect(HalfPrecision.bits(number) == nil)
            #expect(HalfPrecision.rounded([0.1, number])[0] == 0.1)
        }
    }

    @Test("the cache gives vectors back bit for bit, and takes half the space for halves")
    func cached() throws {
        let directory = try ScratchDirectory()
        let cache = try BottleneckCache(directory: directory.path)
        let plain = (0..<500).map { Float($0) * 0.1 }, halves = HalfPrecision.rounded(plain)
        #expect(plain != halves)
        let keys = (0..<3).map {
            BottleneckKey(image: SHA256.hash([$0]), fingerprint: BottleneckKey.Fingerprint("network"))
        }
        try cache.insert(plain, for: keys[0])
        try cache.insert(halves, for: keys[1])
        try cache.insert(Array(halves.dropLast()), for: keys[2])
        cache.close()
        let again = try BottleneckCache(directory: directory.path)
        #expect(again.vector(for: keys[0]) == plain)
        #expect(again.vector(for: keys[1]) == halves)
        #expect(again.vector(for: keys[2]) == Array(halves.dropLast()))
        let contents = try CacheContents(directory: directory.path)
        #expect(Set(contents.vectors.values.map(\.length)) == [500, 499])
    }
}
