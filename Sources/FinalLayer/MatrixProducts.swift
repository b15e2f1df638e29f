// The two loops that take nearly all the time: X·Wᵀ and Rᵀ·X. Rows are accessed through pointers, so that a
// random batch, a fold and a whole matrix are treated alike. Callers pad lengths with zeros, so that there
// are no remainders.

/// Computes out[j][i] (+)= Σₖ rows[i][k] · columns[j][k].
///
/// - Shapes: `rows` `[rowCount, length]`, `columns` `[columnCount, length]`, `out` `[columnCount,
///   outStride]`.
/// - Precondition: `rowCount` and `length` are multiples of 4.
func dotProducts(
    rows: UnsafePointer<UnsafePointer<Float>>, rowCount: Int,
    columns: UnsafePointer<UnsafePointer<Float>>, columnCount: Int,
    from start: Int = 0, length: Int, accumulates: Bool = false,
    into out: UnsafeMutablePointer<Float>, stride outStride: Int
) {
    var i = 0
    while i < rowCount {
        let a0 = rows[i] + start, a1 = rows[i + 1] + start, a2 = rows[i + 2] + start, a3 = rows[i + 3] + start
        var j = 0
        while j + 1 < columnCount {
            let b0 = columns[j] + start, b1 = columns[j + 1] + start
            // Eight sums of four lanes and their operands fit the sixteen registers of SSE2.
            var s00 = SIMD4<Float>(), s10 = SIMD4<Float>(), s20 = SIMD4<Float>(), s30 = SIMD4<Float>()
            var s01 = SIMD4<Float>(), s11 = SIMD4<Float>(), s21 = SIMD4<Float>(), s31 = SIMD4<Float>()
            var k = 0
            while k < length {
                let w0 = SIMD4(at: b0 + k), w1 = SIMD4(at: b1 + k)
                var x = SIMD4(at: a0 + k)
                s00 += x * w0; s01 += x * w1
                x = SIMD4(at: a1 + k)
                s10 += x * w0; s11 += x * w1
                x = SIMD4(at: a2 + k)
                s20 += x * w0; s21 += x * w1
                x = SIMD4(at: a3 + k)
                s30 += x * w0; s31 += x * w1
                k &+= 4
            }
            finish(s00, s10, s20, s30, accumulates, out + j * outStride + i)
            finish(s01, s11, s21, s31, accumulates, out + (j + 1) * outStride + i)
            j += 2
        }
        if j < columnCount {
            let b0 = columns[j] + start
            var s0 = SIMD4<Float>(), s1 = SIMD4<Float>(), s2 = SIMD4<Float>(), s3 = SIMD4<Float>()
            var k = 0
            while k < length {
                let w = SIMD4(at: b0 + k)
                s0 += SIMD4(at: a0 + k) * w; s1 += SIMD4(at: a1 + k) * w
                s2 += SIMD4(at: a2 + k) * w; s3 += SIMD4(at: a3 + k) * w
                k &+= 4
            }
            finish(s0, s1, s2, s3, accumulates, out + j * outStride + i)
        }
        i += 4
    }
}

/// Sums the lanes of each of four vectors and stores the four sums side by side.
@inline(__always)
private func finish(
    _ a: SIMD4<Float>, _ b: SIMD4<Float>, _ c: SIMD4<Float>, _ d: SIMD4<Float>, _ accumulates: Bool,
    _ out: UnsafeMutablePointer<Float>
) {
    let e = SIMD4(a[0], b[0], c[0], d[0]) + SIMD4(a[1], b[1], c[1], d[1])
    let f = SIMD4(a[2], b[2], c[2], d[2]) + SIMD4(a[3], b[3], c[3], d[3])
    (accumulates ? SIMD4(at: out) + (e + f) : e + f).store(at: out)
}

/// Computes sums[j][k] += Σᵢ coefficients[j][i] · rows[i][k] for k in `range`.
///
/// - Shapes: `rows` `[rowCount, ≥ range.upperBound]`, `coefficients` `[columnCount, coefficientStride]`,
///   `sums` `[columnCount, ≥ range.upperBound]`.
/// - Precondition: `range` begins and ends at multiples of 16.
func accumulateWeightedRows(
    rows: UnsafePointer<UnsafePointer<Float>>, rowCount: Int,
    coefficients: UnsafePointer<Float>, stride coefficientStride: Int, columnCount: Int,
    range: Range<Int>, into sums: UnsafePointer<UnsafePointer<Float>>
) {
    // 32 rows of 16 numbers and their coefficients stay in the L1 cache while all columns are processed.
    var block = 0
    while block < rowCount {
        let end = min(rowCount, block + 32)
        var j = 0
        while j < columnCount {
            let c0 = coefficients + j * coefficientStride
            let g0 = UnsafeMutablePointer(mutating: sums[j])
            if j + 1 < columnCount {
                let c1 = c0 + coefficientStride
                let g1 = UnsafeMutablePointer(mutating: sums[j + 1])
                var k = range.lowerBound
                while k < range.upperBound {
                    var s00 = SIMD4(at: g0 + k), s01 = SIMD4(at: g0 + k + 4), s02 = SIMD4(at: g0 + k + 8),
                        s03 = SIMD4(at: g0 + k + 12)
                    var s10 = SIMD4(at: g1 + k), s11 = SIMD4(at: g1 + k + 4), s12 = SIMD4(at: g1 + k + 8),
                        s13 = SIMD4(at: g1 + k + 12)
                    var i = block
                    while i < end {
                        let x = rows[i] + k
                        let r0 = c0[i], r1 = c1[i]
                        let x0 = SIMD4(at: x), x1 = SIMD4(at: x + 4), x2 = SIMD4(at: x + 8),
                            x3 = SIMD4(at: x + 12)
                        s00 += x0 * r0; s01 += x1 * r0; s02 += x2 * r0; s03 += x3 * r0
                        s10 += x0 * r1; s11 += x1 * r1; s12 += x2 * r1; s13 += x3 * r1
                        i &+= 1
                    }
                    s00.store(at: g0 + k); s01.store(at: g0 + k + 4); s02.store(at: g0 + k + 8);
                    s03.store(at: g0 + k + 12)
                    s10.store(at: g1 + k); s11.store(at: g1 + k + 4); s12.store(at: g1 + k + 8);
                    s13.store(at: g1 + k + 12)
                    k &+= 16
                }
                j += 2
            } else {
                var k = range.lowerBound
                while k < range.upperBound {
                    var s0 = SIMD4(at: g0 + k), s1 = SIMD4(at: g0 + k + 4), s2 = SIMD4(at: g0 + k + 8),
                        s3 = SIMD4(at: g0 + k + 12)
                    var i = block
                    while i < end {
                        let x = rows[i] + k
                        let r = c0[i]
                        s0 += SIMD4(at: x) * r; s1 += SIMD4(at: x + 4) * r
                        s2 += SIMD4(at: x + 8) * r; s3 += SIMD4(at: x + 12) * r
                        i &+= 1
                    }
                    s0.store(at: g0 + k); s1.store(at: g0 + k + 4); s2.store(at: g0 + k + 8);
                    s3.store(at: g0 + k + 12)
                    k &+= 16
                }
                j += 1
            }
        }
        block = end
    }
}
