/// The products with a matrix of rows, `[rows, columns]`, that the solver of a regression needs.
protocol RegressionProducts: Sendable {
    /// The padded dimensions, multiples of 16.
    var paddedRows: Int { get }
    var stride: Int { get }
    /// The number of stretches of rows whose sums are computed each for itself and then added in order, by
    /// which many rows are divided among threads; sums depend on it in the last bit.
    var pieces: Int { get }
    /// The number of steps that a minimization remembers.
    var pairs: Int { get }

    /// Computes result[j][i] = row i · direction j.
    ///
    /// - Parameters:
    ///   - directions: The addresses of vectors, `[stride]`.
    ///   - result: The products, `[directions, paddedRows]`.
    func multiply(
        _ directions: RowPointers, into result: UnsafeMutablePointer<Float>, workers: Workers)

    /// Computes sums[j] = Σᵢ coefficients[j][i] · row i.
    ///
    /// - Parameters:
    ///   - coefficients: The coefficients, `[count, paddedRows]`, which are 0 for padding.
    ///   - count: The number of sums.
    ///   - sums: The sums, `[count, stride]`.
    func project(
        _ coefficients: UnsafePointer<Float>, count: Int, into sums: FloatBuffer, workers: Workers)
}

extension RegressionProducts {
    var pairs: Int { 10 }
}

extension DesignMatrix: RegressionProducts {
    var pieces: Int { 1 }

    func multiply(
        _ directions: RowPointers, into result: UnsafeMutablePointer<Float>, workers: Workers
    ) {
        let result = SharedFloats(base: result)
        workers.performRanges(of: paddedRows, step: 64) { rows in
            dotProducts(
                rows: self.pointers.base + rows.lowerBound, rowCount: rows.count, columns: directions.base,
                columnCount: directions.count, length: self.stride, into: result.base + rows.lowerBound,
                stride: self.paddedRows)
        }
    }

    func project(
        _ coefficients: UnsafePointer<Float>, count: Int, into sums: FloatBuffer, workers: Workers
    ) {
        let coefficients = SharedFloats(base: UnsafeMutablePointer(mutating: coefficients))
        let sumRows = RowPointers((0..<count).map { UnsafePointer(sums.base + $0 * stride) })
        workers.performRanges(of: stride, step: 64) { range in
            for j in 0..<count {
                (sums.base + j * self.stride + range.lowerBound).update(repeating: 0, count: range.count)
            }
            accumulateWeightedRows(
                rows: self.pointers.base, rowCount: self.rows, coefficients: coefficients.base,
                stride: self.paddedRows, columnCount: count, range: range, into: sumRows.base)
        }
    }
}

/// A pointer that the tasks of a loop share; they write to disjoint parts.
struct SharedFloats: @unchecked Sendable {
    let base: UnsafeMutablePointer<Float>
}

/// The products with some of the rows of `CompactRows`, whitened within classes if a whitening is given.
///
/// Rows are converted to single precision in blocks whenever they are used. They are never whitened themselves: with
/// whitened rows B·x, the product with a direction v is that of x with Bᵀ·v, and the sum of whitened rows is B times
/// the sum of the rows.
struct CompactProducts: RegressionProducts {
    let source: CompactRows
    /// The indices of the rows in `source`.
    let rows: [Int]
    let whitening: CompactWhitening?
    var stride: Int { source.stride }
    let paddedRows: Int

    /// The number of rows that are converted at a time, which fit in the L2 cache with 512 columns.
    static let block = 256
    /// The number of columns of which weighted rows are summed at a time, so that sums and rows stay in the L1
    /// cache.
    private static let stretch = 64
    static let pieces = 8
    var pieces: Int { Self.pieces }
    /// More than for few rows: an iteration costs much more than the pairs, and with them fewer are needed.
    var pairs: Int { 30 }

    init(_ source: CompactRows, rows: [Int], whitening: CompactWhitening?) {
        (self.source, self.rows, self.whitening) = (source, rows, whitening)
        paddedRows = padded(rows.count + 1, to: 16)
    }

    func multiply(
        _ directions: RowPointers, into result: UnsafeMutablePointer<Float>, workers: Workers
    ) {
        let unwhitened = whitening.map { $0.foldedBack(directions) }
        let result = SharedFloats(base: result)
        let columns = RowPointers(
            unwhitened.map { buffer in
                (0..<directions.count).map { UnsafePointer(buffer.base + $0 * stride) }
            } ?? Array(UnsafeBufferPointer(start: directions.base, count: directions.count)))
        workers.performRanges(of: paddedRows, step: Self.block) { range in
            let block = RowBlock(self.source, self.rows, range)
            dotProducts(
                rows: block.pointers.base, rowCount: range.count, columns: columns.base,
                columnCount: columns.count, length: self.stride, into: result.base + range.lowerBound,
                stride: self.paddedRows)
        }
        withExtendedLifetime(unwhitened) {}
    }

    func project(
        _ coefficients: UnsafePointer<Float>, count: Int, into sums: FloatBuffer, workers: Workers
    ) {
        let coefficients = SharedFloats(base: UnsafeMutablePointer(mutating: coefficients))
        let partial = Self.partialSums(rows.count, size: count * stride, workers: workers) { range, target in
            let block = RowBlock(self.source, self.rows, range)
            let out = RowPointers((0..<count).map { UnsafePointer(target + $0 * self.stride) })
            for start in Swift.stride(from: 0, to: self.stride, by: Self.stretch) {
                accumulateWeightedRows(
                    rows: block.pointers.base, rowCount: range.count,
                    coefficients: coefficients.base + range.lowerBound, stride: self.paddedRows,
                    columnCount: count, range: start..<min(start + Self.stretch, self.stride), into: out.base)
            }
        }
        guard let whitening else { return sums.base.update(from: partial.base, count: count * stride) }
        whitening.whiten(partial, count: count, into: sums)
    }

    /// Returns Σ body(range, sum) over blocks of the rows, each stretch with a sum of its own, so that the result does
    /// not depend on the number of threads.
    static func partialSums(
        _ rows: Int, size: Int, workers: Workers,
        _ body: @escaping @Sendable (Range<Int>, UnsafeMutablePointer<Float>) -> Void
    ) -> FloatBuffer {
        let stretch = padded((rows + pieces - 1) / pieces, to: block)
        let sums = FloatBuffer(pieces * size)
        workers.perform(pieces) { piece in
            let end = min(rows, (piece + 1) * stretch)
            for start in Swift.stride(from: piece * stretch, to: end, by: block) {
                body(start..<min(end, start + block), sums.base + piece * size)
            }
        }
        for piece in 1..<pieces {
            for k in 0..<size { sums.base[k] += sums.base[piece * size + k] }
        }
        return sums
    }
}

/// A block of compact rows in single precision; rows beyond the last are 0.
struct RowBlock {
    private let values: FloatBuffer
    let pointers: RowPointers

    init(_ source: CompactRows, _ rows: [Int], _ range: Range<Int>) {
        let stride = source.stride, values = FloatBuffer(range.count * stride)
        for (index, position) in range.enumerated() where position < rows.count {
            source.write(row: rows[position], to: values.base + index * stride)
        }
        pointers = RowPointers(
            range.indices.map { UnsafePointer(values.base + ($0 - range.lowerBound) * stride) })
        self.values = values
    }
}
