/// A linear map of features to a few numbers, for more rows than fit into memory.
///
/// The solver needs only the rows' inner products (see `GramReduction`). The map keeps some directions of the span of a
/// sample of the training rows, standardized and with the groups' influences: those of the sample's discriminant
/// analysis, and those in which it varies most, a basis of the leading eigenvectors' space, found by subspace iteration.
/// With as many directions as samples, nothing is lost of rows in their span. A layer on the reduced numbers corresponds
/// to one on the original features.
///
/// - Source: Halko, Martinsson and Tropp, "Finding Structure with Randomness: Probabilistic Algorithms for Constructing
///   Approximate Matrix Decompositions", SIAM Review, 2011, algorithm 4.4.
package struct SpectralReduction: Sendable {
    /// The mean and scale of each feature over the training rows, in which the scale is 1 / deviation times the group's
    /// factor and influence.
    package let standardization: Standardization
    /// The projection of standardized rows, `[columns, features]`.
    private let projection: DesignMatrix

    private static let iterations = 4

    /// - Parameters:
    ///   - samples: Some of the training rows.
    ///   - labels: The class of each sample, from which the groups' influences are estimated.
    ///   - standardization: The standardization of all training rows.
    ///   - columns: The number of columns after the reduction, at most that of samples.
    ///   - seed: The seed of the first basis.
    package init(
        _ samples: FeatureMatrix, labels: [Int], classes: Int, groups: [FeatureGroup],
        _ standardization: Standardization, columns: Int, seed: UInt64, workers: Workers
    ) {
        let rows = Array(0..<samples.rows)
        var standardization = standardization
        if groups.count > 1 {
            let factors = GroupInfluence.factors(
                samples, labels: labels, classes: classes, rows: rows, groups: groups, standardization,
                workers: workers)
            standardization = standardization.scaled(by: factors, groups: groups)
        }
        self.standardization = standardization
        let gram = GramReduction(samples, rows: rows, standardization, workers: workers)
        let basis: DesignMatrix
        if columns >= samples.rows {
            basis = DesignMatrix(rows: samples.rows, columns: samples.rows)
            for row in 0..<samples.rows { basis.values.base[row * basis.stride + row] = 1 }
        } else {
            basis = Self.basis(
                gram.reduced, labels: labels, classes: classes, count: columns, seed: seed, workers: workers)
        }
        projection = DesignMatrix(rows: basis.rows, columns: samples.columns)
        gram.expand(basis.values.base, classes: basis.rows, into: projection.values, workers: workers)
    }

    /// Returns an orthonormal basis, `[count, columns]`, of the directions that distinguish the classes of the rows of a
    /// lower triangular matrix, and of about those in which the rows vary most.
    private static func basis(
        _ matrix: DesignMatrix, labels: [Int], classes: Int, count: Int, seed: UInt64, workers: Workers
    ) -> DesignMatrix {
        let basis = DesignMatrix(rows: count, columns: matrix.columns), stride = basis.stride
        let kept = discriminants(matrix, labels: labels, classes: classes, workers: workers)
        let first = kept == nil ? 0 : min(classes, count / 2)
        let leading = DesignMatrix(rows: count - first, columns: matrix.columns)
        var random = RandomSource(seed: seed)
        for row in 0..<leading.rows {
            for k in 0..<leading.columns { leading.values.base[row * stride + k] = random.truncatedNormal() }
        }
        let products = FloatBuffer(leading.rows * matrix.paddedRows)
        let directions = RowPointers((0..<leading.rows).map { leading.row($0) })
        for _ in 0..<iterations where !workers.isCancelled() {
            orthonormalize(leading, rounds: 1)
            matrix.multiply(directions, into: products.base, workers: workers)
            matrix.project(products.base, count: leading.rows, into: leading.values, workers: workers)
        }
        if let kept { basis.values.base.update(from: kept.base, count: first * stride) }
        (basis.values.base + first * stride).update(
            from: leading.values.base, count: leading.rows * stride)
        orthonormalize(basis, rounds: 2)
        return basis
    }

    /// Returns the directions of a discriminant analysis, `[classes, stride]`: the class means after whitening within
    /// classes, as directions for the rows before. Nil if no row varies within its class.
    private static func discriminants(
        _ matrix: DesignMatrix, labels: [Int], classes: Int, workers: Workers
    ) -> FloatBuffer? {
        guard
            let whitening = WithinClassWhitening(
                matrix, labels: labels, classes: classes,
                isHeldOut: [Bool](repeating: false, count: matrix.rows), isLowerTriangular: true,
                workers: workers)
        else { return nil }
        let result = FloatBuffer(classes * matrix.stride), whitened = whitening.whitened
        var counts = [Float](repeating: 0, count: classes)
        for label in labels { counts[label] += 1 }
        for (row, label) in labels.enumerated() {
            addScaled(
                1 / counts[label], whitened.row(row), to: result.base + label * matrix.stride, matrix.stride)
        }
        whitening.foldBack(result.base, classes: classes)
        return result
    }

    /// Replaces rows by orthonormal ones that span the same space (Gram and Schmidt); a second round restores the digits
    /// that one loses.
    private static func orthonormalize(_ basis: DesignMatrix, rounds: Int) {
        for row in 0..<basis.rows {
            normalize(basis.values.base + row * basis.stride, basis.stride, least: 0)
        }
        for _ in 0..<rounds {
            for row in 0..<basis.rows {
                let values = basis.values.base + row * basis.stride
                for other in 0..<row {
                    addScaled(
                        Float(-dot(values, basis.row(other), basis.stride)), basis.row(other), to: values,
                        basis.stride)
                }
                normalize(values, basis.stride, least: 1e-6)
            }
        }
    }

    /// Scales a vector to length 1, or to 0 if its length is at most `least`.
    private static func normalize(_ vector: UnsafeMutablePointer<Float>, _ count: Int, least: Double) {
        let length = dot(vector, vector, count).squareRoot(), scale = length > least ? Float(1 / length) : 0
        for k in 0..<count { vector[k] *= scale }
    }

    /// The number of columns after the reduction.
    package var columns: Int { projection.rows }

    /// Appends the reduced rows of a block, `[rows, features]`, to `result`.
    package func reduce(_ block: FeatureMatrix, into result: CompactRows, workers: Workers) {
        let rows = standardization.design(block, rows: Array(0..<block.rows), workers: workers)
        let reduced = DesignMatrix(rows: block.rows, columns: columns)
        workers.performRanges(of: block.rows, step: 32) { [projection] range in
            dotProducts(
                rows: projection.pointers.base, rowCount: padded(projection.rows, to: 4),
                columns: rows.pointers.base + range.lowerBound, columnCount: range.count,
                length: rows.stride, into: reduced.values.base + range.lowerBound * reduced.stride,
                stride: reduced.stride)
        }
        result.append(reduced)
    }

    /// Returns the layer on the original features that gives the same logits as one on the reduced columns.
    package func expand(_ layer: TrainedLayer) -> TrainedLayer {
        let classes = layer.classes, biases = FloatBuffer(classes)
        let coefficients = FloatBuffer(classes * projection.paddedRows)
        for c in 0..<classes {
            for k in 0..<columns {
                coefficients.base[c * projection.paddedRows + k] = layer.weights[k * classes + c]
            }
            biases.base[c] = layer.biases[c]
        }
        let weights = FloatBuffer(classes * projection.stride)
        projection.project(coefficients.base, count: classes, into: weights, workers: .serial)
        return standardization.layer(
            weights: weights.base, stride: projection.stride, biases: biases.base, classes: classes)
    }
}
