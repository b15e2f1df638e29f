#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Finds where a stream of tokens changes its character, so that each block has codes that fit it.
///
/// Begins with many small blocks and joins the two neighbours that lose least, until joining no longer pays for the header it saves.
enum BlockSplitter {
    private static let tokensInCell = 1024

    private struct Run {
        var end: Int
        var counts: SymbolCounts
        var bits: Double
        /// What joining it with the next one saves.
        var saving = -Double.infinity
    }

    /// The ends of the blocks, ascending; the last is `tokens.count`.
    static func ends(of tokens: [DeflateToken]) -> [Int] {
        var runs: [Run] = stride(from: 0, to: max(tokens.count, 1), by: tokensInCell).map { begin in
            let end = min(begin + tokensInCell, tokens.count)
            var counts = SymbolCounts()
            for token in tokens[begin..<end] { counts.add(token) }
            return Run(end: end, counts: counts, bits: bits(counts))
        }
        for index in runs.indices.dropLast() { runs[index].saving = saving(runs[index], runs[index + 1]) }
        while let best = runs.indices.max(by: { runs[$0].saving < runs[$1].saving }), runs[best].saving > 0 {
            runs[best].counts.add(runs[best + 1].counts)
            runs[best].end = runs[best + 1].end
            runs[best].bits += runs[best + 1].bits - runs[best].saving
            runs.remove(at: best + 1)
            runs[best].saving = best + 1 < runs.count ? saving(runs[best], runs[best + 1]) : -.infinity
            if best > 0 { runs[best - 1].saving = saving(runs[best - 1], runs[best]) }
        }
        return runs.map(\.end)
    }

    private static func saving(_ first: Run, _ second: Run) -> Double {
        var both = first.counts
        both.add(second.counts)
        return first.bits + second.bits - bits(both)
    }

    /// About what a block of these symbols takes: their entropy, and a header of some bits for each that is used.
    private static func bits(_ counts: SymbolCounts) -> Double {
        var total = Double(counts.extraBits) + 60
        for list in [counts.lengths, counts.distances] {
            var sum = 0, used = 0, logarithms = 0.0
            for count in list where count > 0 {
                sum += count
                used += 1
                logarithms += Double(count) * log(Double(count))
            }
            guard sum > 0 else { continue }
            // Three bits: what a code length takes after Huffman coding of the lengths themselves.
            total += (Double(sum) * log(Double(sum)) - logarithms) / 0.6931471805599453 + 3 * Double(used)
        }
        return total
    }
}

extension SymbolCounts {
    mutating func add(_ other: SymbolCounts) {
        for i in lengths.indices { lengths[i] += other.lengths[i] }
        for i in distances.indices { distances[i] += other.distances[i] }
        lengths[256] = 1
        extraBits += other.extraBits
    }
}
