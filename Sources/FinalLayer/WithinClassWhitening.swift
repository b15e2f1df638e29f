/// Whitens features by their covariance within classes, so that the L2 penalty is measured in units of that
/// variation.
///
/// The variation among images of one class (brightness, pose, detail) does not distinguish classes, yet an L2
/// penalty favours directions of large variance. Rows z become L⁻¹·z, where L·Lᵀ is the within-class
/// covariance plus a ridge of 3·10⁻⁴ of the rows' mean squared length; then they are scaled to vary as much
/// as before.
///
/// The map depends on labels, so it must be computed anew for each set of held-out rows; otherwise the choice
/// of the strength would be biased. The map is linear, so weights v found after it correspond to weights
/// L⁻ᵀ·v before it.
///
/// - Source: the whitening of linear discriminant analysis; Hastie, Tibshirani and Friedman, "The Elements of
///   Statistical Learning", §4.3.3, with the ridge of §4.3.1.
struct WithinClassWhitening {
    /// All rows after whitening, including the held-out ones, but before the map of `downdate`.
    let whitened: DesignMatrix
    /// L, a lower triangular matrix, `[columns, columns]`.
    private let factor: DesignMatrix
    private let scale: Float
    /// What differs from the map of all rows; nil for that of all rows and for one that was computed by itself.
    let downdate: WhiteningDowndate?

    /// The ridge as a share of the rows' mean squared length.
    static let ridge = 3e-4

    /// - Parameters:
    ///   - labels: The class of each row of `design`.
    ///   - isHeldOut: Whether each row is excluded from the covariance.
    ///   - isLowerTriangular: Whether row i of `design` is zero beyond column i, which saves two thirds of
    ///     the covariance's work.
    ///   - ridge: The ridge as a share of the rows' mean squared length.
    /// - Returns: The transformation, or nil if no row varies within its class.
    init?(
        _ design: DesignMatrix, labels: [Int], classes: Int, isHeldOut: [Bool],
        isLowerTriangular: Bool = false, ridge: Double = WithinClassWhitening.ridge, workers: Workers
    ) {
        let rows = (0..<design.rows).filter { !isHeldOut[$0] }
        let energy = design.energy(of: rows, workers: workers)
        guard energy > 0, energy.isFinite else { return nil }
        let length = energy / Double(rows.count)
        factor = Self.covariance(
            design, labels: labels, classes: classes, rows: rows, isLowerTriangular: isLowerTriangular,
            workers: workers)
        var trace = 0.0
        for k in 0..<factor.rows {
            let element = factor.values.base + k * factor.stride + k
            trace += Double(element.pointee)
            element.pointee += Float(ridge * length)
        }
        guard trace > 1e-6 * length else { return nil }
        Cholesky.factorize(factor, workers: workers)
        whitened = DesignMatrix(rows: design.rows, columns: design.columns)
        whitened.values.copy(from: design.values)
        Cholesky.forwardSubstitute(whitened, factor: factor, workers: workers)
        scale = whitened.scale(toEnergy: energy, of: rows, workers: workers)
        downdate = nil
    }

    /// Computes the whitening without the rows that are held out from that of all rows, at less work if they are few.
    ///
    /// The ridge and the scale stay those of all rows.
    ///
    /// - Parameters:
    ///   - labels: The class of each row.
    ///   - isHeldOut: Whether each row is excluded from the covariance.
    init(
        _ whole: WithinClassWhitening, labels: [Int], classes: Int, isHeldOut: [Bool], workers: Workers
    ) {
        (whitened, factor, scale) = (whole.whitened, whole.factor, whole.scale)
        downdate = WhiteningDowndate(
            whitened, scale: scale, labels: labels, classes: classes, isHeldOut: isHeldOut, workers: workers)
    }

    /// The products with the rows after whitening.
    var products: any RegressionProducts {
        downdate.map { DowndatedRows(whitened: whitened, downdate: $0) } ?? whitened
    }

