/// Writes baseline and progressive Huffman-coded JPEG files with integer arithmetic (ITU-T T.81).
package struct JPEGEncoder {
    /// The quality, 1...100, by which libjpeg scales the tables of Annex K.
    package var quality = 85
    /// Whether chroma has half the resolution in both directions (4:2:0) instead of the full one (4:4:4).
    package var halvesChroma = true
    package var isGray = false
    /// Whether each component's frequencies are in two bands of scans instead of one scan.
    package var isProgressive = false
    /// The EXIF orientation, 1...8, written to an APP1 segment if it is not 1; the pixels are written
    /// unchanged.
    package var orientation = 1
    /// Whether the Huffman codes are made for the image, in place of those of Annex K.
    package var optimizesCodes = false

    package init() {}

    /// Returns the content of a file.
    ///
    /// - Parameter image: At most 65,535 pixels wide and high.
    package func encode(_ image: Raster) -> [UInt8] {
        let steps = [JPEGTables.lumaSteps, JPEGTables.chromaSteps].map { $0.map(scaled) }
        let components = components(of: image).map { QuantizedComponent($0, steps: steps[$0.table]) }

        let file = file(image, components, steps, JPEGTables.codes)
        guard optimizesCodes else { return file.bytes }
        return self.file(image, components, steps, JPEGCodes(file.counts)).bytes
    }

    private func file(
        _ image: Raster, _ components: [QuantizedComponent], _ steps: [[Int]], _ codes: JPEGCodes
    ) -> JPEGSegments {
        var file = JPEGSegments(codes: codes)
        file.segment(0xE0, Array("JFIF\0".utf8) + [1, 1, 0, 0, 1, 0, 1, 0, 0])
        if orientation != 1 {
            // The directory is a little-endian TIFF directory with one entry: tag 0x0112, SHORT, one value.
            let directory: [UInt8] = [
                1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, UInt8(orientation), 0, 0, 0, 0, 0, 0, 0,
            ]
            file.segment(0xE1, Array("Exif\0\0II*\0".utf8) + [8, 0, 0, 0] + directory)
        }
        for table in 0..<(isGray ? 1 : 2) {
            file.segment(0xDB, [UInt8(table)] + steps[table].map { UInt8($0) })
        }
        file.segment(
            isProgressive ? 0xC2 : 0xC0,
            [8] + bigEndian(image.height) + bigEndian(image.width) + [UInt8(components.count)]
                + components.enumerated().flatMap {
                    [UInt8($0 + 1), UInt8($1.plane.sampling << 4 | $1.plane.sampling), UInt8($1.plane.table)]
                })
        for table in 0..<(isGray ? 1 : 2) {
            for (kind, code) in [codes.direct[table], codes.alternating[table]].enumerated() {
                file.segment(0xC4, [UInt8(kind << 4 | table)] + code.lengths + code.symbols)
            }
        }
        let all = Array(components.indices)
        if isProgressive {
            file.scan(components, of: all, band: 0...0)
            for band in [1...5, 6...63] { for i in all { file.scan(components, of: [i], band: band) } }
        } else {
            file.scan(components, of: all, band: 0...63)
        }
        file.end()
        return file
    }

    private func scaled(_ step: Int) -> Int {
        let percent = quality < 50 ? 5000 / quality : 200 - 2 * quality
        return max(1, min(255, (step * percent + 50) / 100))
    }

    /// Returns Y, Cb and Cr of the pixels, rounded from 65536ths and less 128 (JFIF 1.02).
    private func components(of image: Raster) -> [JPEGPlane] {
        func plane(_ r: Int, _ g: Int, _ b: Int) -> [Int] {
            image.pixels.map { (r * Int($0.x) + g * Int($0.y) + b * Int($0.z) + 32768) >> 16 }
        }
        let sampling = !isGray && halvesChroma ? 2 : 1
        let luma = JPEGPlane(
            width: image.width, height: image.height, samples: plane(19595, 38470, 7471).map { $0 - 128 },
            sampling: sampling, table: 0)
        guard !isGray else { return [luma] }
        return [luma]
            + [plane(-11059, -21709, 32768), plane(32768, -27439, -5329)].map { samples in
                let full = JPEGPlane(
                    width: image.width, height: image.height, samples: samples.map { min($0, 127) },
                    sampling: 1, table: 1)
                return halvesChroma ? full.halved() : full
            }
    }
}

