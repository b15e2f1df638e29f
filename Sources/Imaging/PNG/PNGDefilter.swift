/// Undoes the filters of PNG (§9.2): from filtered bytes and the row above to the row.
///
/// Rows of 3 and 4 bytes a pixel, which photographs and drawings have, run a pixel at a time in vector registers; the chain from
/// pixel to pixel is what limits them.
enum PNGDefilter {
    /// What a row buffer must have beyond its last byte: vectors of 8 bytes step by as little as 3.
    static let slack = 32

    /// - Parameters:
    ///   - filter: 0...4, the byte in front of the row.
    ///   - raw: `count` filtered bytes and `slack` readable ones.
    ///   - above: the row before, zeros for the first one of a pass; with slack, as `row`.
    ///   - stride: bytes a pixel: 1, 2, 3, 4, 6 or 8.
    /// - Returns: whether the filter exists.
    static func apply(
        _ filter: UInt8, raw: UnsafePointer<UInt8>, above: UnsafePointer<UInt8>, to row: UnsafeMutablePointer<UInt8>,
        count: Int, stride: Int
    ) -> Bool {
        switch filter {
        case 0: row.update(from: raw, count: count)
        case 1:
            switch stride {
            case 3, 4: sub4(raw, row, count, stride)
            case 6, 8: sub8(raw, row, count, stride)
            default: subBytes(raw, row, count, stride)
            }
        case 2: for i in 0..<count { row[i] = raw[i] &+ above[i] }
        case 3:
            switch stride {
            case 3, 4: average4(raw, above, row, count, stride)
            default: averageBytes(raw, above, row, count, stride)
            }
        case 4:
            switch stride {
            case 3, 4: paeth4(raw, above, row, count, stride)
            default: paethBytes(raw, above, row, count, stride)
            }
        default: return false
        }
        return true
    }

    // Unsafe, all below: vectors reach at most 8 bytes past a pixel that begins inside the row, which the slack covers; what they
    // write past their pixel is written again by the next one.

    @inline(__always) private static func load4(_ p: UnsafePointer<UInt8>) -> SIMD4<UInt8> {
        UnsafeRawPointer(p).loadUnaligned(as: SIMD4<UInt8>.self)
    }
    @inline(__always) private static func store4(_ v: SIMD4<UInt8>, _ p: UnsafeMutablePointer<UInt8>) {
        UnsafeMutableRawPointer(p).storeBytes(of: v, as: SIMD4<UInt8>.self)
    }
    /// Each byte in a lane of 16 bits.
    @inline(__always) private static func wide4(_ p: UnsafePointer<UInt8>) -> SIMD4<Int16> {
        var lanes = SIMD8<UInt8>()
        lanes.evenHalf = load4(p)
        return unsafeBitCast(lanes, to: SIMD4<Int16>.self)
    }

    private static func sub4(_ raw: UnsafePointer<UInt8>, _ row: UnsafeMutablePointer<UInt8>, _ count: Int, _ step: Int) {
        var left = SIMD4<UInt8>()
        var i = 0
        while i < count {
            left &+= load4(raw + i)
            store4(left, row + i)
            i += step
        }
    }

    private static func sub8(_ raw: UnsafePointer<UInt8>, _ row: UnsafeMutablePointer<UInt8>, _ count: Int, _ step: Int) {
        var left = SIMD8<UInt8>()
        var i = 0
        while i < count {
            left &+= UnsafeRawPointer(raw + i).loadUnaligned(as: SIMD8<UInt8>.self)
            UnsafeMutableRawPointer(row + i).storeBytes(of: left, as: SIMD8<UInt8>.self)
            i += step
        }
    }

    private static func subBytes(_ raw: UnsafePointer<UInt8>, _ row: UnsafeMutablePointer<UInt8>, _ count: Int, _ step: Int) {
        for i in 0..<min(step, count) { row[i] = raw[i] }
        if step == 1 {
            var left: UInt8 = 0
            for i in 0..<count {
                left &+= raw[i]
                row[i] = left
            }
        } else if step < count {
            for i in step..<count { row[i] = raw[i] &+ row[i - step] }
        }
    }

    private static func average4(
        _ raw: UnsafePointer<UInt8>, _ above: UnsafePointer<UInt8>, _ row: UnsafeMutablePointer<UInt8>, _ count: Int, _ step: Int
    ) {
        var left = SIMD4<UInt8>()
        var i = 0
        while i < count {
            let up = load4(above + i)
            // Rounds down without a ninth bit.
            left = load4(raw + i) &+ (left & up) &+ ((left ^ up) &>> 1)
            store4(left, row + i)
            i += step
        }
    }

    private static func averageBytes(
        _ raw: UnsafePointer<UInt8>, _ above: UnsafePointer<UInt8>, _ row: UnsafeMutablePointer<UInt8>, _ count: Int, _ step: Int
    ) {
        for i in 0..<min(step, count) { row[i] = raw[i] &+ above[i] &>> 1 }
        guard step < count else { return }
        for i in step..<count {
            row[i] = raw[i] &+ UInt8(truncatingIfNeeded: (UInt32(row[i - step]) &+ UInt32(above[i])) &>> 1)
        }
    }

    private static func paeth4(
        _ raw: UnsafePointer<UInt8>, _ above: UnsafePointer<UInt8>, _ row: UnsafeMutablePointer<UInt8>, _ count: Int, _ step: Int
    ) {
        var (a, c) = (SIMD4<Int16>(), SIMD4<Int16>())
        var i = 0
        while i < count {
            let b = wide4(above + i)
            // With p = a + b - c: p - a = b - c, p - b = a - c. Lanes hold 0...255, so nothing overflows 16 bits.
            let (fromA, fromB) = (b &- c, a &- c)
            let fromC = fromA &+ fromB
            let (pa, pb, pc) = (magnitude(fromA), magnitude(fromB), magnitude(fromC))
            let least = pointwiseMin(pa, pointwiseMin(pb, pc))
            let predictor = c.replacing(with: b, where: pb .== least).replacing(with: a, where: pa .== least)
            a = (wide4(raw + i) &+ predictor) & 255
            store4(unsafeBitCast(a, to: SIMD8<UInt8>.self).evenHalf, row + i)
            c = b
            i += step
        }
    }

    @inline(__always) private static func magnitude(_ v: SIMD4<Int16>) -> SIMD4<Int16> { pointwiseMax(v, 0 &- v) }

    private static func paethBytes(
        _ raw: UnsafePointer<UInt8>, _ above: UnsafePointer<UInt8>, _ row: UnsafeMutablePointer<UInt8>, _ count: Int, _ step: Int
    ) {
        for i in 0..<min(step, count) { row[i] = raw[i] &+ above[i] }
        guard step < count else { return }
        for i in step..<count {
            let (a, b, c) = (Int32(row[i - step]), Int32(above[i]), Int32(above[i - step]))
            let (pa, pb) = (abs(b &- c), abs(a &- c))
            let pc = abs(a &+ b &- c &- c)
            let predictor = pa <= pb && pa <= pc ? a : pb <= pc ? b : c
            row[i] = raw[i] &+ UInt8(truncatingIfNeeded: predictor)
        }
    }
}
