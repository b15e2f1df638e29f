import Compression
import Foundation
import TestSupport
import Testing

@testable import Imaging

@Suite("Samples, profiles and PNG writing")
struct RawColorTests {
    private static var everything: DecodingOptions {
        var options = DecodingOptions()
        (options.keepsAlpha, options.keepsDepth) = (true, true)
        return options
    }

    @Test("a written PNG is read as what was written, for every number of channels and both depths")
    func roundTrip() throws {
        var state: UInt32 = 9
        let (width, height) = (37, 23)
        for channels in 1...4 {
            for depth in [8, 16] {
                let pixels: [UInt8] = (0..<(width * height * channels * depth / 8)).map { index in
                    state = state &* 1_664_525 &+ 1_013_904_223
                    // Gradients, so that filters differ from row to row, and some noise.
                    return UInt8(truncatingIfNeeded: index / 3 &+ Int(state >> 30))
                }
                let file = pixels.withUnsafeBytes {
                    PNGEncoder.encode($0, width: width, height: height, channels: channels, depth: depth)
                }
                let image = try Image(decoding: file, options: Self.everything)
                #expect(image.depth == depth && image.warnings.isEmpty)
                #expect(image.channels == (channels % 2 == 0 ? 4 : 3))
                let wide = pixels.withUnsafeBytes { bytes in
                    (0..<(width * height * channels)).map { index in
                        depth == 8
                            ? UInt16(bytes[index])
                            : bytes.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self)
                    }
                }
                let expected = (0..<(width * height)).flatMap { pixel -> [UInt16] in
                    let samples = Array(wide[(pixel * channels)..<((pixel + 1) * channels)])
                    return channels > 2 ? samples : [samples[0], samples[0], samples[0]] + samples[1...]
                }
                #expect(image.samples == expected, "\(channels) channels, \(depth) bits")
            }
        }
    }

    @Test("adaptive filters make a smaller file than none")
    func filters() throws {
        let picture = try Image(decoding: TestPicture.named("webp_lossy.webp"))
        let file = picture.png()
        #expect(try Image(decoding: file).pixels == picture.pixels)
        #expect(file.count < Deflate.compress(picture.pixels).count)
    }

    @Test("every format keeps 16 bits where it has them, and 8 otherwise")
    func depth() throws {
        let tiff = try TestPicture.named("tiff_16.tif")
        let deep = try Image(decoding: tiff, options: Self.everything)
        let shallow = try Image(decoding: tiff)
        #expect(deep.depth == 16 && shallow.depth == 8)
        #expect(deep.samples.map { UInt8($0 >> 8) } == shallow.pixels)
        #expect(Set(deep.samples.map { $0 & 0xff }).count > 20)
        for name in ["tiff_16_differences.tif", "tiff_16_differences_big_endian.tif"] {
            #expect(
                try Image(decoding: TestPicture.named(name), options: Self.everything).samples == deep.samples
            )
        }
        let png = deep.png()
        #expect(try Image(decoding: png, options: Self.everything).samples == deep.samples)
        #expect(try Image(decoding: png).pixels == shallow.pixels)
        let pgm = Array("P5 2 1 1023\n".utf8) + [3, 0xff, 0, 1]
        #expect(
            try Image(decoding: pgm, options: Self.everything).samples == [65535, 65535, 65535, 64, 64, 64])
        for picture in TestPicture.sound
        where !picture.name.hasPrefix("tiff_16") && !picture.name.hasPrefix("pnm_16") {
            #expect(try Image(decoding: picture.bytes, options: Self.everything).depth == 8, "\(picture)")
        }
    }

    @Test("an icon's picture keeps 16 bits, too")
    func icon() throws {
        let deep = try Image(decoding: TestPicture.named("tiff_16.tif"), options: Self.everything)
        let png = deep.png()
        let size = (0..<4).map { UInt8(truncatingIfNeeded: png.count >> (8 * $0)) }
        let head: [UInt8] = [0, 0, 1, 0, 1, 0, 19, 13, 0, 0, 1, 0, 48, 0]
        let file = Array([head, size, [22, 0, 0, 0], png].joined())
        let image = try Image(decoding: file, options: Self.everything)
        #expect(image.format == .ico && image.depth == 16 && image.samples == deep.samples)
    }

    /// The fields of the first directory of a little- or big-endian TIFF structure and of those that it points to, by tag.
    private func fields(_ exif: [UInt8], at start: Int? = nil) -> [Int: [UInt8]] {
        func number(_ at: Int, _ size: Int) -> Int {
            let digits = exif[at..<(at + size)]
            return (exif[0] == 0x49 ? digits.reversed() : Array(digits)).reduce(0) { $0 << 8 | Int($1) }
        }
        let start = start ?? number(4, 4)
        var fields: [Int: [UInt8]] = [:]
        for index in 0..<number(start, 2) {
            let at = start + 2 + 12 * index, tag = number(at, 2)
            let unit = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8][number(at + 2, 2)]
            let size = unit * number(at + 4, 4), place = size > 4 ? number(at + 8, 4) : at + 8
            if tag == 0x8769 || tag == 0x8825 {
                fields.merge(self.fields(exif, at: number(at + 8, 4))) { $1 }
            } else {
                // The parts of rationals are compared as numbers.
                let part = unit == 8 ? 4 : max(unit, 1)
                fields[tag] = stride(from: place, to: place + size, by: part).flatMap { at in
                    (0..<part).map { UInt8(truncatingIfNeeded: number(at, part) >> (8 * $0)) }
                }
            }
        }
        return fields
    }

    @Test(
        "EXIF of a TIFF, which is in directories of its own, has the form and the fields that it has elsewhere"
    )
    func tiffEXIF() throws {
        let found = try ImageMetadata(of: TestPicture.named("tiff_exif_6.tif"))
        #expect(found.orientation == 6 && found.colorProfile == (0...255).map(UInt8.init))
        let tiff = fields(try #require(found.exif))
        for name in ["webp_exif_6.webp", "png_exif_camera_6.png", "jpeg_exif_camera_6.jpg"] {
            let metadata = try ImageMetadata(of: TestPicture.named(name))
            #expect(metadata.orientation == 6 && metadata.colorProfile == found.colorProfile)
            var other = fields(try #require(metadata.exif))
            // The maker, which this TIFF does not name.
            other[0x010f] = nil
            #expect(tiff == other, "\(name)")
        }
        #expect(tiff.count == 5 && tiff[0x9003] == Array("2026:11:29 12:00:00\0".utf8))
        // The structure stands alone: a PNG that holds it is turned as the TIFF is.
        let png = try Image(decoding: TestPicture.named("png_rgb.png")).png(exif: found.exif)
        #expect(try ImageMetadata(of: png).orientation == 6)
        #expect(try ImageMetadata(of: TestPicture.named("tiff_lzw.tif")).exif == nil)
        let pointed = try TestPicture.named("tiff_exif_6.tif")
        for count in stride(from: 900, to: pointed.count, by: 7) {
            _ = try? ImageMetadata(of: Array(pointed[..<count])).exif
        }
    }

    @Test("color profiles and orientation of the other containers come out as they were put in")
    func otherContainers() throws {
        func join(_ parts: [UInt8]...) -> [UInt8] { Array(parts.joined()) }
        let profile: [UInt8] = (0..<600).map { UInt8(truncatingIfNeeded: $0 * $0 / 3) }
        // GIF: an application extension with the profile in sub-blocks, and one with XMP, in front of the first frame.
        let gif = try TestPicture.named("gif_plain.gif")
        let start = 13 + 6 << Int(gif[10] & 7)
        let blocks: [UInt8] = stride(from: 0, to: 600, by: 200).flatMap { [200] + profile[$0..<($0 + 200)] }
        let icc = join([0x21, 0xff, 11], Array("ICCRGBG1012".utf8), blocks, [0])
        let packet = Array("<x tiff:Orientation=\"3\"/>".utf8)
        // The packet is followed by the bytes 1, 255, 254 … 0, 0, which end it for readers that skip sub-blocks.
        let trailer: [UInt8] = [1] + (0...255).reversed().map(UInt8.init) + [0]
        let xmp = join([0x21, 0xff, 11], Array("XMP DataXMP".utf8), packet, trailer)
        let file = join(Array(gif[..<start]), icc, xmp, Array(gif[start...]))
        let animated = try ImageMetadata(of: file)
        #expect(animated.colorProfile == profile && animated.xmp == packet && animated.orientation == 3)
        #expect(try Image(decoding: file).orientation == 3)

        // BITMAPV5HEADER with one white pixel; the profile lies behind it.
        func four(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
        var header = join(four(124), four(1), four(1), [1, 0, 24, 0], [UInt8](repeating: 0, count: 108))
        header.replaceSubrange(56..<60, with: Array("DEBM".utf8))
        header.replaceSubrange(112..<120, with: join(four(128), four(600)))
        let bmp = join(Array("BM".utf8), four(742), four(0), four(138), header, [255, 255, 255, 0], profile)
        #expect(try ImageMetadata(of: bmp).colorProfile == profile)
        #expect(try Image(decoding: bmp).pixels == [255, 255, 255])

        // An icon's PNG brings its own; formats without metadata have none.
        let png = try Image(decoding: bmp).png(colorProfile: profile)
        let icon = join([0, 0, 1, 0, 1, 0, 1, 1, 0, 0, 1, 0, 24, 0], four(png.count), four(22), png)
        #expect(try ImageMetadata(of: icon).colorProfile == profile)
        for name in ["qoi_rgb.qoi", "pnm_p6.ppm"] {
            let none = try ImageMetadata(of: TestPicture.named(name))
            #expect(none.exif == nil && none.colorProfile == nil && none.orientation == 1)
        }
    }

    @Test("orientation moves samples of 16 bits whole")
    func turned() throws {
        let tiff = try TestPicture.named("tiff_16.tif")
        let upright = try Image(decoding: tiff, options: Self.everything)
        // EXIF says that the picture is turned half around.
        let exif: [UInt8] = [
            0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 3, 0, 0, 0, 0, 0, 0,
        ]
        let file = upright.png(exif: exif)
        let turned = try Image(decoding: file, options: Self.everything)
        #expect(turned.orientation == 3)
        let pixels = stride(from: 0, to: upright.samples.count, by: 3).map {
            Array(upright.samples[$0..<($0 + 3)])
        }
        #expect(turned.samples == pixels.reversed().flatMap { $0 })
    }

    @Test("EXIF, XMP and color profiles come out as they were put in, from every container")
    func metadata() throws {
        let profile: [UInt8] = (0..<3000).map { UInt8(truncatingIfNeeded: $0 * $0 / 5) }
        let exif = Array("MM\0*\0\0\0\u{8}\0\0\0\0\0\0".utf8)
        let image = try Image(decoding: TestPicture.named("png_rgb.png"))
        let png = try ImageMetadata(of: image.png(colorProfile: profile, exif: exif))
        #expect(png.colorProfile == profile && png.exif == exif && png.xmp == nil && png.orientation == 1)

        // Segments may come in any order.
        let jpeg = try TestPicture.named("jpeg_420.jpg")
        func segment(_ marker: UInt8, _ body: [UInt8]) -> [UInt8] {
            [0xff, marker, UInt8((body.count + 2) >> 8), UInt8((body.count + 2) & 255)] + body
        }
        func piece(_ number: UInt8, _ bytes: ArraySlice<UInt8>) -> [UInt8] {
            segment(0xe2, Array("ICC_PROFILE\0".utf8) + [number, 2] + bytes)
        }
        let packet = Array("<x tiff:Orientation=\"6\"/>".utf8)
        let file =
            jpeg[..<2] + piece(2, profile[2000...]) + piece(1, profile[..<2000])
            + segment(0xe1, Array("Exif\0\0".utf8) + exif)
            + segment(0xe1, Array("http://ns.adobe.com/xap/1.0/\0".utf8) + packet) + jpeg[2...]
        let all = try ImageMetadata(of: Array(file))
        #expect(all.colorProfile == profile && all.exif == exif && all.xmp == packet && all.orientation == 6)
        let half = try ImageMetadata(of: Array(jpeg[..<2] + piece(2, profile[2000...]) + jpeg[2...]))
        #expect(half.colorProfile == nil)
    }
}
