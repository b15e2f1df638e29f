/// A Huffman decoding table (ITU-T T.81 §C, §F.2.2.3), with a lookup for short codes and comparisons for long
/// ones.
///
/// It is `@unchecked Sendable`, because nothing is written after `init`.
final class JPEGHuffmanTable: @unchecked Sendable {
    /// The maximum length in bits of codes that one lookup decodes.
    static let lookupBits = 10

    /// Pointers into the table's memory for the inner loops, valid while the table lives.
    struct Pointers {
        fileprivate let memory: UnsafeMutableRawPointer
        fileprivate static let limitsOffset = MemoryLayout<Entry>.stride << lookupBits
        fileprivate static let byteCount = limitsOffset + 2 * 18 * 4 + 256

        /// The entries, indexed by the next `lookupBits` bits.
        var entries: UnsafeMutablePointer<Entry> { memory.assumingMemoryBound(to: Entry.self) }
        /// Per length 1...17, the largest code + 1, shifted to the top of 16 bits.
        var limits: UnsafeMutablePointer<Int32> {
            (memory + Self.limitsOffset).assumingMemoryBound(to: Int32.self)
        }
        /// Per length, the difference between an index into `symbols` and the code.
        var offsets: UnsafeMutablePointer<Int32> { limits + 18 }
        /// The symbols, 256 of them, so that no code in a damaged file can index beyond the end.
        var symbols: UnsafeMutablePointer<UInt8> {
            (memory + Self.limitsOffset + 2 * 18 * 4).assumingMemoryBound(to: UInt8.self)
        }
    }

    /// A code with the format of the value that follows it.
    struct Entry {
        /// A mask with as many ones as the value has bits.
        let mask: UInt32
        /// The bits of the code and the value; 0 if the code is longer than the lookup.
        private let bits: UInt8
        /// The run of zeros before the value; 255 if there is no value.
        private let zeros: UInt8
        let symbol: UInt8
        private let code: UInt8

        static let none = Entry(mask: 0, bits: 0, zeros: 255, symbol: 0, code: 0)

        private init(mask: UInt32, bits: UInt8, zeros: UInt8, symbol: UInt8, code: UInt8) {
            (self.mask, self.bits, self.zeros, self.symbol, self.code) = (mask, bits, zeros, symbol, code)
        }

        init(length: Int, symbol: UInt8) {
            let size = symbol & 15
            self.init(
                mask: 1 << UInt32(size) - 1, bits: UInt8(length) + size, zeros: size == 0 ? 255 : symbol >> 4,
                symbol: symbol,
                code: UInt8(length))
        }

        @inline(__always) var total: Int { Int(bits) }
        @inline(__always) var length: Int { Int(code) }
        @inline(__always) var run: Int { Int(zeros) }
        @inline(__always) var hasValue: Bool { zeros < 128 }
    }

    let pointers: Pointers
    /// Whether the codes conform to §C: no more than their lengths allow, none all ones, and no DC symbol
    /// above 15.
    let isValid: Bool

    /// - Parameters:
    ///   - counts: The number of codes of each of the 16 lengths.
    ///   - given: The symbols, as many as the sum of the counts and at most 256.
    ///   - isDC: Whether the table is for DC.
    init(counts: [UInt8], symbols given: [UInt8], isDC: Bool) {
        pointers = Pointers(memory: .allocate(byteCount: Pointers.byteCount, alignment: 64))
        let entries = pointers.entries, limits = pointers.limits, offsets = pointers.offsets,
            symbols = pointers.symbols
        entries.initialize(repeating: .none, count: 1 << Self.lookupBits)
        limits.initialize(repeating: 0, count: 36)
        symbols.initialize(repeating: 0, count: 256)
        symbols.update(from: given, count: min(given.count, 256))

        var code: Int32 = 0, index = 0, isValid = !isDC || given.allSatisfy { $0 < 16 }
        for length in 1...16 where isValid {
            offsets[length] = Int32(index) - code
            let count = Int(counts[length - 1]), spare = Self.lookupBits - length
            guard Int(code) + count <= 1 << length, index + count <= 256,
                count == 0 || Int(code) + count < 1 << length
            else {
                isValid = false
                break
            }
            if spare >= 0 {
                for next in 0..<count {
                    let first = (Int(code) + next) << spare
                    (entries + first).update(
                        repeating: Entry(length: length, symbol: symbols[index + next]), count: 1 << spare)
                }
            }
            code += Int32(count)
            index += count
            limits[length] = code << (16 - length)
            code <<= 1
        }
        limits[17] = Int32.max
        self.isValid = isValid
    }

    deinit { pointers.memory.deallocate() }

    /// The typical tables of §K.3, which Motion JPEG frames omit.
    static let standard: (dc: [JPEGHuffmanTable?], ac: [JPEGHuffmanTable?]) = {
        let dc: [[UInt8]] = [
            [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0],
            [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0],
        ]
        let luminance: [UInt8] = [
            0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07,
            0x22, 0x71, 0x14, 0x32, 0x81,
            0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0, 0x24, 0x33, 0x62, 0x72, 0x82,
            0x09, 0x0a, 0x16, 0x17, 0x18,
            0x19, 0x1a, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a,
        ]
        let chrominance: [UInt8] = [
            0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71,
            0x13, 0x22, 0x32, 0x81, 0x08,
            0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33, 0x52, 0xf0, 0x15, 0x62, 0x72, 0xd1, 0x0a,
            0x16, 0x24, 0x34, 0xe1, 0x25,
            0xf1, 0x17, 0x18, 0x19, 0x1a, 0x26, 0x27, 0x28, 0x29, 0x2a,
        ]
        return (
            dc.map { JPEGHuffmanTable(counts: $0, symbols: Array(0...11), isDC: true) } + [nil, nil],
            [
                JPEGHuffmanTable(
                    counts: [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d],
                    symbols: standardSymbols(luminance), isDC: false),
                JPEGHuffmanTable(
                    counts: [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77],
                    symbols: standardSymbols(chrominance), isDC: false),
                nil, nil,
            ]
        )
    }()

    /// Returns the symbols of §K.3: after the listed ones, the others follow in numerical order.
    private static func standardSymbols(_ first: [UInt8]) -> [UInt8] {
        let listed = Set(first)
        return first
            + (UInt8(0)...15).flatMap { run in (UInt8(1)...10).map { run << 4 | $0 } }.filter {
                !listed.contains($0)
            }
    }
}
