#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Bits of entropy-coded data, most significant first; the zero after a 0xFF is dropped, a marker ends the data.
///
/// Beyond the end there are zeros, as in libjpeg; `isExhausted` says that some were used. Loops take `window` out, read from that, and put
/// it back: so its fields live in registers.
struct JPEGBitReader {
    /// Where reading is.
    struct Window {
        /// The next bits, at the top, 63 at most. Below `count` of them there may be more of what follows, never anything else.
        fileprivate var buffer: UInt64 = 0
        fileprivate var count = 0
        /// The first byte not taken up.
        fileprivate var next: UnsafePointer<UInt8>

        /// Makes 56 to 63 bits ready, of which there are 63 at most.
        @inline(__always) fileprivate mutating func refill() {
            buffer |=
                UInt64(bigEndian: UnsafeRawPointer(next).loadUnaligned(as: UInt64.self))
                &>> UInt64(truncatingIfNeeded: count)
            next += (63 &- count) &>> 3
            count |= 56
        }

        @inline(__always) fileprivate mutating func take(_ bits: Int) {
            buffer = buffer &<< UInt64(truncatingIfNeeded: bits)
            count &-= bits
        }
    }

    var window: Window
    private let begin, end: UnsafePointer<UInt8>
    /// As long as `next` is not beyond it, the next eight bytes exist and none is 0xFF.
    private var clear: UnsafePointer<UInt8>
    /// How many bits were made up, ever since the last restart: those at the bottom of the buffer, and more if they were used.
    private var missing = 0
    /// Data had run out before a restart that found no marker to go on from.
    private var isStuck = false
    private var ranOutBefore = false
    /// Whether there was a code that its table does not have.
    private(set) var hasBadCode = false

    init(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        begin = bytes.baseAddress!.assumingMemoryBound(to: UInt8.self)
        window = Window(next: begin + offset)
        end = begin + bytes.count
        clear = window.next - 1
    }

    /// Of the first byte not taken up; where a marker ended the data, of the marker.
    var offset: Int { window.next - begin }

    /// Whether the data of this restart interval ran out.
    var isExhausted: Bool { isStuck || window.count < missing }
    /// Whether those of any did.
    var hasRunOut: Bool { ranOutBefore || isExhausted }

    /// Makes at least 32 bits ready, made up ones if need be.
    @inline(__always) private mutating func fill(_ bits: inout Window) {
        if bits.count >= 32 { return }
        if bits.next <= clear {
            bits.refill()
        } else {
            window = bits
            fillSlowly()
            bits = window
        }
    }

    /// Byte by byte, up to the next 0xFF and beyond it.
    @inline(never) private mutating func fillSlowly() {
        var bits = window
        // What lies below `count` comes again.
        bits.buffer &= ~(~0 >> UInt64(bits.count))
        func append(_ byte: UInt8) {
            bits.buffer |= UInt64(byte) << UInt64(56 - bits.count)
            bits.count += 8
        }
        while bits.count < 56 {
            if bits.next < end {
                let byte = bits.next.pointee
                if byte != 0xFF {
                    append(byte)
                    bits.next += 1
                    continue
                }
                var after = bits.next + 1
                while after < end, after.pointee == 0xFF { after += 1 }
                if after < end, after.pointee == 0 {
                    append(0xFF)
                    bits.next = after + 1
                    continue
                }
            }
            missing += 8
            bits.count += 8
        }
        window = bits
        // For the next time: none looks at bytes twice but those just before a 0xFF.
        let rest = end - bits.next, marker = rest > 0 ? memchr(bits.next, 0xFF, rest) : nil
        clear = (marker.map { UnsafePointer($0.assumingMemoryBound(to: UInt8.self)) } ?? end) - 8
    }

    /// - Parameter count: 0...16.
    @inline(__always) mutating func read(_ count: Int, _ bits: inout Window) -> Int {
        fill(&bits)
        // Two shifts, because one by 64 is not defined.
        let value = Int(truncatingIfNeeded: (bits.buffer &>> 1) &>> UInt64(truncatingIfNeeded: 63 &- count))
        bits.take(count)
        return value
    }

    @inline(__always) mutating func bit(_ bits: inout Window) -> Bool {
        fill(&bits)
        let isSet = Int64(bitPattern: bits.buffer) < 0
        bits.take(1)
        return isSet
    }

