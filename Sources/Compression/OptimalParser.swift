#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Cuts a block into the tokens that take the fewest bits: a shortest path from its first byte to its last, where a token's length is
/// what the block's own codes make of it; found again with the codes that the path itself leads to, while that helps.
///
/// - Source: the idea is zopfli's (Alakuijala and Vandevenne 2013).
struct OptimalParser: ~Copyable {
    private static let depth = 2048, rounds = 6

    private let source: UnsafeBufferPointer<UInt8>
    private var finder: MatchFinder

    init(source: UnsafeBufferPointer<UInt8>) {
        self.source = source
        finder = MatchFinder(source: source)
    }

    /// - Parameters:
    ///   - range: of the source; ranges must come in order.
    ///   - tokens: that stand for it, found in another way.
    mutating func parse(_ range: Range<Int>, from tokens: ArraySlice<DeflateToken>) -> ArraySlice<DeflateToken> {
        var matches: [DeflateToken] = [], starts = [0]
        for position in range {
            finder.insert(upTo: position)
            finder.appendMatches(at: position, depth: Self.depth, to: &matches)
            starts.append(matches.count)
        }
        var best = tokens, current = Costs(tokens)
        for _ in 0..<Self.rounds {
            let path = shortestPath(range, matches, starts, current)[...]
            let costs = Costs(path)
            guard costs.total < Costs(best).total else { break }
            (best, current) = (path, costs)
        }
        return best
    }

    private func shortestPath(_ range: Range<Int>, _ matches: [DeflateToken], _ starts: [Int], _ costs: Costs) -> [DeflateToken] {
        let count = range.count
        var reached = [Float](repeating: .infinity, count: count + 1)
        var arrivals = [DeflateToken](repeating: DeflateToken(literal: 0), count: count + 1)
        reached[0] = 0
        for i in 0..<count {
            let literal = source[range.lowerBound + i], here = reached[i]
            if here + costs.lengths[Int(literal)] < reached[i + 1] {
                reached[i + 1] = here + costs.lengths[Int(literal)]
                arrivals[i + 1] = DeflateToken(literal: literal)
            }
            var shorter = 2
            for match in matches[starts[i]..<starts[i + 1]] {
                let longest = min(match.length, count - i)
                guard longest > shorter else { break }
                let far = here + costs.distances[DeflateSymbol.distance(match.distance)]
                for length in (shorter + 1)...longest {
                    let cost = far + costs.runs[length]
                    if cost < reached[i + length] {
                        reached[i + length] = cost
                        arrivals[i + length] = DeflateToken(length: length, distance: match.distance)
                    }
                }
                shorter = longest
            }
        }
        var path: [DeflateToken] = [], place = count
        while place > 0 {
            path.append(arrivals[place])
            place -= arrivals[place].size
        }
        return path.reversed()
    }

    /// Bits of each symbol, extra bits included, under the codes that fit some tokens.
    private struct Costs {
        let lengths, distances: [Float]
        /// By the length of a match.
        let runs: [Float]
        let total: Double

        init(_ tokens: ArraySlice<DeflateToken>) {
            var counts = SymbolCounts()
            for token in tokens { counts.add(token) }
            let codes = [counts.lengths, counts.distances].map(Self.bits)
            lengths = codes[0]
            distances = zip(codes[1], DeflateAlphabet.distanceExtra).map { $0 + Float($1) }
            runs = (0..<259).map { length in
                guard length >= 3 else { return .infinity }
                let symbol = DeflateSymbol.length(length)
                return codes[0][257 + symbol] + Float(DeflateAlphabet.lengthExtra[symbol])
            }
            var total = Double(counts.extraBits)
            for (counts, code) in zip([counts.lengths, counts.distances], codes) {
                for (count, bits) in zip(counts, code) where count > 0 { total += Double(count) * Double(bits) + 3 }
            }
            self.total = total
        }

        /// A symbol that is not used yet costs what one that is used once does.
        private static func bits(_ counts: [Int]) -> [Float] {
            let sum = Float(max(1, counts.reduce(0, +)))
            return counts.map { max(1, logf(sum / Float(max($0, 1))) / 0.6931472) }
        }
    }
}
