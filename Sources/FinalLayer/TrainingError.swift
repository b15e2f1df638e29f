/// The errors of training a layer on the given rows.
package enum TrainingError: Error, Sendable, Equatable {
    /// There are fewer than two classes.
    case tooFewClasses(Int)
    /// The numbers of rows and labels differ.
    case labelCount(labels: Int, rows: Int)
    /// A label is outside `0..<classes`.
    case labelOutOfRange(row: Int, label: Int, classes: Int)
    /// A class has no training row.
    case emptyClass(Int)
    /// A feature is NaN or infinite.
    case notFinite(row: Int, column: Int)
    /// The workers were told to stop.
    case cancelled
}

/// Rows and labels, validated once for every solver.
struct TrainingData {
    let features: FeatureMatrix
    /// The rows if they are compact; `features` has none then.
    let compact: CompactRows?
    let labels: [Int]
    let classes: Int
    /// The indices of the training and validation rows.
    let training, validation: [Int]

    init(_ features: FeatureMatrix, labels: [Int], classes: Int, training: [Int], validation: [Int])
        throws(TrainingError)
    {
        guard classes >= 2 else { throw .tooFewClasses(classes) }
        guard labels.count == features.rows else {
            throw .labelCount(labels: labels.count, rows: features.rows)
        }
        try Self.check(labels, classes: classes, training: training, validation: validation)
        let bad = features.values.withUnsafeBufferPointer { values in
            for row in training + validation {
                // 0 times a number is 0 unless it is NaN or infinite.
                let first = values.baseAddress! + row * features.columns
                var sums = SIMD4<Float>(), k = 0
                while k + 4 <= features.columns {
                    sums += SIMD4(at: first + k) * 0
                    k &+= 4
                }
                while k < features.columns {
                    sums[0] += first[k] * 0
                    k &+= 1
                }
                if sums.sum() != 0 {
                    return values[row * features.columns..<(row + 1) * features.columns].firstIndex {
                        !$0.isFinite
                    }
                }
            }
            return nil
        }
        if let bad { throw .notFinite(row: bad / features.columns, column: bad % features.columns) }
        (self.features, self.labels, self.classes, self.training, self.validation) = (
            features, labels, classes, training, validation
        )
        compact = nil
    }

    init(_ rows: CompactRows, labels: [Int], classes: Int, training: [Int], validation: [Int])
        throws(TrainingError)
    {
        guard classes >= 2 else { throw .tooFewClasses(classes) }
        guard labels.count == rows.rows else { throw .labelCount(labels: labels.count, rows: rows.rows) }
        try Self.check(labels, classes: classes, training: training, validation: validation)
        for row in training + validation where !rows.isFinite(row: row) {
            throw .notFinite(row: row, column: 0)
        }
        (features, compact) = (FeatureMatrix(columns: rows.columns), rows)
        (self.labels, self.classes, self.training, self.validation) = (labels, classes, training, validation)
    }

    /// Checks the labels of training and validation rows.
    private static func check(_ labels: [Int], classes: Int, training: [Int], validation: [Int])
        throws(TrainingError)
    {
        var counts = [Int](repeating: 0, count: classes)
        for row in training + validation {
            guard labels[row] >= 0, labels[row] < classes else {
                throw .labelOutOfRange(row: row, label: labels[row], classes: classes)
            }
        }
        for row in training { counts[labels[row]] += 1 }
        if let empty = counts.firstIndex(of: 0) { throw .emptyClass(empty) }
    }
}
