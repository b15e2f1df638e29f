/// Bottleneck vectors as rows of a dense, row-major float32 matrix, `[rows, columns]`.
package struct FeatureMatrix: Sendable {
    package let columns: Int
    package private(set) var values: [Float]
    package var rows: Int { columns == 0 ? 0 : values.count / columns }

    package init(columns: Int, reservingRows rows: Int = 0) {
        precondition(columns > 0, "a feature matrix needs columns")
        self.columns = columns
        values = []
        values.reserveCapacity(rows * columns)
    }

    /// - Precondition: `values.count` is a multiple of `columns`.
    package init(columns: Int, values: [Float]) {
        precondition(columns > 0 && values.count % columns == 0, "a feature matrix has whole rows")
        (self.columns, self.values) = (columns, values)
    }

    /// Creates a matrix of zeros.
    package init(columns: Int, zeroRows rows: Int) {
        self.init(columns: columns, values: [Float](repeating: 0, count: rows * columns))
    }

    /// Replaces a row.
    ///
    /// - Precondition: `row.count == columns`.
    package mutating func replace(row index: Int, with row: [Float]) {
        precondition(row.count == columns, "a row has as many numbers as the matrix has columns")
        values.withUnsafeMutableBufferPointer { values in
            for k in 0..<columns { values[index * columns + k] = row[k] }
        }
    }

    /// Removes all rows except those with the given ascending indices, in place.
    package mutating func keep(_ kept: [Int]) {
        guard kept.count < rows else { return }
        for (index, row) in kept.enumerated() where row > index {
            for k in 0..<columns { values[index * columns + k] = values[row * columns + k] }
        }
        values.removeLast((rows - kept.count) * columns)
    }

    /// Copies some columns of another matrix.
    package init(_ whole: FeatureMatrix, columns: Range<Int>) {
        self.init(columns: columns.count, reservingRows: whole.rows)
        for row in 0..<whole.rows {
            let start = row * whole.columns
            values += whole.values[start + columns.lowerBound..<start + columns.upperBound]
        }
    }

    /// Appends a row of `columns` numbers from a buffer, such as the mapped cache.
    package mutating func append(row: UnsafeBufferPointer<Float>) {
        precondition(row.count == columns, "a row has as many numbers as the matrix has columns")
        values.append(contentsOf: row)
    }
    package mutating func append(row: [Float]) { row.withUnsafeBufferPointer { append(row: $0) } }

    package subscript(row: Int) -> ArraySlice<Float> { values[row * columns..<(row + 1) * columns] }
}
