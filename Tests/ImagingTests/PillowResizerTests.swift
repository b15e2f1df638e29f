import Compression
import Testing

@testable import Imaging

/// The checksums are those of Pillow 13's results, printed by `scripts/make_resample_table.py`.
@Suite("Resizing as Pillow does")
struct PillowResizerTests {
    static func picture(_ width: Int, _ height: Int) -> [UInt8] {
        var pixels: [UInt8] = []
        for y in 0..<height {
            for x in 0..<width {
                for c in 0..<3 {
                    let isStep = (x / 5 + y / 3) % 4 == 0
                    let value = isStep ? (x + y + c) % 2 * 255 : x * 7 + y * 13 + c * 29 + x * y % 11 * 17
                    pixels.append(UInt8(truncatingIfNeeded: value))
                }
            }
        }
        return pixels
    }

    /// Resizes an image whose stored rows are `pixels`; only the first `rows` of them come.
    static func resize(
        _ pixels: [UInt8], width: Int, height: Int, channels: Int = 3, orientation: Int = 1,
        rows: Int? = nil, _ filter: ResampleFilter, _ frame: ResizeFrame
    ) throws -> [UInt8] {
        var resizer = PillowResizer(filter) { _, _ in frame }
        try resizer.begin(
            ImageHeader(
                format: .png, width: width, height: height, channels: channels, orientation: orientation))
        pixels.withUnsafeBufferPointer { pixels in
            for y in 0..<(rows ?? height) { resizer.append(row: pixels.baseAddress! + y * width * channels) }
        }
        resizer.finish()
        return resizer.pixels
    }

    static func whole(_ width: Int, _ height: Int) -> ResizeFrame {
        ResizeFrame(
            resizedWidth: width, resizedHeight: height, left: 0, top: 0, width: width, height: height)
    }

    static let table: [(Int, Int, Int, Int, ResampleFilter, UInt32)] = [
        (1, 1, 3, 2, .nearest, 0x2519bee0),
        (1, 1, 3, 2, .lanczos, 0x2519bee0),
        (1, 1, 3, 2, .bilinear, 0x2519bee0),
        (1, 1, 3, 2, .bicubic, 0x2519bee0),
        (1, 1, 3, 2, .box, 0x2519bee0),
        (1, 1, 3, 2, .hamming, 0x2519bee0),
        (7, 5, 224, 160, .nearest, 0x6d5ff25e),
        (7, 5, 224, 160, .lanczos, 0x8112cf26),
        (7, 5, 224, 160, .bilinear, 0x626c634c),
        (7, 5, 224, 160, .bicubic, 0xd94e7d82),
        (7, 5, 224, 160, .box, 0x6d5ff25e),
        (7, 5, 224, 160, .hamming, 0x979284bf),
        (61, 47, 32, 32, .nearest, 0x1da53398),
        (61, 47, 32, 32, .lanczos, 0x383c154d),
        (61, 47, 32, 32, .bilinear, 0xc850f1a5),
        (61, 47, 32, 32, .bicubic, 0x90705d9a),
        (61, 47, 32, 32, .box, 0x53dc36e1),
        (61, 47, 32, 32, .hamming, 0xc16128e8),
        (200, 150, 341, 256, .nearest, 0x183594fe),
        (200, 150, 341, 256, .lanczos, 0x684eceeb),
        (200, 150, 341, 256, .bilinear, 0x414166f9),
        (200, 150, 341, 256, .bicubic, 0x01cd7be3),
        (200, 150, 341, 256, .box, 0x183594fe),
        (200, 150, 341, 256, .hamming, 0x76cbbdf1),
        (151, 233, 97, 64, .nearest, 0x8ac5b09d),
        (151, 233, 97, 64, .lanczos, 0x889ba81f),
        (151, 233, 97, 64, .bilinear, 0xee679ae4),
        (151, 233, 97, 64, .bicubic, 0xd8830d8c),
        (151, 233, 97, 64, .box, 0xd1d8c084),
        (151, 233, 97, 64, .hamming, 0xcfb0d05a),
        (64, 64, 64, 64, .nearest, 0x26a50e68),
        (64, 64, 64, 64, .lanczos, 0x26a50e68),
        (64, 64, 64, 64, .bilinear, 0x26a50e68),
        (64, 64, 64, 64, .bicubic, 0x26a50e68),
        (64, 64, 64, 64, .box, 0x26a50e68),
        (64, 64, 64, 64, .hamming, 0x26a50e68),
        (300, 17, 31, 33, .nearest, 0xc6e81c79),
        (300, 17, 31, 33, .lanczos, 0x7f4b7864),
        (300, 17, 31, 33, .bilinear, 0xfa67c668),
        (300, 17, 31, 33, .bicubic, 0x420db47c),
        (300, 17, 31, 33, .box, 0x1932ec2e),
        (300, 17, 31, 33, .hamming, 0xbb8e6109),
        (33, 199, 31, 13, .nearest, 0x8b4e4b1e),
        (33, 199, 31, 13, .lanczos, 0x1b3362ad),
        (33, 199, 31, 13, .bilinear, 0x5f15edd6),
        (33, 199, 31, 13, .bicubic, 0x6704f6b1),
        (33, 199, 31, 13, .box, 0x34f466ac),
        (33, 199, 31, 13, .hamming, 0xd82a9946),
        (255, 129, 128, 65, .nearest, 0x340dd685),
        (255, 129, 128, 65, .lanczos, 0xb260d698),
        (255, 129, 128, 65, .bilinear, 0xaaf3eb84),
        (255, 129, 128, 65, .bicubic, 0x7859c103),
        (255, 129, 128, 65, .box, 0x6fc8f00a),
        (255, 129, 128, 65, .hamming, 0x890ac0f4),
    ]

