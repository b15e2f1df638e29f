/// Evens out the directions in which features vary most, so that the L2 penalty does not favour them.
///
/// What most pictures differ in (brightness, how busy they are) is seldom what tells classes apart, yet the penalty charges least for
/// it. Along each of the strongest principal directions the rows are scaled by √(s_last / s), half of what whitening would do; the
/// rest stays as it is, for the noise lies there. A linear map, so that weights found behind it fold back into weights before it.
///
/// Directions come from subspace iteration (Halko, Martinsson and Tropp 2011) and a Rayleigh–Ritz step.
struct SpectralFlattening {
    /// Rows to train on: mapped, and scaled to vary as much as before.
    let flattened: DesignMatrix
    /// Orthonormal directions `[count, stride]`, and what is added to a row along each, as a share of its part there.
    private let directions: FloatBuffer
    private let changes: [Float]
    private let scale: Float
    private let stride: Int

    /// - Parameter count: how many directions are evened out, at most a quarter of the rows.
    init?(_ design: DesignMatrix, count: Int = 128, workers: Workers) {
        let count = min(count, design.rows / 4, design.columns / 4)
        guard count >= 4 else { return nil }
        let n = design.paddedRows, stride = design.stride
        let basis = FloatBuffer(count * stride), parts = FloatBuffer(count * n)
        var random = RandomSource(seed: 1)
        for j in 0..<count {
            for k in 0..<design.columns { basis.base[j * stride + k] = random.unit() - 0.5 }
        }
        let rows = RowPointers((0..<count).map { UnsafePointer(basis.base + $0 * stride) })
        /// parts = basis · designᵀ, `[count, n]`.
        func project() {
            workers.performRanges(of: n, step: 64) { range in
                dotProducts(
                    rows: design.pointers.base + range.lowerBound, rowCount: range.count, columns: rows.base,
                    columnCount: count,
                    length: stride, into: parts.base + range.lowerBound, stride: n)
            }
        }
        for _ in 0..<4 {
            project()
            basis.base.update(repeating: 0, count: basis.count)
            workers.performRanges(of: stride, step: 64) { range in
                accumulateWeightedRows(
                    rows: design.pointers.base, rowCount: design.rows, coefficients: parts.base, stride: n,
                    columnCount: count, range: range,
                    into: rows.base)
            }
            Self.orthonormalize(basis, count: count, stride: stride)
        }
        project()
        var products = [Double](repeating: 0, count: count * count)
        for i in 0..<count {
            for j in 0...i { products[i * count + j] = dot(parts.base + i * n, parts.base + j * n, n) }
        }
        for i in 0..<count { for j in 0..<i { products[j * count + i] = products[i * count + j] } }
        let (values, vectors) = symmetricEigenvalues(products, size: count)
        let least = values.min()!.squareRoot()
        guard least > 0, least.isFinite else { return nil }
        // Rotated onto the directions proper.
        directions = FloatBuffer(count * stride)
        for j in 0..<count {
            for i in 0..<count {
                addScaled(
                    Float(vectors[i * count + j]), basis.base + i * stride, to: directions.base + j * stride,
                    stride)
            }
        }
        changes = values.map { Float((least / $0.squareRoot()).squareRoot()) - 1 }
        self.stride = stride

        let copy = DesignMatrix(rows: design.rows, columns: design.columns)
        copy.values.copy(from: design.values)
        let before = Self.energy(copy)
        Self.map(copy.values.base, rows: copy.rows, stride: stride, directions, changes, workers)
        scale = Float((before / Self.energy(copy)).squareRoot())
        for k in 0..<copy.values.count { copy.values.base[k] *= scale }
        flattened = copy
    }

    /// Turns weights `[classes, stride]` on mapped rows into weights on the rows as they were, in place.
    func foldBack(_ weights: UnsafeMutablePointer<Float>, classes: Int) {
        Self.map(weights, rows: classes, stride: stride, directions, changes, .serial)
        for k in 0..<classes * stride { weights[k] *= scale }
    }

    /// row += Σ change · (row · direction) · direction. The map is symmetric, so that it folds back the way it came.
    private static func map(
        _ rows: UnsafeMutablePointer<Float>, rows count: Int, stride: Int, _ directions: FloatBuffer,
        _ changes: [Float], _ workers: Workers
    ) {
        let buffer = UnsafeSendable(rows)
        workers.performRanges(of: count, step: 16) { range in
            var parts = [Float](repeating: 0, count: changes.count)
            for i in range {
                let row = buffer.pointer + i * stride
                for j in parts.indices {
                    parts[j] = changes[j] * Float(dot(row, directions.base + j * stride, stride))
                }
                for j in parts.indices { addScaled(parts[j], directions.base + j * stride, to: row, stride) }
            }
        }
    }

    private static func energy(_ design: DesignMatrix) -> Double {
        (0..<design.rows).reduce(0) { $0 + dot(design.row($1), design.row($1), design.stride) }
    }

    /// Gram and Schmidt, twice over each row, in double sums.
    private static func orthonormalize(_ rows: FloatBuffer, count: Int, stride: Int) {
        for i in 0..<count {
            let row = rows.base + i * stride
            for _ in 0..<2 {
                for j in 0..<i {
                    addScaled(
                        -Float(dot(row, rows.base + j * stride, stride)), rows.base + j * stride, to: row,
                        stride)
                }
            }
            let norm = dot(row, row, stride).squareRoot()
            let scale = norm > 1e-20 ? Float(1 / norm) : 0
            for k in 0..<stride { row[k] *= scale }
        }
    }

    /// A pointer whose users write to parts that do not overlap.
    private struct UnsafeSendable: @unchecked Sendable {
        let pointer: UnsafeMutablePointer<Float>
        init(_ pointer: UnsafeMutablePointer<Float>) { self.pointer = pointer }
    }
}

/// Eigenvalues and eigenvectors of a symmetric matrix `[size, size]` by Jacobi's rotations; vectors are the columns.
func symmetricEigenvalues(_ matrix: [Double], size n: Int) -> (values: [Double], vectors: [Double]) {
    var a = matrix, v = [Double](repeating: 0, count: n * n)
    for i in 0..<n { v[i * n + i] = 1 }
    for _ in 0..<30 {
        var off = 0.0, diagonal = 0.0
        for i in 0..<n {
            diagonal += a[i * n + i] * a[i * n + i]
            for j in 0..<i { off += a[i * n + j] * a[i * n + j] }
        }
        if off <= 1e-20 * diagonal { break }
        for p in 0..<n {
            for q in p + 1..<max(n, p + 1) where a[p * n + q] != 0 {
                let theta = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q])
                let t = (theta < 0 ? -1 : 1) / (theta.magnitude + (theta * theta + 1).squareRoot())
                let c = 1 / (t * t + 1).squareRoot(), s = t * c
                for k in 0..<n {
                    let (x, y) = (a[k * n + p], a[k * n + q])
                    (a[k * n + p], a[k * n + q]) = (c * x - s * y, s * x + c * y)
                }
                for k in 0..<n {
                    let (x, y) = (a[p * n + k], a[q * n + k])
                    (a[p * n + k], a[q * n + k]) = (c * x - s * y, s * x + c * y)
                    let (f, g) = (v[k * n + p], v[k * n + q])
                    (v[k * n + p], v[k * n + q]) = (c * f - s * g, s * f + c * g)
                }
            }
        }
    }
    return ((0..<n).map { a[$0 * n + $0] }, v)
}
