/// JPEG's inverse cosine transforms of 8 × 8 blocks and its colour conversion, with the integer arithmetic of libjpeg-turbo's vectors, bit
/// for bit (jidctint, jidctfst, jdcolor): 16 bits between the passes, where values that no encoder writes wrap or saturate as there.
///
/// Blocks are in natural order. Columns come first, then rows, as there; eight columns are one vector. Products with constants are
/// written as of 32 bits, from 16: the compiler makes multiply-add instructions of them.
private typealias Words = SIMD8<Int16>
private typealias Row = SIMD8<Int32>
private typealias Block = (Words, Words, Words, Words, Words, Words, Words, Words)

@inline(__always) private func row(_ pointer: UnsafePointer<Int16>, _ y: Int) -> Words {
    UnsafeRawPointer(pointer + 8 &* y).loadUnaligned(as: Words.self)
}

@inline(__always) private func rows(_ block: UnsafePointer<Int16>) -> Block {
    (row(block, 0), row(block, 1), row(block, 2), row(block, 3), row(block, 4), row(block, 5), row(block, 6), row(block, 7))
}

@inline(__always) private func product(_ v: Block, _ m: UnsafePointer<Int16>) -> Block {
    (
        v.0 &* row(m, 0), v.1 &* row(m, 1), v.2 &* row(m, 2), v.3 &* row(m, 3), v.4 &* row(m, 4), v.5 &* row(m, 5), v.6 &* row(m, 6),
        v.7 &* row(m, 7)
    )
}

/// Samples of 8 rows, 128 added.
@inline(__always) private func store(_ v: Block, _ output: UnsafeMutablePointer<UInt8>, _ stride: Int) {
    @inline(__always) func put(_ row: Words, _ y: Int) {
        let clamped = (row &+ 128).clamped(lowerBound: Words(repeating: 0), upperBound: Words(repeating: 255))
        UnsafeMutableRawPointer(output + y &* stride).storeBytes(of: SIMD8<UInt8>(truncatingIfNeeded: clamped), as: SIMD8<UInt8>.self)
    }
    put(v.0, 0); put(v.1, 1); put(v.2, 2); put(v.3, 3); put(v.4, 4); put(v.5, 5); put(v.6, 6); put(v.7, 7)
}

@inline(__always) private func transpose(_ v: Block) -> Block {
    typealias Pairs = SIMD4<Int32>
    typealias Fours = SIMD2<Int64>
    @inline(__always) func words(_ a: Words, _ b: Words) -> (Pairs, Pairs) {
        (
            unsafeBitCast(Words(a[0], b[0], a[1], b[1], a[2], b[2], a[3], b[3]), to: Pairs.self),
            unsafeBitCast(Words(a[4], b[4], a[5], b[5], a[6], b[6], a[7], b[7]), to: Pairs.self)
        )
    }
    @inline(__always) func pairs(_ a: Pairs, _ b: Pairs) -> (Fours, Fours) {
        (
            unsafeBitCast(Pairs(a[0], b[0], a[1], b[1]), to: Fours.self), unsafeBitCast(Pairs(a[2], b[2], a[3], b[3]), to: Fours.self)
        )
    }
    @inline(__always) func fours(_ a: Fours, _ b: Fours) -> (Words, Words) {
        (unsafeBitCast(Fours(a[0], b[0]), to: Words.self), unsafeBitCast(Fours(a[1], b[1]), to: Words.self))
    }
    let (a0, a1) = words(v.0, v.1), (b0, b1) = words(v.2, v.3), (c0, c1) = words(v.4, v.5), (d0, d1) = words(v.6, v.7)
    let (e0, e1) = pairs(a0, b0), (e2, e3) = pairs(a1, b1), (f0, f1) = pairs(c0, d0), (f2, f3) = pairs(c1, d1)
    let (r0, r1) = fours(e0, f0), (r2, r3) = fours(e1, f1), (r4, r5) = fours(e2, f2), (r6, r7) = fours(e3, f3)
    return (r0, r1, r2, r3, r4, r5, r6, r7)
}

@inline(__always) private func wide(_ words: Words) -> Row { Row(truncatingIfNeeded: words) }

