import Foundation
import TestSupport
import Testing

@testable import Imaging

@Suite("The library's public face")
struct ImageTests {
    @Test("a header tells what the picture will be, stored and upright")
    func header() throws {
        let bytes = try TestPicture.named("jpeg_exif_6.jpg")
        let header = try ImageHeader(of: bytes)
        #expect((header.format, header.width, header.height, header.orientation) == (.jpeg, 19, 13, 6))
        #expect((header.uprightWidth, header.uprightHeight) == (13, 19))
        let (upright, stored) = try (
            Image(decoding: bytes), Image(decoding: bytes, appliesOrientation: false)
        )
        #expect((upright.width, upright.height, upright.orientation) == (13, 19, 6))
        #expect((stored.width, stored.height, stored.orientation) == (19, 13, 6))
    }

    @Test("arrays, slices, Data and files give the same picture")
    func sources() throws {
        let bytes = try TestPicture.named("png_rgba.png")
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("imaging-\(UUID()).html")
        try Data(bytes).write(to: url)
        defer { try? FileManager.default.removeItem(at: url) }
        let image = try Image(decoding: bytes)
        #expect(try Image(decoding: ([0] + bytes)[1...]).pixels == image.pixels)
        #expect(try Image(decoding: Data(bytes)).pixels == image.pixels)
        #expect(try Image(contentsOf: url.path).pixels == image.pixels)
    }

    @Test("a file that cannot be read is an error of its own, with the system's number")
    func unreadable() {
        #expect(throws: ImageError.unreadableFile(path: "/no/such/file.png", errno: ENOENT)) {
            try Image(contentsOf: "/no/such/file.png")
        }
        #expect(throws: ImageError.unreadableFile(path: "/", errno: EISDIR)) { try Image(contentsOf: "/") }
        #expect(
            "\(ImageError.unreadableFile(path: "a.png", errno: ENOENT))" == "a.png: No such file or directory"
        )
    }

    @Test("errors say where, and what")
    func errors() throws {
        var bytes = try TestPicture.named("png_rgb.png")
        bytes[24] = 7
        bytes.replaceSubrange(29..<33, with: [0, 0, 0, 0])
        #expect(throws: ImageError.malformed(.png, offset: 29, reason: "the checksum of IHDR is wrong")) {
            try Image(decoding: bytes)
        }
        #expect(
            "\(ImageError.malformed(.png, offset: 29, reason: "the checksum of IHDR is wrong"))"
                == "damaged PNG: the checksum of IHDR is wrong, at byte 29")
        #expect(throws: ImageError.truncated(.gif, offset: 9)) {
            try Image(decoding: TestPicture.named("gif_plain.gif").prefix(9))
        }
    }

    @Test("what is wrong and could be worked around is a warning, and an error when strict")
    func warnings() throws {
        let bytes = try TestPicture.named("png_rgb.png").dropLast(12)
        let image = try Image(decoding: bytes)
        #expect(image.warnings == [DecodingWarning(offset: bytes.count, "the file ends without IEND")])
        var options = DecodingOptions()
        options.isStrict = true
        #expect(throws: ImageError.malformed(.png, offset: bytes.count, reason: "the file ends without IEND"))
        {
            try Image(decoding: bytes, options: options)
        }
    }

    @Test("an ancillary chunk with a wrong checksum is passed over, a critical one is not")
    func checksums() throws {
        let bytes = try TestPicture.named("png_palette_transparent_rgba.png")
        var options = DecodingOptions()
        options.keepsAlpha = true
        for (chunk, isFatal) in [("tRNS", false), ("PLTE", true), ("IDAT", true)] {
            let at = try #require(bytes.firstRange(of: Array(chunk.utf8))).upperBound
            var damaged = bytes
            damaged[at] ^= 1
            let image = try? Image(decoding: damaged, options: options)
            #expect((image == nil) == isFatal, "\(chunk)")
            if let image {
                #expect(
                    image.channels == 3
                        && image.warnings.map(\.description) == ["tRNS ignored: its checksum is wrong"])
            }
        }
    }
}
