/// Rewrites n rows of d > n features as n rows of n features with the same inner products, so that the
/// regression is the same at a fraction of the work.
///
/// The weights of an L2-regularized layer are combinations of the rows (representer theorem), so that only K
/// = X·Xᵀ matters. With the Cholesky factorization K = L·Lᵀ, the rows of L replace those of X for all folds
/// and penalties. Weights V found for L correspond to W = Xᵀ·A with Lᵀ·A = V.
///
/// Rows may be linearly dependent, because images are equal or there are more images than varying features.
/// So that no pivot consists of rounding errors, each row gets a private feature of a hundredth of its
/// length.
struct GramReduction {
    private let original: DesignMatrix
    /// L, a lower triangular matrix, `[rows, rows]`.
    let reduced: DesignMatrix

    init(_ design: DesignMatrix, workers: Workers) {
        original = design
        let n = design.rows, factor = DesignMatrix(rows: n, columns: n)
        let tile = 64, tiles = (n + tile - 1) / tile
        // The lower triangle of K is computed in tiles; long rows are divided so that the parts of two tiles
        // fit the L2 cache.
        workers.perform(tiles * (tiles + 1) / 2) { index in
            let (I, J) = Self.triangle(index)
            let rows = min(tile, factor.paddedRows - I * tile), columns = min(tile, n - J * tile)
            let block = FloatBuffer(tile * tile)
            for start in stride(from: 0, to: design.stride, by: 512) {
                dotProducts(
                    rows: design.pointers.base + I * tile, rowCount: rows,
                    columns: design.pointers.base + J * tile,
                    columnCount: columns, from: start, length: min(512, design.stride - start),
                    accumulates: true,
                    into: block.base, stride: tile)
            }
            for i in 0..<min(rows, n - I * tile) {
                let out = factor.values.base + (I * tile + i) * factor.stride + J * tile
                for j in 0..<columns where J * tile + j <= I * tile + i { out[j] = block.base[j * tile + i] }
            }
        }
        Self.addPrivateFeatures(to: factor)
        Cholesky.factorize(factor, workers: workers)
        reduced = factor
    }

    /// Returns the row and column of the tile with a given index in the lower triangle, in row-major order.
    private static func triangle(_ index: Int) -> (Int, Int) {
        var row = 0, first = 0
        while first + row + 1 <= index {
            first += row + 1
            row += 1
        }
        return (row, index - first)
    }

    /// Adds 10⁻⁴ of the rows' mean squared length to the diagonal, well above rounding errors and well below
    /// the effect of any useful penalty on such weak directions.
    private static func addPrivateFeatures(to a: DesignMatrix) {
        let diagonal = (0..<a.rows).map { a.values.base + $0 * a.stride + $0 }
        let amount = diagonal.reduce(0.0) { $0 + Double($1.pointee) } / Double(max(a.rows, 1)) * 1e-4
        for element in diagonal { element.pointee += Float(amount) }
    }

    /// Converts weights for L, `[classes, reduced.stride]`, to weights for X, `[classes, original.stride]`.
    func expand(_ weights: UnsafePointer<Float>, classes: Int, workers: Workers) -> FloatBuffer {
        let n = reduced.rows, padding = original.paddedRows
        let coefficients = FloatBuffer(classes * padding), result = FloatBuffer(classes * original.stride)
        for c in 0..<classes {
            var v = (0..<n).map { Double(weights[c * reduced.stride + $0]) }
            Cholesky.backSubstitute(&v, factor: reduced)
            for i in 0..<n { coefficients.base[c * padding + i] = Float(v[i]) }
        }
        let rows = RowPointers((0..<classes).map { UnsafePointer(result.base + $0 * original.stride) })
        workers.performRanges(of: original.stride, step: 128) { [original] range in
            accumulateWeightedRows(
                rows: original.pointers.base, rowCount: n, coefficients: coefficients.base, stride: padding,
                columnCount: classes, range: range, into: rows.base)
        }
        return result
    }
}