/// One pass over columns: constants have 13 bits, the result is divided by 2^`shift`, and saturates in 16 bits.
@inline(__always) private func accurate(_ v: Block, shift: Int32) -> Block {
    let rounding = Row(repeating: 1 &<< (shift &- 1)), divisor = Row(repeating: shift)
    let (v1, v2, v3, v5, v6, v7) = (wide(v.1), wide(v.2), wide(v.3), wide(v.5), wide(v.6), wide(v.7))
    let e3 = v2 &* 10703 &+ v6 &* 4433, e2 = v2 &* 4433 &+ v6 &* -10704
    let e0 = wide(v.0 &+ v.4) &<< Row(repeating: 13) &+ rounding, e4 = wide(v.0 &- v.4) &<< Row(repeating: 13) &+ rounding
    let t10 = e0 &+ e3, t13 = e0 &- e3, t11 = e4 &+ e2, t12 = e4 &- e2
    let s3 = wide(v.7 &+ v.3), s4 = wide(v.5 &+ v.1)
    let z3 = s3 &* -6436 &+ s4 &* 9633, z4 = s3 &* 9633 &+ s4 &* 6437
    let o0 = v7 &* -4927 &+ v1 &* -7373 &+ z3, o1 = v5 &* -4176 &+ v3 &* -20995 &+ z4
    let o2 = v3 &* 4177 &+ v5 &* -20995 &+ z3, o3 = v1 &* 4926 &+ v7 &* -7373 &+ z4
    @inline(__always) func words(_ row: Row) -> Words {
        let value = row &>> divisor
        // What is left of 32 bits may fit already.
        if shift > 16 { return Words(truncatingIfNeeded: value) }
        return Words(truncatingIfNeeded: value.clamped(lowerBound: Row(repeating: -32768), upperBound: Row(repeating: 32767)))
    }
    return (
        words(t10 &+ o3), words(t11 &+ o2), words(t12 &+ o1), words(t13 &+ o0),
        words(t13 &- o0), words(t12 &- o1), words(t11 &- o2), words(t10 &- o3)
    )
}

/// The accurate transform (`JDCT_ISLOW`): coefficients times multipliers to samples.
package func transformAccurate(
    _ block: UnsafePointer<Int16>, _ m: UnsafePointer<Int16>, to output: UnsafeMutablePointer<UInt8>, stride: Int
) {
    let v = rows(block)
    let lower = unsafeBitCast(v.1 | v.2 | v.3 | v.4 | v.5 | v.6 | v.7, to: SIMD2<UInt64>.self)
    let columns: Block
    if lower[0] | lower[1] == 0 {
        // All columns are constant. libjpeg-turbo has a way of its own for that, where large values wrap instead of saturating.
        let first = (v.0 &* row(m, 0)) &<< Words(repeating: 2)
        columns = transpose((first, first, first, first, first, first, first, first))
    } else {
        columns = transpose(accurate(product(v, m), shift: 11))
    }
    store(transpose(accurate(columns, shift: 18)), output, stride)
}

@inline(__always) private func fast(_ v: Block) -> Block {
    /// The product with a constant of eight bits after the point. Two bits are shifted up before, six with the constant.
    @inline(__always) func times(_ x: Words, _ constant: Int32) -> Words {
        Words(truncatingIfNeeded: (wide(x) &* Row(repeating: constant &<< 6)) &>> Row(repeating: 16))
    }
    let two = Words(repeating: 2)
    let t10 = v.0 &+ v.4, t11 = v.0 &- v.4, t13 = v.2 &+ v.6
    let t12 = times((v.2 &- v.6) &<< two, 362) &- t13
    let e0 = t10 &+ t13, e3 = t10 &- t13, e1 = t11 &+ t12, e2 = t11 &- t12
    let z13 = v.5 &+ v.3, z10 = v.5 &- v.3, z11 = v.1 &+ v.7, z12 = v.1 &- v.7
    let o7 = z11 &+ z13
    let p11 = times((z11 &- z13) &<< two, 362)
    let s10 = z10 &<< two, s12 = z12 &<< two
    let z5 = times(s10 &+ s12, 473)
    let p10 = times(s12, 277) &- z5
    // -669 takes too many bits with six more: -413, and once the value itself.
    let p12 = times(s10, -413) &- z10 &+ z5
    let o6 = p12 &- o7, o5 = p11 &- o6, o4 = p10 &+ o5
    return (e0 &+ o7, e1 &+ o6, e2 &+ o5, e3 &- o4, e3 &+ o4, e2 &- o5, e1 &- o6, e0 &- o7)
}

/// The fast one (`JDCT_IFAST`), whose multipliers carry the AAN factors.
package func transformFast(_ block: UnsafePointer<Int16>, _ m: UnsafePointer<Int16>, to output: UnsafeMutablePointer<UInt8>, stride: Int) {
    let v = fast(transpose(fast(product(rows(block), m)))), five = Words(repeating: 5)
    store(
        transpose((v.0 &>> five, v.1 &>> five, v.2 &>> five, v.3 &>> five, v.4 &>> five, v.5 &>> five, v.6 &>> five, v.7 &>> five)),
        output, stride)
}

// MARK: - Colour

/// Samples of every other pixel.
private typealias Samples = SIMD16<Int16>

/// Thirty-two samples: those of even columns, those of odd ones.
@inline(__always) private func samples(_ pointer: UnsafePointer<UInt8>) -> (Samples, Samples) {
    let both = UnsafeRawPointer(pointer).loadUnaligned(as: SIMD16<UInt16>.self)
    return (
        unsafeBitCast(both & SIMD16(repeating: 255), to: Samples.self),
        unsafeBitCast(both &>> SIMD16(repeating: 8), to: Samples.self)
    )
}

/// To 0...255, and garbage above these eight bits. Written without comparisons, of which the compiler makes branches.
@inline(__always) private func clamped(_ samples: Samples) -> Samples {
    let fifteen = Samples(repeating: 15)
    return (samples | (255 &- samples) &>> fifteen) & ~(samples &>> fifteen)
}

