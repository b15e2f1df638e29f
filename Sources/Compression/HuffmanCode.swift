/// A prefix code for encoding: length-limited code lengths with the least total size, and their codes.
struct HuffmanCode {
    let lengths: [UInt8]
    /// The codes in reversed bit order, ready to be written least significant bit first.
    let codes: [UInt16]

    /// Creates the canonical code for given lengths (RFC 1951 §3.2.2).
    init(lengths: [UInt8]) {
        self.lengths = lengths
        var next = [Int](repeating: 0, count: 17)
        for length in lengths where length > 0 { next[Int(length) + 1] += 1 }
        for length in 1..<17 { next[length] = (next[length - 1] + next[length]) << 1 }
        // `next[n + 1]` held the count of length n, so `next[n]` is now the first code of length n.
        codes = lengths.map { length in
            guard length > 0 else { return 0 }
            let code = next[Int(length)]
            next[Int(length)] += 1
            return UInt16(truncatingIfNeeded: code.reversedBits(Int(length)))
        }
    }

    /// Creates the optimal code under a length limit by the package-merge algorithm in O(n · limit).
    ///
    /// At least two symbols get a code, because decoders may reject a code with one.
    ///
    /// - Source: Larmore and Hirschberg, "A Fast Algorithm for Optimal Length-Limited Huffman Codes", 1990.
    init(frequencies: [Int], limit: Int) {
        var used = frequencies.indices.filter { frequencies[$0] > 0 }
        for symbol in frequencies.indices where used.count < 2 && !used.contains(symbol) {
            used.append(symbol)
        }
        used.sort { (frequencies[$0], $0) < (frequencies[$1], $1) }
        let weights = used.map { max(1, frequencies[$0]) }

        // A coin is a symbol or a package of two coins of the previous level. Only the number of symbols
        // among each level's cheapest coins matters; `isPackage[level]` records the order in which both kinds
        // were merged.
        var isPackage: [[Bool]] = []
        var previous: [Int] = []
        for _ in 0..<limit {
            let packages = stride(from: 0, to: previous.count & ~1, by: 2).map {
                previous[$0] + previous[$0 + 1]
            }
            var (merged, kinds, next) = ([Int](), [Bool](), 0)
            merged.reserveCapacity(weights.count + packages.count)
            kinds.reserveCapacity(weights.count + packages.count)
            for weight in weights {
                while next < packages.count, packages[next] < weight {
                    merged.append(packages[next])
                    kinds.append(true)
                    next += 1
                }
                merged.append(weight)
                kinds.append(false)
            }
            merged.append(contentsOf: packages[next...])
            kinds.append(contentsOf: [Bool](repeating: true, count: packages.count - next))
            isPackage.append(kinds)
            previous = merged
        }
        var lengths = [UInt8](repeating: 0, count: frequencies.count)
        var taken = 2 * (used.count - 1)
        for kinds in isPackage.reversed() {
            let packages = kinds.prefix(taken).count { $0 }
            for symbol in used.prefix(taken - packages) { lengths[symbol] += 1 }
            taken = 2 * packages
        }
        self.init(lengths: lengths)
    }
}

extension Int {
    fileprivate func reversedBits(_ count: Int) -> Int {
        var (value, result) = (self, 0)
        for _ in 0..<count {
            result = result << 1 | value & 1
            value >>= 1
        }
        return result
    }
}
