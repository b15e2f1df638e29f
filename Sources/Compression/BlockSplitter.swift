#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Splits a stream of tokens into blocks where its statistics change, so that each block has Huffman codes
/// that fit it.
///
/// The algorithm starts with many small blocks and repeatedly merges the two neighbours whose merging costs
/// least, until merging no longer saves bits. Then it moves the boundaries to where the neighbours take the
/// fewest bits.
enum BlockSplitter {
    private static let tokensInCell = 512, leastStep = 16

    private struct Run {
        var end: Int
        var counts: SymbolCounts
        var bits: Double
        /// The bits that merging with the next run saves.
        var saving = -Double.infinity
    }

    /// Returns the ends of the blocks in ascending order; the last is `tokens.count`.
    static func ends(of tokens: [DeflateToken]) -> [Int] {
        var runs: [Run] = stride(from: 0, to: max(tokens.count, 1), by: tokensInCell).map { begin in
            let end = min(begin + tokensInCell, tokens.count), counts = SymbolCounts(tokens[begin..<end])
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
        settle(&runs, in: tokens)
        return runs.map(\.end)
    }

    /// Moves the boundaries to where both neighbours take the fewest bits, in ever smaller steps.
    private static func settle(_ runs: inout [Run], in tokens: [DeflateToken]) {
        for index in runs.indices.dropLast() {
            var step = tokensInCell / 2
            while step >= leastStep {
                let moved = [-step, step].contains { distance in
                    let first = index > 0 ? runs[index - 1].end : 0, end = runs[index].end + distance
                    guard end > first, end < runs[index + 1].end else { return false }
                    var near = runs[index].counts, far = runs[index + 1].counts
                    let between = tokens[min(end, runs[index].end)..<max(end, runs[index].end)]
                    near.add(between, times: distance > 0 ? 1 : -1)
                    far.add(between, times: distance > 0 ? -1 : 1)
                    let (nearBits, farBits) = (bits(near), bits(far))
                    guard nearBits + farBits < runs[index].bits + runs[index + 1].bits else { return false }
                    runs[index] = Run(end: end, counts: near, bits: nearBits)
                    runs[index + 1] = Run(end: runs[index + 1].end, counts: far, bits: farBits)
                    return true
                }
                if !moved { step /= 2 }
            }
        }
    }

    private static func saving(_ first: Run, _ second: Run) -> Double {
        var both = first.counts
        both.add(second.counts)
        return first.bits + second.bits - bits(both)
    }

    /// Estimates the bits of a block: the entropy of its symbols and that of the code lengths in its header.
    private static func bits(_ counts: SymbolCounts) -> Double {
        var total = Double(counts.extraBits) + 60
        // The histogram of code lengths in the header; a run of unused symbols counts once.
        var lengths = [Double](repeating: 0, count: 16)
        for list in [counts.lengths, counts.distances] {
            let sum = Double(list.reduce(0, +))
            var last = 0
            for count in list {
                guard count > 0 else {
                    if last > 0 { lengths[0] += 1 }
                    last = 0
                    continue
                }
                let bits = log2(sum / Double(count))
                total += Double(count) * bits
                last = max(1, min(15, Int(bits.rounded())))
                lengths[last] += 1
            }
        }
        let sum = lengths.reduce(0, +)
        for count in lengths where count > 0 { total += count * log2(sum / count) }
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
