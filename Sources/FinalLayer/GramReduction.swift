/// Rewrites n rows of d > n features as n rows of n: the same inner products, so the same regression at a fraction of the work.
///
/// An L2-regularized layer's weights are combinations of the rows (the representer theorem), so only K = X·Xᵀ matters. With
/// K = L·Lᵀ (Cholesky) the rows of L take the place of those of X, for all folds and strengths alike; weights V found
/// there are W = Xᵀ·A with Lᵀ·A = V.
///
/// Rows may depend on each other: pictures that are equal, or more of them than there are features that vary. So that no pivot is
/// rounding alone, each row is given a feature of its own, a hundredth of its length, on which no other row looks.
struct GramReduction {
    private let original: DesignMatrix
    /// L, lower triangular: `[rows, rows]`.
    let reduced: DesignMatrix

    init(_ design: DesignMatrix, workers: Workers) {
        original = design
        let n = design.rows, factor = DesignMatrix(rows: n, columns: n)
        let tile = 64, tiles = (n + tile - 1) / tile
        // The lower triangle of K, tile by tile; long rows are cut so that two tiles' pieces stay in the second-level cache.
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

    /// The tile of a lower triangle that comes `index`-th, row by row.
    private static func triangle(_ index: Int) -> (Int, Int) {
        var row = 0, first = 0
        while first + row + 1 <= index {
            first += row + 1
            row += 1
        }
        return (row, index - first)
    }

    /// 10⁻⁴ of the rows' mean square length on the diagonal: well above what rounding leaves there, well below what any penalty worth
    /// choosing does to directions so weak.
    private static func addPrivateFeatures(to a: DesignMatrix) {
        let diagonal = (0..<a.rows).map { a.values.base + $0 * a.stride + $0 }
        let amount = diagonal.reduce(0.0) { $0 + Double($1.pointee) } / Double(max(a.rows, 1)) * 1e-4
        for element in diagonal { element.pointee += Float(amount) }
    }

    /// Weights `[classes, reduced.stride]` on L, turned into weights `[classes, original.stride]` on X.
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
