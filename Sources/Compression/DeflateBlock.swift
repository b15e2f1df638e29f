/// What a compressor found, before it is known how it will be written: literals, and matches of a length and a distance.
struct DeflateToken {
    /// A literal in bits 0–7, or a length in bits 0–8, and the distance in bits 16–31; distance 0 marks a literal. 32,768 does not
    /// fit in 15 bits but does in 16.
    private let word: UInt32

    init(literal: UInt8) { word = UInt32(literal) }
    init(length: Int, distance: Int) { word = UInt32(length) | UInt32(distance) << 16 }

    var distance: Int { Int(word >> 16) }
    var length: Int { Int(word & 511) }
    var literal: Int { Int(word & 255) }
    /// How many bytes it stands for.
    var size: Int { distance == 0 ? 1 : length }
}

/// How often each symbol of a block is used.
struct SymbolCounts {
    /// Literals, the end of the block, lengths.
    var lengths = [Int](repeating: 0, count: 286)
    var distances = [Int](repeating: 0, count: 30)
    var extraBits = 0

    init() { lengths[256] = 1 }

    mutating func add(_ token: DeflateToken) {
        guard token.distance > 0 else { return lengths[token.literal] += 1 }
        let (length, distance) = (DeflateSymbol.length(token.length), DeflateSymbol.distance(token.distance))
        lengths[257 + length] += 1
        distances[distance] += 1
        extraBits += DeflateAlphabet.lengthExtra[length] + DeflateAlphabet.distanceExtra[distance]
    }
}

/// Writes tokens as the smallest of the three kinds of block (RFC 1951 §3.2.3).
struct DeflateBlock {
    private static let fixed = (
        HuffmanCode(lengths: DeflateAlphabet.fixedLengths), HuffmanCode(lengths: DeflateAlphabet.fixedDistances)
    )

    /// - Parameter source: the bytes that the tokens stand for.
    static func write(
        _ tokens: ArraySlice<DeflateToken>, source: UnsafeBufferPointer<UInt8>, isLast: Bool, to out: inout BitWriter
    ) {
        var counts = SymbolCounts()
        for token in tokens { counts.add(token) }
        let (lengthCounts, distanceCounts, extraBits) = (counts.lengths, counts.distances, counts.extraBits)
        let dynamic = (HuffmanCode(frequencies: lengthCounts, limit: 15), HuffmanCode(frequencies: distanceCounts, limit: 15))
        let header = DynamicHeader(lengths: dynamic.0.lengths, distances: dynamic.1.lengths)

        func cost(_ codes: (HuffmanCode, HuffmanCode)) -> Int {
            var bits = extraBits
            for (symbol, count) in lengthCounts.enumerated() { bits += count * Int(codes.0.lengths[symbol]) }
            for (symbol, count) in distanceCounts.enumerated() { bits += count * Int(codes.1.lengths[symbol]) }
            return bits
        }
        let dynamicBits = header.bitCount + cost(dynamic)
        let fixedBits = cost(fixed)
        let storedBits = (source.count + 5 * (source.count / 65535 + 1)) * 8
        if storedBits < min(dynamicBits, fixedBits) {
            writeStored(source, isLast: isLast, to: &out)
            return
        }
        out.write(isLast ? 1 : 0, 1)
        if fixedBits <= dynamicBits {
            out.write(1, 2)
            writeTokens(tokens, fixed, to: &out)
        } else {
            out.write(2, 2)
            header.write(to: &out)
            writeTokens(tokens, dynamic, to: &out)
        }
    }

    private static func writeStored(_ source: UnsafeBufferPointer<UInt8>, isLast: Bool, to out: inout BitWriter) {
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

    private static func writeTokens(_ tokens: ArraySlice<DeflateToken>, _ codes: (HuffmanCode, HuffmanCode), to out: inout BitWriter) {
        for token in tokens {
            if token.distance == 0 {
                out.write(UInt32(codes.0.codes[token.literal]), Int(codes.0.lengths[token.literal]))
                continue
            }
            let length = DeflateSymbol.length(token.length)
            out.write(UInt32(codes.0.codes[257 + length]), Int(codes.0.lengths[257 + length]))
            out.write(UInt32(token.length - DeflateAlphabet.lengthBase[length]), DeflateAlphabet.lengthExtra[length])
            let distance = DeflateSymbol.distance(token.distance)
            out.write(UInt32(codes.1.codes[distance]), Int(codes.1.lengths[distance]))
            out.write(UInt32(token.distance - DeflateAlphabet.distanceBase[distance]), DeflateAlphabet.distanceExtra[distance])
        }
        out.write(UInt32(codes.0.codes[256]), Int(codes.0.lengths[256]))
    }
}

/// From a length or distance to its place in the alphabet (RFC 1951 §3.2.5).
enum DeflateSymbol {
    static func length(_ length: Int) -> Int { Int(lengths[length]) }

    /// Two symbols for every power of two.
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

/// The code lengths in front of a dynamic block, run-length coded (RFC 1951 §3.2.7).
private struct DynamicHeader {
    private var items: [(symbol: Int, extra: Int)] = []
    private let lengthCount, distanceCount, codeCount: Int
    private let code: HuffmanCode

    init(lengths: [UInt8], distances: [UInt8]) {
        lengthCount = max(257, 1 + (lengths.lastIndex { $0 > 0 } ?? 0))
        distanceCount = max(1, 1 + (distances.lastIndex { $0 > 0 } ?? 0))
        let all = Array(lengths.prefix(lengthCount)) + Array(distances.prefix(distanceCount))
        var start = 0
        while start < all.count {
            let end = all[start...].firstIndex { $0 != all[start] } ?? all.count
            var left = end - start
            if all[start] == 0 {
                while left >= 3 {
                    let count = min(left, 138)
                    items.append(count < 11 ? (17, count - 3) : (18, count - 11))
                    left -= count
                }
            } else {
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

    private static func extraBits(_ symbol: Int) -> Int { symbol == 16 ? 2 : symbol == 17 ? 3 : symbol == 18 ? 7 : 0 }

    var bitCount: Int {
        14 + 3 * codeCount + items.reduce(0) { $0 + Int(code.lengths[$1.symbol]) + Self.extraBits($1.symbol) }
    }

    func write(to out: inout BitWriter) {
        out.write(UInt32(lengthCount - 257), 5)
        out.write(UInt32(distanceCount - 1), 5)
        out.write(UInt32(codeCount - 4), 4)
        for symbol in DeflateAlphabet.codeLengthOrder.prefix(codeCount) { out.write(UInt32(code.lengths[symbol]), 3) }
        for item in items {
            out.write(UInt32(code.codes[item.symbol]), Int(code.lengths[item.symbol]))
            out.write(UInt32(item.extra), Self.extraBits(item.symbol))
        }
    }
}