/// Thirty-two pixels, and four bytes after them.
@inline(__always) private func put(
    _ red: (Samples, Samples), _ green: (Samples, Samples), _ blue: (Samples, Samples), _ rgb: UnsafeMutablePointer<UInt8>
) {
    let byte = Samples(repeating: 255), eight = Samples(repeating: 8)
    // Two pixels are three words, lane by lane of these.
    let first = red.0 & byte | green.0 &<< eight, second = blue.0 & byte | red.1 &<< eight, third = green.1 & byte | blue.1 &<< eight
    put(first.lowHalf, second.lowHalf, third.lowHalf, rgb)
    put(first.highHalf, second.highHalf, third.highHalf, rgb + 48)
}

@inline(__always) private func put(_ first: Words, _ second: Words, _ third: Words, _ rgb: UnsafeMutablePointer<UInt8>) {
    typealias Pairs = SIMD4<Int32>
    let (a, b, c) = (first, second, third)
    @inline(__always) func four(_ pairs: Pairs, _ thirds: Pairs, _ offset: Int) {
        let b = unsafeBitCast(pairs, to: SIMD16<UInt8>.self), c = unsafeBitCast(thirds, to: SIMD16<UInt8>.self)
        let packed = SIMD16<UInt8>(b[0], b[1], b[2], b[3], c[0], c[1], b[4], b[5], b[6], b[7], c[4], c[5], 0, 0, 0, 0)
        UnsafeMutableRawPointer(rgb + offset).storeBytes(of: packed, as: SIMD16<UInt8>.self)
    }
    // Of each four lanes: the first two words side by side, and the third.
    let low = unsafeBitCast(Words(a[0], b[0], a[1], b[1], a[2], b[2], a[3], b[3]), to: Pairs.self)
    let high = unsafeBitCast(Words(a[4], b[4], a[5], b[5], a[6], b[6], a[7], b[7]), to: Pairs.self)
    let lowThirds = unsafeBitCast(Words(c[0], c[0], c[1], c[1], c[2], c[2], c[3], c[3]), to: Pairs.self)
    let highThirds = unsafeBitCast(Words(c[4], c[4], c[5], c[5], c[6], c[6], c[7], c[7]), to: Pairs.self)
    four(low, lowThirds, 0)
    four(Pairs(low[2], low[3], 0, 0), Pairs(lowThirds[2], lowThirds[3], 0, 0), 12)
    four(high, highThirds, 24)
    four(Pairs(high[2], high[3], 0, 0), Pairs(highThirds[2], highThirds[3], 0, 0), 36)
}

/// A row of YCbCr to RGB, thirty-two pixels at a time: rows have room for as many beyond their end, and `rgb` for four bytes more.
package func convertYCbCr(
    _ luminance: UnsafePointer<UInt8>, _ blue: UnsafePointer<UInt8>, _ red: UnsafePointer<UInt8>, _ rgb: UnsafeMutablePointer<UInt8>,
    width: Int
) {
    let eight = Samples(repeating: 8)
    /// 1/65536 of `high`·256 + `low`, rounded to nearest, without more than 16 bits.
    @inline(__always) func rounded(_ high: Samples, _ low: Samples) -> Samples {
        let carry = unsafeBitCast(low &+ Samples(repeating: Int16.min), to: SIMD16<UInt16>.self) &>> SIMD16(repeating: 8)
        return (high &+ unsafeBitCast(carry, to: Samples.self)) &>> eight
    }
    @inline(__always) func pixels(_ y: Samples, _ blue: Samples, _ red: Samples) -> (r: Samples, g: Samples, b: Samples) {
        let cb = blue &- 128, cr = red &- 128
        // 91881 = 65536 + 103·256 - 23, 116130 = 2·65536 - 58·256 - 94, -22554 = -88·256 - 26, -46802 = -65536 + 73·256 + 46.
        return (
            clamped(y &+ cr &+ rounded(cr &* 103, cr &* -23)),
            clamped(y &- cr &+ rounded(cr &* 73 &- cb &* 88, cr &* 46 &- cb &* 26)),
            clamped(y &+ cb &+ cb &+ rounded(cb &* -58, cb &* -94))
        )
    }
    var x = 0
    while x < width {
        let y = samples(luminance + x), cb = samples(blue + x), cr = samples(red + x)
        let even = pixels(y.0, cb.0, cr.0), odd = pixels(y.1, cb.1, cr.1)
        put((even.r, odd.r), (even.g, odd.g), (even.b, odd.b), rgb + 3 &* x)
        x &+= 32
    }
}

/// A row of red, green and blue to pixels, with room as for `convertYCbCr`.
package func interleave(
    _ red: UnsafePointer<UInt8>, _ green: UnsafePointer<UInt8>, _ blue: UnsafePointer<UInt8>, _ rgb: UnsafeMutablePointer<UInt8>,
    width: Int
) {
    var x = 0
    while x < width {
        put(samples(red + x), samples(green + x), samples(blue + x), rgb + 3 &* x)
        x &+= 32
    }
}
