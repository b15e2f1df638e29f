/// A canonical Huffman code (ITU-T T.81, Annex C).
struct HuffmanCode {
    let lengths, symbols: [UInt8]
    /// The code word and its length for each symbol.
    let words: [(bits: Int, length: Int)]

    init(lengths: [UInt8], symbols: [UInt8]) {
        var words = Array(repeating: (bits: 0, length: 0), count: 256)
        var bits = 0, next = symbols.makeIterator()
        for (i, count) in lengths.enumerated() {
            for _ in 0..<count {
                guard let symbol = next.next() else { break }
                words[Int(symbol)] = (bits, i + 1)
                bits += 1
            }
            bits <<= 1
        }
        (self.lengths, self.symbols, self.words) = (lengths, symbols, words)
    }

    /// Makes the best code of at most 16 bits for symbols by their counts, `[256]` (§K.2).
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
        let lengths = (1...16).map { UInt8(perLength[$0]) }
        let sorted = (0..<256).filter { length[$0] > 0 }.sorted { (length[$0], $0) < (length[$1], $1) }
        self.init(lengths: lengths, symbols: sorted.map { UInt8($0) })
    }
}
