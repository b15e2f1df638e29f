/// The prefix codes of VP8L (RFC 9649 §3.7.2) as two-level lookup tables, indexed by the next bits of the
/// stream.
///
/// All tables of an image are in one array. An entry has a symbol above an 8-bit length. If a first-level
/// entry's length exceeds the table's own bits, the entry has the distance to a second-level table instead of
/// a symbol.
struct VP8LPrefixCodes {
    private(set) var entries: [UInt32] = []
    /// The maximum number of index bits at the first level; tables of short codes have fewer.
    static let rootBits = 8
    static let longest = 15

    struct Table {
        var start: UInt32 = 0
        /// The mask of the first-level index.
        var mask: UInt32 = 0
        var bits: Int { 32 - mask.leadingZeroBitCount }
    }

    /// Builds the table of a canonical code.
    ///
    /// - Parameter lengths: The code length of each symbol, 0...15; 0 for an unused symbol.
    /// - Returns: The table, or nil if the code is incomplete. The code of a single symbol takes no bits.
    mutating func append(_ lengths: UnsafeBufferPointer<UInt8>) -> Table? {
        var counts = SIMD16<UInt16>.zero
        for length in lengths { counts[Int(length)] += 1 }
        counts[0] = 0
        var longest = 0
        var used = 0
        // `open` is the number of unused leaves at this length.
        var open = 1
        var starts = SIMD16<UInt16>.zero
        for length in 1...Self.longest {
            starts[length] = UInt16(used)
            used += Int(counts[length])
            open = 2 * open - Int(counts[length])
            guard open >= 0 else { return nil }
            if counts[length] > 0 { longest = length }
        }
        guard used > 0 else { return nil }
        let start = entries.count
        if used == 1 {
            let symbol = lengths.firstIndex { $0 != 0 } ?? 0
            entries.append(UInt32(symbol) << 8)
            return Table(start: UInt32(start), mask: 0)
        }
        guard open == 0 else { return nil }
        let root = min(Self.rootBits, longest)
        entries.append(contentsOf: repeatElement(0, count: 1 << root))
        withUnsafeTemporaryAllocation(of: UInt16.self, capacity: used) { sorted in
            for symbol in lengths.indices where lengths[symbol] != 0 {
                let length = Int(lengths[symbol])
                sorted[Int(starts[length])] = UInt16(symbol)
                starts[length] += 1
            }
            fill(start, root, counts, longest, UnsafeBufferPointer(sorted))
        }
        return Table(start: UInt32(start), mask: UInt32(1 << root - 1))
    }

    /// Removes the last tables.
    mutating func drop(downTo count: Int) { entries.removeLast(entries.count - count) }

    /// - Parameter symbols: The symbols, sorted by length and then by number.
    private mutating func fill(
        _ start: Int, _ root: Int, _ counts: SIMD16<UInt16>, _ longest: Int,
        _ symbols: UnsafeBufferPointer<UInt16>
    ) {
        var next = 0
        // The code's bits are in stream order, the first one lowest.
        var code = 0
        /// Advances to the next code of the same length.
        func advance(_ length: Int) {
            var bit = 1 << (length - 1)
            while code & bit != 0 { bit >>= 1 }
            code = bit == 0 ? 0 : code & (bit - 1) | bit
        }
        for length in 1...root {
            for _ in 0..<counts[length] {
                let entry = UInt32(symbols[next]) << 8 | UInt32(length)
                for at in stride(from: code, to: 1 << root, by: 1 << length) { entries[start + at] = entry }
                next += 1
                advance(length)
            }
        }
        guard longest > root else { return }
        var prefix = -1, table = 0, tableBits = 0
        for length in (root + 1)...longest {
            for i in 0..<counts[length] {
                if code & (1 << root - 1) != prefix {
                    prefix = code & (1 << root - 1)
                    tableBits = Self.tableBits(length, root, counts, left: Int(counts[length] - i))
                    table = entries.count
                    entries.append(contentsOf: repeatElement(0, count: 1 << tableBits))
                    entries[start + prefix] = UInt32(table - start) << 8 | UInt32(root + tableBits)
                }
                let entry = UInt32(symbols[next]) << 8 | UInt32(length - root)
                for at in stride(from: code >> root, to: 1 << tableBits, by: 1 << (length - root)) {
                    entries[table + at] = entry
                }
                next += 1
                advance(length)
            }
        }
    }

    /// Returns the index bits of a second-level table that the following codes fill.
    private static func tableBits(_ length: Int, _ root: Int, _ counts: SIMD16<UInt16>, left: Int) -> Int {
        var length = length
        var open = 1 << (length - root) - left
        while length < longest, open > 0 {
            length += 1
            open = open << 1 - Int(counts[length])
        }
        return length - root
    }
}

extension VP8LBitReader {
    /// Reads the next symbol of a code; at least 15 bits are ready.
    @inline(__always) mutating func symbol(_ entries: UnsafePointer<UInt32>, _ table: VP8LPrefixCodes.Table)
        -> Int
    {
        var at = entries + Int(truncatingIfNeeded: table.start)
        at += Int(truncatingIfNeeded: UInt32(truncatingIfNeeded: bits) & table.mask)
        var entry = at.pointee
        let length = Int(truncatingIfNeeded: entry & 0xFF)
        if length > VP8LPrefixCodes.rootBits {
            let root = entries + Int(truncatingIfNeeded: table.start)
            take(VP8LPrefixCodes.rootBits)
            let index = Int(truncatingIfNeeded: bits) & (1 &<< (length &- VP8LPrefixCodes.rootBits) &- 1)
            entry = root[Int(truncatingIfNeeded: entry &>> 8) &+ index]
        }
        take(Int(truncatingIfNeeded: entry & 0xFF))
        return Int(truncatingIfNeeded: entry &>> 8)
    }
}
