import Testing

@testable import Imaging

/// What is done about damage, without the shared files.
@Suite("JPEG recovery")
struct JPEGRecoveryTests {
    /// - Returns: how many bytes were passed, whether a marker was, and whether all was in order.
    private func resynchronized(_ bytes: [UInt8], to expected: Int) -> (
        passed: Int, isFound: Bool, isClean: Bool
    ) {
        bytes.withUnsafeBufferPointer { bytes in
            let start = bytes.baseAddress!
            var next = start
            let (isFound, isClean) = resynchronize(&next, start + bytes.count, to: expected)
            return (next - start, isFound, isClean)
        }
    }

    @Test("the expected restart marker is passed, fill bytes before it too")
    func expected() {
        #expect(resynchronized([0xFF, 0xD3, 1], to: 3) == (2, true, true))
        #expect(resynchronized([0xFF, 0xFF, 0xFF, 0xD3, 1], to: 3) == (4, true, true))
        #expect(resynchronized([7, 0xFF, 0, 0xFF, 0xD3, 1], to: 3) == (5, true, false))
    }

    @Test(
        "one of the next two, or another marker, waits: its interval is empty",
        arguments: [0xD4, 0xD5, 0xD9, 0xC4, 0xFE] as [UInt8])
    func waits(marker: UInt8) {
        #expect(resynchronized([0xFF, marker, 1], to: 3) == (0, false, false))
    }

    @Test(
        "one of the last two, or no marker at all, is passed in search of the right one",
        arguments: [0xD1, 0xD2, 0x17] as [UInt8])
    func searches(marker: UInt8) {
        #expect(resynchronized([0xFF, marker, 1, 2, 0xFF, 0xD3, 3], to: 3) == (6, true, false))
    }

    @Test("one farther away is taken for the right one", arguments: [0xD0, 0xD6, 0xD7] as [UInt8])
    func farther(marker: UInt8) {
        #expect(resynchronized([0xFF, marker, 1], to: 3) == (2, true, false))
    }

    @Test("codes that a table lacks read as zero, take 17 bits, and are told")
    func badCode() {
        // One code of one bit, the symbol 2; all that begins with 1 is no code.
        let table = JPEGHuffmanTable(counts: [1] + [UInt8](repeating: 0, count: 15), symbols: [2], isDC: true)
        #expect(table.isValid)
        // 0 11, then seventeen ones, then 0 01.
        let bytes: [UInt8] = [0b0111_1111, 0b1111_1111, 0, 0b1111_0010, 0b1111_1111, 0]
        bytes.withUnsafeBytes { bytes in
            var reader = JPEGBitReader(bytes, at: 0), window = reader.window
            #expect(reader.coefficient(table.pointers, &window).value == 3)
            #expect(!reader.hasBadCode)
            #expect(reader.coefficient(table.pointers, &window).value == nil)
            #expect(reader.hasBadCode)
            #expect(reader.coefficient(table.pointers, &window).value == -2)
            reader.window = window
            #expect(!reader.isExhausted)
            _ = reader.read(16, &window)
            reader.window = window
            #expect(reader.isExhausted)
        }
    }

    @Test("a table with more codes than lengths allow, or one of only ones, is not valid")
    func tables() {
        func isValid(_ counts: [UInt8], isDC: Bool = false, symbol: UInt8 = 1) -> Bool {
            let total = counts.reduce(0) { $0 + Int($1) }
            let padded = counts + [UInt8](repeating: 0, count: 16 - counts.count)
            return JPEGHuffmanTable(
                counts: padded, symbols: .init(repeating: symbol, count: total), isDC: isDC
            ).isValid
        }
        #expect(isValid([0, 3]))
        #expect(!isValid([0, 4]))
        #expect(!isValid([2, 1]))
        #expect(!isValid([3]))
        #expect(isValid([0, 3], isDC: true, symbol: 15))
        #expect(!isValid([0, 3], isDC: true, symbol: 16))
    }

    @Test(
        "what is recognized and not read is named",
        arguments: [
            (0xC3, 8, "lossless coding"), (0xCB, 8, "lossless arithmetic coding"),
            (0xC7, 8, "hierarchical coding"), (0xF7, 8, "JPEG-LS"),
            (0xC1, 12, "12 bits a sample"),
        ] as [(UInt8, UInt8, String)])
    func unsupported(marker: UInt8, precision: UInt8, feature: String) {
        let file: [UInt8] = [
            0xFF, 0xD8, 0xFF, marker, 0, 11, precision, 0, 8, 0, 8, 1, 1, 0x11, 0, 0xFF, 0xD9,
        ]
        #expect(throws: ImageError.unsupported(.jpeg, feature: feature)) { try Image(decoding: file) }
    }

    @Test("memory that the system refuses is an error with its size, not the end of the program")
    func refusedMemory() throws {
        var frame = JPEGFrame(
            isProgressive: true, isArithmetic: false, width: 8, height: 8,
            components: [.init(identifier: 1, horizontal: 1, vertical: 1, quantizationTable: 0)])
        // No header says so much.
        (frame.components[0].paddedAcross, frame.components[0].paddedDown) = (1 << 24, 1 << 24)
        let bytes = 138 << 48
        #expect(throws: ImageError.outOfMemory(bytes: bytes)) {
            try JPEGCoefficients(frame)
        }
    }

    @Test("progression: what is known, and what was before the last scan")
    func progression() {
        func scan(_ band: ClosedRange<Int>, high: Int = 0, low: Int = 0) -> JPEGScan {
            JPEGScan(
                components: [.init(index: 0, dcTable: 0, acTable: 0)], spectralStart: band.lowerBound,
                spectralEnd: band.upperBound,
                high: high, low: low)
        }
        var progression = JPEGProgression(components: 1)
        func begin(_ scan: JPEGScan) -> Bool { progression.begin(scan) }
        #expect(progression.known == nil)
        #expect(begin(scan(0...0, low: 1)))
        #expect(progression.known == [[1] + [Int](repeating: -1, count: 9)])
        #expect(begin(scan(1...5, low: 2)))
        #expect(progression.known == [[1, 2, 2, 2, 2, 2, -1, -1, -1, -1]])
        #expect(progression.knownBefore[0][1...] == [-1, -1, -1, -1, -1, -1, -1, -1, -1])
        #expect(!begin(scan(1...5, high: 1, low: 0)))
        #expect(begin(scan(6...63)))
        #expect(progression.known == nil)
    }
}
