import Threads

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
    ///     until that no longer helps, on all cores, which takes several times as long. The stream does not depend on
    ///     the number of cores.
    ///   - container: The format around the stream.
    ///   - progress: Receives the number of compressed bytes from time to time.
    package static func compress(
        _ bytes: UnsafeRawBufferPointer, level: Int = 6, container: DeflateContainer = .zlib,
        progress: ((Int) -> Void)? = nil
    ) -> [UInt8] {
        precondition((1...10).contains(level) && bytes.count <= Int(Int32.max))
        let source = bytes.assumingMemoryBound(to: UInt8.self)
        var out = BitWriter(bytes: header(container, level: level))
        // Level 10 needs the tokens only as a starting point.
        let effort = efforts[level < 10 ? level - 1 : 5]
        var parser = Parser(source: source)
        repeat {
            var begin = parser.position
            let blocks: [ArraySlice<DeflateToken>]
            if level == 10 {
                var segments: [Segment] = []
                repeat {
                    let start = parser.position
                    let tokens = parser.lazy(
                        effort, limit: Parser.tokensInSegment, bytes: Parser.bytesInSegment)
                    segments.append(Segment(range: start..<parser.position, tokens: tokens))
                } while segments.count < Segment.atOnce && parser.position < source.count
                blocks = Segment.optimize(segments, of: source)
            } else if effort.lookAhead == 0 {
                blocks = [parser.greedy(effort)[...]]
            } else {
                blocks = [parser.lazy(effort, limit: Parser.tokensInBlock)[...]]
            }
            for block in blocks {
                let stop = block.reduce(begin) { $0 + $1.size }
                DeflateBlock.write(
                    block, source: UnsafeBufferPointer(rebasing: source[begin..<stop]),
                    isLast: stop == source.count, isThorough: level == 10, to: &out)
                begin = stop
            }
            progress?(parser.position)
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

/// A part of the source that level 10 optimizes by itself, so that several threads can work.
private struct Segment {
    /// The number of segments that are optimized at a time, which bounds the memory.
    static let atOnce = 4

    let range: Range<Int>
    /// The tokens from which the search starts.
    let tokens: [DeflateToken]

    /// Returns the blocks of all segments, in order.
    static func optimize(_ segments: [Segment], of source: UnsafeBufferPointer<UInt8>)
        -> [ArraySlice<DeflateToken>]
    {
        var blocks = [[ArraySlice<DeflateToken>]](repeating: [], count: segments.count)
        blocks.withUnsafeMutableBufferPointer { blocks in
            // Unsafe: each iteration writes an element of its own, and nobody writes the source.
            nonisolated(unsafe) let (blocks, source) = (blocks, source)
            ConcurrentLoop.run(segments.count) { i in
                let segment = segments[i]
                blocks[i] = OptimalParser(source: source).blocks(segment.range, from: segment.tokens)
            }
        }
        return blocks.flatMap { $0 }
    }
}

/// Parses the source into tokens, one block at a time.
private struct Parser: ~Copyable {
    /// A block of this size pays for its dynamic header and is short enough to adapt to changes in the data.
    static let tokensInBlock = 1 << 15
    /// The numbers of tokens and bytes that level 10 optimizes together; memory grows with the bytes.
    static let tokensInSegment = 1 << 20, bytesInSegment = 1 << 22

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
    mutating func lazy(_ effort: Deflate.Effort, limit: Int, bytes: Int = .max) -> [DeflateToken] {
        var tokens: [DeflateToken] = []
        let start = position
        while position < source.count, tokens.count < limit, position - start < bytes {
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
