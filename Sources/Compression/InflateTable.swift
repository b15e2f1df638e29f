/// An entry of a decoding table: all about a code in one 32-bit word, so that the inner loop loads once per
/// symbol.
///
///     bits 0–5    bits to consume: the code and its extra bits
///     bits 8–11   length of the code in bits; for a subtable pointer, the subtable's index bits
///     bit  14     a subtable pointer
///     bit  15     neither literal nor length: end of block, subtable pointer, or invalid (no bits to
///     consume)
///     bits 16–30  the literal, the base length or distance, or the subtable's index
///     bit  31     a literal
enum InflateEntry {
    static let literal: UInt32 = 1 << 31
    static let exceptional: UInt32 = 1 << 15
    static let subtable: UInt32 = 1 << 14
    /// The entry for bits that are not a code.
    static let invalid = exceptional
    static let endOfBlock: UInt32 = exceptional | 1 << 16
}

/// Builds two-level decoding tables from code lengths (RFC 1951 §3.2.2).
enum InflateTable {
    /// The index bits of the first level; 11 keep a photograph's common literals on the first level and the
    /// table in the L1 cache.
    static let lengthBits = 11
    static let distanceBits = 8
    static let codeLengthBits = 7
    /// The maximum number of entries, subtables included, over all complete codes, as computed by zlib's
    /// `enough`: 2,342 for 288 symbols at 11 bits, 402 for 32 symbols at 8 bits.
    static let lengthCapacity = 2342
    static let distanceCapacity = 402
    static let codeLengthCapacity = 128

    /// Builds a table.
    ///
    /// - Parameters:
    ///   - table: Memory of the capacity that belongs to `bits`.
    ///   - bits: The index bits of the first level.
    ///   - lengths: The code lengths, 0...15, of `count` symbols.
    ///   - count: The number of symbols, at most 288.
    ///   - symbols: Each symbol's entry without code lengths: extra bits in bits 0–5, flags, base.
    ///   - allowsIncomplete: Whether to accept an empty code or one code of one bit, as zlib does for
    ///     distances.
    /// - Returns: Whether the lengths form a prefix code.
    static func build(
        _ table: UnsafeMutablePointer<UInt32>, bits: Int, lengths: UnsafePointer<UInt8>, count: Int,
        symbols: UnsafePointer<UInt32>, allowsIncomplete: Bool
    ) -> Bool {
        withUnsafeTemporaryAllocation(of: UInt16.self, capacity: 16 + 16 + 288) { scratch in
            // Unsafe: 16 counts and 16 offsets by length 0...15, and at most 288 symbols sorted by length.
            guard let counts = scratch.baseAddress, count <= 288 else { return false }
            let (offsets, sorted) = (counts + 16, counts + 32)
            counts.initialize(repeating: 0, count: 32)
            for symbol in 0..<count { counts[Int(lengths[symbol])] += 1 }

            var (space, longest) = (1, 0)
            var total: UInt16 = 0
            for length in 1..<16 {
                offsets[length] = total
                total += counts[length]
                space = space << 1 - Int(counts[length])
                if counts[length] > 0 { longest = length }
                if space < 0 { return false }
            }
            for symbol in 0..<count where lengths[symbol] > 0 {
                let length = Int(lengths[symbol])
                sorted[Int(offsets[length])] = UInt16(symbol)
                offsets[length] += 1
            }
            if space > 0 {
                guard allowsIncomplete, longest <= 1 else { return false }
                let entry = total == 0 ? InflateEntry.invalid : symbols[Int(sorted[0])] + (1 | 1 << 8)
                for i in 0..<(1 << bits) { table[i] = i & 1 == 0 ? entry : InflateEntry.invalid }
                return true
            }
            fill(table, bits: bits, counts: counts, sorted: sorted, symbols: symbols)
            return true
        }
    }

    /// Fills the table of a complete code. Codes are generated in canonical order with their bits reversed:
    /// the successor sets the highest clear bit and clears the bits above it.
    private static func fill(
        _ table: UnsafeMutablePointer<UInt32>, bits: Int, counts: UnsafeMutablePointer<UInt16>,
        sorted: UnsafePointer<UInt16>, symbols: UnsafePointer<UInt32>
    ) {
        var (code, next, filled) = (0, 0, 1)
        for length in 1...bits {
            // The entries so far are valid for either value of the new bit.
            (table + filled).update(from: table, count: filled)
            filled <<= 1
            for _ in 0..<counts[length] {
                table[code] = symbols[Int(sorted[next])] &+ UInt32(length | length << 8)
                next += 1
                if code == filled - 1 {
                    while filled < 1 << bits {
                        (table + filled).update(from: table, count: filled)
                        filled <<= 1
                    }
                    return
                }
                code = successor(code, length)
            }
        }
        var (prefix, start, subBits, end) = (-1, 0, 0, filled)
        for length in (bits + 1)..<16 {
            while counts[length] > 0 {
                if code & (filled - 1) != prefix {
                    prefix = code & (filled - 1)
                    start = end
                    subBits = length - bits
                    var used = Int(counts[length])
                    while used < 1 << subBits {
                        subBits += 1
                        used = used << 1 + Int(counts[bits + subBits])
                    }
                    end = start + 1 << subBits
                    table[prefix] =
                        InflateEntry.exceptional | InflateEntry.subtable
                        | UInt32(start << 16 | subBits << 8 | bits)
                }
                let entry = symbols[Int(sorted[next])] &+ UInt32((length - bits) | (length - bits) << 8)
                for i in stride(from: start + code >> bits, to: end, by: 1 << (length - bits)) {
                    table[i] = entry
                }
                next += 1
                counts[length] -= 1
                if code == 1 << length - 1 { return }
                code = successor(code, length)
            }
        }
    }

    private static func successor(_ code: Int, _ length: Int) -> Int {
        let highestClear = 1 << (63 - (~code & (1 << length - 1)).leadingZeroBitCount)
        return code & (highestClear - 1) | highestClear
    }
}

/// The alphabets of RFC 1951 §3.2.5–3.2.7; they are initialized once, never freed, and only read.
enum InflateSymbols {
    /// The 288 symbols of literals, end of block and lengths; 286 and 287 are invalid.
    nonisolated(unsafe) static let lengths: UnsafePointer<UInt32> = table(288) { symbol in
        switch symbol {
        case ..<256: InflateEntry.literal | UInt32(symbol) << 16
        case 256: InflateEntry.endOfBlock
        case ..<286:
            UInt32(DeflateAlphabet.lengthBase[symbol - 257]) << 16
                | UInt32(DeflateAlphabet.lengthExtra[symbol - 257])
        default: InflateEntry.invalid
        }
    }
    /// The 32 distance symbols; 30 and 31 are invalid.
    nonisolated(unsafe) static let distances: UnsafePointer<UInt32> = table(32) { symbol in
        symbol < 30
            ? UInt32(DeflateAlphabet.distanceBase[symbol]) << 16
                | UInt32(DeflateAlphabet.distanceExtra[symbol])
            : InflateEntry.invalid
    }
    nonisolated(unsafe) static let codeLengths: UnsafePointer<UInt32> = table(19) { UInt32($0) << 16 }

    private static func table(_ count: Int, _ entry: (Int) -> UInt32) -> UnsafePointer<UInt32> {
        let table = UnsafeMutablePointer<UInt32>.allocate(capacity: count)
        for symbol in 0..<count { table[symbol] = entry(symbol) }
        return UnsafePointer(table)
    }
}
