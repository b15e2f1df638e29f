/// JPEG's inverse cosine transforms of 8 × 8 blocks and its colour conversion, with libjpeg's integer arithmetic, bit for bit
/// (jidctint, jidctfst, jdcolor).
///
/// Blocks are in natural order. Columns come first, then rows, as there; eight columns are one vector.
private typealias Row = SIMD8<Int32>

@inline(__always) private func column(_ block: UnsafePointer<Int16>, _ multipliers: UnsafePointer<Int32>, _ row: Int) -> Row {
    let values = UnsafeRawPointer(block + 8 &* row).loadUnaligned(as: SIMD8<Int16>.self)
    return Row(truncatingIfNeeded: values) &* UnsafeRawPointer(multipliers + 8 &* row).loadUnaligned(as: Row.self)
}

@inline(__always) private func put(_ row: Row, _ output: UnsafeMutablePointer<UInt8>) {
    let clamped = (row &+ 128).clamped(lowerBound: Row(repeating: 0), upperBound: Row(repeating: 255))
    UnsafeMutableRawPointer(output).storeBytes(of: SIMD8<UInt8>(truncatingIfNeeded: clamped), as: SIMD8<UInt8>.self)
}

@inline(__always) private func accurate(
    _ v: (Row, Row, Row, Row, Row, Row, Row, Row), shift: Int32
) -> (Row, Row, Row, Row, Row, Row, Row, Row) {
    let rounding = Row(repeating: 1 << (shift - 1)), shift = Row(repeating: shift)
    let e1 = (v.2 &+ v.6) &* 4433
    let e2 = e1 &- v.6 &* 15137, e3 = e1 &+ v.2 &* 6270
    let e0 = (v.0 &+ v.4) &<< 13, e4 = (v.0 &- v.4) &<< 13
    let t10 = e0 &+ e3 &+ rounding, t13 = e0 &- e3 &+ rounding
    let t11 = e4 &+ e2 &+ rounding, t12 = e4 &- e2 &+ rounding
    let z5 = (v.7 &+ v.3 &+ v.5 &+ v.1) &* 9633
    let z1 = (v.7 &+ v.1) &* -7373, z2 = (v.5 &+ v.3) &* -20995
    let z3 = (v.7 &+ v.3) &* -16069 &+ z5, z4 = (v.5 &+ v.1) &* -3196 &+ z5
    let o0 = v.7 &* 2446 &+ z1 &+ z3, o1 = v.5 &* 16819 &+ z2 &+ z4
    let o2 = v.3 &* 25172 &+ z2 &+ z3, o3 = v.1 &* 12299 &+ z1 &+ z4
    return (
        (t10 &+ o3) &>> shift, (t11 &+ o2) &>> shift, (t12 &+ o1) &>> shift, (t13 &+ o0) &>> shift,
        (t13 &- o0) &>> shift, (t12 &- o1) &>> shift, (t11 &- o2) &>> shift, (t10 &- o3) &>> shift
    )
}

/// The accurate transform (`JDCT_ISLOW`): coefficients times multipliers to samples.
package func transformAccurate(
    _ block: UnsafePointer<Int16>, _ m: UnsafePointer<Int32>, to output: UnsafeMutablePointer<UInt8>, stride: Int
) {
    var v = (
        column(block, m, 0), column(block, m, 1), column(block, m, 2), column(block, m, 3), column(block, m, 4), column(block, m, 5),
        column(block, m, 6), column(block, m, 7)
    )
    v = transpose(accurate(v, shift: 11))
    v = transpose(accurate(v, shift: 18))
    store(v, output, stride)
}

@inline(__always) private func fast(
    _ v: (Row, Row, Row, Row, Row, Row, Row, Row)
) -> (Row, Row, Row, Row, Row, Row, Row, Row) {
    let eight = Row(repeating: 8)
    let t10 = v.0 &+ v.4, t11 = v.0 &- v.4, t13 = v.2 &+ v.6
    let t12 = (((v.2 &- v.6) &* 362) &>> eight) &- t13
    let e0 = t10 &+ t13, e3 = t10 &- t13, e1 = t11 &+ t12, e2 = t11 &- t12
    let z13 = v.5 &+ v.3, z10 = v.5 &- v.3, z11 = v.1 &+ v.7, z12 = v.1 &- v.7
    let o7 = z11 &+ z13
    let p11 = ((z11 &- z13) &* 362) &>> eight
    let z5 = ((z10 &+ z12) &* 473) &>> eight
    let p10 = ((z12 &* 277) &>> eight) &- z5
    let p12 = ((z10 &* -669) &>> eight) &+ z5
    let o6 = p12 &- o7, o5 = p11 &- o6, o4 = p10 &+ o5
    return (e0 &+ o7, e1 &+ o6, e2 &+ o5, e3 &- o4, e3 &+ o4, e2 &- o5, e1 &- o6, e0 &- o7)
}

