/// The whitening within classes (see `WithinClassWhitening`) of compact rows, as a map that is applied to weights and
/// gradients rather than to the rows.
final class CompactWhitening: @unchecked Sendable {
    private let columns: Int
    /// (scale · L⁻¹)ᵀ for the Cholesky factor L of the covariance within classes, `[columns, columns]`.
    private let transposed: DesignMatrix
    /// L, L·Lᵀ of which the lower triangle is kept, and the scale.
    private let factor, covariance: DesignMatrix
    private let scale: Float
    /// The rows' mean squared length, before and after the whitening.
    let energy: Double

    /// - Parameters:
    ///   - rows: The indices of the rows in `source`.
    ///   - labels: The class of each of them.
    ///   - isHeldOut: Whether each of them is excluded from the covariance.
    /// - Returns: The map, or nil if no row varies within its class.
    init?(
        _ source: CompactRows, rows: [Int], labels: [Int], classes: Int, isHeldOut: [Bool], workers: Workers
    ) {
        let kept = rows.indices.filter { !isHeldOut[$0] }
        let (rows, labels) = (kept.map { rows[$0] }, kept.map { labels[$0] })
        let stride = source.stride, columns = source.columns
        self.columns = columns
        guard !rows.isEmpty else { return nil }
        let means = Self.classMeans(source, rows: rows, labels: labels, classes: classes, workers: workers)
        factor = DesignMatrix(rows: columns, columns: columns)
        Self.addProducts(
            source, rows: rows, into: factor, share: 1 / Float(rows.count), workers: workers
        ) { position, row in
            addScaled(-1, means.base + labels[position] * stride, to: row, stride)
        }
        factor.clearAboveDiagonal()
        let total = Self.total(factor, means: means, labels: labels, classes: classes)
        var (trace, energy) = (0.0, 0.0)
        for k in 0..<columns {
            energy += Double(total.values.base[k * stride + k])
            trace += Double(factor.values.base[k * stride + k])
        }
        self.energy = energy
        guard energy > 0, energy.isFinite, trace > 1e-6 * energy else { return nil }
        for k in 0..<columns {
            factor.values.base[k * stride + k] += Float(WithinClassWhitening.ridge * energy)
        }
        covariance = DesignMatrix(rows: columns, columns: columns)
        covariance.values.copy(from: factor.values)
        Cholesky.factorize(factor, workers: workers)
        transposed = DesignMatrix(rows: columns, columns: columns)
        for k in 0..<columns { transposed.values.base[k * stride + k] = 1 }
        Cholesky.forwardSubstitute(transposed, factor: factor, workers: workers)
        // The rows' mean squared length after whitening is the trace of L⁻¹·T·L⁻ᵀ with their second moments T.
        let product = DesignMatrix(rows: columns, columns: columns)
        let out = RowPointers((0..<columns).map { UnsafePointer(product.values.base + $0 * stride) })
        let transposed = transposed
        workers.performRanges(of: stride, step: 64) { range in
            accumulateWeightedRows(
                rows: transposed.pointers.base, rowCount: columns, coefficients: total.values.base,
                stride: stride, columnCount: columns, range: range, into: out.base)
        }
        let mapped = dot(product.values.base, transposed.values.base, columns * stride)
        guard mapped > 0, mapped.isFinite else { return nil }
        scale = Float((energy / mapped).squareRoot())
        for k in 0..<columns * stride { transposed.values.base[k] *= scale }
    }

    /// Returns the second moments of the rows, `[columns, columns]`, given the lower triangle of those within
    /// classes.
    private static func total(
        _ within: DesignMatrix, means: FloatBuffer, labels: [Int], classes: Int
    ) -> DesignMatrix {
        let result = DesignMatrix(rows: within.rows, columns: within.columns), stride = within.stride
        result.values.copy(from: within.values)
        for k in 0..<within.rows {
            for j in 0..<k { result.values.base[j * stride + k] = result.values.base[k * stride + j] }
        }
        var counts = [Float](repeating: 0, count: classes)
        for label in labels { counts[label] += 1 }
        for c in 0..<classes {
            let mean = means.base + c * stride, share = counts[c] / Float(labels.count)
            for k in 0..<within.rows {
                addScaled(share * mean[k], mean, to: result.values.base + k * stride, stride)
            }
        }
        return result
    }

