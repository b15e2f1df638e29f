/// An encoder for baseline JPEG (ITU-T T.81) with chroma at half the resolution and Huffman codes made for the image.
struct JPEGEncoder {
    /// The quantization steps, luma and chroma, in rows: those of T.81 §K.1, scaled as libjpeg does.
    private let steps: [[Int]]
    private var blocks: [Block] = []
    private let width, height: Int

    /// A block's quantized coefficients in zigzag order, the first as difference to the block before.
    private struct Block {
        /// 0 for luma, 1 for chroma.
        let table: Int
        var coefficients: [Int32]
    }

    /// Encodes an RGB image.
    ///
    /// - Parameters:
    ///   - pixels: The samples, `[height, width, 3]`.
    ///   - width: The number of columns, 1 to 65,535.
    ///   - height: The number of rows, 1 to 65,535.
    ///   - quality: 1 to 100, on libjpeg's scale.
    /// - Returns: The content of a file with a JFIF header.
    static func encode(_ pixels: [UInt8], width: Int, height: Int, quality: Int) -> [UInt8] {
        precondition((1...65535).contains(width) && (1...65535).contains(height))
        precondition(pixels.count == width * height * 3)
        var encoder = JPEGEncoder(width: width, height: height, quality: quality)
        encoder.transform(pixels)
        return encoder.file
    }

    private init(width: Int, height: Int, quality: Int) {
        (self.width, self.height) = (width, height)
        let quality = min(max(quality, 1), 100)
        let scale = quality < 50 ? 5000 / quality : 200 - 2 * quality
        steps = [Self.lumaSteps, Self.chromaSteps].map {
            $0.map { min(max(($0 * scale + 50) / 100, 1), 255) }
        }
    }

    // MARK: - Coefficients

    /// Makes the blocks of all units of 16 × 16 pixels: four of luma, one of each chroma.
    private mutating func transform(_ pixels: [UInt8]) {
        var luma = [Float](repeating: 0, count: 256), blue = [Float](repeating: 0, count: 64), red = blue
        var before: [Int32] = [0, 0, 0]
        for top in stride(from: 0, to: height, by: 16) {
            for left in stride(from: 0, to: width, by: 16) {
                for index in 0..<64 { (blue[index], red[index]) = (0, 0) }
                for y in 0..<16 {
                    // Beyond the image its last row and column are repeated.
                    let row = min(top + y, height - 1) * width
                    for x in 0..<16 {
                        let p = (row + min(left + x, width - 1)) * 3
                        let (r, g, b) = (Float(pixels[p]), Float(pixels[p + 1]), Float(pixels[p + 2]))
                        luma[y * 16 + x] = 0.299 * r + 0.587 * g + 0.114 * b - 128
                        let chroma = (y / 2) * 8 + x / 2
                        blue[chroma] += 0.25 * (-0.168_735_9 * r - 0.331_264_1 * g + 0.5 * b)
                        red[chroma] += 0.25 * (0.5 * r - 0.418_687_6 * g - 0.081_312_4 * b)
                    }
                }
                for (y, x) in [(0, 0), (0, 8), (8, 0), (8, 8)] {
                    add((0..<64).map { luma[(y + $0 / 8) * 16 + x + $0 % 8] }, table: 0, &before[0])
                }
                add(blue, table: 1, &before[1])
                add(red, table: 1, &before[2])
            }
        }
    }

    /// Transforms and quantizes 8 × 8 samples (T.81 §A.3.3, §A.3.4).
    private mutating func add(_ samples: [Float], table: Int, _ before: inout Int32) {
        var half = [Float](repeating: 0, count: 64), result = [Int32](repeating: 0, count: 64)
        for y in 0..<8 {
            for u in 0..<8 {
                var sum: Float = 0
                for x in 0..<8 { sum += samples[y * 8 + x] * Self.cosines[u * 8 + x] }
                half[y * 8 + u] = sum
            }
        }
        for (place, k) in Self.zigzag.enumerated() {
            var sum: Float = 0
            for y in 0..<8 { sum += half[y * 8 + k % 8] * Self.cosines[(k / 8) * 8 + y] }
            result[place] = Int32((sum / Float(steps[table][k])).rounded())
        }
        (before, result[0]) = (result[0], result[0] - before)
        blocks.append(Block(table: table, coefficients: result))
    }

