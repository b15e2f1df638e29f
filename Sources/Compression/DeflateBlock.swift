/// A literal, or a match with a length and a distance, before entropy coding.
struct DeflateToken {
    /// The literal in bits 0–7 or the length in bits 0–8, and the distance in bits 16–31; distance 0 marks a
    /// literal.
    private let word: UInt32

    init(literal: UInt8) { word = UInt32(literal) }
    init(length: Int, distance: Int) { word = UInt32(length) | UInt32(distance) << 16 }

    var distance: Int { Int(word >> 16) }
    var length: Int { Int(word & 511) }
    var literal: Int { Int(word & 255) }
    /// The number of bytes that the token represents.
    var size: Int { distance == 0 ? 1 : length }
}

/// The number of occurrences of each symbol in a block.
struct SymbolCounts {
    /// The counts of literals, the end-of-block symbol and lengths.
    var lengths = [Int](repeating: 0, count: 286)
    var distances = [Int](repeating: 0, count: 30)
    var extraBits = 0

    /// Counts the symbols of a block with the given tokens.
    init(_ tokens: ArraySlice<DeflateToken> = []) {
        lengths[256] = 1
        add(tokens)
    }

    /// Adds the symbols of tokens.
    ///
    /// - Parameter times: The weight; -1 subtracts the tokens.
    mutating func add(_ tokens: ArraySlice<DeflateToken>, times: Int = 1) {
        // Symbols are in range by construction; unsafe buffers avoid a uniqueness check per token.
        lengths.withUnsafeMutableBufferPointer { lengths in
            distances.withUnsafeMutableBufferPointer { distances in
                for token in tokens {
                    guard token.distance > 0 else {
                        lengths[token.literal] += times
                        continue
                    }
                    let (length, distance) = (
                        DeflateSymbol.length(token.length), DeflateSymbol.distance(token.distance)
                    )
                    lengths[257 + length] += times
                    distances[distance] += times
                    extraBits +=
                        times
                        * (DeflateAlphabet.lengthExtra[length] + DeflateAlphabet.distanceExtra[distance])
                }
            }
        }
    }
}

extension SymbolCounts {
    /// Returns the size of the symbols in bits under the given codes.
    fileprivate func bits(_ codes: (HuffmanCode, HuffmanCode)) -> Int {
        var bits = extraBits
        for (symbol, count) in lengths.enumerated() { bits += count * Int(codes.0.lengths[symbol]) }
        for (symbol, count) in distances.enumerated() { bits += count * Int(codes.1.lengths[symbol]) }
        return bits
    }
}

extension [Int] {
    /// Returns the counts with runs of four or more similar neighbours replaced by equal values.
    ///
    /// - Parameter tolerance: The allowed difference from the run's mean, in units of the mean's square root.
    fileprivate func levelled(_ tolerance: Double) -> [Int] {
        var result = self, start = 0
        while start < count {
            var end = start + 1, sum = self[start]
            while end < count, self[end] > 0, self[start] > 0 {
                let mean = Double(sum) / Double(end - start)
                guard abs(Double(self[end]) - mean) <= tolerance * mean.squareRoot() else { break }
                sum += self[end]
                end += 1
            }
            if end - start >= 4 { for i in start..<end { result[i] = Swift.max(1, sum / (end - start)) } }
            start = end
        }
        return result
    }
}

/// Writes tokens as the smallest of the three block types (RFC 1951 §3.2.3).
struct DeflateBlock {
    private static let fixed = (
        HuffmanCode(lengths: DeflateAlphabet.fixedLengths),
        HuffmanCode(lengths: DeflateAlphabet.fixedDistances)
    )

    /// The optimal codes for some tokens, and the sizes of the block types.
    private struct Plan {
        private(set) var dynamic: (HuffmanCode, HuffmanCode)
        private(set) var header: DynamicHeader
        private(set) var dynamicBits: Int
        let fixedBits, storedBits: Int

