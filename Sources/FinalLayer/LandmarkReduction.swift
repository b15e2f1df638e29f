/// A reduction of any number of rows to a few features, for data that do not fit into memory.
///
/// The solver needs only the rows' inner products (see `GramReduction`). Those with some of the training rows, the
/// landmarks, stand for the others: with K = X·Xᵀ = L·Lᵀ of the S landmarks, a row x becomes L⁻¹·X·x, whose inner
/// products are those of the rows' projections on the landmarks' span. If all rows are landmarks, nothing is lost.
/// A layer on the S features corresponds to one on the original features.
///
/// - Source: Williams and Seeger, "Using the Nyström Method to Speed Up Kernel Machines", 2000.
package struct LandmarkReduction: Sendable {
    /// The mean and scale of each original feature over the training rows, in which the scale is 1 / deviation times
    /// the group's factor.
    package let standardization: Standardization
    private let gram: GramReduction
    private let landmarks: DesignMatrix

    /// - Parameters:
    ///   - landmarks: Some of the training rows; their number is a multiple of 4.
    ///   - standardization: The standardization of all training rows.
    package init(_ landmarks: FeatureMatrix, _ standardization: Standardization, workers: Workers) {
        precondition(landmarks.rows % 4 == 0, "the matrix product takes rows by fours")
        self.standardization = standardization
        let rows = Array(0..<landmarks.rows)
        gram = GramReduction(landmarks, rows: rows, standardization, workers: workers)
        self.landmarks = standardization.design(landmarks, rows: rows, workers: workers)
    }

    /// The number of features after the reduction.
    package var columns: Int { landmarks.rows }

    /// Returns the reduced rows, `[rows, columns]`.
    package func reduce(_ block: FeatureMatrix, workers: Workers) -> FeatureMatrix {
        let rows = standardization.design(block, rows: Array(0..<block.rows), workers: workers)
        let result = DesignMatrix(rows: block.rows, columns: columns)
        workers.performRanges(of: block.rows, step: 32) { [landmarks] range in
            dotProducts(
                rows: landmarks.pointers.base, rowCount: landmarks.rows,
                columns: rows.pointers.base + range.lowerBound, columnCount: range.count,
                length: rows.stride, into: result.values.base + range.lowerBound * result.stride,
                stride: result.stride)
        }
        Cholesky.forwardSubstitute(result, factor: gram.reduced, workers: workers)
        var reduced = FeatureMatrix(columns: columns, reservingRows: block.rows)
        for row in 0..<block.rows {
            reduced.append(row: UnsafeBufferPointer(start: result.row(row), count: columns))
        }
        return reduced
    }

    /// Returns the layer on the original features that gives the same logits as one on the reduced features.
    package func expand(_ layer: TrainedLayer, workers: Workers) -> TrainedLayer {
        let classes = layer.classes, stride = gram.reduced.stride
        let weights = FloatBuffer(classes * stride), biases = FloatBuffer(classes)
        for c in 0..<classes {
            for k in 0..<columns { weights.base[c * stride + k] = layer.weights[k * classes + c] }
            biases.base[c] = layer.biases[c]
        }
        let expanded = gram.expand(weights.base, classes: classes, workers: workers)
        return standardization.layer(
            weights: expanded.base, stride: padded(standardization.means.count, to: 16),
            biases: biases.base, classes: classes)
    }
}

/// Sums of features and of their squares over rows that are seen one at a time.
package struct FeatureMoments: Sendable {
    private var count = 0.0
    /// The first row, from which differences are summed, so that large means cost no digits.
    private var origin: [Float] = []
    private var sums: [Double] = [], squares: [Double] = []

    package init() {}

    package mutating func add(_ row: [Float]) {
        if origin.isEmpty {
            origin = row
            (sums, squares) = (row.map { _ in 0 }, row.map { _ in 0 })
        }
        count += 1
        origin.withUnsafeBufferPointer { origin in
            sums.withUnsafeMutableBufferPointer { sums in
                squares.withUnsafeMutableBufferPointer { squares in
                    for k in row.indices {
                        let difference = Double(row[k] - origin[k])
                        sums[k] += difference
                        squares[k] += difference * difference
                    }
                }
            }
        }
    }

    /// The standardization of these rows.
    package func standardization(groups: [FeatureGroup]) -> Standardization {
        var means: [Float] = [], deviations: [Float] = []
        for k in origin.indices {
            let shift = sums[k] / count, mean = Double(origin[k]) + shift
            let spread = max(0, squares[k] / count - shift * shift).squareRoot()
            means.append(Float(mean))
            deviations.append(Standardization.deviation(spread, mean: mean))
        }
        return Standardization(means: means, deviations: deviations, groups: groups)
    }
}