/// Pixels in the order in which a file stores them.
package struct Raster {
    package var width, height: Int
    /// Red, green, blue and alpha, `[height, width]`.
    package var pixels: [SIMD4<UInt8>]

    package init(width: Int, height: Int, pixels: [SIMD4<UInt8>]) {
        (self.width, self.height, self.pixels) = (width, height, pixels)
    }
}

/// The samples of one component, centered on 0.
struct JPEGPlane {
    var width, height: Int
    var samples: [Int]
    /// The number of blocks in each direction per minimum coded unit.
    var sampling: Int
    var table: Int

    /// Returns a sample; beyond the edges, the last ones are repeated.
    func sample(_ x: Int, _ y: Int) -> Int { samples[min(y, height - 1) * width + min(x, width - 1)] }

    func halved() -> JPEGPlane {
        var result = self
        (result.width, result.height) = ((width + 1) / 2, (height + 1) / 2)
        result.samples = (0..<result.width * result.height).map { i in
            let x = i % result.width * 2, y = i / result.width * 2
            return (sample(x, y) + sample(x + 1, y) + sample(x, y + 1) + sample(x + 1, y + 1) + 2) >> 2
        }
        return result
    }
}

/// A component's quantized coefficients in zigzag order, in blocks of whole minimum coded units.
struct QuantizedComponent {
    let plane: JPEGPlane
    /// The numbers of blocks in whole minimum coded units, and in the image alone, which a scan of one
    /// component contains (§A.2.2).
    let columns, rows, ownColumns, ownRows: Int
    let blocks: [[Int]]

    init(_ plane: JPEGPlane, steps: [Int]) {
        self.plane = plane
        (ownColumns, ownRows) = ((plane.width + 7) / 8, (plane.height + 7) / 8)
        let columns = (ownColumns + plane.sampling - 1) / plane.sampling * plane.sampling
        (self.columns, rows) = (columns, (ownRows + plane.sampling - 1) / plane.sampling * plane.sampling)
        blocks = (0..<columns * rows).map { block in
            let samples = (0..<64).map {
                plane.sample(block % columns * 8 + $0 % 8, block / columns * 8 + $0 / 8)
            }
            let frequencies = Self.cosineTransform(samples)
            return (0..<64).map { k in
                let value = frequencies[JPEGTables.zigzag[k]], step = steps[k] << 26
                return value < 0 ? -((step / 2 - value) / step) : (value + step / 2) / step
            }
        }
    }

    /// Computes the 8 × 8 forward DCT (§A.3.3), times 2^26, by its definition.
    static func cosineTransform(_ samples: [Int]) -> [Int] {
        var rows = Array(repeating: 0, count: 64), result = rows
        for i in 0..<64 {
            for x in 0..<8 { rows[i] += samples[i & 56 | x] * basis[i % 8 * 8 + x] }
        }
        for i in 0..<64 {
            for y in 0..<8 { result[i] += rows[y * 8 + i % 8] * basis[i / 8 * 8 + y] }
        }
        return result
    }

    /// The basis by frequency and position: C(u)/2 · cos((2x+1)uπ/16), times 2^13.
    private static let basis: [Int] = {
        let quarter = [4096, 4017, 3784, 3406, 2896, 2276, 1567, 799, 0]
        return (0..<64).map { i in
            guard i >= 8 else { return 2896 }
            let angle = (i % 8 * 2 + 1) * (i / 8) & 31
            let folded = angle > 16 ? 32 - angle : angle
            return folded > 8 ? -quarter[16 - folded] : quarter[folded]
        }
    }()
}
