import Foundation
import TestSupport
import Testing

@testable import Imaging

/// `[h, w, 3]` bytes that a line of Python makes too: `(x*x*31 + y*57 + c*91 + x*y*7) & 255`.
private func pattern(_ width: Int, _ height: Int) -> [UInt8] {
    (0..<height).flatMap { y in
        (0..<width).flatMap { x in
            (0..<3).map { UInt8(truncatingIfNeeded: x * x * 31 + y * 57 + $0 * 91 + x * y * 7) }
        }
    }
}

private func resize(
    _ pixels: [UInt8], _ header: ImageHeader, to size: (Int, Int), _ filter: ResizeFilter, mean: Float = 0,
    scale: Float = 1
) throws -> [Float] {
    var result = [Float](repeating: .nan, count: size.0 * size.1 * 3)
    try result.withUnsafeMutableBufferPointer { output in
        var resizer = InputResizer(
            output: try #require(output.baseAddress), width: size.0, height: size.1, mean: mean, scale: scale,
            filter: filter)
        try resizer.begin(header)
        pixels.withUnsafeBufferPointer { pixels in
            for y in 0..<header.height {
                resizer.append(row: pixels.baseAddress! + y * header.width * header.channels)
            }
        }
    }
    return result
}

private func header(_ width: Int, _ height: Int, channels: Int = 3, orientation: Int = 1) -> ImageHeader {
    ImageHeader(format: .png, width: width, height: height, channels: channels, orientation: orientation)
}

/// What TensorFlow's `ResizeBilinear` gives for the pattern, `[h, w, 3]`.
private let tensorFlow: [(from: (Int, Int), to: (Int, Int), values: [Float])] = [
    (
        (7, 5), (3, 4),
        [
            0.0, 91.0, 182.0, 90.33334350585938, 181.33334350585938, 101.66665649414062,
            84.66670227050781, 90.33332824707031, 181.3333282470703, 71.25, 162.25, 189.25,
            139.3333282470703, 80.99999237060547, 108.0, 111.41666412353516, 159.75, 101.41669464111328,
            142.5, 105.5, 68.5, 60.33332824707031, 108.66667175292969, 114.33332824707031,
            138.16668701171875, 101.16667938232422, 149.5, 213.75, 48.75, 139.75,
            109.33333587646484, 200.33334350585938, 56.66666793823242, 100.91667175292969, 170.5833282470703,
            133.58334350585938,
        ]
    ),
    (
        (3, 4), (5, 2),
        [
            0.0, 91.0, 182.0, 18.600000381469727, 109.5999984741211, 200.60000610351562,
            49.600006103515625, 140.60000610351562, 180.39999389648438, 105.40000915527344,
            196.40000915527344, 82.59999084472656,
            124.0, 215.0, 50.0, 114.0, 205.0, 40.0,
            141.0, 232.0, 67.0, 129.1999969482422, 220.1999969482422, 106.40000915527344,
            39.79998779296875, 130.79998779296875, 170.60000610351562, 10.0, 101.0, 192.0,
        ]
    ),
]
/// The input that MediaPipe 1.2.3's `ImageEmbedder` gives to a model of that input size.
private let mediaPipe: [(from: (Int, Int), to: (Int, Int), values: [Float])] = [
    (
        (7, 5), (3, 4),
        [
            0, 91, 182, 89, 180, 103, 87, 90, 181, 71, 162, 189, 139, 82, 107, 111, 160, 103, 143, 106, 69,
            61, 108, 115, 139, 102, 149, 214, 49, 140, 109, 200, 57, 101, 170, 135,
        ]
    ),
    (
        (3, 4), (5, 2),
        [
            0, 91, 182, 18, 109, 200, 48, 139, 182, 107, 198, 81, 124, 215, 50, 114, 205, 40, 141, 232, 67,
            131, 222, 105, 38, 129, 172, 10, 101, 192,
        ]
    ),
]
/// What Pillow's `BILINEAR` gives for it in 32-bit float mode.
private let pillow: [(from: (Int, Int), to: (Int, Int), values: [Float])] = [
    (
        (7, 5), (3, 4),
        [
            55.60714340209961, 132.89285278320312, 155.32142639160156, 101.79412078857422, 132.55882263183594,
            144.5,
            96.82142639160156, 123.82142639160156, 118.82142639160156, 106.25, 165.25, 108.44047546386719,
            122.51960754394531, 128.186279296875, 108.7549057006836, 126.08333587646484, 118.03571319580078,
            122.17857360839844,
            147.75, 121.41666412353516, 96.60713958740234, 108.10784149169922, 104.99019622802734,
            129.4803924560547,
            117.25, 130.5357208251953, 145.34524536132812, 138.9642791748047, 111.10713958740234, 147.25,
            92.44117736816406, 164.61764526367188, 105.02941131591797, 138.89285278320312, 147.60714721679688,
            133.46429443359375,
        ]
    ),
    (
        (11, 9), (4, 2),
        [
            109.7000503540039, 137.06729125976562, 118.4293212890625, 119.34835815429688, 132.7671356201172,
            127.79718017578125,
            123.1225357055664, 127.04647827148438, 124.90093994140625, 114.79969024658203, 130.68231201171875,
            155.44549560546875,
            128.69223022460938, 139.76734924316406, 118.05790710449219, 136.15634155273438, 148.2530517578125,
            138.3553924560547,
            122.554931640625, 131.28639221191406, 125.95586395263672, 106.9332275390625, 154.26499938964844,
            140.8351593017578,
        ]
    ),
]

