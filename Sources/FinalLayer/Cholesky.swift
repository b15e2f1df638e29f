/// Cholesky factorization and triangular substitution on design matrices in blocks of 64 columns.
///
/// Both are left-looking: from each block of columns, one matrix product first subtracts the contribution of
/// the previous columns, and another multiplies by the inverse of the factor's diagonal block. The work is divided
/// independently of the number of threads, so that results are reproducible.
enum Cholesky {
    private static let width = 64

    /// Replaces the lower triangle of a positive semidefinite matrix `a`, `[n, n]`, by L with L·Lᵀ = a.
    ///
    /// A column whose pivot is within the rounding error becomes zero.
    static func factorize(_ a: DesignMatrix, workers: Workers) {
        let n = a.rows
        var largest: Float = 0
        for i in 0..<n { largest = max(largest, a.values.base[i * a.stride + i]) }
        let least = largest * 1e-6 * Float(n).squareRoot()
        for first in stride(from: 0, to: n, by: width) {
            let columns = first..<min(first + width, n)
            subtractExplained(from: a, rows: columns, columns: columns, factor: a)
            for j in columns {
                let row = a.values.base + j * a.stride
                for i in first..<j {
                    let other = a.values.base + i * a.stride
                    row[i] = other[i] == 0 ? 0 : (row[i] - dot(row, other, first..<i)) / other[i]
                }
                let pivot = row[j] - dot(row, row, first..<j)
                row[j] = pivot > least ? pivot.squareRoot() : 0
            }
            let inverse = inverseOfDiagonal(a, columns)
            workers.performRanges(of: n - columns.upperBound, step: 64) { range in
                let rows = range.lowerBound + columns.upperBound..<range.upperBound + columns.upperBound
                solve(a, rows: rows, columns: columns, factor: a, inverse: inverse)
            }
        }
    }

    /// Replaces each row z of `target`, `[m, n]`, by L⁻¹·z with the factor L, `[n, n]`.
    static func forwardSubstitute(_ target: DesignMatrix, factor: DesignMatrix, workers: Workers) {
        let blocks = stride(from: 0, to: factor.rows, by: width).map { $0..<min($0 + width, factor.rows) }
        let inverses = workers.map(blocks.count) { [inverseOfDiagonal(factor, blocks[$0])] }
        workers.performRanges(of: target.rows, step: 64) { rows in
            for (columns, inverse) in zip(blocks, inverses) {
                guard let inverse = inverse.first else { return }
                solve(target, rows: rows, columns: columns, factor: factor, inverse: inverse)
            }
        }
    }

    /// Replaces `vector`, `[n]`, by L⁻¹·vector, in double precision.
    static func forwardSubstitute(_ vector: inout [Double], factor: DesignMatrix) {
        for i in 0..<factor.rows {
            let row = factor.values.base + i * factor.stride
            var rest = vector[i]
            for k in 0..<i { rest -= vector[k] * Double(row[k]) }
            vector[i] = row[i] == 0 ? 0 : rest / Double(row[i])
        }
    }

    /// Replaces `vector`, `[n]`, by L⁻ᵀ·vector, in double precision because small pivots magnify rounding
    /// errors.
    static func backSubstitute(_ vector: inout [Double], factor: DesignMatrix) {
        for i in stride(from: factor.rows - 1, through: 0, by: -1) {
            let row = factor.values.base + i * factor.stride
            vector[i] = row[i] == 0 ? 0 : vector[i] / Double(row[i])
            for k in 0..<i { vector[k] -= vector[i] * Double(row[k]) }
        }
    }

    /// Solves one block of columns of the rows, whose earlier columns are done.
    private static func solve(
        _ target: DesignMatrix, rows: Range<Int>, columns: Range<Int>, factor: DesignMatrix,
        inverse: DesignMatrix
    ) {
        subtractExplained(from: target, rows: rows, columns: columns, factor: factor)
        let count = padded(rows.count, to: 4), block = FloatBuffer(width * count)
        let parts = RowPointers(
            (0..<count).map { target.pointers.base[rows.lowerBound + $0] + columns.lowerBound })
        dotProducts(
            rows: parts.base, rowCount: count, columns: inverse.pointers.base, columnCount: columns.count,
            length: padded(columns.count, to: 4), into: block.base, stride: count)
        for i in 0..<rows.count {
            let row = target.values.base + (rows.lowerBound + i) * target.stride + columns.lowerBound
            for j in 0..<columns.count { row[j] = block.base[j * count + i] }
        }
    }

    /// Returns the inverse of a block on the factor's diagonal, `[columns, columns]`, computed in double precision; rows
    /// and columns of zero pivots are zero.
    private static func inverseOfDiagonal(_ factor: DesignMatrix, _ columns: Range<Int>) -> DesignMatrix {
        let count = columns.count, result = DesignMatrix(rows: count, columns: count)
        var inverse = [Double](repeating: 0, count: width * width)
        inverse.withUnsafeMutableBufferPointer { inverse in
            for j in 0..<count {
                let row = factor.values.base + (columns.lowerBound + j) * factor.stride + columns.lowerBound
                guard row[j] != 0 else { continue }
                let pivot = Double(row[j]), out = inverse.baseAddress! + j * width
                for i in 0..<j {
                    let other = inverse.baseAddress! + i * width, coefficient = Double(row[i]) / pivot
                    for k in 0...i { out[k] -= coefficient * other[k] }
                }
                out[j] = 1 / pivot
                for k in 0...j { result.values.base[j * result.stride + k] = Float(out[k]) }
            }
        }
        return result
    }

    /// Computes target[i][j] −= Σₖ target[i][k] · factor[j][k] over the columns k before the block.
    private static func subtractExplained(
        from target: DesignMatrix, rows: Range<Int>, columns: Range<Int>, factor: DesignMatrix
    ) {
        let first = columns.lowerBound
        guard first > 0 else { return }
        let count = padded(rows.count, to: 4), block = FloatBuffer(width * count)
        dotProducts(
            rows: target.pointers.base + rows.lowerBound, rowCount: count,
            columns: factor.pointers.base + first, columnCount: columns.count, length: first,
            into: block.base, stride: count)
        for i in rows {
            let out = target.values.base + i * target.stride
            // In a factor only the lower triangle is updated.
            for j in first..<(target === factor ? min(columns.upperBound, i + 1) : columns.upperBound) {
                out[j] -= block.base[(j - first) * count + i - rows.lowerBound]
            }
        }
    }

    private static func dot(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ range: Range<Int>)
        -> Float
    {
        var sums = SIMD4<Float>(), k = range.lowerBound
        while k + 4 <= range.upperBound {
            sums += SIMD4(at: a + k) * SIMD4(at: b + k)
            k &+= 4
        }
        var sum = sums.sum()
        while k < range.upperBound {
            sum += a[k] * b[k]
            k &+= 1
        }
        return sum
    }
}