    @inline(__always) private func entry(
        _ table: JPEGHuffmanTable.Pointers, _ bits: Window
    ) -> UnsafeMutablePointer<JPEGHuffmanTable.Entry> {
        table.entries + Int(truncatingIfNeeded: bits.buffer &>> UInt64(64 &- JPEGHuffmanTable.lookupBits))
    }

    /// The entry of the next code, and bits enough for it and its value: they take at most 17 and 15.
    @inline(__always) private mutating func nextEntry(
        _ table: JPEGHuffmanTable.Pointers, _ bits: inout Window
    ) -> UnsafeMutablePointer<JPEGHuffmanTable.Entry> {
        guard bits.next <= clear else {
            fill(&bits)
            return entry(table, bits)
        }
        // Whatever was taken has left the bits of a lookup, which need not wait for more. More come each time, because no processor
        // foresees when they are needed.
        let found = entry(table, bits)
        bits.refill()
        return found
    }

    /// The next symbol; 0 for a code that the table does not have.
    @inline(__always) mutating func symbol(_ table: JPEGHuffmanTable.Pointers, _ bits: inout Window) -> Int {
        fill(&bits)
        var entry = entry(table, bits).pointee
        if entry.total == 0 { entry = longCode(table, bits) }
        bits.take(entry.length)
        return Int(entry.symbol)
    }

    /// A symbol whose lower four bits are the size of a value, and that value: what most of a picture's data is.
    ///
    /// - Returns: the value, and the run of zeros before it; nil for a size of 0, and the symbol in place of the run.
    @inline(__always) mutating func coefficient(
        _ table: JPEGHuffmanTable.Pointers, _ bits: inout Window
    ) -> (run: Int, value: Int?) {
        let found = nextEntry(table, &bits)
        if found.pointee.hasValue { return (found.pointee.run, value(found.pointee, &bits)) }
        var entry = found.pointee
        if entry.total == 0 { entry = longCode(table, bits) }
        if entry.hasValue { return (entry.run, value(entry, &bits)) }
        bits.take(entry.length)
        return (Int(entry.symbol), nil)
    }

    /// Takes a code and its value.
    @inline(__always) private func value(_ entry: JPEGHuffmanTable.Entry, _ bits: inout Window) -> Int {
        let total = UInt64(truncatingIfNeeded: entry.total), mask = Int(entry.mask)
        let raw = Int(truncatingIfNeeded: bits.buffer &<< total | bits.buffer &>> (0 &- total)) & mask
        bits.take(entry.total)
        // EXTEND: a first bit of zero makes it negative.
        return raw > mask &>> 1 ? raw : raw &- mask
    }

    /// A code of more than `lookupBits` bits.
    @inline(__always) private mutating func longCode(_ table: JPEGHuffmanTable.Pointers, _ bits: Window)
        -> JPEGHuffmanTable.Entry
    {
        let entry = Self.longCode(Int32(truncatingIfNeeded: bits.buffer &>> 48), table)
        if entry.length == 17 { hasBadCode = true }
        return entry
    }

    @inline(never) private static func longCode(_ code: Int32, _ table: JPEGHuffmanTable.Pointers)
        -> JPEGHuffmanTable.Entry
    {
        var length = JPEGHuffmanTable.lookupBits + 1
        while code >= table.limits[length] { length += 1 }
        // libjpeg's figure of §F.16 has then read a bit too many.
        guard length <= 16 else { return .init(length: 17, symbol: 0) }
        return .init(
            length: length,
            symbol: table.symbols[Int((code >> Int32(16 - length)) + table.offsets[length]) & 0xFF])
    }

    /// Drops what is left and passes the restart marker that should follow.
    ///
    /// - Parameter expected: 0...7.
    /// - Returns: whether the marker was there and nothing before it.
    mutating func restart(_ expected: Int) -> Bool {
        let isAtMarker = window.count - missing < 8
        isStuck = isExhausted
        ranOutBefore = ranOutBefore || isStuck
        missing = 0
        window = Window(next: window.next)
        let (isFound, isClean) = resynchronize(&window.next, end, to: expected)
        if isFound { isStuck = false }
        clear = window.next - 1
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
func resynchronize(_ next: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, to expected: Int) -> (
    isFound: Bool, isClean: Bool
) {
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
