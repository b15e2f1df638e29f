/// Reads the prefix codes of a VP8L image (RFC 9649 §3.7.2).
struct VP8LCodeReader {
    private var lengths: [UInt8]

    init(cacheBits: Int) { lengths = [UInt8](repeating: 0, count: Self.alphabet(0, cacheBits)) }

    /// Returns the alphabet size of the five codes in a group: green, lengths and color cache; red; blue;
    /// alpha; distances.
    static func alphabet(_ code: Int, _ cacheBits: Int) -> Int {
        switch code {
        case 0: 256 + 24 + (cacheBits > 0 ? 1 << cacheBits : 0)
        case 4: 40
        default: 256
        }
    }

    /// - Returns: The table, or nil if the code is incomplete or has too many symbols.
    mutating func read(
        _ reader: inout VP8LBitReader, count: Int, into codes: inout VP8LPrefixCodes
    ) -> VP8LPrefixCodes.Table? {
        for i in lengths.indices { lengths[i] = 0 }
        if reader.read(1) == 1 {
            let isPair = reader.read(1) == 1
            let first = reader.read(reader.read(1) == 1 ? 8 : 1)
            lengths[first] = 1
            if isPair { lengths[reader.read(8)] = 1 }
        } else {
            guard readLengths(&reader, count) else { return nil }
        }
        if reader.isExhausted { return nil }
        return lengths.withUnsafeBufferPointer {
            codes.append(UnsafeBufferPointer(rebasing: $0[..<count]))
        }
    }

    private static let order = [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]

    private mutating func readLengths(_ reader: inout VP8LBitReader, _ count: Int) -> Bool {
        var lengthLengths = [UInt8](repeating: 0, count: 19)
        for i in 0..<(4 + reader.read(4)) { lengthLengths[Self.order[i]] = UInt8(reader.read(3)) }
        var code = VP8LPrefixCodes()
        guard let table = lengthLengths.withUnsafeBufferPointer({ code.append($0) }) else { return false }
        var left = count
        if reader.read(1) == 1 {
            left = 2 + reader.read(2 + 2 * reader.read(3))
            guard left <= count else { return false }
        }
        var symbol = 0
        var previous: UInt8 = 8
        while symbol < count, left > 0 {
            left -= 1
            reader.refill()
            let length = code.entries.withUnsafeBufferPointer { entries in
                // Unsafe: a table has at least one entry.
                entries.baseAddress.map { reader.symbol($0, table) } ?? 0
            }
            if length < 16 {
                lengths[symbol] = UInt8(length)
                if length != 0 { previous = UInt8(length) }
                symbol += 1
                continue
            }
            let (bits, base) = length == 16 ? (2, 3) : length == 17 ? (3, 3) : (7, 11)
            let run = base + reader.read(bits)
            guard symbol + run <= count else { return false }
            if length == 16 { for i in symbol..<(symbol + run) { lengths[i] = previous } }
            symbol += run
        }
        return true
    }
}
