/// Reverses PNG's filters (§9.2), given the filtered bytes and the row above.
///
/// The dependency from pixel to pixel limits the speed of all filters but Up. It is kept in registers: a
/// vector of 8 bytes, whose excess the next pixel overwrites, or a scalar if a pixel has one byte. Two
/// consecutive Paeth rows are computed together, the lower one a pixel behind, so that their dependency
/// chains overlap.
enum PNGDefilter {
    /// The number of bytes a row buffer needs beyond its last byte, because vectors of 8 bytes advance by as
    /// little as 2.
    static let slack = 32

    /// Filter type 4, which most rows of photographs use.
    static let paeth: UInt8 = 4

    /// Reverses the filter of one row.
    ///
    /// - Parameters:
    ///   - filter: The filter type, 0...4, from the byte that precedes the row.
    ///   - raw: `count` filtered bytes and `slack` readable ones.
    ///   - above: The previous row with slack; zeros for the first row of a pass.
    ///   - row: The memory for the result, with slack.
    ///   - count: The number of bytes in the row.
    ///   - stride: Bytes per pixel: 1, 2, 3, 4, 6 or 8.
    /// - Returns: Whether the filter type is valid.
    static func apply(
        _ filter: UInt8, raw: UnsafePointer<UInt8>, above: UnsafePointer<UInt8>,
        to row: UnsafeMutablePointer<UInt8>,
        count: Int, stride: Int
    ) -> Bool {
        switch filter {
        case 0: row.update(from: raw, count: count)
        case 1: stride == 1 ? subBytes(raw, row, count) : sub(raw, row, count, stride)
        case 2: for i in 0..<count { row[i] = raw[i] &+ above[i] }
        case 3: stride == 1 ? averageBytes(raw, above, row, count) : average(raw, above, row, count, stride)
        case paeth: stride == 1 ? paethBytes(raw, above, row, count) : paeth(raw, above, row, count, stride)
        default: return false
        }
        return true
    }

    /// Reverses Paeth filters of two consecutive rows; `lower` begins `count + 1` bytes after `raw`, with its
    /// filter byte before it.
    static func applyPaethTwice(
        raw: UnsafePointer<UInt8>, above: UnsafePointer<UInt8>, to row: UnsafeMutablePointer<UInt8>,
        below: UnsafeMutablePointer<UInt8>, count: Int, stride: Int
    ) {
        let lower = raw + count + 1
        stride == 1
            ? paethBytesTwice(raw, lower, above, row, below, count)
            : paethTwice(raw, lower, above, row, below, count, stride)
    }

    // MARK: - Pixels of one byte

    private static func subBytes(
        _ raw: UnsafePointer<UInt8>, _ row: UnsafeMutablePointer<UInt8>, _ count: Int
    ) {
        var left: UInt8 = 0
        for i in 0..<count {
            left &+= raw[i]
            row[i] = left
        }
    }

    private static func averageBytes(
        _ raw: UnsafePointer<UInt8>, _ above: UnsafePointer<UInt8>, _ row: UnsafeMutablePointer<UInt8>,
        _ count: Int
    ) {
        var left: UInt32 = 0
        for i in 0..<count {
            left = (UInt32(raw[i]) &+ (left &+ UInt32(above[i])) &>> 1) & 255
            row[i] = UInt8(truncatingIfNeeded: left)
        }
    }

    /// This compiles to conditional moves, because the nearest neighbour is unpredictable.
    @inline(__always) private static func predict(_ a: Int32, _ b: Int32, _ c: Int32) -> Int32 {
        let (pa, pb, pc) = (abs(b &- c), abs(a &- c), abs(a &+ b &- c &- c))
        let other = pb <= pc ? b : c
        return pa <= min(pb, pc) ? a : other
    }

    private static func paethBytes(
        _ raw: UnsafePointer<UInt8>, _ above: UnsafePointer<UInt8>, _ row: UnsafeMutablePointer<UInt8>,
        _ count: Int
    ) {
        var (a, c): (Int32, Int32) = (0, 0)
        for i in 0..<count {
            let b = Int32(above[i])
            a = (predict(a, b, c) &+ Int32(raw[i])) & 255
            row[i] = UInt8(truncatingIfNeeded: a)
            c = b
        }
    }

    private static func paethBytesTwice(
        _ raw: UnsafePointer<UInt8>, _ lower: UnsafePointer<UInt8>, _ above: UnsafePointer<UInt8>,
        _ row: UnsafeMutablePointer<UInt8>, _ below: UnsafeMutablePointer<UInt8>, _ count: Int
    ) {
        var (a, c): (Int32, Int32) = (Int32(raw[0] &+ above[0]), Int32(above[0]))
        row[0] = UInt8(truncatingIfNeeded: a)
        var (lowerA, lowerC): (Int32, Int32) = (0, 0)
        for i in 1..<count {
            let (b, lowerB) = (Int32(above[i]), a)
            a = (predict(a, b, c) &+ Int32(raw[i])) & 255
            lowerA = (predict(lowerA, lowerB, lowerC) &+ Int32(lower[i &- 1])) & 255
            row[i] = UInt8(truncatingIfNeeded: a)
            below[i &- 1] = UInt8(truncatingIfNeeded: lowerA)
            (c, lowerC) = (b, lowerB)
        }
        below[count - 1] = UInt8(truncatingIfNeeded: predict(lowerA, a, lowerC) &+ Int32(lower[count - 1]))
    }

