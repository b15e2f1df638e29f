/// LZW as TIFF has it (TIFF 6.0 §13): codes of 9 to 12 bits, the highest bit first, each width left a code early.
///
/// A string is a place in the output and a length: that of a new code begins where the previous code's string was written and is a byte
/// longer, so that nothing but the two numbers is kept of it. A file of the oldest writers has the lowest bit first, and leaves a width
/// when its codes are used up.
struct TIFFLZW {
    private struct Text {
        var start: UInt32
        var length: UInt32
    }

    private static let clear = 256, end = 257, first = 258, most = 4096
    /// How many bytes beyond the last one may be written.
    static let slack = 16

    private var next: UnsafePointer<UInt8>
    private let last: UnsafePointer<UInt8>
    private let isOldOrder: Bool
    private var buffer: UInt64 = 0
    private var held = 0

    private init(_ base: UnsafePointer<UInt8>, count: Int) {
        (next, last) = (base, base + count)
        // A clear code of 9 bits begins every stream: 0x80, or 0x00 and 0x01 in the old order.
        isOldOrder = count >= 2 && base[0] == 0 && base[1] & 1 == 1
    }

    /// Decodes a strip or tile.
    ///
    /// - Parameter output: `capacity` bytes, under 2^32, and `slack` more.
    /// - Returns: how many bytes came, and what was wrong where that made the stream end.
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

    /// The next code; nil at the end of the data.
    @inline(__always) private mutating func code(_ width: Int, isOldOrder: Bool) -> Int? {
        if held < width {
            if last - next >= 4 {
                let word = UnsafeRawPointer(next).loadUnaligned(as: UInt32.self)
                if isOldOrder {
                    buffer |= UInt64(word.littleEndian) &<< UInt64(truncatingIfNeeded: held)
                } else {
                    buffer = buffer &<< 32 | UInt64(word.bigEndian)
                }
                next += 4
                held &+= 32
            } else {
                while held < width {
                    guard next < last else { return nil }
                    if isOldOrder {
                        buffer |= UInt64(next.pointee) &<< UInt64(truncatingIfNeeded: held)
                    } else {
                        buffer = buffer &<< 8 | UInt64(next.pointee)
                    }
                    next += 1
                    held &+= 8
                }
            }
        }
        held &-= width
        let mask = UInt64(1) &<< UInt64(truncatingIfNeeded: width) &- 1
        if isOldOrder {
            defer { buffer &>>= UInt64(truncatingIfNeeded: width) }
            return Int(truncatingIfNeeded: buffer & mask)
        }
        return Int(truncatingIfNeeded: buffer &>> UInt64(truncatingIfNeeded: held) & mask)
    }

    @inline(__always) private mutating func decode(
        isOldOrder: Bool, _ texts: UnsafeMutablePointer<Text>, _ output: UnsafeMutablePointer<UInt8>,
        _ capacity: Int
    ) -> (count: Int, fault: String?) {
        let early = isOldOrder ? 0 : 1
        var (width, free, limit) = (9, Self.first, 512 &- early)
        // The previous code's string; of length 0 after a clear code.
        var previous = Text(start: 0, length: 0)
        var position = 0
        while position < capacity {
            guard let code = code(width, isOldOrder: isOldOrder) else { return (position, nil) }
            if code < Self.clear {
                output[position] = UInt8(truncatingIfNeeded: code)
                if previous.length > 0, free < Self.most {
                    texts[free] = Text(start: previous.start, length: previous.length &+ 1)
                    free &+= 1
                }
                previous = Text(start: UInt32(truncatingIfNeeded: position), length: 1)
                position &+= 1
            } else if code >= Self.first {
                guard previous.length > 0, code < free || code == free && free < Self.most else {
                    return (position, "the LZW code \(code), where \(free) is the next")
                }
                if free < Self.most {
                    // The last byte of the new string is the first one of what now comes, and lies there already.
                    texts[free] = Text(start: previous.start, length: previous.length &+ 1)
                    free &+= 1
                }
                let text = texts[code]
                let length = min(Int(text.length), capacity &- position)
                let (from, to) = (output + Int(text.start), output + position)
                if code == free &- 1, Int(text.start) &+ Int(text.length) > position {
                    // The string ends with its own first byte.
                    for i in 0..<length { to[i] = from[i] }
                } else {
                    // Unsafe: at most 15 bytes are written beyond the string, which slack or the next string covers.
                    var i = 0
                    while i < length {
                        let part = UnsafeRawPointer(from + i).loadUnaligned(as: UInt64.self)
                        UnsafeMutableRawPointer(to + i).storeBytes(of: part, as: UInt64.self)
                        i &+= 8
                    }
                }
                previous = Text(start: UInt32(truncatingIfNeeded: position), length: text.length)
                position &+= length
            } else if code == Self.clear {
                (width, free, limit) = (9, Self.first, 512 &- early)
                previous.length = 0
                continue
            } else {
                return (position, nil)
            }
            if free >= limit, width < 12 {
                width &+= 1
                limit = (1 &<< width) &- early
            }
        }
        return (position, nil)
    }
}