/// The fast one (`JDCT_IFAST`), whose multipliers carry the AAN factors.
package func transformFast(_ block: UnsafePointer<Int16>, _ m: UnsafePointer<Int32>, to output: UnsafeMutablePointer<UInt8>, stride: Int) {
    var v = (
        column(block, m, 0), column(block, m, 1), column(block, m, 2), column(block, m, 3), column(block, m, 4), column(block, m, 5),
        column(block, m, 6), column(block, m, 7)
    )
    v = transpose(fast(v))
    v = fast(v)
    let five = Row(repeating: 5)
    v = (v.0 &>> five, v.1 &>> five, v.2 &>> five, v.3 &>> five, v.4 &>> five, v.5 &>> five, v.6 &>> five, v.7 &>> five)
    store(transpose(v), output, stride)
}

@inline(__always) private func store(
    _ v: (Row, Row, Row, Row, Row, Row, Row, Row), _ output: UnsafeMutablePointer<UInt8>, _ stride: Int
) {
    put(v.0, output); put(v.1, output + stride); put(v.2, output + 2 &* stride); put(v.3, output + 3 &* stride)
    put(v.4, output + 4 &* stride); put(v.5, output + 5 &* stride); put(v.6, output + 6 &* stride); put(v.7, output + 7 &* stride)
}

@inline(__always) private func transpose(
    _ v: (Row, Row, Row, Row, Row, Row, Row, Row)
) -> (Row, Row, Row, Row, Row, Row, Row, Row) {
    @inline(__always) func interleave(_ a: Row, _ b: Row) -> (Row, Row) {
        (
            Row(a[0], b[0], a[1], b[1], a[2], b[2], a[3], b[3]), Row(a[4], b[4], a[5], b[5], a[6], b[6], a[7], b[7])
        )
    }
    let (a0, a1) = interleave(v.0, v.4), (b0, b1) = interleave(v.2, v.6)
    let (c0, c1) = interleave(v.1, v.5), (d0, d1) = interleave(v.3, v.7)
    let (e0, e1) = interleave(a0, b0), (e2, e3) = interleave(a1, b1)
    let (f0, f1) = interleave(c0, d0), (f2, f3) = interleave(c1, d1)
    let (r0, r1) = interleave(e0, f0), (r2, r3) = interleave(e1, f1)
    let (r4, r5) = interleave(e2, f2), (r6, r7) = interleave(e3, f3)
    return (r0, r1, r2, r3, r4, r5, r6, r7)
}

/// A row of YCbCr to RGB; `rgb` has room for two bytes more than it takes.
package func convertYCbCr(
    _ luminance: UnsafePointer<UInt8>, _ blue: UnsafePointer<UInt8>, _ red: UnsafePointer<UInt8>, _ rgb: UnsafeMutablePointer<UInt8>,
    width: Int
) {
    @inline(__always) func load(_ samples: UnsafePointer<UInt8>) -> Row {
        Row(truncatingIfNeeded: UnsafeRawPointer(samples).loadUnaligned(as: SIMD8<UInt8>.self))
    }
    let none = Row(repeating: 0), full = Row(repeating: 255), sixteen = Row(repeating: 16), half = Row(repeating: 32768)
    var x = 0
    while x &+ 8 <= width {
        let y = load(luminance + x), cb = load(blue + x) &- 128, cr = load(red + x) &- 128
        let r = (y &+ ((cr &* 91881 &+ half) &>> sixteen)).clamped(lowerBound: none, upperBound: full)
        let g = (y &+ ((half &- cb &* 22554 &- cr &* 46802) &>> sixteen)).clamped(lowerBound: none, upperBound: full)
        let b = (y &+ ((cb &* 116130 &+ half) &>> sixteen)).clamped(lowerBound: none, upperBound: full)
        // Two pixels a word; the bytes too many are the next ones' first.
        let words = unsafeBitCast(r | g &<< Row(repeating: 8) | b &<< sixteen, to: SIMD4<UInt64>.self)
        let pairs = words & SIMD4(repeating: 0xFF_FFFF) | (words &>> SIMD4(repeating: 32)) &<< SIMD4(repeating: 24)
        let out = UnsafeMutableRawPointer(rgb + 3 &* x)
        out.storeBytes(of: pairs[0], as: UInt64.self)
        out.storeBytes(of: pairs[1], toByteOffset: 6, as: UInt64.self)
        out.storeBytes(of: pairs[2], toByteOffset: 12, as: UInt64.self)
        out.storeBytes(of: pairs[3], toByteOffset: 18, as: UInt64.self)
        x &+= 8
    }
    while x < width {
        let y = Int32(luminance[x]), cb = Int32(blue[x]) &- 128, cr = Int32(red[x]) &- 128
        let r = y &+ (91881 &* cr &+ 32768) >> 16
        let g = y &+ (-22554 &* cb &- 46802 &* cr &+ 32768) >> 16
        let b = y &+ (116130 &* cb &+ 32768) >> 16
        rgb[3 &* x] = UInt8(truncatingIfNeeded: min(max(r, 0), 255))
        rgb[3 &* x &+ 1] = UInt8(truncatingIfNeeded: min(max(g, 0), 255))
        rgb[3 &* x &+ 2] = UInt8(truncatingIfNeeded: min(max(b, 0), 255))
        x &+= 1
    }
}
