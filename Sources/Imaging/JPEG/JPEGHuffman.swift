/// A Huffman table for decoding (ITU-T T.81 §C, §F.2.2.3): a lookup over the next bits for short codes, comparison for long ones.
struct JPEGHuffmanTable {
    static let lookupBits = 9
    /// `length << 8 | symbol` by the next `lookupBits` bits; 0 for longer codes.
    private(set) var lookup: [UInt16]
    /// Per length 1...16: the largest code + 1, moved to the top of 16 bits; and what turns a code into an index of `symbols`.
    private(set) var limits: [Int32]
    private(set) var offsets: [Int32]
    private(set) var symbols: [UInt8]

    /// nil: more codes than their lengths allow.
    init?(counts: [UInt8], symbols: [UInt8]) {
        lookup = [UInt16](repeating: 0, count: 1 << Self.lookupBits)
        (limits, offsets) = ([Int32](repeating: 0, count: 18), [Int32](repeating: 0, count: 18))
        // 256 symbols, so that no code of a damaged file can index beyond them.
        self.symbols = symbols + [UInt8](repeating: 0, count: max(0, 256 - symbols.count))
        var code: Int32 = 0, index = 0
        for length in 1...16 {
            offsets[length] = Int32(index) - code
            for _ in 0..<counts[length - 1] {
                guard code < 1 << length else { return nil }
                if length <= Self.lookupBits {
                    let first = Int(code) << (Self.lookupBits - length)
                    for entry in first..<first + 1 << (Self.lookupBits - length) {
                        lookup[entry] = UInt16(length) << 8 | UInt16(symbols[index])
                    }
                }
                code += 1
                index += 1
            }
            limits[length] = code << (16 - length)
            code <<= 1
        }
        limits[17] = Int32.max
    }

    /// The tables of §K.3, which motion JPEGs leave out.
    static let standard: (dc: [JPEGHuffmanTable?], ac: [JPEGHuffmanTable?]) = {
        let dc: [[UInt8]] = [[0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0]]
        let luminance: [UInt8] = [
            0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07, 0x22, 0x71, 0x14, 0x32, 0x81,
            0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0, 0x24, 0x33, 0x62, 0x72, 0x82, 0x09, 0x0a, 0x16, 0x17, 0x18,
            0x19, 0x1a, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a,
        ]
        let chrominance: [UInt8] = [
            0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71, 0x13, 0x22, 0x32, 0x81, 0x08,
            0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33, 0x52, 0xf0, 0x15, 0x62, 0x72, 0xd1, 0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25,
            0xf1, 0x17, 0x18, 0x19, 0x1a, 0x26, 0x27, 0x28, 0x29, 0x2a,
        ]
        return (
            [
                JPEGHuffmanTable(counts: dc[0], symbols: Array(0...11)), JPEGHuffmanTable(counts: dc[1], symbols: Array(0...11)), nil, nil,
            ],
            [
                JPEGHuffmanTable(
                    counts: [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d], symbols: standardSymbols(luminance)),
                JPEGHuffmanTable(
                    counts: [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77], symbols: standardSymbols(chrominance)), nil, nil,
            ])
    }()

    /// The symbols of §K.3 beyond the listed ones come in numerical order.
    private static func standardSymbols(_ first: [UInt8]) -> [UInt8] {
        let listed = Set(first)
        return first + (UInt8(0)...15).flatMap { run in (UInt8(1)...10).map { run << 4 | $0 } }.filter { !listed.contains($0) }
    }
}

/// Bits of entropy-coded data, most significant first; the zero after a 0xFF is dropped, a marker ends the data.
///
/// Beyond the end there are zeros, as in libjpeg; `isExhausted` says that some were used.
struct JPEGBitReader {
    private var next: UnsafePointer<UInt8>
    private let begin, end: UnsafePointer<UInt8>
    private var buffer: UInt64 = 0
    /// Bits in `buffer`, at its top.
    private var count = 0
    /// Zeros that stand for data that is not there.
    private var missing = 0
    private(set) var isExhausted = false

    init(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        begin = bytes.baseAddress!.assumingMemoryBound(to: UInt8.self)
        next = begin + offset
        end = begin + bytes.count
    }

    /// Of the first byte not taken up; where a marker ended the data, of the marker.
    var offset: Int { next - begin }

    @inline(__always) private mutating func fill() {
        if end - next >= 8 {
            let word = UInt64(bigEndian: UnsafeRawPointer(next).loadUnaligned(as: UInt64.self))
            // No byte is 0xFF: no zero byte in the complement.
            let complement = ~word
            if (complement &- 0x0101_0101_0101_0101) & ~complement & 0x8080_8080_8080_8080 == 0 {
                let bytes = (64 &- count) >> 3
                let unused = UInt64(64 &- 8 &* bytes)
                buffer |= ((word >> unused) << unused) >> UInt64(count)
                count &+= 8 &* bytes
                next += bytes
                return
            }
        }
        fillSlowly()
    }

    @inline(never) private mutating func fillSlowly() {
        while count <= 56 {
            if next < end {
                let byte = next.pointee
                if byte != 0xFF {
                    buffer |= UInt64(byte) << UInt64(56 - count)
                    count += 8
                    next += 1
                    continue
                }
                var after = next + 1
                while after < end, after.pointee == 0xFF { after += 1 }
                if after < end, after.pointee == 0 {
                    buffer |= 0xFF << UInt64(56 - count)
                    count += 8
                    next = after + 1
                    continue
                }
            }
            missing += 8
            count += 8
        }
    }

    @inline(__always) private mutating func take(_ bits: Int) {
        buffer <<= UInt64(bits)
        count &-= bits
        if missing > 0 { noteMissing() }
    }

