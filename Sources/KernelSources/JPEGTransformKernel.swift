import VectorOperations

/// JPEG's inverse DCT of 8 × 8 blocks, bit-exact with the integer arithmetic of libjpeg-turbo's SIMD code
/// (jidctint, jidctfst): values have 16 bits between the passes, and those that no encoder writes wrap or
/// saturate in the same way.
///
/// Four consecutive blocks of 64 coefficients in natural order become 8 × 8 samples each, side by side. A
/// vector holds the same row of one, two or four of them. Columns are transformed first, then rows.
typealias Words = vector_words
private typealias Longs = vector_longs
private typealias Block = (Words, Words, Words, Words, Words, Words, Words, Words)

@inline(__always) private func rows(_ p: UnsafePointer<Int16>) -> Block {
    (
        vector_load_rows(p), vector_load_rows(p + 8), vector_load_rows(p + 16), vector_load_rows(p + 24),
        vector_load_rows(p + 32),
        vector_load_rows(p + 40), vector_load_rows(p + 48), vector_load_rows(p + 56)
    )
}

@inline(__always) private func product(_ v: Block, _ m: UnsafePointer<Int16>) -> Block {
    (
        v.0 &* vector_repeat_row(m), v.1 &* vector_repeat_row(m + 8), v.2 &* vector_repeat_row(m + 16),
        v.3 &* vector_repeat_row(m + 24),
        v.4 &* vector_repeat_row(m + 32), v.5 &* vector_repeat_row(m + 40), v.6 &* vector_repeat_row(m + 48),
        v.7 &* vector_repeat_row(m + 56)
    )
}

@inline(__always) private func transpose(_ v: Block) -> Block {
    let a0 = vector_low_words(v.0, v.1), a1 = vector_high_words(v.0, v.1), b0 = vector_low_words(v.2, v.3),
        b1 = vector_high_words(v.2, v.3)
    let c0 = vector_low_words(v.4, v.5), c1 = vector_high_words(v.4, v.5), d0 = vector_low_words(v.6, v.7),
        d1 = vector_high_words(v.6, v.7)
    let e0 = vector_low_pairs(a0, b0), e1 = vector_high_pairs(a0, b0), e2 = vector_low_pairs(a1, b1),
        e3 = vector_high_pairs(a1, b1)
    let f0 = vector_low_pairs(c0, d0), f1 = vector_high_pairs(c0, d0), f2 = vector_low_pairs(c1, d1),
        f3 = vector_high_pairs(c1, d1)
    return (
        vector_low_fours(e0, f0), vector_high_fours(e0, f0), vector_low_fours(e1, f1),
        vector_high_fours(e1, f1),
        vector_low_fours(e2, f2), vector_high_fours(e2, f2), vector_low_fours(e3, f3),
        vector_high_fours(e3, f3)
    )
}

/// Adds 128, transposes columns of samples to rows and stores them.
@inline(__always) private func store(_ v: Block, _ output: UnsafeMutablePointer<UInt8>, _ stride: Int) {
    @inline(__always) func samples(_ a: Words, _ b: Words) -> Words {
        let middle = Words(repeating: 128)
        return unsafeBitCast(vector_narrowed_bytes(a &+ middle, b &+ middle), to: Words.self)
    }
    // Each half of a vector holds one column's bytes.
    let s04 = samples(v.0, v.4), s15 = samples(v.1, v.5), s26 = samples(v.2, v.6), s37 = samples(v.3, v.7)
    let c01 = vector_low_bytes(s04, s15), c45 = vector_high_bytes(s04, s15)
    let c23 = vector_low_bytes(s26, s37), c67 = vector_high_bytes(s26, s37)
    let upperLeft = vector_low_words(c01, c23), lowerLeft = vector_high_words(c01, c23)
    let upperRight = vector_low_words(c45, c67), lowerRight = vector_high_words(c45, c67)
    vector_store_rows(vector_low_pairs(upperLeft, upperRight), output, output + stride)
    vector_store_rows(vector_high_pairs(upperLeft, upperRight), output + 2 &* stride, output + 3 &* stride)
    vector_store_rows(vector_low_pairs(lowerLeft, lowerRight), output + 4 &* stride, output + 5 &* stride)
    vector_store_rows(vector_high_pairs(lowerLeft, lowerRight), output + 6 &* stride, output + 7 &* stride)
}

/// Calls `body` with the first block of each vector until four blocks are done.
@inline(__always) private func forBlocks(_ body: (_ block: Int) -> Void) {
    var block = 0
    while block < 4 {
        body(block)
        block &+= Words.scalarCount / 8
    }
}

// MARK: - Accurate