        /// - Parameter isThorough: Whether to search for codes with a shorter header.
        init(_ tokens: ArraySlice<DeflateToken>, isThorough: Bool) {
            let counts = SymbolCounts(tokens), size = tokens.reduce(0) { $0 + $1.size }
            fixedBits = counts.bits(fixed)
            storedBits = (size + 5 * (size / 65535 + 1)) * 8
            dynamic = (
                HuffmanCode(frequencies: counts.lengths, limit: 15),
                HuffmanCode(frequencies: counts.distances, limit: 15)
            )
            header = DynamicHeader(
                lengths: dynamic.0.lengths, distances: dynamic.1.lengths, isThorough: isThorough)
            dynamicBits = header.bitCount + counts.bits(dynamic)
            guard isThorough else { return }
            // Equal code lengths for neighbours can save more bits in the header than they cost in the block.
            for tolerance in [0.5, 1, 2, 3, 4] {
                let codes = (
                    HuffmanCode(frequencies: counts.lengths.levelled(tolerance), limit: 15),
                    HuffmanCode(frequencies: counts.distances.levelled(tolerance), limit: 15)
                )
                let header = DynamicHeader(
                    lengths: codes.0.lengths, distances: codes.1.lengths, isThorough: true)
                let bits = header.bitCount + counts.bits(codes)
                if bits < dynamicBits { (dynamic, self.header, dynamicBits) = (codes, header, bits) }
            }
        }
    }

    /// Returns the size in bits that a thorough `write` would take, without the padding of a stored block.
    static func bits(_ tokens: ArraySlice<DeflateToken>) -> Int {
        let plan = Plan(tokens, isThorough: true)
        return 3 + min(plan.dynamicBits, plan.fixedBits, plan.storedBits)
    }

    /// Writes a block.
    ///
    /// - Parameters:
    ///   - source: The bytes that the tokens represent.
    ///   - isThorough: Whether to search for codes with a shorter header, which takes several times as long.
    static func write(
        _ tokens: ArraySlice<DeflateToken>, source: UnsafeBufferPointer<UInt8>, isLast: Bool,
        isThorough: Bool, to out: inout BitWriter
    ) {
        let plan = Plan(tokens, isThorough: isThorough)
        if plan.storedBits < min(plan.dynamicBits, plan.fixedBits) {
            writeStored(source, isLast: isLast, to: &out)
            return
        }
        out.write(isLast ? 1 : 0, 1)
        if plan.fixedBits <= plan.dynamicBits {
            out.write(1, 2)
            writeTokens(tokens, fixed, to: &out)
        } else {
            out.write(2, 2)
            plan.header.write(to: &out)
            writeTokens(tokens, plan.dynamic, to: &out)
        }
    }

    private static func writeStored(
        _ source: UnsafeBufferPointer<UInt8>, isLast: Bool, to out: inout BitWriter
    ) {
        var start = 0
        repeat {
            let count = min(65535, source.count - start)
            out.write(isLast && start + count == source.count ? 1 : 0, 3)
            out.align()
            out.write(UInt32(count), 16)
            out.write(UInt32(count ^ 0xffff), 16)
            out.append(source[start..<(start + count)])
            start += count
        } while start < source.count
    }

    private static func writeTokens(
        _ tokens: ArraySlice<DeflateToken>, _ codes: (HuffmanCode, HuffmanCode), to out: inout BitWriter
    ) {
        for token in tokens {
            if token.distance == 0 {
                out.write(UInt32(codes.0.codes[token.literal]), Int(codes.0.lengths[token.literal]))
                continue
            }
            let length = DeflateSymbol.length(token.length)
            out.write(UInt32(codes.0.codes[257 + length]), Int(codes.0.lengths[257 + length]))
            out.write(
                UInt32(token.length - DeflateAlphabet.lengthBase[length]), DeflateAlphabet.lengthExtra[length]
            )
            let distance = DeflateSymbol.distance(token.distance)
            out.write(UInt32(codes.1.codes[distance]), Int(codes.1.lengths[distance]))
            out.write(
                UInt32(token.distance - DeflateAlphabet.distanceBase[distance]),
                DeflateAlphabet.distanceExtra[distance])
        }
        out.write(UInt32(codes.0.codes[256]), Int(codes.0.lengths[256]))
    }
}

