/// Bits of entropy-coded data, most significant first; the zero after a 0xFF is dropped, a marker ends the data.
///
/// Beyond the end there are zeros, as in libjpeg; `isExhausted` says that some were used. Loops work on a local copy, whose fields live
/// in registers: nothing here hands out its address.
struct JPEGBitReader {
    private var next: UnsafePointer<UInt8>
    private let begin, end: UnsafePointer<UInt8>
    /// The next bits, at the top. Below `count` of them there may be more of what follows, never anything else.
    private var buffer: UInt64 = 0
    private var count = 0
    /// How many bits were made up, ever since the last restart: those at the bottom of the buffer, and more if they were used.
    private var missing = 0
    /// Data had run out before a restart that found no marker to go on from.
    private var isStuck = false
    private var ranOutBefore = false
    /// Whether there was a code that its table does not have.
    private(set) var hasBadCode = false

    init(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        begin = bytes.baseAddress!.assumingMemoryBound(to: UInt8.self)
        next = begin + offset
        end = begin + bytes.count
    }

    /// Of the first byte not taken up; where a marker ended the data, of the marker.
    var offset: Int { next - begin }

    /// Whether the data of this restart interval ran out.
    var isExhausted: Bool { isStuck || count < missing }
    /// Whether those of any did.
    var hasRunOut: Bool { ranOutBefore || isExhausted }

    /// Makes at least 32 bits ready, made up ones if need be.
    @inline(__always) private mutating func fill() {
        if count >= 32 { return }
        if end - next >= 8 {
            let word = UInt64(bigEndian: UnsafeRawPointer(next).loadUnaligned(as: UInt64.self))
            // No byte is 0xFF: no zero byte in the complement.
            let complement = ~word
            if (complement &- 0x0101_0101_0101_0101) & ~complement & 0x8080_8080_8080_8080 == 0 {
                buffer |= word &>> UInt64(truncatingIfNeeded: count)
                let bytes = (63 &- count) &>> 3
                count &+= 8 &* bytes
                next += bytes
                return
            }
        }
        self = slowlyFilled()
    }

    @inline(never) private func slowlyFilled() -> JPEGBitReader {
        var bits = self
        // What lies below `count` comes again.
        bits.buffer &= ~(~0 >> UInt64(bits.count))
        while bits.count <= 56 {
            if bits.next < end {
                let byte = bits.next.pointee
                if byte != 0xFF {
                    bits.append(byte)
                    bits.next += 1
                    continue
                }
                var after = bits.next + 1
                while after < end, after.pointee == 0xFF { after += 1 }
                if after < end, after.pointee == 0 {
                    bits.append(0xFF)
                    bits.next = after + 1
                    continue
                }
            }
            bits.missing += 8
            bits.count += 8
        }
        return bits
    }

    private mutating func append(_ byte: UInt8) {
        buffer |= UInt64(byte) << UInt64(56 - count)
        count += 8
    }

    @inline(__always) private mutating func take(_ bits: Int) {
        buffer = buffer &<< UInt64(truncatingIfNeeded: bits)
        count &-= bits
    }

    @inline(__always) private var index: Int { Int(truncatingIfNeeded: buffer &>> UInt64(64 &- JPEGHuffmanTable.lookupBits)) }

    /// - Parameter bits: 0...16.
    @inline(__always) mutating func read(_ bits: Int) -> Int {
        fill()
        // Two shifts, because one by 64 is not defined.
        let value = Int(truncatingIfNeeded: (buffer &>> 1) &>> UInt64(truncatingIfNeeded: 63 &- bits))
        take(bits)
        return value
    }

    @inline(__always) mutating func bit() -> Bool {
        fill()
        let isSet = Int64(bitPattern: buffer) < 0
        take(1)
        return isSet
    }

    /// The next symbol; 0 for a code that the table does not have.
    @inline(__always) mutating func symbol(_ table: JPEGHuffmanTable.Pointers) -> Int {
        fill()
        var code = Int(table.codes[index])
        if code == 0 { code = longCode(table) }
        take(code &>> 8)
        return code & 0xFF
    }

