import Compression
import Foundation
import TestSupport
import Testing

@testable import Imaging

/// Small files and the RGB that Pillow reads from them: its size, and the SHA-256 of its rows.
private let files: [(name: String, base64: String, width: Int, height: Int, digest: String)] = [
    (
        "24-bit BMP", """
        Qk12AAAAAAAAADYAAAAoAAAABQAAAAQAAAABABgAAAAAAEAAAADEDgAAxA4AAAAAAAAAAAAAaPB4wiyWHGi0dqTS0ODwAPCgUErcbqQYjP5Uql\
        iQyAB4UCjSjEYsyGSGBILgQKAAAAAAWjwetHg8DrRaaPB4AA==
        """,
        5, 4, "92dc4b3308ae8c7c481899dcce37920e22ee95c7faf05fd467bba0928ab35635"
    ),
    (
        "1-bit BMP", """
        Qk1OAAAAAAAAAD4AAAAoAAAABQAAAAQAAAABAAEAAAAAABAAAADEDgAAxA4AAAIAAAACAAAAAAAAAP///wC4AAAAqAAAAEgAAAAoAAAA
        """,
        5, 4, "b257ec3a0a73736f581e90c89aa3f735f8b1f036b70645a26114c25ee39b820d"
    ),
    (
        "8-bit RLE BMP", """
        Qk1eAAAAAAAAAEYAAAAoAAAABQAAAAMAAAABAAgAAQAAABgAAAAAAAAAAAAAAAQAAAAAAAAAChQeAMhkMgAAAP8ACQgHAAMBAgIAAAADAQIDAA\
        IAAAAAAgEABAMAAQ==
        """,
        5, 3, "20c5d5c40c7d0c58667736ee8c9259af6d5951c632755a7945e1ffded2752f32"
    ),
    (
        "4-bit RLE BMP", """
        Qk1WAAAAAAAAAEYAAAAoAAAABQAAAAMAAAABAAQAAgAAABAAAAAAAAAAAAAAAAQAAAAAAAAAChQeAMhkMgAAAP8ACQgHAAUSAAAABRIxIAAAAA\
        UwAAE=
        """,
        5, 3, "1eddf02fee3f7321d55969e82ddf0db5853df49ce6a7ecec37016f7a5e6c866e"
    ),
    (
        "16-bit 555 BMP", """
        Qk1CAAAAAAAAADYAAAAoAAAAAgAAAAMAAAABABAAAAAAAAwAAAAAAAAAAAAAAAAAAAAAAAAA/380EgAAIUP/DwAA
        """,
        2, 3, "a9fb82b9f3b9e464c86eac3d57580714fc7367adb9732c4e67cb8ee746c1037d"
    ),
    (
        "16-bit 565 BMP", """
        Qk1OAAAAAAAAAEIAAAAoAAAAAgAAAAMAAAABABAAAwAAAAwAAAAAAAAAAAAAAAAAAAAAAAAAAPgAAOAHAAAfAAAA//80EgAAIUP/jwAA
        """,
        2, 3, "72000af3a2be9e97a6fddfed3e2af6942817a5fc5c5a9d6e6d4ae307f1daa80c"
    ),
    (
        "32-bit top-down BMP", """
        Qk1WAAAAAAAAADYAAAAoAAAAAgAAAPz///8BACAAAAAAACAAAAAAAAAAAAAAAAAAAAAAAAAAAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcAAAAAA\
        AAAAA=
        """,
        2, 4, "81b985faa83f957efd40dbbf668b206a57fed95cae079b269c87713109b688fa"
    ),
    (
        "GIF", """
        R0lGODdhBQAEAIMAAPDg0HjwaG7cSl++HdKkdsiQWFCg8EaM0jx4tKVK77RoHChQeB48WpEis4IEhgAAACwAAAAABQAEAAAIGQAfMEAwIMCCAw\
        McJDAgoEGCAgEaKCAAICAAOw==
        """,
        5, 4, "02db0cae595cdf815b1955d49b531ee9863b9743cb0a0ed1a15e06d01fc8d58c"
    ),
    (
        "interlaced GIF", """
        R0lGODdhAwALAIUAAAAAAAcHBw4ODhQUFBsbGyIiIigoKC8vLzY2Njw8PENDQ0pKSlBQUFdXV15eXmRkZGtra3Jycnh4eH9/f4aGhoyMjJOTk5\
        qamqCgoKenp66urrS0tLu7u8LCwsjIyM/Pz9bW1gAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
        AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAACwAAAAAAwALAAAIKAABBBAwgEABAwcQJFCwgEEDBw8gRJAwgUIFCxcwZN\
        CwgUMHDx9ABAQAOw==
        """,
        3, 11, "b73ce9a53304b01f5a710794bb196f00e2788aceafb7fecc3839e5fcd021a82f"
    ),
    (
        "1-bit GIF", """
        R0lGODdhBQAEAIcAAAAAAAEBAQICAgMDAwQEBAUFBQYGBgcHBwgICAkJCQoKCgsLCwwMDA0NDQ4ODg8PDxAQEBERERISEhMTExQUFBUVFRYWFh\
        cXFxgYGBkZGRoaGhsbGxwcHB0dHR4eHh8fHyAgICEhISIiIiMjIyQkJCUlJSYmJicnJygoKCkpKSoqKisrKywsLC0tLS4uLi8vLzAwMDExMTIy\
        MjMzMzQ0NDU1NTY2Njc3Nzg4ODk5OTo6Ojs7Ozw8PD09PT4+Pj8/P0BAQEFBQUJCQkNDQ0REREVFRUZGRkdHR0hISElJSUpKSktLS0xMTE1NTU\
        5OTk9PT1BQUFFRUVJSUlNTU1RUVFVVVVZWVldXV1hYWFlZWVpaWltbW1xcXF1dXV5eXl9fX2BgYGFhYWJiYmNjY2RkZGVlZWZmZmdnZ2hoaGlp\
        aWpqamtra2xsbG1tbW5ubm9vb3BwcHFxcXJycnNzc3R0dHV1dXZ2dnd3d3h4eHl5eXp6ent7e3x8fH19fX5+fn9/f4CAgIGBgYKCgoODg4SEhI\
        WFhYaGhoeHh4iIiImJiYqKiouLi4yMjI2NjY6Ojo+Pj5CQkJGRkZKSkpOTk5SUlJWVlZaWlpeXl5iYmJmZmZqampubm5ycnJ2dnZ6enp+fn6Cg\
        oKGhoaKioqOjo6SkpKWlpaampqenp6ioqKmpqaqqqqurq6ysrK2tra6urq+vr7CwsLGxsbKysrOzs7S0tLW1tba2tre3t7i4uLm5ubq6uru7u7\
        y8vL29vb6+vr+/v8DAwMHBwcLCwsPDw8TExMXFxcbGxsfHx8jIyMnJycrKysvLy8zMzM3Nzc7Ozs/Pz9DQ0NHR0dLS0tPT09TU1NXV1dbW1tfX\
        19jY2NnZ2dra2tvb29zc3N3d3d7e3t/f3+Dg4OHh4eLi4uPj4+Tk5OXl5ebm5ufn5+jo6Onp6erq6uvr6+zs7O3t7e7u7u/v7/Dw8PHx8fLy8v\
        Pz8/T09PX19fb29vf39/j4+Pn5+fr6+vv7+/z8/P39/f7+/v///ywAAAAABQAEAAAIDgABAPg3sOBAgggT/gsIADs=
        """,
        5, 4, "b257ec3a0a73736f581e90c89aa3f735f8b1f036b70645a26114c25ee39b820d"
    ),
]

