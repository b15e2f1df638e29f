import Compression
import Foundation
import TestSupport
import Testing

@testable import Imaging

/// A sink that must not be reached.
private struct NoSink: RowSink {
    var begins = 0
    mutating func begin(_ header: ImageHeader) throws(ImageError) { begins += 1 }
    mutating func append(row: UnsafePointer<UInt8>) {}
}

@Suite("Limits")
struct LimitTests {
    /// The PNG with four bytes of width and of height, and a checksum that goes with them.
    private static func png(_ side: [UInt8], isInterlaced: Bool = false) throws -> [UInt8] {
        var bytes = try TestPicture.named("png_rgb.png")
        bytes.replaceSubrange(16..<24, with: side + side)
        bytes[28] = isInterlaced ? 1 : 0
        let crc = CRC32.checksum(Array(bytes[12..<29]))
        bytes.replaceSubrange(
            29..<33, with: (0..<4).map { UInt8(truncatingIfNeeded: crc >> UInt32(24 - 8 * $0)) })
        return bytes
    }

    /// The picture with a size of 65,535 pixels on each side.
    private static func enlarged(_ name: String) throws -> [UInt8] {
        var bytes = try TestPicture.named(name)
        switch name.split(separator: ".").last {
        case "png": return try png([0, 0, 255, 255])
        case "bmp": bytes.replaceSubrange(18..<26, with: [255, 255, 0, 0, 255, 255, 0, 0])
        case "gif":
            let frame = try #require(bytes.firstRange(of: [0x2c, 0, 0, 0, 0, 19, 0, 13, 0])).lowerBound
            bytes.replaceSubrange((frame + 5)..<(frame + 9), with: [255, 255, 255, 255])
        default:
            // A frame header: 8 bits a sample, height, width (ITU-T T.81 §B.2.2).
            let frame = try #require(bytes.firstRange(of: [8, 0, 13, 0, 19])).lowerBound
            bytes.replaceSubrange((frame + 1)..<(frame + 5), with: [255, 255, 255, 255])
        }
        return bytes
    }

    @Test(
        "a bomb is refused before a row is asked for",
        arguments: [
            "png_rgb.png", "bmp_24.bmp", "bmp_rle8.bmp", "gif_plain.gif", "jpeg_420.jpg",
            "jpeg_progressive.jpg",
        ])
    func bomb(name: String) throws {
        let bytes = try Self.enlarged(name)
        var sink = NoSink()
        #expect(throws: ImageError.overLimit(what: "pixels", declared: 65535 * 65535, limit: 200_000_000)) {
            try decode(bytes, into: &sink)
        }
        #expect(sink.begins == 0)
    }

    @Test("however high the limits, sizes whose products overflow are refused", arguments: [false, true])
    func overflow(isInterlaced: Bool) throws {
        var options = DecodingOptions()
        (options.maximumPixels, options.maximumBytes) = (Int.max, Int.max)
        let bytes = try Self.png([0x7f, 255, 255, 255], isInterlaced: isInterlaced)
        #expect(
            throws: ImageError.overLimit(what: "pixels", declared: 0x7fff_ffff * 0x7fff_ffff, limit: 1 << 40)
        ) {
            try Image(decoding: bytes, options: options)
        }
    }

    @Test("the most pixels can be set, and are admitted", arguments: TestPicture.sound)
    func pixels(picture: TestPicture) throws {
        let count = picture.width * picture.height
        var options = DecodingOptions()
        options.maximumPixels = count
        _ = try Image(decoding: picture.bytes, options: options)
        options.maximumPixels = count - 1
        #expect(throws: ImageError.overLimit(what: "pixels", declared: count, limit: count - 1)) {
            try Image(decoding: picture.bytes, options: options)
        }
    }

    @Test("so can the most bytes", arguments: TestPicture.sound)
    func bytes(picture: TestPicture) throws {
        var options = DecodingOptions()
        options.maximumBytes = picture.width * picture.height * 3 - 1
        do {
            _ = try Image(decoding: picture.bytes, options: options)
            Issue.record("was read")
        } catch let error as ImageError {
            guard case .overLimit("bytes", let declared, options.maximumBytes) = error else { throw error }
            #expect(declared > options.maximumBytes)
        }
    }

    @Test("a photograph of 108 megapixels is within the usual ones")
    func usual() {
        let options = DecodingOptions()
        #expect(12000 * 9000 <= options.maximumPixels && 12000 * 9000 * 4 <= options.maximumBytes)
    }
}
