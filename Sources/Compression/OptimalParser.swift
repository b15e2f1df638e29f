#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Parses bytes into the tokens that take the fewest bits.
///
/// It finds the shortest path from a block's first byte to its last, where a token costs its bits under the
/// block's own codes, and repeats that with the codes of the path as long as it helps. Then the tokens are
/// split into blocks anew, as long as that helps.
///
/// - Source: zopfli (Alakuijala and Vandevenne, 2013).
struct OptimalParser {
    private static let depth = 1024, rounds = 6, layouts = 5

    let source: UnsafeBufferPointer<UInt8>

    /// Returns blocks of tokens for a part of the source, which do not depend on how other parts were parsed.
    ///
    /// - Parameters:
    ///   - range: The part.
    ///   - tokens: Other tokens for the part, from which the search starts.
    func blocks(_ range: Range<Int>, from tokens: [DeflateToken]) -> [ArraySlice<DeflateToken>] {
        let matches = Matches(range, of: source)
        var best = Self.layOut(tokens), least = best.reduce(0) { $0 + DeflateBlock.bits($1) }
        for _ in 0..<Self.layouts {
            var parsed: [DeflateToken] = [], begin = range.lowerBound
            parsed.reserveCapacity(tokens.count)
            for block in best {
                let end = block.reduce(begin) { $0 + $1.size }
                parsed += parse(begin..<end, matches, from: block)
                begin = end
            }
            let next = Self.layOut(parsed), bits = next.reduce(0) { $0 + DeflateBlock.bits($1) }
            let gain = least - bits
            if gain > 0 { (best, least) = (next, bits) }
            // A smaller gain does not justify the time.
            if gain < least / 4096 { break }
        }
        return best
    }

    private static func layOut(_ tokens: [DeflateToken]) -> [ArraySlice<DeflateToken>] {
        var begin = 0
        return BlockSplitter.ends(of: tokens).map { end in
            defer { begin = end }
            return tokens[begin..<end]
        }
    }

    /// Parses a range, starting from the costs of `tokens`, which represent the range.
    private func parse(_ range: Range<Int>, _ matches: Matches, from tokens: ArraySlice<DeflateToken>)
        -> ArraySlice<DeflateToken>
    {
        var best = tokens, costs = Costs(tokens)
        for _ in 0..<Self.rounds {
            let path = shortestPath(range, matches, costs)[...], next = Costs(path)
            let gain = costs.total - next.total
            if gain > 0 { (best, costs) = (path, next) }
            if gain < costs.total / 16384 { break }
        }
        return best
    }

    /// The matches at every position of a part of the source.
    private struct Matches {
        private let first: Int
        private var tokens: [DeflateToken] = []
        /// The index of each position's first match, and the end of the last one's.
        private var starts = [0]

        init(_ range: Range<Int>, of source: UnsafeBufferPointer<UInt8>) {
            var finder = MatchFinder(source: source, from: range.lowerBound)
            first = range.lowerBound
            starts.reserveCapacity(range.count + 1)
            for position in range {
                finder.insert(upTo: position)
                finder.appendMatches(at: position, depth: OptimalParser.depth, to: &tokens)
                starts.append(tokens.count)
            }
        }

        /// Calls `body` with every position, relative to the range's first, and its matches, each longer and
        /// farther than the previous one.
        func forEach(_ range: Range<Int>, _ body: (Int, UnsafeBufferPointer<DeflateToken>) -> Void) {
            tokens.withUnsafeBufferPointer { tokens in
                for i in range.indices {
                    let place = i - first
                    body(
                        i - range.lowerBound,
                        UnsafeBufferPointer(rebasing: tokens[starts[place]..<starts[place + 1]]))
                }
            }
        }
    }

    private func shortestPath(_ range: Range<Int>, _ matches: Matches, _ costs: Costs) -> [DeflateToken] {
        let count = range.count
        var reached = [Float](repeating: .infinity, count: count + 1)
        var arrivals = [DeflateToken](repeating: DeflateToken(literal: 0), count: count + 1)
        reached[0] = 0
        reached.withUnsafeMutableBufferPointer { reached in
            arrivals.withUnsafeMutableBufferPointer { arrivals in
                matches.forEach(range) { i, matches in
                    let literal = source[range.lowerBound + i], here = reached[i]
                    if here + costs.lengths[Int(literal)] < reached[i + 1] {
                        reached[i + 1] = here + costs.lengths[Int(literal)]
                        arrivals[i + 1] = DeflateToken(literal: literal)
                    }
                    var shorter = 2
                    for match in matches {
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
            }
        }
        var path: [DeflateToken] = [], place = count
        while place > 0 {
            path.append(arrivals[place])
            place -= arrivals[place].size
        }
        return path.reversed()
    }

    /// The cost of each symbol in bits, with extra bits, under the codes that fit some tokens.
    private struct Costs {
        let lengths, distances: [Float]
        /// The cost of each match length.
        let runs: [Float]
        let total: Double

        init(_ tokens: ArraySlice<DeflateToken>) {
            let counts = SymbolCounts(tokens)
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
                for (count, bits) in zip(counts, code) where count > 0 {
                    total += Double(count) * Double(bits) + 3
                }
            }
            self.total = total
        }

        /// Returns the cost of each symbol; an unused symbol costs as much as one that is used once.
        private static func bits(_ counts: [Int]) -> [Float] {
            let sum = Float(max(1, counts.reduce(0, +)))
            return counts.map { max(1, logf(sum / Float(max($0, 1))) / 0.6931472) }
        }
    }
}
