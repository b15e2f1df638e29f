import Compression
import Foundation
import TestSupport
import Testing

@testable import Imaging

@Suite("WebP")
struct WebPTests {
    @Test(
        "pictures of public test sets give Pillow's pixels; what Pillow refuses is refused or warned of",
        .tags(.oracle), .enabled(if: SharedData.isPresent, SharedData.absence))
    func conformance() throws {
        var options = DecodingOptions()
        options.keepsAlpha = true
        var equal = 0
        for row in try OracleTable("further/oracle.tsv").rows {
            guard let path = row["path"], path.hasPrefix("webp/") else { continue }
            let bytes = try [UInt8](SharedData.data("decode/further/" + path))
            let image = try? Image(decoding: bytes, options: options, appliesOrientation: false)
            if row["pillow"] == "ok" {
                #expect(image?.digest(alpha: true) == row["sha256_rgba"], "\(path)")
                equal += 1
            } else if let image {
                #expect(!image.warnings.isEmpty, "\(path)")
            }
        }
        #expect(equal > 250)
    }

    @Test(
        "cut short, a picture keeps the rows that are there, with a warning, or is refused",
        arguments: ["webp_lossy.webp", "webp_lossless.webp", "webp_alpha_rgba.webp"])
    func truncated(name: String) throws {
        let bytes = try TestPicture.named(name)
        let whole = try Image(decoding: bytes)
        var kept = 0
        for count in 12..<(bytes.count - 1) {
            let part = Array(bytes[..<count])
            do throws(ImageError) {
                let image = try Image(decoding: part)
                #expect(!image.warnings.isEmpty && image.width == whole.width, "\(count)")
                kept += 1
                // The first row that is kept is the whole picture's.
                let row = 3 * image.width
                #expect(image.pixels[..<row] == whole.pixels[..<row], "\(count)")
                var strict = DecodingOptions()
                strict.isStrict = true
                #expect(throws: ImageError.self) { try Image(decoding: part, options: strict) }
            } catch {
                if case .truncated(.webp, let offset) = error {
                    #expect(offset <= count)
                } else {
                    Issue.record("\(count): \(error)")
                }
            }
        }
        #expect(kept > 0)
    }

    /// The rows that libwebp's incremental decoder gives of a file cut short.
    struct Cut: Sendable, CustomStringConvertible {
        let name: String
        let bytes, rows: Int
        /// SHA-256 of these rows, RGBA where the name says rgba.
        let digest: String
        var description: String { "\(name) after \(bytes) bytes" }

        static let all: [Cut] = {
            let url = SharedData.project.appendingPathComponent("Tests/Pictures/truncated.tsv")
            let table = (try? String(contentsOf: url, encoding: .utf8)) ?? ""
            return table.split(separator: "\n").dropFirst().map { line in
                let fields = line.split(separator: "\t").map(String.init)
                return Cut(
                    name: fields[0], bytes: Int(fields[1]) ?? 0, rows: Int(fields[2]) ?? 0, digest: fields[3])
            }
        }()
    }

    @Test("cut short, a picture keeps the rows of libwebp's incremental decoder", arguments: Cut.all)
    func incremental(cut: Cut) throws {
        let part = try Array(TestPicture.named(cut.name)[..<cut.bytes])
        var options = DecodingOptions()
        options.keepsAlpha = cut.name.contains("rgba")
        guard cut.rows > 0 else {
            #expect(throws: ImageError.self) { try Image(decoding: part, options: options) }
            return
        }
        let image = try Image(decoding: part, options: options, appliesOrientation: false)
        let kept = image.pixels[..<(image.channels * image.width * cut.rows)]
        #expect(SHA256.hash(Array(kept)).description == cut.digest)
        let isWhole = cut.rows == image.height
        #expect(isWhole || "\(image.warnings)".contains(": \(cut.rows) of \(image.height) rows are there"))
    }

    @Test("all cuts are there")
    func cuts() { #expect(Cut.all.count == 56) }

    @Test("tables of prefix codes are limited as other buffers are")
    func tables() throws {
        // The stream begins behind the headers of the file, the chunk and the image.
        try TestPicture.named("webp_lossless.webp")[25...].withUnsafeBytes { stream in
            var rows = 0
            let decoder = VP8LDecoder(stream, width: 75, height: 61, maximumBytes: 1 << 20)
            try decoder.decode { _, _ in rows += 1 }
            #expect(rows == 61)
            let limited = VP8LDecoder(stream, width: 75, height: 61, maximumBytes: 400)
            #expect(throws: VP8LImage.Failure.malformed("prefix codes whose tables take more than 400 bytes"))
            {
                try limited.decode { _, _ in }
            }
        }
    }

    @Test("limits hold before anything is allocated")
    func limits() throws {
        let bytes = try TestPicture.named("webp_lossless.webp")
        var options = DecodingOptions()
        options.maximumPixels = 75 * 61 - 1
        #expect(throws: ImageError.overLimit(what: "pixels", declared: 75 * 61, limit: 75 * 61 - 1)) {
            try Image(decoding: bytes, options: options)
        }
    }

    @Test("damage is named with its place and value")
    func damaged() throws {
        var bytes = try TestPicture.named("webp_lossy.webp")
        bytes[23] = 7
        #expect(
            throws: ImageError.malformed(
                .webp, offset: 23, reason: "VP8 start code 7, 1, 42 instead of 157, 1, 42")
        ) { try Image(decoding: bytes) }
        bytes = try TestPicture.named("webp_lossless.webp")
        bytes[20] = 1
        #expect(
            throws: ImageError.malformed(.webp, offset: 20, reason: "VP8L signature 1 instead of 47")
        ) { try Image(decoding: bytes) }
    }

    @Test("kernels of the processor at hand give the same rows as the plain ones")
    func kernels() {
        let kernels = [WebPKernels.baseline, WebPKernels.best]
        var state: UInt32 = 1
        func samples(_ count: Int) -> [UInt8] {
            (0..<count).map { _ in
                state = state &* 1_664_525 &+ 1_013_904_223
                return UInt8(truncatingIfNeeded: state >> 24)
            }
        }
        let (a, b, c) = (samples(400), samples(400), samples(400))
        var rows: [[UInt8]] = []
        for kernel in kernels {
            var output = [UInt8](repeating: 0, count: 2000)
            kernel.convert(a, b, c, &output, 300)
            var doubled = [UInt8](repeating: 0, count: 1000)
            kernel.upsample(a, b, &doubled, 150)
            rows.append(Array(output[..<900]))
            rows.append(Array(doubled[1..<301]))
        }
        #expect(rows[0] == rows[2] && rows[1] == rows[3])
    }
}
