/// The rows that a layer is trained on and applied to: whole, or reduced and compact.
package enum FeatureRows: Sendable {
    case whole(FeatureMatrix)
    case compact(CompactRows)

    package var count: Int {
        switch self {
        case .whole(let matrix): matrix.rows
        case .compact(let rows): rows.rows
        }
    }

    package var columns: Int {
        switch self {
        case .whole(let matrix): matrix.columns
        case .compact(let rows): rows.columns
        }
    }
}

extension SoftmaxRegression {
    /// Trains on rows of either kind; the parameters are those of the other methods.
    package func train(
        _ rows: FeatureRows, labels: [Int], classes: Int, training: [Int], validation: [Int] = [],
        progress: ((Progress) -> Void)? = nil
    ) throws(TrainingError) -> Result {
        switch rows {
        case .whole(let matrix):
            try train(
                matrix, labels: labels, classes: classes, training: training, validation: validation,
                progress: progress)
        case .compact(let rows):
            try train(
                rows, labels: labels, classes: classes, training: training, validation: validation,
                progress: progress)
        }
    }
}

extension TrainedLayer {
    /// Passes the logits, `[classes]`, of the given rows to `body` in order, computed for some rows at a time.
    package func forEachLogits(
        _ source: FeatureRows, rows: [Int], workers: Workers, _ body: (Int, ArraySlice<Float>) -> Void
    ) {
        let size = 4096
        for start in stride(from: 0, to: rows.count, by: size) {
            let block = Array(rows[start..<min(start + size, rows.count)])
            let logits =
                switch source {
                case .whole(let matrix): self.logits(matrix, rows: block, workers: workers)
                case .compact(let rows): self.logits(rows.matrix(rows: block), workers: workers)
                }
            for (index, row) in block.enumerated() {
                body(row, logits[index * classes..<(index + 1) * classes])
            }
        }
    }
}
