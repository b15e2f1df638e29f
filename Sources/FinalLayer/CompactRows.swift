/// Rows of bfloat16 numbers, `[rows, columns]`, for more rows than fit into memory in single precision.
///
/// The relative error of a number is at most 2⁻⁹. Conversions are shifts, so that reading costs little beside the
/// products that the rows enter.
package final class CompactRows: @unchecked Sendable {
    package let columns: Int
    /// The columns after padding with zeros to a multiple of 16.
    let stride: Int
    package private(set) var rows = 0
    private let capacity: Int
    private let values: UnsafeMutablePointer<UInt16>

    /// - Parameter capacity: The maximum number of rows, for which memory is reserved.
    package init(columns: Int, capacity: Int) {
        precondition(columns > 0 && capacity >= 0, "rows have columns")
        (self.columns, self.capacity) = (columns, capacity)
        stride = padded(columns, to: 16)
        values = .allocate(capacity: max(1, capacity * stride))
    }
    deinit { values.deallocate() }

    /// Appends the rows of a matrix with as many columns.
    ///
    /// - Precondition: There is room for them; no other thread uses the rows.
    func append(_ matrix: DesignMatrix) {
        precondition(
            matrix.columns == columns && rows + matrix.rows <= capacity, "there is room for the rows")
        for row in 0..<matrix.rows {
            let source = matrix.row(row), target = values + (rows + row) * stride
            for k in 0..<stride { target[k] = Self.rounded(source[k]) }
        }
        rows += matrix.rows
    }

    /// Appends the rows of a matrix with as many columns.
    package func append(_ matrix: FeatureMatrix) {
        append(DesignMatrix(matrix, rows: Array(0..<matrix.rows)))
    }

    /// Returns the bfloat16 number nearest to a finite value, ties to even.
    private static func rounded(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ ((bits >> 16) & 1)) >> 16)
    }

    /// Writes a row, `[stride]`.
    func write(row: Int, to target: UnsafeMutablePointer<Float>) {
        let source = values + row * stride
        for k in 0..<stride { target[k] = Float(bitPattern: UInt32(source[k]) << 16) }
    }

    /// Returns some rows in single precision.
    package func matrix(rows: some Collection<Int>) -> FeatureMatrix {
        var result = FeatureMatrix(columns: columns, reservingRows: rows.count)
        let scratch = FloatBuffer(stride)
        for row in rows {
            write(row: row, to: scratch.base)
            result.append(row: UnsafeBufferPointer(start: scratch.base, count: columns))
        }
        return result
    }

    /// Whether no number of a row is NaN or infinite.
    func isFinite(row: Int) -> Bool {
        let source = values + row * stride
        for k in 0..<stride where source[k] & 0x7F80 == 0x7F80 { return false }
        return true
    }
}