/// Transforms columns with 13-bit constants, divides by 2^`shift` and saturates to 16 bits.
@inline(__always) private func accurate(_ v: Block, shift: Int32) -> Block {
    // This multiplies by 2^13 and adds the rounding term, as a product with eight.
    let eight = Words(repeating: 8), whole = vector_pair(8192, Int16(truncatingIfNeeded: 1 &<< (shift &- 4)))
    let sum = v.0 &+ v.4, difference = v.0 &- v.4, s3 = v.7 &+ v.3, s4 = v.5 &+ v.1
    /// Transforms the half of the columns that `zip` selects.
    @inline(__always) func half(_ zip: (Words, Words) -> Words) -> (
        Longs, Longs, Longs, Longs, Longs, Longs, Longs, Longs
    ) {
        let v26 = zip(v.2, v.6), v71 = zip(v.7, v.1), v53 = zip(v.5, v.3), s34 = zip(s3, s4)
        let e0 = vector_pair_sums(zip(sum, eight), whole),
            e4 = vector_pair_sums(zip(difference, eight), whole)
        let e2 = vector_pair_sums(v26, vector_pair(4433, -10704)),
            e3 = vector_pair_sums(v26, vector_pair(10703, 4433))
        let z3 = vector_pair_sums(s34, vector_pair(-6436, 9633)),
            z4 = vector_pair_sums(s34, vector_pair(9633, 6437))
        let o0 = vector_pair_sums(v71, vector_pair(-4927, -7373)) &+ z3,
            o1 = vector_pair_sums(v53, vector_pair(-4176, -20995)) &+ z4
        let o2 = vector_pair_sums(v53, vector_pair(-20995, 4177)) &+ z3,
            o3 = vector_pair_sums(v71, vector_pair(-7373, 4926)) &+ z4
        let t0 = e0 &+ e3, t3 = e0 &- e3, t1 = e4 &+ e2, t2 = e4 &- e2
        @inline(__always) func scaled(_ row: Longs) -> Longs { vector_right_longs(row, shift) }
        return (
            scaled(t0 &+ o3), scaled(t1 &+ o2), scaled(t2 &+ o1), scaled(t3 &+ o0),
            scaled(t3 &- o0), scaled(t2 &- o1), scaled(t1 &- o2), scaled(t0 &- o3)
        )
    }
    let low = half { vector_low_words($0, $1) }, high = half { vector_high_words($0, $1) }
    return (
        vector_narrowed(low.0, high.0), vector_narrowed(low.1, high.1), vector_narrowed(low.2, high.2),
        vector_narrowed(low.3, high.3),
        vector_narrowed(low.4, high.4), vector_narrowed(low.5, high.5), vector_narrowed(low.6, high.6),
        vector_narrowed(low.7, high.7)
    )
}

/// Computes the accurate transform (`JDCT_ISLOW`) of four blocks, from coefficients and multipliers to
/// samples.
package func transformAccurate(
    _ blocks: UnsafePointer<Int16>, _ m: UnsafePointer<Int16>, to output: UnsafeMutablePointer<UInt8>,
    stride: Int
) {
    forBlocks { block in
        let v = rows(blocks + 64 &* block)
        var columns = product(v, m)
        // libjpeg-turbo treats blocks of constant columns separately, and there large values wrap instead of
        // saturating.
        let upper = vector_either(v.1, vector_either(v.2, v.3)),
            lower = vector_either(vector_either(v.4, v.5), vector_either(v.6, v.7))
        let isConstant = vector_zero_rows(vector_either(upper, lower))
        columns.0 = vector_selected(isConstant, vector_right(vector_left(columns.0, 2), 2), columns.0)
        store(accurate(transpose(accurate(columns, shift: 11)), shift: 18), output + 8 &* block, stride)
    }
}

// MARK: - Fast

@inline(__always) private func fast(_ v: Block) -> Block {
    /// Returns the product with a constant that has eight fractional bits: two bits are shifted in before,
    /// six with the constant.
    @inline(__always) func times(_ x: Words, _ constant: Int16) -> Words {
        vector_high_products(x, Words(repeating: constant &<< 6))
    }
    let t10 = v.0 &+ v.4, t11 = v.0 &- v.4, t13 = v.2 &+ v.6
    let t12 = times(vector_left(v.2 &- v.6, 2), 362) &- t13
    let e0 = t10 &+ t13, e3 = t10 &- t13, e1 = t11 &+ t12, e2 = t11 &- t12
    let z13 = v.5 &+ v.3, z10 = v.5 &- v.3, z11 = v.1 &+ v.7, z12 = v.1 &- v.7
    let o7 = z11 &+ z13
    let p11 = times(vector_left(z11 &- z13, 2), 362)
    let s10 = vector_left(z10, 2), s12 = vector_left(z12, 2)
    let z5 = times(s10 &+ s12, 473)
    let p10 = times(s12, 277) &- z5
    // -669 would overflow with six more bits, so this multiplies by -413 and subtracts the value once more.
    let p12 = times(s10, -413) &- z10 &+ z5
    let o6 = p12 &- o7, o5 = p11 &- o6, o4 = p10 &+ o5
    return (e0 &+ o7, e1 &+ o6, e2 &+ o5, e3 &- o4, e3 &+ o4, e2 &- o5, e1 &- o6, e0 &- o7)
}

/// Computes the fast transform (`JDCT_IFAST`) of four blocks, whose multipliers include the AAN scale
/// factors.
package func transformFast(
    _ blocks: UnsafePointer<Int16>, _ m: UnsafePointer<Int16>, to output: UnsafeMutablePointer<UInt8>,
    stride: Int
) {
    forBlocks { block in
        let v = fast(transpose(fast(product(rows(blocks + 64 &* block), m))))
        @inline(__always) func scaled(_ column: Words) -> Words { vector_right(column, 5) }
        store(
            (
                scaled(v.0), scaled(v.1), scaled(v.2), scaled(v.3), scaled(v.4), scaled(v.5), scaled(v.6),
                scaled(v.7)
            ),
            output + 8 &* block, stride)
    }
}
