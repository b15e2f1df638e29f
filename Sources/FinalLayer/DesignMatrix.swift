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
}
