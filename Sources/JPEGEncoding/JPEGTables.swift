/// The example tables of ITU-T T.81, Annex K.
enum JPEGTables {
    /// The coefficient indices in zigzag order (Figure A.6).
    static let zigzag: [Int] = {
        var order: [Int] = []
        for diagonal in 0..<15 {
            let cells = (max(0, diagonal - 7)...min(diagonal, 7)).map { $0 * 8 + diagonal - $0 }
            order += diagonal % 2 == 0 ? cells.reversed() : cells
        }
        return order
    }()

    /// Table K.1 in zigzag order.
    static let lumaSteps = [
        16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40, 26, 24, 22, 22, 24, 49, 35, 37, 29,
        40, 58, 51, 61, 60, 57, 51,
        56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87, 95, 98, 103, 104, 103, 62, 77, 113,
        121, 112, 100, 120, 92, 101, 103, 99,
    ]
    /// Table K.2 in zigzag order.
    static let chromaSteps =
        [17, 18, 18, 24, 21, 24, 47, 26, 26, 47, 99, 66, 56, 66] + Array(repeating: 99, count: 50)

    /// Tables K.3 to K.6.
    static let codes = JPEGCodes(direct: direct, alternating: alternating)
    private static let direct = [
        HuffmanCode(lengths: [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], symbols: Array(0...11)),
        HuffmanCode(lengths: [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0], symbols: Array(0...11)),
    ]
    private static let alternating = [
        HuffmanCode(
            lengths: [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125],
            symbols: allSymbols(startingWith: [
                0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61,
                0x07, 0x22, 0x71, 0x14, 0x32,
                0x81, 0x91, 0xA1, 0x08, 0x23, 0x42, 0xB1, 0xC1, 0x15, 0x52, 0xD1, 0xF0, 0x24, 0x33, 0x62,
                0x72, 0x82,
            ])),
        HuffmanCode(
            lengths: [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119],
            symbols: allSymbols(startingWith: [
                0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61,
                0x71, 0x13, 0x22, 0x32, 0x81,
                0x08, 0x14, 0x42, 0x91, 0xA1, 0xB1, 0xC1, 0x09, 0x23, 0x33, 0x52, 0xF0, 0x15, 0x62, 0x72,
                0xD1, 0x0A, 0x16, 0x24, 0x34,
                0xE1, 0x25, 0xF1,
            ])),
    ]

    /// Returns all 162 symbols: after the frequent ones, the others follow in numeric order in both tables.
    private static func allSymbols(startingWith frequent: [UInt8]) -> [UInt8] {
        let all: [UInt8] = (0...255).filter { $0 == 0x00 || $0 == 0xF0 || (1...10).contains($0 & 15) }
        return frequent + all.filter { !frequent.contains($0) }
    }
}

/// The Huffman codes of a file, each for luma and chroma.
struct JPEGCodes {
    let direct, alternating: [HuffmanCode]
}

extension JPEGCodes {
    /// The best codes for symbols by their counts.
    init(_ counts: JPEGSegments.Counts) {
        direct = counts.direct.map { HuffmanCode(counts: $0) }
        alternating = counts.alternating.map { HuffmanCode(counts: $0) }
    }
}
