/// A DEFLATE compressor (RFC 1951) with hash chains, lazy matching or optimal parsing; each block takes its
/// smallest form.
///
///     let stream = Deflate.compress(bytes, level: 6, container: .zlib)
package enum Deflate {
    /// Compresses bytes.
    ///
    /// - Parameters:
    ///   - bytes: The input, at most 2³¹ − 1 bytes.
    ///   - level: The level from 1 (fast) to 9 (small), as in zlib. Level 10 optimizes blocks and tokens
    ///     until that no longer helps, which takes several times as long.
    ///   - container: The format around the stream.
    package static func compress(
        _ bytes: UnsafeRawBufferPointer, level: Int = 6, container: DeflateContainer = .zlib
    ) -> [UInt8] {
        precondition((1...10).contains(level) && bytes.count <= Int(Int32.max))
        let source = bytes.assumingMemoryBound(to: UInt8.self)
        var out = BitWriter(bytes: header(container, level: level))
        // Level 10 needs the tokens only as a starting point.
        let effort = efforts[level < 10 ? level - 1 : 5]
        var parser = Parser(source: source), optimal = OptimalParser(source: source)
        repeat {
            let start = parser.position
            let tokens =
                effort.lookAhead == 0
                ? parser.greedy(effort)
                : parser.lazy(effort, limit: level < 10 ? Parser.tokensInBlock : Parser.tokensInSegment)
            var begin = start
            for block in level < 10 ? [tokens[...]] : optimal.blocks(start..<parser.position, from: tokens) {
                let stop = block.reduce(begin) { $0 + $1.size }
                DeflateBlock.write(
                    block, source: UnsafeBufferPointer(rebasing: source[begin..<stop]),
                    isLast: stop == source.count, isThorough: level == 10, to: &out)
                begin = stop
            }
        } while parser.position < source.count
        out.align()
        out.append(trailer(container, bytes))
        return out.bytes
    }

    package static func compress(_ bytes: [UInt8], level: Int = 6, container: DeflateContainer = .zlib)
        -> [UInt8]
    {
        bytes.withUnsafeBytes { compress($0, level: level, container: container) }
    }

    /// The search effort of a level, with the depths of zlib's configuration_table (deflate.c).
    fileprivate struct Effort {
        /// The number of candidates per position.
        let depth: Int
        /// The match length that ends the search.
        let enough: Int
        /// The match length from which the next position is not searched; 0 takes every match at once.
        let lookAhead: Int
    }
    private static let efforts: [Effort] = [
        Effort(depth: 4, enough: 8, lookAhead: 0), Effort(depth: 5, enough: 16, lookAhead: 0),
        Effort(depth: 6, enough: 32, lookAhead: 0), Effort(depth: 16, enough: 16, lookAhead: 4),
        Effort(depth: 32, enough: 32, lookAhead: 16), Effort(depth: 128, enough: 128, lookAhead: 16),
        Effort(depth: 256, enough: 128, lookAhead: 32), Effort(depth: 1024, enough: 258, lookAhead: 128),
        Effort(depth: 4096, enough: 258, lookAhead: 258),
    ]

    private static func header(_ container: DeflateContainer, level: Int) -> [UInt8] {
        switch container {
        case .raw: []
        // FLEVEL is in bits 6–7 of the second byte; FCHECK makes the pair a multiple of 31.
        case .zlib: [0x78, level == 1 ? 0x01 : level < 6 ? 0x5e : level == 6 ? 0x9c : 0xda]
        // Name and time are omitted, so that equal inputs give equal bytes. XFL is 2 for slowest, 4 for
        // fastest; OS 255 is unknown.
        case .gzip: [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, level >= 9 ? 2 : level == 1 ? 4 : 0, 255]
        }
    }

    private static func trailer(_ container: DeflateContainer, _ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        func word(_ value: UInt32) -> [UInt8] {
            (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) }
        }
        return switch container {
        case .raw: []
        case .zlib: word(Adler32.checksum(bytes)).reversed()
        case .gzip: word(CRC32.checksum(bytes)) + word(UInt32(truncatingIfNeeded: bytes.count))
        }
    }
}

/// Parses the source into tokens, one block at a time.
private struct Parser: ~Copyable {
    /// A block of this size pays for its dynamic header and is short enough to adapt to changes in the data.
    static let tokensInBlock = 1 << 15
    /// The number of tokens that level 10 optimizes at a time.
    static let tokensInSegment = 1 << 20

    private let source: UnsafeBufferPointer<UInt8>
    private var finder: MatchFinder
    private(set) var position = 0

    init(source: UnsafeBufferPointer<UInt8>) {
        self.source = source
        finder = MatchFinder(source: source)
    }

    mutating func greedy(_ effort: Deflate.Effort) -> [DeflateToken] {
        var tokens: [DeflateToken] = []
        while position < source.count, tokens.count < Self.tokensInBlock {
            finder.insert(upTo: position)
            if let match = finder.longest(
                at: position, longerThan: 2, depth: effort.depth, enough: effort.enough)
            {
                tokens.append(DeflateToken(length: match.length, distance: match.distance))
                position += match.length
            } else {
                tokens.append(DeflateToken(literal: source[position]))
                position += 1
            }
        }
        return tokens
    }

    /// Parses with lazy matching: a match is taken only if the next position has no longer one.
    mutating func lazy(_ effort: Deflate.Effort, limit: Int) -> [DeflateToken] {
        var tokens: [DeflateToken] = []
        while position < source.count, tokens.count < limit {
            finder.insert(upTo: position)
            guard
                var match = finder.longest(
                    at: position, longerThan: 2, depth: effort.depth, enough: effort.enough)
            else {
                tokens.append(DeflateToken(literal: source[position]))
                position += 1
                continue
            }
            while match.length < effort.lookAhead, position + 1 < source.count {
                finder.insert(upTo: position + 1)
                let depth = match.length >= effort.enough / 4 ? max(1, effort.depth / 4) : effort.depth
                guard
                    let later = finder.longest(
                        at: position + 1, longerThan: match.length, depth: depth, enough: effort.enough)
                else { break }
                tokens.append(DeflateToken(literal: source[position]))
                position += 1
                match = later
            }
            tokens.append(DeflateToken(length: match.length, distance: match.distance))
            position += match.length
        }
        return tokens
    }
}
