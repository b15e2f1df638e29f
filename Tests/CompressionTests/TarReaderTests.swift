import TestSupport
import Testing

@testable import Compression

@Suite("Tar reader")
struct TarReaderTests {
    /// All entries of an archive, with their contents.
    func read(_ tar: [UInt8], limit: Int = 1 << 31) throws -> [(entry: TarReader.Entry, contents: [UInt8])] {
        try readGzip(Deflate.compress(tar, level: 6, container: .gzip), limit: limit)
    }

    func readGzip(_ bytes: [UInt8], limit: Int = 1 << 31) throws -> [(
        entry: TarReader.Entry, contents: [UInt8]
    )] {
        try bytes.withUnsafeBytes { bytes in
            var reader = TarReader(gzip: bytes, limit: limit), all: [(TarReader.Entry, [UInt8])] = []
            while let entry = try reader.next() {
                var contents: [UInt8] = []
                while let piece = try reader.nextPiece() { contents += piece }
                all.append((entry, contents))
            }
            return all
        }
    }

    /// Larger than the window and a piece of the stream, and not a multiple of a block.
    let large = (0..<700_001).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) }

    @Test("reads files and folders, long names of all three kinds, and skips what is not read")
    func reads() throws {
        var tar = TarWriter()
        tar.add("./", type: "5")
        tar.add("./a.txt", Array("hello".utf8))
        tar.add("deep/", type: "5")
        tar.add("large.bin", large, prefix: "deep/er")
        let long = String(repeating: "n", count: 150)
        tar.add("././@LongLink", Array((long + "\0").utf8), type: "L")
        tar.add(String(long.prefix(100)), [1])
        tar.add(
            "PaxHeaders/x", Array("13 mtime=1.5\n\(10 + long.utf8.count) path=\(long)".utf8) + [10], type: "x"
        )
        tar.add("short", [2])
        tar.add("empty")
        let all = try read(tar.finished())
        #expect(all.map(\.entry.name) == ["", "a.txt", "deep", "deep/er/large.bin", long, long, "empty"])
        #expect(all.map(\.entry.isDirectory) == [true, false, true, false, false, false, false])
        #expect(
            all[1].contents == Array("hello".utf8) && all[3].contents == large && all[4].contents == [1]
                && all[5].contents == [2])
        let packed = Deflate.compress(tar.finished(), level: 1, container: .gzip)
        try packed.withUnsafeBytes { bytes in
            var reader = TarReader(gzip: bytes), count = 0
            while try reader.next() != nil { count += 1 }
            #expect(count == 7)
        }
    }

    @Test(
        "refuses names that lead out of the folder",
        arguments: ["../a", "a/../../b", "/etc/passwd", "a//b", "..", "a\\b"])
    func names(_ name: String) {
        var tar = TarWriter()
        tar.add(name, [1])
        #expect(throws: TarReader.Failure.unsafeName(name)) { try read(tar.finished()) }
    }

    @Test("refuses such a name from pax records and long names too")
    func longNames() {
        var pax = TarWriter(), gnu = TarWriter()
        pax.add("x", Array("13 path=../a\n".utf8), type: "x")
        pax.add("a", [1])
        gnu.add("x", Array("../a\0".utf8), type: "L")
        gnu.add("a", [1])
        for tar in [pax, gnu] {
            #expect(throws: TarReader.Failure.unsafeName("../a")) { try read(tar.finished()) }
        }
    }

    @Test(
        "refuses links, devices, pipes and unknown kinds",
        arguments: ["1", "2", "3", "4", "6", "S", "?"] as [Character])
    func kinds(_ type: Character) {
        var tar = TarWriter()
        tar.add("a", type: type, link: "/etc/passwd")
        #expect(throws: TarReader.Failure.unsafeKind(name: "a", type: type)) { try read(tar.finished()) }
    }

    @Test("notices damage, an end that is missing, and more than it may unpack")
    func damage() throws {
        var tar = TarWriter()
        tar.add("a", large)
        #expect(throws: TarReader.Failure.truncated(offset: tar.bytes.count)) { try read(tar.bytes) }
        #expect(throws: TarReader.Failure.truncated(offset: 600)) { try read(Array(tar.bytes.prefix(600))) }
        #expect(throws: TarReader.Failure.overLimit(1000)) { try read(tar.finished(), limit: 1000) }
        var changed = tar.finished()
        changed[0] ^= 1
        #expect(throws: TarReader.Failure.badHeader(offset: 0)) { try read(changed) }
        let packed = Deflate.compress(tar.finished(), level: 6, container: .gzip)
        #expect(throws: TarReader.Failure.self) { try readGzip(Array(packed.dropLast(9))) }
        var flipped = packed
        flipped[packed.count - 6] ^= 1
        #expect(throws: TarReader.Failure.self) { try readGzip(flipped) }
    }

    @Test("whatever is changed in an archive, it reads or throws")
    func fuzz() {
        var tar = TarWriter()
        tar.add("x", Array("14 path=a/bcd\n".utf8), type: "x")
        tar.add("a", Array(large.prefix(700)))
        tar.add("b", type: "5")
        let whole = tar.finished()
        for offset in whole.indices where offset % 3 == 0 {
            for value in [0, 0x80, 0xff, whole[offset] ^ 1] as [UInt8] {
                var changed = whole
                changed[offset] = value
                _ = try? read(changed, limit: 1 << 20)
            }
        }
    }
}

@Suite("Gzip stream")
struct GzipStreamTests {
    @Test("gives what was packed, over members and pieces")
    func members() throws {
        let first = (0..<900_000).map { UInt8(truncatingIfNeeded: $0 / 7 &* 31) }, second: [UInt8] = [],
            third = Array("end".utf8)
        let packed = [first, second, third].flatMap { Deflate.compress($0, level: 6, container: .gzip) }
        try packed.withUnsafeBytes { bytes in
            var stream = GzipStream(bytes), all: [UInt8] = [], pieces = 0
            while let piece = try stream.next() {
                #expect(!piece.isEmpty)
                all += piece
                pieces += 1
            }
            #expect(all == first + third && pieces >= 5)
        }
    }
}
