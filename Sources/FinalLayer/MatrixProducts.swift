import MatrixLoops

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
    matrix_dot_products(
        pointers(rows), rowCount, pointers(columns), columnCount, start, length, accumulates, out, outStride)
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
    let sums = UnsafeRawPointer(sums).assumingMemoryBound(to: UnsafeMutablePointer<Float>?.self)
    matrix_add_weighted_rows(
        pointers(rows), rowCount, coefficients, coefficientStride, columnCount, range.lowerBound,
        range.upperBound, sums)
}

/// Converts to the pointer type as which C pointers to pointers are imported; the representation is the same.
private func pointers(_ rows: UnsafePointer<UnsafePointer<Float>>) -> UnsafePointer<UnsafePointer<Float>?> {
    UnsafeRawPointer(rows).assumingMemoryBound(to: UnsafePointer<Float>?.self)
}
