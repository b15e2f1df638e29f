/// The rows that a solver works on, padded with zeros so that loops need no remainders: `[paddedRows,
/// stride]`.
final class DesignMatrix: @unchecked Sendable {
    let rows, columns: Int
    /// The padded dimensions, multiples of 16; at least one row at the end is zero.
    let paddedRows, stride: Int
    let values: FloatBuffer
    let pointers: RowPointers

    init(rows: Int, columns: Int) {
        (self.rows, self.columns) = (rows, columns)
        paddedRows = padded(rows + 1, to: 16)
        stride = padded(columns, to: 16)
        values = FloatBuffer(paddedRows * stride)
        pointers = RowPointers(
            (0..<paddedRows).map { [values, stride] in UnsafePointer(values.base + $0 * stride) })
    }

    /// Copies the given rows of `features`.
    convenience init(_ features: FeatureMatrix, rows: [Int]) {
        self.init(rows: rows.count, columns: features.columns)
        features.values.withUnsafeBufferPointer { source in
            for (i, row) in rows.enumerated() {
                (values.base + i * stride).update(from: source.baseAddress! + row * columns, count: columns)
            }
        }
    }

    func row(_ index: Int) -> UnsafePointer<Float> { pointers.base[index] }
    /// A row of zeros.
    var blankRow: UnsafePointer<Float> { pointers.base[paddedRows - 1] }

    /// Returns the inner products of all rows, X·Xᵀ, `[rows, rows]`.
    func products(workers: Workers) -> DesignMatrix {
        let result = DesignMatrix(rows: rows, columns: rows)
        workers.performRanges(of: rows, step: 64) { range in
            dotProducts(
                rows: self.pointers.base, rowCount: padded(self.rows, to: 4),
                columns: self.pointers.base + range.lowerBound, columnCount: range.count,
                length: self.stride, into: result.values.base + range.lowerBound * result.stride,
                stride: result.stride)
        }
        return result
    }

    /// Replaces the elements to the right of the diagonal by zeros.
    func clearAboveDiagonal() {
        for i in 0..<min(rows, columns) {
            (values.base + i * stride + i + 1).update(repeating: 0, count: stride - i - 1)
        }
    }
}