    /// A symbol whose lower four bits are the size of a value, and that value: what most of a picture's data is.
    ///
    /// - Returns: the value, and the run of zeros before it; if the value is 0, the symbol in place of the run.
    @inline(__always) mutating func coefficient(_ table: JPEGHuffmanTable.Pointers) -> (run: Int, value: Int) {
        // A code takes at most 17 bits, a value 15.
        fill()
        let entry = Int(table.coefficients[index])
        if entry > 0xFFFF {
            take(entry & 0xFF)
            return (entry &>> 8 & 0xFF, Int(Int16(truncatingIfNeeded: entry &>> 16)))
        }
        var length = entry & 0xFF, symbol = entry &>> 8
        if entry == 0 {
            let code = longCode(table)
            (length, symbol) = (code &>> 8, code & 0xFF)
        }
        let size = symbol & 15
        take(length)
        if size == 0 { return (symbol, 0) }
        // EXTEND: a first bit of zero makes it negative.
        let value = Int(truncatingIfNeeded: buffer &>> UInt64(truncatingIfNeeded: 64 &- size))
        let isNegative = Int(truncatingIfNeeded: ~buffer &>> 63)
        take(size)
        return (symbol &>> 4, value &- (isNegative &<< size) &+ isNegative)
    }

    /// A code of more than `lookupBits` bits, as `length << 8 | symbol`.
    @inline(__always) private mutating func longCode(_ table: JPEGHuffmanTable.Pointers) -> Int {
        let code = Self.longCode(Int32(truncatingIfNeeded: buffer &>> 48), table)
        if code == 17 << 8 { hasBadCode = true }
        return code
    }

    @inline(never) private static func longCode(_ code: Int32, _ table: JPEGHuffmanTable.Pointers) -> Int {
        var length = JPEGHuffmanTable.lookupBits + 1
        while code >= table.limits[length] { length += 1 }
        // libjpeg's figure of §F.16 has then read a bit too many.
        guard length <= 16 else { return 17 << 8 }
        return length << 8 | Int(table.symbols[Int((code >> Int32(16 - length)) + table.offsets[length]) & 0xFF])
    }

    /// Drops what is left and passes the restart marker that should follow.
    ///
    /// - Parameter expected: 0...7.
    /// - Returns: whether the marker was there and nothing before it.
    mutating func restart(_ expected: Int) -> Bool {
        let isAtMarker = count - missing < 8
        isStuck = isExhausted
        ranOutBefore = ranOutBefore || isStuck
        (buffer, count, missing) = (0, 0, 0)
        let (isFound, isClean) = resynchronize(&next, end, to: expected)
        if isFound { isStuck = false }
        return isFound && isClean && isAtMarker
    }
}

/// Looks for the restart marker of a number, and where there is another marker, does as libjpeg's `jpeg_resync_to_restart`: goes past
/// one of the last two and what is no marker at all; not past one of the next two or any that is not for restarts, which leaves the
/// interval empty; on from any other.
///
/// - Parameters:
///   - next: comes to stand after the marker, or at the one that was not passed.
///   - expected: 0...7.
/// - Returns: whether a marker was passed, and whether it was the right one with nothing before it.
func resynchronize(_ next: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, to expected: Int) -> (isFound: Bool, isClean: Bool) {
    var isClean = true
    while true {
        while next + 1 < end, !(next[0] == 0xFF && next[1] != 0 && next[1] != 0xFF) {
            if next[0] != 0xFF { isClean = false }
            next += 1
        }
        guard next + 1 < end else {
            next = end
            return (false, false)
        }
        let marker = next[1], distance = (Int(marker) - 0xD0 - expected) & 7
        switch marker {
        case 0xD0...0xD7 where distance == 1 || distance == 2: return (false, false)
        case 0xD0...0xD7 where distance < 6:
            next += 2
            return (true, isClean && distance == 0)
        case ..<0xC0, 0xD0...0xD7:
            next += 2
            isClean = false
        default: return (false, false)
        }
    }
}
