/// A softmax layer, the result of training and the input of the output graph.
package struct TrainedLayer: Sendable, Equatable {
    /// The weights, `[features, classes]`, row-major, as in TensorFlow's `MatMul(x, W)`.
    package var weights: [Float]
    /// The biases, `[classes]`.
    package var biases: [Float]

    package var classes: Int { biases.count }
    package var features: Int { weights.count / max(biases.count, 1) }

    /// - Precondition: `weights.count` is a multiple of `biases.count`, which is not 0.
    package init(weights: [Float], biases: [Float]) {
        precondition(!biases.isEmpty && weights.count % biases.count == 0, "weights are [features, classes]")
        (self.weights, self.biases) = (weights, biases)
    }

    /// Returns the layer whose logits are this one's divided by `temperature`.
    package func cooled(to temperature: Float) -> TrainedLayer {
        TrainedLayer(weights: weights.map { $0 / temperature }, biases: biases.map { $0 / temperature })
    }

    /// Returns x·W + b for one row, `[features]`.
    package func logits(_ row: some Collection<Float>) -> [Float] {
        precondition(row.count == features, "a row has as many numbers as the layer has features")
        var result = biases
        weights.withUnsafeBufferPointer { weights in
            var w = 0
            for x in row {
                for c in result.indices { result[c] += x * weights[w + c] }
                w += result.count
            }
        }
        return result
    }

    /// Returns the softmax of the logits of one row.
    package func probabilities(_ row: some Collection<Float>) -> [Float] { softmax(logits(row)) }

    /// Returns the logits of the given rows, or of all, `[rows, classes]`, row-major.
    package func logits(_ matrix: FeatureMatrix, rows: [Int]? = nil, workers: Workers = .serial) -> [Float] {
        precondition(matrix.columns == features, "the matrix has as many columns as the layer has features")
        let rows = rows ?? Array(0..<matrix.rows)
        let result = FloatBuffer(rows.count * classes)
        workers.performRanges(of: rows.count, step: 64) { range in
            for i in range {
                let logits = self.logits(matrix[rows[i]])
                (result.base + i * classes).update(from: logits, count: classes)
            }
        }
        return result.array
    }
}

/// Returns eᶻ / Σ eᶻ, computed without overflow.
package func softmax(_ logits: [Float]) -> [Float] {
    guard let top = logits.max() else { return [] }
    let powers = logits.map { exponential(SIMD4(repeating: $0 - top))[0] }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
}
