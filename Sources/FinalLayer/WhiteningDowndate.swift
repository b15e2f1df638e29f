/// The map that turns rows whitened by the covariance of all rows into rows whitened without some of them.
///
/// The scatter within classes of all rows is that of the others plus Σ δ·δᵀ over few vectors δ: the deviation of each
/// held-out row from the mean of those of its class, and for each class the difference between that mean and the
/// others'. In whitened space the covariance of the others is therefore I − U·Uᵀ with these vectors, scaled, as the
/// columns of U, `[columns, vectors]`. The map x ↦ (I + U·B·Uᵀ)ᵀ·x whitens it, where (I + U·B·Uᵀ)·(I + U·B·Uᵀ)ᵀ is the
/// inverse of I − U·Uᵀ. A regression with an L2 penalty is the same after any such map, because they differ by a
/// rotation.
///
/// With Uᵀ·U = R·Rᵀ and I − Rᵀ·R = T·Tᵀ, both Cholesky factorizations, B = R⁻ᵀ·(T⁻ᵀ − I)·R⁻¹.
///
/// - Source: Ambikasaran, O'Neil and Singh, "Fast symmetric factorization of hierarchical matrices", 2014, §3.1 (the
///   symmetric factorization of a low-rank update).
struct WhiteningDowndate: Sendable {
    /// Uᵀ and B·Uᵀ, `[vectors, columns]`.
    private let vectors, products: DesignMatrix
    /// √(others / rows), because a covariance is a mean over the rows.
    private let share: Float

    /// - Parameters:
    ///   - whitened: All rows, whitened by the covariance of all rows and scaled.
    ///   - scale: The factor by which they were scaled after whitening.
    ///   - labels: The class of each row.
    ///   - isHeldOut: Whether each row is excluded from the covariance.
    init(
        _ whitened: DesignMatrix, scale: Float, labels: [Int], classes: Int, isHeldOut: [Bool],
        workers: Workers
    ) {
        let others = isHeldOut.count { !$0 }
        share = (Float(others) / Float(max(isHeldOut.count, 1))).squareRoot()
        vectors = Self.differences(
            whitened, scale: scale, labels: labels, classes: classes, isHeldOut: isHeldOut)
        let count = vectors.rows
        let r = vectors.products(workers: workers)
        r.clearAboveDiagonal()
        Cholesky.factorize(r, workers: workers)
        // I − Rᵀ·R, whose factor is T.
        let t = r.transposed.products(workers: workers)
        for i in 0..<count {
            for k in 0...i {
                t.values.base[i * t.stride + k] = (i == k ? 1 : 0) - t.values.base[i * t.stride + k]
            }
        }
        t.clearAboveDiagonal()
        Cholesky.factorize(t, workers: workers)
        // The rows of an identity become the columns of an inverse: T⁻ᵀ − I and R⁻ᵀ.
        let difference = DesignMatrix(identity: count)
        let inverse = DesignMatrix(identity: count)
        Cholesky.forwardSubstitute(difference, factor: t, workers: workers)
        Cholesky.forwardSubstitute(inverse, factor: r, workers: workers)
        for i in 0..<count { difference.values.base[i * difference.stride + i] -= 1 }
        let b = inverse.times(difference, workers: workers).times(inverse.transposed, workers: workers)
        products = b.times(vectors, workers: workers)
    }

    /// Returns Uᵀ, `[vectors, columns]`.
    private static func differences(
        _ whitened: DesignMatrix, scale: Float, labels: [Int], classes: Int, isHeldOut: [Bool]
    ) -> DesignMatrix {
        let stride = whitened.stride
        let held = labels.indices.filter { isHeldOut[$0] }
        var counts = [[Int]](repeating: [0, 0], count: classes)
        for row in labels.indices { counts[labels[row]][isHeldOut[row] ? 1 : 0] += 1 }
        // The means of the other rows and of the held-out ones.
        let means = FloatBuffer(classes * 2 * stride)
        for row in labels.indices {
            let part = isHeldOut[row] ? 1 : 0
            let count = counts[labels[row]][part]
            addScaled(
                1 / Float(count), whitened.row(row), to: means.base + (labels[row] * 2 + part) * stride,
                stride)
        }
        let result = DesignMatrix(rows: held.count + classes, columns: whitened.columns)
        let unit = 1 / (scale * Float(labels.count).squareRoot())
        for (i, row) in held.enumerated() {
            let out = result.values.base + i * stride
            addScaled(unit, whitened.row(row), to: out, stride)
            addScaled(-unit, means.base + (labels[row] * 2 + 1) * stride, to: out, stride)
        }
        for c in 0..<classes where counts[c][0] > 0 && counts[c][1] > 0 {
            let (others, own) = (Float(counts[c][0]), Float(counts[c][1]))
            let share = unit * (others * own / (others + own)).squareRoot()
            let out = result.values.base + (held.count + c) * stride
            addScaled(share, means.base + c * 2 * stride, to: out, stride)
            addScaled(-share, means.base + (c * 2 + 1) * stride, to: out, stride)
        }
        return result
    }

