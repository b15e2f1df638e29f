/// Decodes LZW (TIFF 6.0 §13) with codes of 9 to 12 bits.
///
/// A string of the table is stored as its offset in the output and its length: a new string begins where the string of
/// the previous code was written and is one byte longer. Files of early writers store the lowest bit of a code first
/// and increase the width one code later.
struct TIFFLZW {
    /// A string of the table.
    private struct Text {
        /// The first 8 bytes, the first one lowest; bytes beyond the length are zero.
        var head: UInt64 = 0
        /// The offset of the string in the output.
        var start: UInt32 = 0
        var length: UInt32 = 0
    }

    private static let clear = 256, end = 257, first = 258, most = 4096
    /// The number of bytes beyond the output that may be written.
    static let slack = 16

    private let base: UnsafePointer<UInt8>
    private let count: Int
    private let isOldOrder: Bool
    /// The position of the next code in bits.
    private var bitPosition = 0

    private init(_ base: UnsafePointer<UInt8>, count: Int) {
        (self.base, self.count) = (base, count)
        // Every stream begins with a clear code of 9 bits: 0x80 0x00, or 0x00 0x01 in the early order.
        isOldOrder = count >= 2 && base[0] == 0 && base[1] & 1 == 1
    }

    /// Decodes a strip or tile.
    ///
    /// - Parameters:
    ///   - bytes: The compressed data.
    ///   - output: The decoded bytes, followed by room for `slack` more.
    ///   - capacity: The number of bytes to decode, below 2³².
    /// - Returns: The number of decoded bytes, and a description of the fault that ended the stream.
    static func decode(
        _ bytes: UnsafeRawBufferPointer, into output: UnsafeMutablePointer<UInt8>, capacity: Int
    ) -> (count: Int, fault: String?) {
        guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return (0, nil) }
        var decoder = TIFFLZW(base, count: bytes.count)
        return withUnsafeTemporaryAllocation(of: Text.self, capacity: most) { texts in
            guard let texts = texts.baseAddress else { return (0, nil) }
            return decoder.isOldOrder
                ? decoder.decode(isOldOrder: true, texts, output, capacity)
                : decoder.decode(isOldOrder: false, texts, output, capacity)
        }
    }

    /// Returns the next code, or nil at the end of the data.
    @inline(__always) private mutating func code(_ width: Int, isOldOrder: Bool) -> Int? {
        let byte = bitPosition &>> 3, bit = UInt64(truncatingIfNeeded: bitPosition & 7)
        var word: UInt64
        if byte &+ 8 <= count {
            word = UInt64(littleEndian: UnsafeRawPointer(base + byte).loadUnaligned(as: UInt64.self))
        } else {
            guard bitPosition &+ width <= 8 &* count else { return nil }
            word = 0
            for i in byte..<count {
                word |= UInt64(base[i]) &<< UInt64(truncatingIfNeeded: 8 &* (i &- byte))
            }
        }
        bitPosition &+= width
        // A code and the bits before it in its byte take 19 bits at most.
        if isOldOrder {
            let mask = UInt64(1) &<< UInt64(truncatingIfNeeded: width) &- 1
            return Int(truncatingIfNeeded: (word &>> bit) & mask)
        }
        return Int(truncatingIfNeeded: (word.byteSwapped &<< bit) &>> UInt64(truncatingIfNeeded: 64 &- width))
    }

    @inline(__always) private mutating func decode(
        isOldOrder: Bool, _ texts: UnsafeMutablePointer<Text>, _ output: UnsafeMutablePointer<UInt8>,
        _ capacity: Int
    ) -> (count: Int, fault: String?) {
        let early = isOldOrder ? 0 : 1
        for byte in 0..<Self.clear { texts[byte] = Text(head: UInt64(byte), length: 1) }
        var (width, free, limit) = (9, Self.first, 512 &- early)
        // The string of the previous code; its length is 0 after a clear code.
        var previous = Text()
        var position = 0
        while position < capacity {
            guard let code = code(width, isOldOrder: isOldOrder) else { return (position, nil) }
            if code == Self.clear {
                (width, free, limit) = (9, Self.first, 512 &- early)
                previous.length = 0
                continue
            }
            if code == Self.end { return (position, nil) }
            guard code < free || code == free && free < Self.most && previous.length > 0 else {
                return (position, "the LZW code \(code), where \(free) is the next")
            }
            if previous.length > 0, free < Self.most {
                // The new string is the previous one and the first byte of the string that follows it in the output.
                let byte = (code < free ? texts[code].head : previous.head) & 0xff
                let shift = UInt64(truncatingIfNeeded: 8 &* previous.length)
                // Smart shifts: beyond 8 bytes nothing is added.
                texts[free] = Text(
                    head: previous.head | byte << shift, start: previous.start, length: previous.length &+ 1)
                free &+= 1
            }
            let text = texts[code]
            let to = output + position
            // Unsafe: at most 7 bytes are written beyond the string, into the slack or where the next one goes.
            UnsafeMutableRawPointer(to).storeBytes(of: text.head.littleEndian, as: UInt64.self)
            if text.length > 8 {
                let from = output + Int(text.start), length = min(Int(text.length), capacity &- position)
                if from + length > to {
                    // The string ends with its own first byte.
                    for i in 0..<length { to[i] = from[i] }
                } else {
                    var i = 8
                    while i < length {
                        let part = UnsafeRawPointer(from + i).loadUnaligned(as: UInt64.self)
                        UnsafeMutableRawPointer(to + i).storeBytes(of: part, as: UInt64.self)
                        i &+= 8
                    }
                }
            }
            previous = Text(
                head: text.head, start: UInt32(truncatingIfNeeded: position), length: text.length)
            position &+= Int(text.length)
            if free >= limit, width < 12 {
                width &+= 1
                limit = (1 &<< width) &- early
            }
        }
        return (min(position, capacity), nil)
    }
}