/// Maps a length or distance to its symbol (RFC 1951 §3.2.5).
enum DeflateSymbol {
    static func length(_ length: Int) -> Int { Int(lengths[length]) }

    /// Returns a distance's symbol; there are two symbols per power of two.
    static func distance(_ distance: Int) -> Int {
        guard distance > 4 else { return distance - 1 }
        let exponent = 63 - (distance - 1).leadingZeroBitCount
        return 2 * exponent + ((distance - 1) >> (exponent - 1) & 1)
    }

    private static let lengths: [UInt8] = {
        var symbols = [UInt8](repeating: 0, count: 259)
        for (symbol, base) in DeflateAlphabet.lengthBase.enumerated() {
            for length in base..<259 { symbols[length] = UInt8(symbol) }
        }
        return symbols
    }()
}

/// The run-length coded code lengths that precede a dynamic block (RFC 1951 §3.2.7).
private struct DynamicHeader {
    private var items: [(symbol: Int, extra: Int)] = []
    private let lengthCount, distanceCount, codeCount: Int
    private let code: HuffmanCode

    /// - Parameter isThorough: Whether to try all subsets of the run symbols and take the shortest header.
    init(lengths: [UInt8], distances: [UInt8], isThorough: Bool) {
        let all = (isThorough ? 0..<8 : 7..<8).map {
            DynamicHeader(lengths: lengths, distances: distances, runs: $0)
        }
        self = all.min { $0.bitCount < $1.bitCount }!
    }

    /// - Parameter runs: A bit mask; bits 0, 1 and 2 allow symbols 16, 17 and 18.
    private init(lengths: [UInt8], distances: [UInt8], runs: Int) {
        lengthCount = max(257, 1 + (lengths.lastIndex { $0 > 0 } ?? 0))
        distanceCount = max(1, 1 + (distances.lastIndex { $0 > 0 } ?? 0))
        let all = Array(lengths.prefix(lengthCount)) + Array(distances.prefix(distanceCount))
        var start = 0
        while start < all.count {
            let end = all[start...].firstIndex { $0 != all[start] } ?? all.count
            var left = end - start
            if all[start] == 0 {
                while left >= 11, runs & 4 != 0 {
                    let count = min(left, 138)
                    items.append((18, count - 11))
                    left -= count
                }
                while left >= 3, runs & 2 != 0 {
                    let count = min(left, 10)
                    items.append((17, count - 3))
                    left -= count
                }
            } else if left > 3, runs & 1 != 0 {
                items.append((Int(all[start]), 0))
                left -= 1
                while left >= 3 {
                    let count = min(left, 6)
                    items.append((16, count - 3))
                    left -= count
                }
            }
            for _ in 0..<left { items.append((Int(all[start]), 0)) }
            start = end
        }
        var counts = [Int](repeating: 0, count: 19)
        for item in items { counts[item.symbol] += 1 }
        let code = HuffmanCode(frequencies: counts, limit: 7)
        self.code = code
        codeCount = max(4, 1 + (DeflateAlphabet.codeLengthOrder.lastIndex { code.lengths[$0] > 0 } ?? 0))
    }

    private static func extraBits(_ symbol: Int) -> Int {
        symbol == 16 ? 2 : symbol == 17 ? 3 : symbol == 18 ? 7 : 0
    }

    var bitCount: Int {
        14 + 3 * codeCount + items.reduce(0) { $0 + Int(code.lengths[$1.symbol]) + Self.extraBits($1.symbol) }
    }

    func write(to out: inout BitWriter) {
        out.write(UInt32(lengthCount - 257), 5)
        out.write(UInt32(distanceCount - 1), 5)
        out.write(UInt32(codeCount - 4), 4)
        for symbol in DeflateAlphabet.codeLengthOrder.prefix(codeCount) {
            out.write(UInt32(code.lengths[symbol]), 3)
        }
        for item in items {
            out.write(UInt32(code.codes[item.symbol]), Int(code.lengths[item.symbol]))
            out.write(UInt32(item.extra), Self.extraBits(item.symbol))
        }
    }
}