    /// `cosines[u, x]`: half the cosine of frequency `u` at sample `x`, the first row over √2.
    private static let cosines: [Float] = (0..<64).map { index in
        let (u, x) = (index / 8, index % 8)
        return Float(0.5 * cosine(Double((2 * x + 1) * u) / 16) * (u == 0 ? 0.5.squareRoot() : 1))
    }

    /// The cosine of `turn` times π, by its series after reduction to a quarter turn.
    private static func cosine(_ turn: Double) -> Double {
        var turn = turn.truncatingRemainder(dividingBy: 2), sign = 1.0
        if turn > 1 { turn = 2 - turn }
        if turn > 0.5 { (turn, sign) = (1 - turn, -1) }
        let square = (turn * .pi) * (turn * .pi)
        var term = 1.0, sum = 1.0
        for k in 1...12 {
            term *= -square / Double((2 * k - 1) * 2 * k)
            sum += term
        }
        return sign * sum
    }

    /// The raster index of each place on the zigzag (T.81 figure A.6).
    private static let zigzag: [Int] = (0..<15).flatMap { diagonal in
        let rows = max(0, diagonal - 7)...min(diagonal, 7)
        let places = rows.map { $0 * 8 + diagonal - $0 }
        return diagonal % 2 == 0 ? places.reversed() : places
    }

    /// T.81 table K.1.
    private static let lumaSteps = [
        16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14,
        17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49,
        64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
    ]
    /// T.81 table K.2, whose upper left corner alone differs from 99.
    private static let chromaSteps: [Int] = (0..<64).map { index in
        let corner = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]
        return index / 8 < 4 && index % 8 < 4 ? corner[index / 8][index % 8] : 99
    }

    // MARK: - Entropy coding

    /// Calls `body` with each symbol of a block, the table that codes it (0 for DC, 1 for AC), and the bits behind it
    /// (T.81 §F.1.2).
    private static func forEachSymbol(
        of block: Block, _ body: (_ kind: Int, _ symbol: Int, _ bits: UInt32, _ count: Int) -> Void
    ) {
        func extra(_ value: Int32) -> (UInt32, Int) {
            let count = 32 - value.magnitude.leadingZeroBitCount
            return (UInt32(bitPattern: value < 0 ? value - 1 : value) & (1 << UInt32(count) - 1), count)
        }
        let first = extra(block.coefficients[0])
        body(0, first.1, first.0, first.1)
        var zeros = 0
        for value in block.coefficients.dropFirst() {
            guard value != 0 else {
                zeros += 1
                continue
            }
            while zeros > 15 {
                body(1, 0xF0, 0, 0)
                zeros -= 16
            }
            let (bits, count) = extra(value)
            body(1, zeros << 4 | count, bits, count)
            zeros = 0
        }
        if zeros > 0 { body(1, 0, 0, 0) }
    }

    private var file: [UInt8] {
        var counts = [[Int]](repeating: [Int](repeating: 0, count: 256), count: 4)
        for block in blocks {
            Self.forEachSymbol(of: block) { kind, symbol, _, _ in counts[block.table * 2 + kind][symbol] += 1
            }
        }
        let tables = counts.map { JPEGHuffmanCode(counts: $0) }
        var file: [UInt8] = [0xFF, 0xD8]
        func append(_ marker: UInt8, _ body: [UInt8]) {
            file += [0xFF, marker, UInt8((body.count + 2) >> 8), UInt8((body.count + 2) & 255)] + body
        }
        append(0xE0, Array("JFIF\0".utf8) + [1, 1, 0, 0, 1, 0, 1, 0, 0])
        for (index, table) in steps.enumerated() {
            append(0xDB, [UInt8(index)] + Self.zigzag.map { UInt8(table[$0]) })
        }
        append(
            0xC0,
            [8, UInt8(height >> 8), UInt8(height & 255), UInt8(width >> 8), UInt8(width & 255), 3]
                + [1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1])
        for (index, table) in tables.enumerated() {
            append(0xC4, [UInt8((index & 1) << 4 | index >> 1)] + table.lengths + table.symbols)
        }
        append(0xDA, [3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0])

        var pending: UInt64 = 0, waiting = 0
        func put(_ bits: UInt32, _ count: Int) {
            pending = pending << UInt64(count) | UInt64(bits)
            waiting += count
            while waiting >= 8 {
                waiting -= 8
                let byte = UInt8(truncatingIfNeeded: pending >> UInt64(waiting))
                file.append(byte)
                // A zero byte behind it tells it from a marker (T.81 §F.1.2.3).
                if byte == 0xFF { file.append(0) }
            }
        }
        for block in blocks {
            Self.forEachSymbol(of: block) { kind, symbol, bits, count in
                let (code, length) = tables[block.table * 2 + kind].codes[symbol]
                put(code, length)
                put(bits, count)
            }
        }
        if waiting > 0 { put(1 << UInt32(8 - waiting) - 1, 8 - waiting) }
        return file + [0xFF, 0xD9]
    }
}