private func bytes(_ base64: String) throws -> [UInt8] { [UInt8](try #require(Data(base64Encoded: base64))) }

@Suite("GIF and BMP")
struct OtherFormatTests {
    @Test("read as Pillow reads them", arguments: files.indices)
    func pillow(index: Int) throws {
        let file = files[index]
        let image = try Image(decoding: bytes(file.base64))
        #expect((image.width, image.height, image.channels) == (file.width, file.height, 3), "\(file.name)")
        #expect(SHA256.hash(image.pixels).description == file.digest, "\(file.name)")
        #expect(image.warnings.isEmpty, "\(file.name)")
    }

    @Test("cut anywhere, they are read with a warning or refused, and strictly refused", arguments: files.indices)
    func cut(index: Int) throws {
        let whole = try bytes(files[index].base64)
        var strict = DecodingOptions()
        strict.isStrict = true
        let full = try Image(decoding: whole)
        for count in 0..<whole.count {
            let part = Array(whole[..<count])
            if let image = try? Image(decoding: part), image.pixels != full.pixels { #expect(!image.warnings.isEmpty) }
            if let image = try? Image(decoding: part, options: strict) { #expect(image.pixels == full.pixels) }
        }
    }

    @Test("a size beyond the limit is refused before anything is allocated")
    func limit() throws {
        var gif = try bytes(files[7].base64)
        // The frame's width and height, found by its separator and its width of 5.
        let frame = try #require(gif.indices.dropFirst(13).first { gif[$0] == 0x2c && gif[$0 + 5] == 5 })
        for i in 5..<9 { gif[frame + i] = 0xff }
        #expect(throws: ImageError.overLimit(what: "pixels", declared: 65535 * 65535, limit: 200_000_000)) {
            try Image(decoding: gif)
        }
        var bmp = try bytes(files[0].base64)
        for i in [18, 19, 20, 22, 23, 24] { bmp[i] = 0xff }
        #expect(throws: ImageError.overLimit(what: "pixels", declared: 0xffffff * 0xffffff, limit: 200_000_000)) {
            try Image(decoding: bmp)
        }
    }
}

@Suite("What the bytes are")
struct ImageFormatTests {
    @Test("is told by their beginning", arguments: [
        ("\u{feff}<!DOCTYPE html><svg>", ImageFormat.html), ("<?xml version='1.0'?><svg xmlns='x'>", .svg), ("  <HTML>", .html),
        ("<plist>", .unknown), ("version https://git-lfs.github.com/spec/v1\n", .gitLFSPointer), ("", .empty), ("B", .unknown),
        ("BMW is a car, and not a picture", .unknown), ("RIFF1234WEBPVP8 ", .webp),
        ("\0\0\0\u{18}ftypmif1\0\0\0\0avifmif1", .avif), ("\0\0\0\u{18}ftypheic\0\0\0\0mif1heic", .heic), ("II*\0", .tiff),
        ("GIF89a", .gif), ("not a picture at all", .unknown),
    ])
    func sniffed(text: String, format: ImageFormat) {
        #expect(Array(text.utf8).withUnsafeBytes { ImageFormat.sniff($0) } == format)
    }

    @Test("what is recognized and not read is named in the error")
    func named() {
        #expect(throws: ImageError.unsupported(.webp, feature: "the format")) {
            try Image(decoding: Array("RIFF1234WEBPVP8 ".utf8))
        }
        #expect(throws: ImageError.unrecognized) { try Image(decoding: Array("hello, world".utf8)) }
        #expect(throws: ImageError.truncated(.empty, offset: 0)) { try Image(decoding: []) }
    }

    @Test("scraped files give what TensorFlow reads, or an error", .enabled(if: SharedData.isPresent, SharedData.absence))
    func webdirt() throws {
        var (read, refused) = (0, 0)
        for row in try OracleTable("webdirt_matrix.tsv").rows {
            guard let file = row["file"], FileManager.default.fileExists(atPath: SharedData.url("decode/webdirt/" + file).path)
            else { continue }
            let bytes = try [UInt8](SharedData.data("decode/webdirt/" + file))
            let format = bytes.withUnsafeBytes { ImageFormat.sniff($0) }
            if format == .jpeg { continue }
            let references = row.filter { $0.key != "file" }.values
            let digests = references.filter { $0.hasPrefix("ok[") }.compactMap { $0.split(separator: " ").last }
            if let image = try? Image(decoding: bytes, appliesOrientation: false) {
                read += 1
                // Pillow's digests are of its own modes: only those of TensorFlow are of RGB. A palette BMP it reads as gray.
                if file != "bmp8_palette.bmp", let expected = digests.first {
                    #expect(image.digest(alpha: false).hasPrefix(expected), "\(file)")
                }
                #expect(references.contains { $0.hasPrefix("ok") }, "\(file)")
            } else {
                refused += 1
                // Pillow alone forgives a wrong checksum of pixels.
                let isOurs = [.webp, .avif, .tiff].contains(format) || file == "bad_idat_crc.png"
                #expect(isOurs || !references.contains { $0.hasPrefix("ok") }, "\(file)")
            }
        }
        #expect(read > 12 && refused > 8)
    }
}
