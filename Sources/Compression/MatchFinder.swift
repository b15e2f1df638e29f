/// Finds earlier occurrences of the bytes at a position by hash chains over three bytes.
struct MatchFinder: ~Copyable {
    private static let hashBits = 15
    private static let windowMask = DeflateAlphabet.windowSize - 1
    /// The latest position of each hash, and for each position the previous one with the same hash; -1 ends a
    /// chain.
    private let heads: UnsafeMutablePointer<Int32>
    private let previous: UnsafeMutablePointer<Int32>
    private let source: UnsafeBufferPointer<UInt8>
    private var inserted: Int

    /// - Parameters:
    ///   - source: The bytes, fewer than 2 GiB, which must stay valid; positions have 32 bits.
    ///   - start: The first position to be searched. Only matches within the window before it are found, which are
    ///     all that a stream may use.
    init(source: UnsafeBufferPointer<UInt8>, from start: Int = 0) {
        self.source = source
        inserted = max(0, start - DeflateAlphabet.windowSize)
        heads = .allocate(capacity: 1 << Self.hashBits)
        heads.initialize(repeating: -1, count: 1 << Self.hashBits)
        previous = .allocate(capacity: DeflateAlphabet.windowSize)
        previous.initialize(repeating: -1, count: DeflateAlphabet.windowSize)
    }

    deinit {
        heads.deallocate()
        previous.deallocate()
    }

    /// Inserts every position before `end`.
    mutating func insert(upTo end: Int) {
        guard let bytes = source.baseAddress else { return }
        let end = min(end, source.count - 2)
        // Unsafe: every inserted position is followed by two bytes; hashes are below 2^15.
        while inserted < end {
            let hash = Self.hash(bytes + inserted)
            previous[inserted & Self.windowMask] = heads[hash]
            heads[hash] = Int32(truncatingIfNeeded: inserted)
            inserted += 1
        }
    }

    /// Returns the longest match at `position` that is longer than `shortest`, and the nearest of equally
    /// long ones. Every earlier position must have been inserted.
    ///
    /// - Parameters:
    ///   - position: The position of the bytes to match.
    ///   - shortest: The length to exceed.
    ///   - depth: The number of candidates to examine.
    ///   - enough: The length at which the search stops.
    func longest(at position: Int, longerThan shortest: Int, depth: Int, enough: Int) -> (
        length: Int, distance: Int
    )? {
        let most = min(DeflateAlphabet.longestMatch, source.count - position)
        guard let bytes = source.baseAddress, most >= 3, shortest < most else { return nil }
        let here = bytes + position
        var best = (length: max(shortest, 2), distance: 0)
        var candidate = Int(heads[Self.hash(here)])
        var left = depth
        let oldest = max(0, position - DeflateAlphabet.windowSize)
        // Unsafe: candidates precede `position`, so comparisons end before the source does.
        while candidate >= oldest, left > 0 {
            let there = bytes + candidate
            if there[best.length] == here[best.length], there[best.length - 1] == here[best.length - 1] {
                let length = Self.commonLength(here, there, most)
                if length > best.length {
                    best = (length, position - candidate)
                    if length >= enough || length == most { break }
                }
            }
            let next = Int(previous[candidate & Self.windowMask])
            // A newer position may have overwritten an old entry of the chain.
            guard next < candidate else { break }
            candidate = next
            left -= 1
        }
        // A distant match of three bytes costs more bits than three literals.
        guard best.distance > 0, best.length > 3 || best.distance <= 4096 else { return nil }
        return best
    }

    /// Appends the matches at `position`, each longer and farther than the previous one.
    func appendMatches(at position: Int, depth: Int, to matches: inout [DeflateToken]) {
        let most = min(DeflateAlphabet.longestMatch, source.count - position)
        guard let bytes = source.baseAddress, most >= 3 else { return }
        let here = bytes + position, oldest = max(0, position - DeflateAlphabet.windowSize)
        var longest = 2, left = depth, candidate = Int(heads[Self.hash(here)])
        // Unsafe: see `longest`.
        while candidate >= oldest, left > 0, longest < most {
            let there = bytes + candidate
            if there[longest] == here[longest] {
                let length = Self.commonLength(here, there, most)
                if length > longest {
                    longest = length
                    matches.append(DeflateToken(length: length, distance: position - candidate))
                }
            }
            let next = Int(previous[candidate & Self.windowMask])
            guard next < candidate else { break }
            candidate = next
            left -= 1
        }
    }

    private static func commonLength(_ a: UnsafePointer<UInt8>, _ b: UnsafePointer<UInt8>, _ most: Int) -> Int
    {
        var length = 0
        while length + 8 <= most {
            let x = UnsafeRawPointer(a + length).loadUnaligned(as: UInt64.self)
            let y = UnsafeRawPointer(b + length).loadUnaligned(as: UInt64.self)
            if x != y { return length + (x ^ y).littleEndian.trailingZeroBitCount / 8 }
            length += 8
        }
        while length < most, a[length] == b[length] { length += 1 }
        return length
    }

    private static func hash(_ bytes: UnsafePointer<UInt8>) -> Int {
        let three = UInt32(bytes[0]) | UInt32(bytes[1]) &<< 8 | UInt32(bytes[2]) &<< 16
        return Int((three &* 0x9e37_79b1) &>> UInt32(32 - hashBits))
    }
}