    // MARK: - Wider pixels

    // Unsafe, below: vectors reach at most 8 bytes beyond the beginning of a pixel inside the row, which the
    // slack covers; the next pixel overwrites what they write beyond theirs.

    @inline(__always) private static func load(_ p: UnsafePointer<UInt8>) -> SIMD8<UInt8> {
        UnsafeRawPointer(p).loadUnaligned(as: SIMD8<UInt8>.self)
    }
    @inline(__always) private static func store(_ v: SIMD8<UInt8>, _ p: UnsafeMutablePointer<UInt8>) {
        UnsafeMutableRawPointer(p).storeBytes(of: v, as: SIMD8<UInt8>.self)
    }
    /// Widens each byte to a 16-bit lane.
    @inline(__always) private static func widen(_ p: UnsafePointer<UInt8>) -> SIMD8<Int16> {
        var lanes = SIMD16<UInt8>()
        lanes.evenHalf = load(p)
        return unsafeBitCast(lanes, to: SIMD8<Int16>.self)
    }
    @inline(__always) private static func narrow(_ v: SIMD8<Int16>) -> SIMD8<UInt8> {
        unsafeBitCast(v, to: SIMD16<UInt8>.self).evenHalf
    }
    @inline(__always) private static func magnitude(_ v: SIMD8<Int16>) -> SIMD8<Int16> {
        pointwiseMax(v, 0 &- v)
    }

    private static func sub(
        _ raw: UnsafePointer<UInt8>, _ row: UnsafeMutablePointer<UInt8>, _ count: Int, _ step: Int
    ) {
        var left = SIMD8<UInt8>()
        var i = 0
        while i < count {
            left &+= load(raw + i)
            store(left, row + i)
            i += step
        }
    }

    private static func average(
        _ raw: UnsafePointer<UInt8>, _ above: UnsafePointer<UInt8>, _ row: UnsafeMutablePointer<UInt8>,
        _ count: Int, _ step: Int
    ) {
        var left = SIMD8<UInt8>()
        var i = 0
        while i < count {
            let up = load(above + i)
            // This averages with rounding down and without a ninth bit.
            left = load(raw + i) &+ (left & up) &+ ((left ^ up) &>> 1)
            store(left, row + i)
            i += step
        }
    }

    @inline(__always)
    private static func predict(_ a: SIMD8<Int16>, _ b: SIMD8<Int16>, _ c: SIMD8<Int16>) -> SIMD8<Int16> {
        // With p = a + b - c: p - a = b - c, p - b = a - c. Lanes hold 0...255, so nothing overflows 16 bits.
        let (fromA, fromB) = (b &- c, a &- c)
        let fromC = fromA &+ fromB
        let (pa, pb, pc) = (magnitude(fromA), magnitude(fromB), magnitude(fromC))
        let least = pointwiseMin(pa, pointwiseMin(pb, pc))
        return c.replacing(with: b, where: pb .== least).replacing(with: a, where: pa .== least)
    }

    private static func paeth(
        _ raw: UnsafePointer<UInt8>, _ above: UnsafePointer<UInt8>, _ row: UnsafeMutablePointer<UInt8>,
        _ count: Int, _ step: Int
    ) {
        var (a, c) = (SIMD8<Int16>(), SIMD8<Int16>())
        var i = 0
        while i < count {
            let b = widen(above + i)
            a = (widen(raw + i) &+ predict(a, b, c)) & 255
            store(narrow(a), row + i)
            c = b
            i += step
        }
    }

    private static func paethTwice(
        _ raw: UnsafePointer<UInt8>, _ lower: UnsafePointer<UInt8>, _ above: UnsafePointer<UInt8>,
        _ row: UnsafeMutablePointer<UInt8>, _ below: UnsafeMutablePointer<UInt8>, _ count: Int, _ step: Int
    ) {
        var c = widen(above)
        var a = (widen(raw) &+ c) & 255
        store(narrow(a), row)
        var (lowerA, lowerC) = (SIMD8<Int16>(), SIMD8<Int16>())
        var i = step
        while i < count {
            let (b, lowerB) = (widen(above + i), a)
            a = (widen(raw + i) &+ predict(a, b, c)) & 255
            lowerA = (widen(lower + (i - step)) &+ predict(lowerA, lowerB, lowerC)) & 255
            store(narrow(a), row + i)
            store(narrow(lowerA), below + (i - step))
            (c, lowerC) = (b, lowerB)
            i += step
        }
        lowerA = (widen(lower + (i - step)) &+ predict(lowerA, a, lowerC)) & 255
        store(narrow(lowerA), below + (i - step))
    }
}
