#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A reader for the bits of entropy-coded data, most significant first; it drops the zero byte after 0xFF and
/// stops at markers.
///
/// Beyond the end it returns zeros, as libjpeg does, and `isExhausted` tells whether any were used. Loops
/// copy `window`, read from the copy and store it back, so that its fields stay in registers.
struct JPEGBitReader {
    /// The state of reading, which fits in registers.
    struct Window {
        /// The next bits, at most 63, at the top of the word. Below the first `count` there may be bits that
        /// follow them, and otherwise zeros.
        fileprivate var buffer: UInt64 = 0
        fileprivate var count = 0
        /// The first byte that was not read.
        fileprivate var next: UnsafePointer<UInt8>

        /// Refills the buffer to 56...63 bits.
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
    /// The last position from which eight bytes can be loaded: for `next` up to here, the next eight bytes exist
    /// and none is 0xFF.
    private var clear: UnsafePointer<UInt8>
    /// The number of padding bits read since the last restart: those at the bottom of the buffer and those
    /// already used.
    private var missing = 0
    /// Whether data ran out before a restart that found no marker to continue from.
    private var isStuck = false
    private var ranOutBefore = false
    /// Whether the data contained a code that its table lacks.
    private(set) var hasBadCode = false

    init(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        begin = bytes.baseAddress!.assumingMemoryBound(to: UInt8.self)
        window = Window(next: begin + offset)
        end = begin + bytes.count
        clear = window.next - 1
    }

    /// The offset of the first unread byte, or of the marker that ended the data.
    var offset: Int { window.next - begin }

    /// Whether the data of this restart interval ran out.
    var isExhausted: Bool { isStuck || window.count < missing }
    /// Whether the data of any restart interval ran out.
    var hasRunOut: Bool { ranOutBefore || isExhausted }

    /// Ensures that at least 32 bits are ready, padded with zeros if necessary.
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

    /// Refills byte by byte up to the next 0xFF and beyond.
    @inline(never) private mutating func fillSlowly() {
        var bits = window
        // The bits below the first `count` are read again.
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
        // `clear` is computed for the next refills: only bytes just before a 0xFF are examined twice.
        let rest = end - bits.next, marker = rest > 0 ? memchr(bits.next, 0xFF, rest) : nil
        clear = (marker.map { UnsafePointer($0.assumingMemoryBound(to: UInt8.self)) } ?? end) - 8
    }

    /// - Parameter count: The number of bits, 0...16.
    @inline(__always) mutating func read(_ count: Int, _ bits: inout Window) -> Int {
        fill(&bits)
        // Two shifts are needed, because a shift by 64 is not defined.
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

    /// Returns the next code's entry and ensures enough bits for the code and its value, which take at most
    /// 17 and 15.
    @inline(__always) private mutating func nextEntry(
        _ table: JPEGHuffmanTable.Pointers, _ bits: inout Window
    ) -> UnsafeMutablePointer<JPEGHuffmanTable.Entry> {
        guard bits.next <= clear else {
            fill(&bits)
            return entry(table, bits)
        }
        // The bits for a lookup always remain after a value was taken, so the lookup need not wait for the
        // refill. The refill is unconditional, because a branch would be unpredictable.
        let found = entry(table, bits)
        bits.refill()
        return found
    }

    /// Reads the next symbol; 0 for a code that the table lacks.
    @inline(__always) mutating func symbol(_ table: JPEGHuffmanTable.Pointers, _ bits: inout Window) -> Int {
        fill(&bits)
        var entry = entry(table, bits).pointee
        if entry.total == 0 { entry = longCode(table, bits) }
        bits.take(entry.length)
        return Int(entry.symbol)
    }

    /// Reads a symbol whose lower four bits are the size of a value, and that value; this is the bulk of an
    /// image's data.
    ///
    /// - Returns: The value and the run of zeros before it. For a size of 0 the value is nil and the run is
    ///   the whole symbol.
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
        // This is EXTEND (§F.2.2.1): a first bit of zero means a negative value.
        return raw > mask &>> 1 ? raw : raw &- mask
    }

    /// Looks up a code of more than `lookupBits` bits.
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
        // In this case libjpeg has read one bit too many in its form of figure F.16.
        guard length <= 16 else { return .init(length: 17, symbol: 0) }
        return .init(
            length: length,
            symbol: table.symbols[Int((code >> Int32(16 - length)) + table.offsets[length]) & 0xFF])
    }

    /// Discards the buffered bits and skips to the restart marker that should follow.
    ///
    /// - Parameter expected: The marker's number, 0...7.
    /// - Returns: Whether the marker was there with nothing before it.
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

/// Searches for a restart marker and handles other markers like libjpeg's `jpeg_resync_to_restart`.
///
/// It skips the two preceding markers and everything that is not a valid marker. It stops at the two
/// following ones and at markers other than restarts, which leaves the interval empty. It continues after any
/// other restart marker.
///
/// - Parameters:
///   - next: The position, which moves after the marker or to the one that was not skipped.
///   - end: The end of the data.
///   - expected: The marker's number, 0...7.
/// - Returns: Whether a marker was found, and whether it was the expected one with nothing before it.
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