@Suite("Resizing into a network's input")
struct InputResizerTests {
    @Test("fixed-point bilinear equals MediaPipe", arguments: mediaPipe.indices)
    func fixedPoint(_ index: Int) throws {
        let (from, to, values) = mediaPipe[index]
        let result = try resize(pattern(from.0, from.1), header(from.0, from.1), to: to, .fixedPoint)
        #expect(result == values)
    }

    @Test("legacy bilinear equals TensorFlow bit for bit", arguments: tensorFlow.indices)
    func legacy(index: Int) throws {
        let (from, to, values) = tensorFlow[index]
        #expect(
            try resize(pattern(from.0, from.1), header(from.0, from.1), to: to, .legacyBilinear) == values)
    }

    @Test("antialiased equals Pillow's triangle but for rounding", arguments: pillow.indices)
    func antialiased(index: Int) throws {
        let (from, to, values) = pillow[index]
        let result = try resize(pattern(from.0, from.1), header(from.0, from.1), to: to, .antialiased)
        #expect(zip(result, values).allSatisfy { abs($0 - $1) < 1e-4 })
    }

    @Test(
        "every orientation equals resizing the upright picture", arguments: 1...8,
        [(7, 5, 3, 4), (5, 9, 11, 2), (1, 6, 4, 3), (8, 1, 3, 9)])
    func oriented(orientation: Int, size: (Int, Int, Int, Int)) throws {
        let (width, height) = (size.0, size.1)
        let pixels = pattern(width, height)
        let stored = header(width, height, orientation: orientation)
        var sink = PixelSink(maximumBytes: 1 << 20, appliesOrientation: true)
        try sink.begin(stored)
        pixels.withUnsafeBufferPointer {
            for y in 0..<height { sink.append(row: $0.baseAddress! + y * width * 3) }
        }
        let upright = header(sink.width, sink.height)
        let to = (size.2, size.3)
        #expect(
            try resize(pixels, stored, to: to, .legacyBilinear)
                == resize(sink.pixels, upright, to: to, .legacyBilinear))
        #expect(
            try resize(pixels, stored, to: to, .fixedPoint)
                == resize(sink.pixels, upright, to: to, .fixedPoint))
        let (a, b) = try (
            resize(pixels, stored, to: to, .antialiased), resize(sink.pixels, upright, to: to, .antialiased)
        )
        #expect(zip(a, b).allSatisfy { abs($0 - $1) < 1e-4 })
    }

    @Test("scales as the graph does, and drops alpha")
    func normalized() throws {
        let rgb = pattern(4, 4)
        let rgba: [UInt8] = stride(from: 0, to: rgb.count, by: 3).flatMap { rgb[$0..<($0 + 3)] + [9] }
        let plain = try resize(rgb, header(4, 4), to: (4, 4), .legacyBilinear)
        #expect(plain == rgb.map(Float.init))
        let scaled = try resize(
            rgba, header(4, 4, channels: 4), to: (4, 4), .legacyBilinear, mean: 128, scale: 0.0078125)
        #expect(scaled == plain.map { ($0 - 128) * 0.0078125 })
    }
}

@Suite("Orientation")
struct PlacementTests {
    /// Upright 2×3 or 3×2 pictures of the stored rows `abc` and `def`, as the figures of TIFF 6.0 have them.
    @Test(
        "turns and mirrors as TIFF says",
        arguments: zip(
            1...8, ["abcdef", "cbafed", "fedcba", "defabc", "adbecf", "daebfc", "fcebda", "cfbead"]))
    func turned(orientation: Int, expected: String) {
        let placement = Placement(width: 3, height: 2, orientation: orientation)
        var upright = [Character](repeating: "?", count: 6)
        for (i, letter) in "abcdef".enumerated() {
            upright[placement.start(ofRow: i / 3) + i % 3 * placement.step] = letter
        }
        #expect(String(upright) == expected)
        #expect((placement.width, placement.height) == (orientation < 5 ? (3, 2) : (2, 3)))
    }
}
