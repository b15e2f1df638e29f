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
}
