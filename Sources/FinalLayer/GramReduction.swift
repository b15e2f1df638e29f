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
///
/// The standardized rows X are never stored as a whole: 512 of their columns are computed at a time, in the
/// initializer and in `expand`.
struct GramReduction {
    private let features: FeatureMatrix
    private let rows: [Int]
    private let standardization: Standardization
    /// L, a lower triangular matrix, `[rows, rows]`.
    let reduced: DesignMatrix

    /// The number of columns of X that are computed at a time, so that the pieces of two tiles fit in the L2
    /// cache.
    private static let stretch = 512

    init(_ features: FeatureMatrix, rows: [Int], _ standardization: Standardization, workers: Workers) {
        (self.features, self.rows, self.standardization) = (features, rows, standardization)
        let n = rows.count, factor = DesignMatrix(rows: n, columns: n)
        let tile = 64, tiles = (n + tile - 1) / tile
        let piece = DesignMatrix(rows: n, columns: Self.stretch)
        for start in stride(from: 0, to: features.columns, by: Self.stretch) {
            let columns = start..<min(start + Self.stretch, features.columns)
            standardization.write(features, rows: rows, columns: columns, into: piece, workers: workers)
            // The lower triangle of K is computed in tiles.
            workers.perform(tiles * (tiles + 1) / 2) { index in
                let (I, J) = Self.triangle(index)
                dotProducts(
                    rows: piece.pointers.base + J * tile, rowCount: min(tile, factor.stride - J * tile),
                    columns: piece.pointers.base + I * tile, columnCount: min(tile, n - I * tile),
                    length: padded(columns.count, to: 16), accumulates: true,
                    into: factor.values.base + I * tile * factor.stride + J * tile, stride: factor.stride)
            }
        }
        // Tiles on the diagonal are square.
        factor.clearAboveDiagonal()
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

    /// Converts weights for L, `[classes, reduced.stride]`, to weights for X, `[classes, padded columns]`.
    func expand(_ weights: UnsafePointer<Float>, classes: Int, workers: Workers) -> FloatBuffer {
        let result = FloatBuffer(classes * padded(features.columns, to: 16))
        expand(weights, classes: classes, into: result, workers: workers)
        return result
    }

    /// Writes the weights that the other method returns to `result`, whose elements are 0.
    func expand(
        _ weights: UnsafePointer<Float>, classes: Int, into result: FloatBuffer, workers: Workers
    ) {
        let n = reduced.rows, padding = reduced.paddedRows, width = padded(features.columns, to: 16)
        let coefficients = FloatBuffer(classes * padding)
        for c in 0..<classes {
            var v = (0..<n).map { Double(weights[c * reduced.stride + $0]) }
            Cholesky.backSubstitute(&v, factor: reduced)
            for i in 0..<n { coefficients.base[c * padding + i] = Float(v[i]) }
        }
        let piece = DesignMatrix(rows: n, columns: Self.stretch)
        for start in stride(from: 0, to: features.columns, by: Self.stretch) {
            let columns = start..<min(start + Self.stretch, features.columns)
            standardization.write(features, rows: rows, columns: columns, into: piece, workers: workers)
            let sums = RowPointers((0..<classes).map { UnsafePointer(result.base + $0 * width + start) })
            workers.performRanges(of: padded(columns.count, to: 16), step: 128) { range in
                accumulateWeightedRows(
                    rows: piece.pointers.base, rowCount: n, coefficients: coefficients.base, stride: padding,
                    columnCount: classes, range: range, into: sums.base)
            }
        }
    }
}