    /// Adds the lower triangle of share · Σ row·rowᵀ to `sum`, `[columns, columns]`, after `change` of each row, given
    /// its position and values. Elements above the diagonal are arbitrary afterwards.
    static func addProducts(
        _ source: CompactRows, rows: [Int], into sum: DesignMatrix, share: Float, workers: Workers,
        _ change: @escaping @Sendable (Int, UnsafeMutablePointer<Float>) -> Void
    ) {
        let stride = source.stride, height = CompactProducts.block
        workers.performRanges(of: source.columns, step: 64) { tile in
            let out = RowPointers(tile.map { UnsafePointer(sum.values.base + $0 * stride) })
            let coefficients = FloatBuffer(tile.count * height)
            for start in Swift.stride(from: 0, to: rows.count, by: height) {
                let range = start..<min(rows.count, start + height), block = RowBlock(source, rows, range)
                for (i, position) in range.enumerated() {
                    let row = UnsafeMutablePointer(mutating: block.pointers.base[i])
                    change(position, row)
                    for k in tile { coefficients.base[(k - tile.lowerBound) * height + i] = row[k] * share }
                }
                let end = min(stride, padded(tile.upperBound, to: 64))
                for first in Swift.stride(from: 0, to: end, by: 64) {
                    accumulateWeightedRows(
                        rows: block.pointers.base, rowCount: range.count, coefficients: coefficients.base,
                        stride: height, columnCount: tile.count, range: first..<min(first + 64, end),
                        into: out.base)
                }
            }
        }
    }

    /// Returns the mean of each class, `[classes, stride]`.
    private static func classMeans(
        _ source: CompactRows, rows: [Int], labels: [Int], classes: Int, workers: Workers
    ) -> FloatBuffer {
        let stride = source.stride
        var counts = [Float](repeating: 0, count: classes)
        for label in labels { counts[label] += 1 }
        let means = CompactProducts.partialSums(rows.count, size: classes * stride, workers: workers) {
            range, target in
            let row = FloatBuffer(stride)
            for position in range {
                source.write(row: rows[position], to: row.base)
                addScaled(1, row.base, to: target + labels[position] * stride, stride)
            }
        }
        for c in 0..<classes where counts[c] > 0 {
            for k in 0..<stride { means.base[c * stride + k] /= counts[c] }
        }
        return means
    }

    /// Returns the directions for the original rows, `[directions, stride]`, that correspond to those for whitened rows.
    func foldedBack(_ directions: RowPointers) -> FloatBuffer {
        let stride = transposed.stride, result = FloatBuffer(directions.count * stride)
        dotProducts(
            rows: transposed.pointers.base, rowCount: padded(columns, to: 4), columns: directions.base,
            columnCount: directions.count, length: stride, into: result.base, stride: stride)
        return result
    }

    /// Writes the directions, `[count, stride]`, for whitened rows that correspond to those for the original rows.
    func fold(_ directions: UnsafePointer<Float>, count: Int, into result: UnsafeMutablePointer<Float>) {
        let stride = factor.stride
        let coefficients = FloatBuffer(count * stride)
        for k in 0..<count * stride { coefficients.base[k] = directions[k] / scale }
        let out = RowPointers((0..<count).map { UnsafePointer(result + $0 * stride) })
        result.update(repeating: 0, count: count * stride)
        accumulateWeightedRows(
            rows: factor.pointers.base, rowCount: columns, coefficients: coefficients.base, stride: stride,
            columnCount: count, range: 0..<stride, into: out.base)
    }

    /// Adds amount · B⁻¹·B⁻ᵀ, which is amount · I for whitened vectors, to the lower triangle of `sum`, `[columns,
    /// columns]`.
    func addIdentity(_ amount: Float, to sum: DesignMatrix) {
        addScaled(
            amount / (scale * scale), covariance.values.base, to: sum.values.base, columns * factor.stride)
    }

    /// Returns the vectors, `[count, stride]`, whose whitened vectors are given.
    func unwhitened(_ vectors: UnsafePointer<Float>, count: Int) -> FloatBuffer {
        let stride = factor.stride, result = FloatBuffer(count * stride)
        let columns = RowPointers((0..<count).map { vectors + $0 * stride })
        dotProducts(
            rows: factor.pointers.base, rowCount: padded(self.columns, to: 4), columns: columns.base,
            columnCount: count, length: stride, into: result.base, stride: stride)
        for k in 0..<count * stride { result.base[k] /= scale }
        return result
    }

    /// Writes the whitened vectors, `[count, stride]`, of some.
    func whiten(_ vectors: FloatBuffer, count: Int, into result: FloatBuffer) {
        let stride = transposed.stride
        result.base.update(repeating: 0, count: count * stride)
        let out = RowPointers((0..<count).map { UnsafePointer(result.base + $0 * stride) })
        accumulateWeightedRows(
            rows: transposed.pointers.base, rowCount: columns, coefficients: vectors.base, stride: stride,
            columnCount: count, range: 0..<stride, into: out.base)
    }
}
