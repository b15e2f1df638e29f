import Compression
import JPEGEncoding

/// Writes 8-bit PNG files (W3C PNG, third edition).
enum PNGEncoder {
    enum Colors: UInt8 { case gray = 0, rgb = 2, palette = 3, rgba = 6 }

    static func encode(_ image: Raster, _ colors: Colors) -> [UInt8] {
        let channels = colors == .rgba ? 4 : colors == .rgb ? 3 : 1
        let rows = (0..<image.height).map { y in
            image.pixels[y * image.width..<(y + 1) * image.width].flatMap { bytes($0, colors) }
        }
        var filtered: [UInt8] = []
        for (y, row) in rows.enumerated() {
            filtered +=
                colors == .palette
                ? [0] + row : best(row, above: y > 0 ? rows[y - 1] : row.map { _ in 0 }, channels)
        }
        var file: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
        append("IHDR", wide(image.width) + wide(image.height) + [8, colors.rawValue, 0, 0, 0], to: &file)
        if colors == .palette {
            append(
                "PLTE",
                (UInt8(0)..<216).flatMap { i -> [UInt8] in [i / 36 * 51, i / 6 % 6 * 51, i % 6 * 51] },
                to: &file)
        }
        append("IDAT", Deflate.compress(filtered, level: 9), to: &file)
        append("IEND", [], to: &file)
        return file
    }

    /// Returns a pixel's bytes; the palette is the 6 × 6 × 6 cube of web-safe colors.
    private static func bytes(_ pixel: SIMD4<UInt8>, _ colors: Colors) -> [UInt8] {
        let (red, green, blue) = (Int(pixel.x), Int(pixel.y), Int(pixel.z))
        switch colors {
        case .gray:
            let gray = 77 * red + 150 * green + 29 * blue
            return [UInt8((gray + 128) >> 8)]
        case .rgb: return [pixel.x, pixel.y, pixel.z]
        case .rgba: return [pixel.x, pixel.y, pixel.z, pixel.w]
        case .palette:
            let steps = [red, green, blue].map { ($0 + 25) / 51 }
            return [UInt8(steps[0] * 36 + steps[1] * 6 + steps[2])]
        }
    }

    /// Returns the filtered row with the least sum of magnitudes, preceded by its filter type (§12.7).
    private static func best(_ row: [UInt8], above: [UInt8], _ channels: Int) -> [UInt8] {
        let candidates = (0..<5).map { filter in
            [UInt8(filter)]
                + row.indices.map { i in
                    let left = i < channels ? 0 : Int(row[i - channels]), up = Int(above[i]),
                        corner = i < channels ? 0 : Int(above[i - channels])
                    let prediction =
                        switch filter {
                        case 0: 0
                        case 1: left
                        case 2: up
                        case 3: (left + up) / 2
                        default: paeth(left, up, corner)
                        }
                    return row[i] &- UInt8(prediction)
                }
        }
        func cost(_ bytes: [UInt8]) -> Int { bytes.reduce(0) { $0 + Int(Int8(bitPattern: $1).magnitude) } }
        return candidates.min { cost($0) < cost($1) } ?? []
    }

    private static func paeth(_ left: Int, _ up: Int, _ corner: Int) -> Int {
        let estimate = left + up - corner
        let (a, b, c) = (abs(estimate - left), abs(estimate - up), abs(estimate - corner))
        return a <= b && a <= c ? left : b <= c ? up : corner
    }

    private static func append(_ kind: String, _ data: [UInt8], to file: inout [UInt8]) {
        let body = Array(kind.utf8) + data
        file += wide(data.count) + body + wide(Int(CRC32.checksum(body)))
    }

    private static func wide(_ value: Int) -> [UInt8] {
        withUnsafeBytes(of: UInt32(value).bigEndian) { Array($0) }
    }
}
