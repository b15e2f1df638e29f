import Compression
import Foundation
import TestSupport
import Testing

@testable import Imaging

/// A frame of a test image and the digest of what Pillow shows of it, with transparent pixels black.
private struct TestFrame: CustomStringConvertible {
    let name: String
    let index: Int
    let digest: String
    var description: String { "\(name) \(index)" }

    static let all: [TestFrame] = {
        let url = SharedData.project.appendingPathComponent("Tests/Pictures/frames.tsv")
        let table = (try? String(contentsOf: url, encoding: .utf8)) ?? ""
        return table.split(separator: "\n").dropFirst().map { line in
            let fields = line.split(separator: "\t").map(String.init)
            return TestFrame(name: fields[0], index: Int(fields[1]) ?? 0, digest: fields[2])
        }
    }()
}

@Suite("Animations and pages")
struct AnimationTests {
    private func image(_ bytes: [UInt8], _ frame: Int, alpha: Bool = true) throws -> Image {
        var options = DecodingOptions()
        (options.frame, options.keepsAlpha) = (frame, alpha)
        return try Image(decoding: bytes, options: options)
    }

    @Test("every frame is shown as Pillow shows it")
    func frames() throws {
        #expect(TestFrame.all.count == 30)
        for frame in TestFrame.all {
            let image = try image(TestPicture.named(frame.name), frame.index)
            let pixels = stride(from: 0, to: image.pixels.count, by: image.channels).flatMap {
                at -> [UInt8] in
                let alpha = image.channels == 4 ? image.pixels[at + 3] : 255
                return alpha == 0 ? [0, 0, 0, 0] : image.pixels[at..<(at + 3)] + [alpha]
            }
            #expect(SHA256.hash(pixels).description == frame.digest, "\(frame)")
        }
    }

    @Test("frames are counted, and one that is not there is refused")
    func count() throws {
        for picture in TestPicture.sound {
            let counted = TestFrame.all.count { $0.name == picture.name }
            let bytes = try picture.bytes
            #expect(try Image.frameCount(in: bytes) == max(1, counted), "\(picture)")
            if counted > 0 {
                #expect(throws: ImageError.self, "\(picture)") { try image(bytes, counted) }
                #expect(try image(bytes, counted - 1, alpha: false).channels == 3)
            }
        }
    }

    @Test(
        "a file that ends within an animation keeps the frames before",
        arguments: [
            "gif_disposals_rgba.gif", "png_disposals_rgba.png", "webp_blended_rgba.webp",
        ])
    func truncated(name: String) throws {
        let bytes = try TestPicture.named(name)
        for count in stride(from: bytes.count / 4, to: bytes.count, by: 7) {
            let part = Array(bytes[..<count])
            guard let frames = try? Image.frameCount(in: part) else { continue }
            for frame in 0..<frames { _ = try? image(part, frame) }
        }
    }

    @Test("pages that follow each other in a circle are counted once")
    func circle() throws {
        var bytes = try TestPicture.named("tiff_strips.tif")
        let directory = bytes[4...7].reversed().reduce(0) { $0 << 8 | Int($1) }
        let next = directory + 2 + 12 * (Int(bytes[directory]) | Int(bytes[directory + 1]) << 8)
        for i in 0..<4 { bytes[next + i] = bytes[4 + i] }
        #expect(try Image.frameCount(in: bytes) == 1)
        #expect(throws: ImageError.malformed(.tiff, offset: bytes.count, reason: "no page 1")) {
            try image(bytes, 1)
        }
    }

    @Test("thousands of large frames in a few bytes are refused")
    func largeFrames() throws {
        let frame: [UInt8] =
            [0x21, 0xf9, 4, 1, 0, 0, 0, 0, 0x2c, 0, 0, 0, 0, 0x88, 0x13, 0x88, 0x13, 0] + [2, 2, 0x44, 1, 0]
        let screen: [UInt8] = [0x88, 0x13, 0x88, 0x13, 0x80, 0, 0] + [UInt8](repeating: 0, count: 6)
        let bytes = Array("GIF89a".utf8) + screen + (0..<3000).flatMap { _ in frame } + [0x3b]
        #expect(try Image.frameCount(in: bytes) == 3000)
        #expect(
            throws: ImageError.overLimit(
                what: "pixels in the frames up to the selected one", declared: 3000 * 25_000_000,
                limit: 800_000_000)
        ) { try image(bytes, 2999) }
    }

    /// Searching each frame from the file's start would take the square of their number.
    @Test("the last of thirty thousand frames of a WebP is found in one walk")
    func manyFrames() throws {
        // One pixel in VP8L, and its frame.
        let pixel: [UInt8] = [
            0x2f, 0, 0, 0, 0x10, 7, 0x50, 0xb2, 0x22, 0x57, 0xa6, 0x80, 0x81, 0x88, 0xe8, 0x7f, 0, 0,
        ]
        func chunk(_ name: String, _ payload: [UInt8]) -> [UInt8] {
            Array(name.utf8) + (0..<4).map { UInt8(truncatingIfNeeded: payload.count >> (8 * $0)) } + payload
        }
        let frame = chunk("ANMF", [UInt8](repeating: 0, count: 16) + chunk("VP8L", pixel))
        var file = chunk("VP8X", [0x12, 0, 0, 0, 0, 0, 0, 0, 0, 0])
        for _ in 0..<30_000 { file += frame }
        let bytes = chunk("RIFF", Array("WEBP".utf8) + file)
        #expect(try Image.frameCount(in: bytes) == 30_000)
        #expect(try image(bytes, 29_999).pixels.count == 4)
        var options = DecodingOptions()
        (options.frame, options.maximumPixels) = (29_999, 1)
        #expect(
            throws: ImageError.overLimit(
                what: "pixels in the frames up to the selected one", declared: 30_000, limit: 4)
        ) { try Image(decoding: bytes, options: options) }
    }
}