/// Huffman codes of at most 16 bits for symbols by their counts (T.81 §K.2).
struct JPEGHuffmanCode {
    /// The number of codes of each length, 1 to 16.
    let lengths: [UInt8]
    /// The symbols by increasing length.
    let symbols: [UInt8]
    /// The code and its length for each symbol; length 0 for symbols that do not occur.
    private(set) var codes = [(code: UInt32, length: Int)](repeating: (0, 0), count: 256)

    init(counts: [Int]) {
        // One more symbol that occurs once keeps the code of all ones free, which T.81 reserves.
        var counts = counts + [1], length = [Int](repeating: 0, count: 257)
        var next = [Int](repeating: -1, count: 257)
        while true {
            var (least, second) = (-1, -1)
            for symbol in counts.indices where counts[symbol] > 0 {
                if least < 0 || counts[symbol] <= counts[least] {
                    (second, least) = (least, symbol)
                } else if second < 0 || counts[symbol] <= counts[second] {
                    second = symbol
                }
            }
            guard second >= 0 else { break }
            counts[least] += counts[second]
            counts[second] = 0
            // All symbols of both trees become one bit longer.
            var symbol = least
            length[symbol] += 1
            while next[symbol] >= 0 {
                symbol = next[symbol]
                length[symbol] += 1
            }
            next[symbol] = second
            symbol = second
            length[symbol] += 1
            while next[symbol] >= 0 {
                symbol = next[symbol]
                length[symbol] += 1
            }
        }
        var perLength = [Int](repeating: 0, count: 258)
        for bits in length where bits > 0 { perLength[bits] += 1 }
        // Codes beyond 16 bits are taken in pairs to where a shorter code is split (T.81 figure K.3).
        for bits in stride(from: 257, to: 16, by: -1) {
            while perLength[bits] > 0 {
                var shorter = bits - 2
                while perLength[shorter] == 0 { shorter -= 1 }
                perLength[bits] -= 2
                perLength[bits - 1] += 1
                perLength[shorter + 1] += 2
                perLength[shorter] -= 1
            }
        }
        // The reserved symbol has one of the longest codes.
        if let longest = perLength.lastIndex(where: { $0 > 0 }) { perLength[longest] -= 1 }
        lengths = (1...16).map { UInt8(perLength[$0]) }
        let sorted = (0..<256).filter { length[$0] > 0 }.sorted { (length[$0], $0) < (length[$1], $1) }
        symbols = sorted.map { UInt8($0) }
        var code: UInt32 = 0, place = 0
        for bits in 1...16 {
            for _ in 0..<perLength[bits] {
                codes[sorted[place]] = (code, bits)
                (code, place) = (code + 1, place + 1)
            }
            code <<= 1
        }
    }
}