    @Test("gives Pillow's bytes, enlarging and reducing, with each filter")
    func checksums() throws {
        for (width, height, newWidth, newHeight, filter, checksum) in Self.table {
            let result = try Self.resize(
                Self.picture(width, height), width: width, height: height, filter,
                Self.whole(newWidth, newHeight))
            #expect(
                CRC32.checksum(result) == checksum,
                "\(width)x\(height) to \(newWidth)x\(newHeight), \(filter)")
        }
    }

    @Test(
        "a crop is a part of the whole result, and black outside", arguments: [(97, 80), (97, 20), (30, 140)])
    func crops(width: Int, height: Int) throws {
        let pixels = Self.picture(61, 120), left = -3, top = 5
        let all = try Self.resize(pixels, width: 61, height: 120, .bicubic, Self.whole(width, height))
        let part = try Self.resize(
            pixels, width: 61, height: 120, .bicubic,
            ResizeFrame(
                resizedWidth: width, resizedHeight: height, left: left, top: top, width: 40, height: 30))
        for y in 0..<30 {
            for x in 0..<40 {
                let isInside = (0..<width).contains(x + left) && (0..<height).contains(y + top)
                for c in 0..<3 {
                    let expected = isInside ? all[((y + top) * width + x + left) * 3 + c] : 0
                    #expect(part[(y * 40 + x) * 3 + c] == expected)
                }
            }
        }
    }

    @Test("a turned image is resized upright, and alpha is dropped")
    func orientation() throws {
        let pixels = Self.picture(20, 31)
        var turned: [UInt8] = []
        // Orientation 5: the stored image is the transposed one.
        for x in 0..<20 {
            for y in 0..<31 { turned += pixels[((y * 20 + x) * 3)..<((y * 20 + x) * 3 + 3)] + [9] }
        }
        let upright = try Self.resize(pixels, width: 20, height: 31, .lanczos, Self.whole(13, 17))
        let result = try Self.resize(
            turned, width: 31, height: 20, channels: 4, orientation: 5, .lanczos, Self.whole(13, 17))
        #expect(result == upright)
    }

    @Test("rows that are missing are black")
    func truncated() throws {
        var pixels = Self.picture(24, 40)
        let cut = try Self.resize(pixels, width: 24, height: 40, rows: 25, .bilinear, Self.whole(10, 10))
        for index in (25 * 24 * 3)..<pixels.count { pixels[index] = 0 }
        #expect(try cut == Self.resize(pixels, width: 24, height: 40, .bilinear, Self.whole(10, 10)))
    }
}
