/// The rows a solver works on, padded with zeros so that its loops have no tails: `[paddedRows, stride]`.
final class DesignMatrix: @unchecked Sendable {
    let rows, columns: Int
    /// Multiples of 16; there is at least one blank row at the end.
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

    /// The given rows of `features` as they are.
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
}