    @inline(never) private mutating func noteMissing() {
        if count < missing {
            missing = count
            isExhausted = true
        }
    }

    /// - Parameter bits: 0...16.
    @inline(__always) mutating func read(_ bits: Int) -> Int {
        if count < bits { fill() }
        // Two shifts, because one by 64 is not defined.
        let value = Int(truncatingIfNeeded: (buffer >> 1) >> UInt64(63 &- bits))
        take(bits)
        return value
    }

    @inline(__always) mutating func bit() -> Bool {
        if count < 1 { fill() }
        let isSet = buffer >> 63 != 0
        take(1)
        return isSet
    }

    /// The next symbol; 0 for a code that the table does not have.
    @inline(__always) mutating func symbol(_ table: JPEGHuffmanPointers) -> Int {
        if count < 32 { fill() }
        let entry = table.lookup[Int(truncatingIfNeeded: buffer >> UInt64(64 &- JPEGHuffmanTable.lookupBits))]
        if entry != 0 {
            take(Int(entry >> 8))
            return Int(entry & 0xFF)
        }
        let code = longCode(table)
        take(code >> 8)
        return code & 0xFF
    }

    /// A symbol whose lower four bits are the size of a value, and that value: what most of a picture's data is.
    @inline(__always) mutating func coefficient(_ table: JPEGHuffmanPointers) -> (symbol: Int, value: Int) {
        // A code and a value of at most 16 bits each.
        if count < 32 { fill() }
        let entry = table.lookup[Int(truncatingIfNeeded: buffer >> UInt64(64 &- JPEGHuffmanTable.lookupBits))]
        let code = entry != 0 ? Int(entry) : longCode(table), symbol = code & 0xFF, size = symbol & 15
        let rest = buffer &<< UInt64(code >> 8)
        // Two shifts, because one by 64 is not defined.
        let bits = Int(truncatingIfNeeded: (rest &>> 1) &>> UInt64(63 &- size))
        buffer = rest &<< UInt64(size)
        count &-= code >> 8 &+ size
        if missing > 0 { noteMissing() }
        // EXTEND: a first bit of zero makes it negative.
        let isNegative = Int(truncatingIfNeeded: ~rest &>> 63)
        return (symbol, size == 0 ? 0 : bits &- (isNegative &<< size) &+ isNegative)
    }

    @inline(never) private func longCode(_ table: JPEGHuffmanPointers) -> Int {
        let code = Int32(truncatingIfNeeded: buffer >> 48)
        var length = 1
        while code >= table.limits[length] { length += 1 }
        guard length <= 16 else { return 16 << 8 }
        return length << 8 | Int(table.symbols[Int((code >> Int32(16 - length)) + table.offsets[length]) & 0xFF])
    }

    /// Drops what is left and passes the restart marker that should follow.
    ///
    /// - Parameter expected: 0...7.
    /// - Returns: whether it was there. If another marker is, the data goes on as libjpeg's `jpeg_resync_to_restart` would.
    mutating func restart(_ expected: Int) -> Bool {
        // Whole bytes that were taken up but not used lie before any marker; they are garbage.
        (buffer, count, missing) = (0, 0, 0)
        var isExpected = true
        while true {
            // To the next marker.
            while next + 1 < end, !(next[0] == 0xFF && next[1] != 0 && next[1] != 0xFF) {
                if next[0] != 0xFF { isExpected = false }
                next += 1
            }
            guard next + 1 < end else { next = end; isExhausted = true; return false }
            let marker = next[1]
            guard (0xD0...0xD7).contains(marker) else {
                if marker < 0xC0 { next += 2; isExpected = false; continue }
                isExhausted = true
                return false
            }
            let distance = (Int(marker) - 0xD0 - expected) & 7
            switch distance {
            case 1, 2:
                // A later one: what belongs before it is lost.
                isExhausted = true
                return false
            case 6, 7:
                next += 2
                isExpected = false
            default:
                next += 2
                isExhausted = false
                return isExpected && distance == 0
            }
        }
    }
}

/// A table as the inner loops read it; valid while its `JPEGHuffmanMemory` lives.
struct JPEGHuffmanPointers {
    let lookup: UnsafePointer<UInt16>
    let limits, offsets: UnsafePointer<Int32>
    let symbols: UnsafePointer<UInt8>
}

/// Holds a table's numbers where they stay.
final class JPEGHuffmanMemory {
    let pointers: JPEGHuffmanPointers
    private let block: UnsafeMutableRawPointer

    init(_ table: JPEGHuffmanTable) {
        let sizes = (table.lookup.count * 2, table.limits.count * 4, table.offsets.count * 4, table.symbols.count)
        block = .allocate(byteCount: sizes.0 + sizes.1 + sizes.2 + sizes.3, alignment: 64)
        let a = block.bindMemory(to: UInt16.self, capacity: table.lookup.count)
        a.initialize(from: table.lookup, count: table.lookup.count)
        let b = (block + sizes.0).bindMemory(to: Int32.self, capacity: table.limits.count)
        b.initialize(from: table.limits, count: table.limits.count)
        let c = (block + sizes.0 + sizes.1).bindMemory(to: Int32.self, capacity: table.offsets.count)
        c.initialize(from: table.offsets, count: table.offsets.count)
        let d = (block + sizes.0 + sizes.1 + sizes.2).bindMemory(to: UInt8.self, capacity: table.symbols.count)
        d.initialize(from: table.symbols, count: table.symbols.count)
        pointers = JPEGHuffmanPointers(lookup: UnsafePointer(a), limits: UnsafePointer(b), offsets: UnsafePointer(c), symbols: UnsafePointer(d))
    }

    deinit { block.deallocate() }
}
