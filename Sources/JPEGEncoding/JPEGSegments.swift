func bigEndian(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 255), UInt8(value & 255)] }

/// A JPEG file under construction: segments and entropy-coded scans.
struct JPEGSegments {
    /// How often each symbol was coded, for luma and chroma.
    struct Counts {
        var direct = [[Int]](repeating: [Int](repeating: 0, count: 256), count: 2)
        var alternating = [[Int]](repeating: [Int](repeating: 0, count: 256), count: 2)
    }

    let codes: JPEGCodes
    private(set) var bytes: [UInt8] = [0xFF, 0xD8]
    private(set) var counts = Counts()
    private var held = 0, heldCount = 0

    init(codes: JPEGCodes) { self.codes = codes }

    mutating func segment(_ marker: UInt8, _ payload: [UInt8]) {
        bytes += [0xFF, marker] + bigEndian(payload.count + 2) + payload
    }

    /// Ends the file.
    mutating func end() { bytes += [0xFF, 0xD9] }

    /// Appends a scan with the coefficients of `band` of some components; several components are valid only
    /// for the bands 0...0 and 0...63.
    mutating func scan(_ components: [QuantizedComponent], of chosen: [Int], band: ClosedRange<Int>) {
        let tables: [UInt8] = chosen.flatMap { [UInt8($0 + 1), UInt8(components[$0].plane.table * 0x11)] }
        segment(0xDA, [UInt8(chosen.count)] + tables + [UInt8(band.lowerBound), UInt8(band.upperBound), 0])
        var previous = Array(repeating: 0, count: components.count)
        func encode(_ i: Int, _ column: Int, _ row: Int, _ file: inout JPEGSegments) {
            let block = components[i].blocks[row * components[i].columns + column]
            if band.lowerBound == 0 {
                file.direct(block[0] - previous[i], table: components[i].plane.table)
                previous[i] = block[0]
            }
            if band.upperBound > 0 {
                file.alternating(
                    block[max(band.lowerBound, 1)...band.upperBound], table: components[i].plane.table)
            }
        }
        if chosen.count == 1 {
            let only = components[chosen[0]]
            for block in 0..<only.ownColumns * only.ownRows {
                encode(chosen[0], block % only.ownColumns, block / only.ownColumns, &self)
            }
        } else {
            let first = components[0], units = first.columns / first.plane.sampling
            for unit in 0..<units * (first.rows / first.plane.sampling) {
                for i in chosen {
                    let side = components[i].plane.sampling
                    for part in 0..<side * side {
                        encode(i, unit % units * side + part % side, unit / units * side + part / side, &self)
                    }
                }
            }
        }
        // The last byte is padded with ones (§F.1.2.3).
        put(0x7F, 7)
        (held, heldCount) = (0, 0)
    }

    /// Encodes a DC difference (§F.1.2.1).
    private mutating func direct(_ difference: Int, table: Int) {
        let size = bitWidth(difference)
        counts.direct[table][size] += 1
        put(codes.direct[table].words[size])
        magnitude(difference, size)
    }

    /// Encodes AC coefficients (§F.1.2.2). A first scan of a band (§G.1.2.2) is encoded equally if no
    /// end-of-band run is longer than one.
    private mutating func alternating(_ band: ArraySlice<Int>, table: Int) {
        func symbol(_ value: Int) {
            counts.alternating[table][value] += 1
            put(codes.alternating[table].words[value])
        }
        var zeros = 0
        for value in band {
            guard value != 0 else {
                zeros += 1
                continue
            }
            while zeros > 15 {
                symbol(0xF0)
                zeros -= 16
            }
            let size = bitWidth(value)
            symbol(zeros << 4 | size)
            magnitude(value, size)
            zeros = 0
        }
        if zeros > 0 { symbol(0) }
    }

    private func bitWidth(_ value: Int) -> Int { Int.bitWidth - value.magnitude.leadingZeroBitCount }

    private mutating func put(_ word: (bits: Int, length: Int)) { put(word.bits, word.length) }

    private mutating func magnitude(_ value: Int, _ size: Int) {
        put(value < 0 ? value + (1 << size) - 1 : value, size)
    }

    private mutating func put(_ bits: Int, _ count: Int) {
        held = held << count | bits
        heldCount += count
        while heldCount >= 8 {
            heldCount -= 8
            let byte = UInt8(held >> heldCount & 255)
            bytes.append(byte)
            if byte == 0xFF { bytes.append(0) }
        }
        held &= (1 << heldCount) - 1
    }
}
