import Testing

@testable import Compression

@Suite("Zip reader")
struct ZipReaderTests {
    let large = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 / 9) }

    func archive() throws -> [UInt8] {
        var zip = Zip()
        try zip.add("model.pb", large)
        try zip.add("böx/README.txt", Array("abc".utf8))
        return try zip.finish()
    }

    @Test("reads what Zip writes, deflated and stored")
    func roundTrip() throws {
        try archive().withUnsafeBytes { bytes in
            let reader = try ZipReader(bytes)
            #expect(reader.entries.map(\.name) == ["model.pb", "böx/README.txt"])
            #expect(reader.entries.map(\.method) == [8, 0])
            #expect(reader.entries.map(\.size) == [200_000, 3])
            #expect(try reader.contents(of: reader.entries[0], limit: 1 << 20) == large)
            #expect(try reader.contents(of: reader.entries[1], limit: 3) == Array("abc".utf8))
            #expect(throws: ZipReader.Failure.overLimit(name: "model.pb", declared: 200_000, limit: 1000)) {
                try reader.contents(of: reader.entries[0], limit: 1000)
            }
        }
    }

    @Test("allows a comment at the end")
    func comment() throws {
        var bytes = try archive()
        bytes[bytes.count - 2] = 5
        bytes += Array("hello".utf8)
        try bytes.withUnsafeBytes { bytes in
            let reader = try ZipReader(bytes)
            #expect(reader.entries.count == 2)
        }
    }

    @Test("notices a wrong checksum, a wrong size and an archive that was cut")
    func damage() throws {
        var bytes = try archive()
        let whole = bytes
        // The stored entry's first byte, behind the second local header of 30 bytes and its name.
        let stored = try #require(
            (0..<bytes.count).first { Array(bytes[$0..<min(bytes.count, $0 + 3)]) == Array("abc".utf8) })
        bytes[stored] ^= 1
        try bytes.withUnsafeBytes { bytes in
            let reader = try ZipReader(bytes)
            #expect(throws: ZipReader.Failure.self) { try reader.contents(of: reader.entries[1], limit: 100) }
            #expect(try reader.contents(of: reader.entries[0], limit: 1 << 20) == large)
        }
        for count in [0, 10, 22, whole.count / 2, whole.count - 1] {
            Array(whole.prefix(count)).withUnsafeBytes { bytes in
                _ = #expect(throws: ZipReader.Failure.noDirectory) { try ZipReader(bytes) }
            }
        }
    }

    @Test("whatever is changed in an archive, it reads or throws")
    func fuzz() throws {
        var zip = Zip()
        try zip.add("model.pb", Array(large.prefix(3000)))
        try zip.add("a.txt", Array("abc".utf8))
        let whole = try zip.finish()
        for offset in whole.indices {
            for value in [0, 0x7f, 0xff, whole[offset] ^ 1] as [UInt8] {
                var changed = whole
                changed[offset] = value
                changed.withUnsafeBytes { bytes in
                    guard let reader = try? ZipReader(bytes) else { return }
                    for entry in reader.entries { _ = try? reader.contents(of: entry, limit: 1 << 16) }
                }
            }
        }
    }
}
