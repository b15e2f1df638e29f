import Testing

@testable import Imaging
@testable import Mutation

private let corpus = TestPicture.sound.compactMap { try? $0.bytes }
private let dictionary: [[UInt8]] = [
    Array("tRNS".utf8), Array("PLTE".utf8), Array("IDAT".utf8), Array("GIF89a".utf8), [0x21, 0xf9, 4], [0x2c],
    [0xff, 0xd8, 0xff, 0xe0],
    [0xff, 0xc0], [0xff, 0xc2], [0xff, 0xc4], [0xff, 0xda], [0xff, 0xdd, 0, 4, 0, 1], [0xff, 0xd0],
]

/// What `fuzz` does a million times: a decoder that traps, or says what is not so, ends the tests.
@Suite("Mutated files")
struct FuzzTests {
    @Test(
        "give a picture of the size they say, or an error, by every way through the readers",
        arguments: [1, 2])
    func mutated(seed: Int) {
        let mutator = Mutator(seed: UInt64(seed), corpus: corpus, dictionary: dictionary)
        var outcomes: [Trial.Outcome: Int] = [:]
        for number in 0..<6000 { outcomes[Trial.run(mutator.file(number), number: number), default: 0] += 1 }
        #expect(
            outcomes[.read, default: 0] > 600 && outcomes[.warned, default: 0] > 200
                && outcomes[.refused, default: 0] > 600, "\(outcomes)")
    }

    @Test(
        "that once broke a reader do so no more, whatever the options",
        arguments: TestPicture.damaged.map(\.name))
    func damaged(name: String) throws {
        let file = try #require(TestPicture.damaged.first { $0.name == name })
        for number in 0..<192 { _ = Trial.run(file.bytes, number: number) }
    }

    @Test("come of whole segments, too")
    func segments() throws {
        for picture in TestPicture.sound {
            let pieces = FileSegments.split(try picture.bytes)
            #expect(try Array(pieces.joined()) == picture.bytes)
            let isOnePiece =
                ["bmp", "pbm", "pgm", "ppm", "pam", "qoi"].contains { picture.name.hasSuffix($0) }
                || picture.name.contains("_big.")
            #expect(pieces.count > (isOnePiece ? 0 : 1), "\(picture)")
        }
    }

    @Test("are the same for the same seed, and different for another")
    func seeded() {
        let (a, b) = (
            Mutator(seed: 1, corpus: corpus, dictionary: []), Mutator(seed: 2, corpus: corpus, dictionary: [])
        )
        #expect((0..<50).map(a.file) == (0..<50).map(a.file))
        #expect((0..<50).map(a.file) != (0..<50).map(b.file))
    }

    @Test("a dictionary is read with its escapes")
    func escapes() {
        let parsed = FuzzDictionary.parse("# comment\nname=\"a\\x00\\\"b\\\\\"\n\nbroken=\"\\x4\"\n")
        #expect(parsed == [[0x61, 0, 0x22, 0x62, 0x5c]])
    }
}
