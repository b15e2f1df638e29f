import Foundation
import Imaging
import Testing

@testable import JPEGEncoding

@Suite("Encoding JPEG")
struct JPEGEncoderTests {
    /// A picture with a gradient in every channel.
    private func picture(_ width: Int, _ height: Int) -> Raster {
        Raster(
            width: width, height: height,
            pixels: (0..<width * height).map { index in
                let (x, y) = (index % width, index / width)
                return SIMD4(
                    UInt8(x * 255 / width), UInt8(y * 255 / height),
                    UInt8(255 - x * 127 / width - y * 127 / height), 255)
            })
    }

    @Test(
        "a JPEG of any size is read back nearly as it was",
        arguments: [(1, 1), (16, 16), (17, 15), (100, 37), (8, 200)], [40, 75, 98])
    func jpeg(_ size: (Int, Int), _ quality: Int) throws {
        let (width, height) = size, picture = picture(width, height)
        var encoder = JPEGEncoder()
        (encoder.quality, encoder.optimizesCodes) = (quality, true)
        let file = encoder.encode(picture)
        encoder.optimizesCodes = false
        let image = try Image(decoding: file)
        #expect(image.format == .jpeg && image.width == width && image.height == height)
        #expect(image.warnings.isEmpty)
        // Codes made for the image change nothing of it, and are no longer than the usual ones.
        let usual = encoder.encode(picture)
        #expect(try Image(decoding: usual).pixels == image.pixels && file.count <= usual.count)
        let source = picture.pixels.flatMap { [$0.x, $0.y, $0.z] }
        let error = zip(image.pixels, source).reduce(0.0) { $0 + pow(Double($1.0) - Double($1.1), 2) }
        #expect((error / Double(source.count)).squareRoot() < (width < 16 ? 20 : 7))
    }

    @Test("Huffman codes are free of prefixes, at most 16 bits long, and never all ones")
    func huffman() {
        // Fibonacci's numbers make the deepest tree.
        var counts = [Int](repeating: 0, count: 256), (a, b) = (1, 1)
        for symbol in 0..<40 { (counts[symbol], a, b) = (a, b, a + b) }
        let code = HuffmanCode(counts: counts)
        #expect(code.symbols.count == 40 && code.lengths.reduce(0) { $0 + Int($1) } == 40)
        var texts: [String] = []
        for symbol in 0..<40 {
            let (bits, length) = code.words[symbol], text = String(bits, radix: 2)
            texts.append(String(repeating: "0", count: max(0, length - text.count)) + text)
            #expect((1...16).contains(length) && texts[symbol].contains("0"))
        }
        for (index, text) in texts.enumerated() {
            #expect(!texts.enumerated().contains { $0.offset != index && $0.element.hasPrefix(text) })
        }
        #expect(code.words[39].length <= 2 && code.words[0].length > 10)
    }
}