    /// Returns the mapped vectors, `[vectors, stride]`, of some for rows before.
    func map(_ rows: RowPointers) -> FloatBuffer { applied(to: rows, through: vectors, products) }

    /// Returns the weights for the rows before, `[weights, stride]`, that correspond to weights for mapped rows.
    func foldBack(_ weights: RowPointers) -> FloatBuffer {
        applied(to: weights, through: products, vectors)
    }

    /// Returns share · (x + Bᵀ·A·x) for matrices A and B of few rows.
    private func applied(to x: RowPointers, through a: DesignMatrix, _ b: DesignMatrix) -> FloatBuffer {
        let stride = a.stride
        let result = FloatBuffer(x.count * stride)
        let width = padded(a.rows, to: 4)
        let coefficients = FloatBuffer(x.count * width)
        dotProducts(
            rows: a.pointers.base, rowCount: width, columns: x.base, columnCount: x.count, length: stride,
            into: coefficients.base, stride: width)
        for row in 0..<x.count { (result.base + row * stride).update(from: x.base[row], count: stride) }
        let out = RowPointers((0..<x.count).map { UnsafePointer(result.base + $0 * stride) })
        accumulateWeightedRows(
            rows: b.pointers.base, rowCount: a.rows, coefficients: coefficients.base, stride: width,
            columnCount: x.count, range: 0..<stride, into: out.base)
        withExtendedLifetime(out) {}
        for k in 0..<result.count { result.base[k] *= share }
        return result
    }
}

/// The products with whitened rows after the map of a downdate, which is applied to directions and sums in place of the
/// rows.
struct DowndatedRows: RegressionProducts {
    let whitened: DesignMatrix
    let downdate: WhiteningDowndate

    var paddedRows: Int { whitened.paddedRows }
    var pieces: Int { whitened.pieces }
    var stride: Int { whitened.stride }

    func multiply(
        _ directions: RowPointers, into result: UnsafeMutablePointer<Float>, workers: Workers
    ) {
        let folded = downdate.foldBack(directions)
        whitened.multiply(
            RowPointers((0..<directions.count).map { UnsafePointer(folded.base + $0 * stride) }),
            into: result, workers: workers)
        withExtendedLifetime(folded) {}
    }

    func project(
        _ coefficients: UnsafePointer<Float>, count: Int, into sums: FloatBuffer, workers: Workers
    ) {
        whitened.project(coefficients, count: count, into: sums, workers: workers)
        let mapped = downdate.map(
            RowPointers((0..<count).map { UnsafePointer(sums.base + $0 * stride) }))
        sums.base.update(from: mapped.base, count: mapped.count)
    }
}

extension DesignMatrix {
    /// Creates the identity, `[count, count]`.
    fileprivate convenience init(identity count: Int) {
        self.init(rows: count, columns: count)
        for i in 0..<count { values.base[i * stride + i] = 1 }
    }

    fileprivate var transposed: DesignMatrix {
        let result = DesignMatrix(rows: columns, columns: rows)
        for i in 0..<rows {
            for k in 0..<columns {
                result.values.base[k * result.stride + i] = values.base[i * stride + k]
            }
        }
        return result
    }

    /// Returns the product with another matrix.
    fileprivate func times(_ other: DesignMatrix, workers: Workers) -> DesignMatrix {
        let result = DesignMatrix(rows: rows, columns: other.columns)
        workers.performRanges(of: other.stride, step: 64) { range in
            accumulateWeightedRows(
                rows: other.pointers.base, rowCount: other.rows, coefficients: self.values.base,
                stride: self.stride, columnCount: self.rows, range: range, into: result.pointers.base)
        }
        return result
    }
}
