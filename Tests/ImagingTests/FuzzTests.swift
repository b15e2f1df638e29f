import Compression
import Mutation
import Testing

@testable import Imaging

/// A drawn PNG of every color type that a mutation can reach something new in.
private func png(color: UInt8, depth: Int, interlaced: Bool) -> [UInt8] {
    func word(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
    func chunk(_ type: String, _ data: [UInt8]) -> [UInt8] {
        let body = Array(type.utf8) + data
        return word(data.count) + body + word(Int(CRC32.checksum(body)))
    }
    let samples = [0: 1, 2: 3, 3: 1, 4: 2, 6: 4][Int(color)] ?? 1
    let rowBytes = (19 * samples * depth + 7) / 8
    // More rows than there are, which is only a warning. Interlaced rows have other lengths: there every byte is a filter that exists.
    var rows: [UInt8] = []
    for y in 0..<40 {
        rows.append(UInt8(y % 5))
        for x in 0..<rowBytes { rows.append(UInt8((x * 7 + y * 13) % (interlaced ? 5 : 256))) }
    }
    let layout: [UInt8] = [UInt8(depth), color, 0, 0, interlaced ? 1 : 0]
    let header: [UInt8] = word(19) + word(13) + layout
    let palette = color == 3 ? chunk("PLTE", (0..<48).map { UInt8($0 * 5) }) : []
    var file: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
    file += chunk("IHDR", header)
    file += palette
    file += chunk("IDAT", Deflate.compress(rows))
    file += chunk("IEND", [])
    return file
}

@Suite("Mutated files")
struct FuzzTests {
    private static let corpus: [[UInt8]] = [
        png(color: 0, depth: 1, interlaced: true), png(color: 0, depth: 16, interlaced: false),
        png(color: 2, depth: 8, interlaced: false), png(color: 2, depth: 8, interlaced: true),
        png(color: 3, depth: 4, interlaced: false), png(color: 4, depth: 8, interlaced: false),
        png(color: 6, depth: 8, interlaced: false), png(color: 6, depth: 16, interlaced: true),
    ]

    @Test("the drawn files themselves are read")
    func drawn() throws {
        for file in Self.corpus {
            let image = try Image(decoding: file)
            #expect((image.width, image.height) == (19, 13))
        }
    }

    @Test("give a picture of the size they say, or an error", arguments: [false, true])
    func mutated(keepsAlpha: Bool) {
        let mutator = Mutator(seed: 20180401, corpus: Self.corpus, dictionary: [Array("tRNS".utf8), Array("PLTE".utf8), [0xff, 0xd8, 0xff, 0xe0]])
        var options = DecodingOptions()
        options.keepsAlpha = keepsAlpha
        options.maximumPixels = 1 << 18
        var read = 0
        for number in 0..<4000 {
            let file = mutator.file(number)
            guard let image = try? Image(decoding: file, options: options) else { continue }
            read += 1
            #expect(image.pixels.count == image.width * image.height * image.channels)
            #expect(image.width * image.height <= options.maximumPixels)
        }
        #expect(read > 400 && read < 3600)
    }

    @Test("are the same for the same seed, and different for another")
    func seeded() {
        let (a, b) = (Mutator(seed: 1, corpus: Self.corpus, dictionary: []), Mutator(seed: 2, corpus: Self.corpus, dictionary: []))
        #expect((0..<50).map(a.file) == (0..<50).map(a.file))
        #expect((0..<50).map(a.file) != (0..<50).map(b.file))
    }

    @Test("a dictionary is read with its escapes")
    func dictionary() {
        let parsed = FuzzDictionary.parse("# comment\nname=\"a\\x00\\\"b\\\\\"\n\nbroken=\"\\x4\"\n")
        #expect(parsed == [[0x61, 0, 0x22, 0x62, 0x5c]])
    }
}