    /// Returns the lower triangle of the within-class covariance, Σ (z − class mean)(z − class mean)ᵀ / n,
    /// `[columns, columns]`.
    private static func covariance(
        _ design: DesignMatrix, labels: [Int], classes: Int, rows: [Int], isLowerTriangular: Bool,
        workers: Workers
    ) -> DesignMatrix {
        let columns = design.columns, result = DesignMatrix(rows: columns, columns: columns)
        var counts = [Int](repeating: 0, count: classes)
        for row in rows { counts[labels[row]] += 1 }
        let means = FloatBuffer(classes * design.stride)
        for row in rows {
            addScaled(
                1 / Float(counts[labels[row]]), design.row(row),
                to: means.base + labels[row] * design.stride, design.stride)
        }
        let classCounts = counts
        let tile = 64, share = 1 / Float(rows.count), stride = design.stride
        workers.performRanges(of: columns, step: tile) { range in
            // In a triangular matrix, these columns are zero before the row of the same number.
            let first = isLowerTriangular ? range.lowerBound : 0, count = design.rows - first
            let coefficients = FloatBuffer(range.count * count)
            for row in rows where row >= first {
                for j in range {
                    coefficients.base[(j - range.lowerBound) * count + row - first] =
                        design.values.base[row * stride + j] * share
                }
            }
            let out = RowPointers(range.map { UnsafePointer(result.values.base + $0 * result.stride) })
            let end = padded(range.upperBound, to: 16)
            // The stretch is narrow enough that the parts of 32 rows and the sums stay in the L1 cache.
            for start in Swift.stride(from: 0, to: end, by: 64) {
                accumulateWeightedRows(
                    rows: design.pointers.base + first, rowCount: count, coefficients: coefficients.base,
                    stride: count, columnCount: range.count, range: start..<min(start + 64, end),
                    into: out.base)
            }
            for j in range {
                let row = result.values.base + j * result.stride
                for c in 0..<classes where classCounts[c] > 0 {
                    let mean = means.base + c * stride
                    addScaled(-Float(classCounts[c]) * share * mean[j], mean, to: row, end)
                }
            }
        }
        return result
    }

    /// Converts weights for whitened rows, `[classes, stride]`, to weights for the original rows, in place.
    func foldBack(_ weights: UnsafeMutablePointer<Float>, classes: Int) {
        if let downdate {
            let rows = RowPointers((0..<classes).map { UnsafePointer(weights + $0 * whitened.stride) })
            let folded = downdate.foldBack(rows)
            weights.update(from: folded.base, count: folded.count)
        }
        for c in 0..<classes {
            let row = weights + c * whitened.stride
            var vector = (0..<whitened.columns).map { Double(row[$0]) }
            Cholesky.backSubstitute(&vector, factor: factor)
            for k in vector.indices { row[k] = Float(vector[k]) * scale }
        }
    }
}

extension DesignMatrix {
    /// Returns the sum of the rows' squared lengths.
    fileprivate func energy(of rows: [Int], workers: Workers) -> Double {
        let step = 64
        let lengths = workers.map((rows.count + step - 1) / step) { piece in
            rows[piece * step..<min(rows.count, (piece + 1) * step)].map { row in
                dot(self.row(row), self.row(row), self.stride)
            }
        }
        return lengths.joined().reduce(0, +)
    }

    /// Multiplies all rows by a number that gives some of them this energy, and returns it.
    fileprivate func scale(toEnergy energy: Double, of some: [Int], workers: Workers) -> Float {
        let scale = Float((energy / self.energy(of: some, workers: workers)).squareRoot())
        workers.performRanges(of: rows, step: 64) { rows in
            for k in rows.lowerBound * self.stride..<rows.upperBound * self.stride {
                self.values.base[k] *= scale
            }
        }
        return scale
    }
}
