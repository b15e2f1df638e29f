/// The part of a message that does not fill a 64-byte block yet, and the padding (FIPS 180-4 §5.1.1), shared
/// by SHA-1 and SHA-256. Whole blocks are compressed in place without a copy.
struct MessageTail: Sendable {
    private var held: [UInt8] = []
    private var length: UInt64 = 0

    mutating func append(_ bytes: UnsafeRawBufferPointer, compress: (UnsafeRawPointer, Int) -> Void) {
        length &+= UInt64(bytes.count)
        var rest = bytes[...]
        if !held.isEmpty {
            let taken = min(64 - held.count, rest.count)
            held.append(contentsOf: rest.prefix(taken))
            rest = rest.dropFirst(taken)
            guard held.count == 64 else { return }
            compressHeld(compress)
        }
        let blocks = rest.count / 64
        if blocks > 0, let start = UnsafeRawBufferPointer(rebasing: rest).baseAddress {
            compress(start, blocks)
        }
        held.append(contentsOf: rest.dropFirst(64 * blocks))
    }

    mutating func finish(compress: (UnsafeRawPointer, Int) -> Void) {
        held.append(0x80)
        while held.count % 64 != 56 { held.append(0) }
        for shift in stride(from: 56, through: 0, by: -8) {
            held.append(UInt8(truncatingIfNeeded: (length &* 8) >> UInt64(shift)))
        }
        compressHeld(compress)
    }

    private mutating func compressHeld(_ compress: (UnsafeRawPointer, Int) -> Void) {
        held.withUnsafeBytes { if let start = $0.baseAddress { compress(start, $0.count / 64) } }
        held.removeAll(keepingCapacity: true)
    }
}

/// Lower-case hexadecimal, the printed form of digests.
enum Hexadecimal {
    static func text(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    static func bytes(_ text: some StringProtocol) -> [UInt8]? {
        var bytes: [UInt8] = []
        var high: UInt8?
        for character in text {
            guard character.isASCII, let digit = character.hexDigitValue.map(UInt8.init) else { return nil }
            if let h = high { bytes.append(h << 4 | digit) }
            high = high == nil ? digit : nil
        }
        return high == nil ? bytes : nil
    }
}
