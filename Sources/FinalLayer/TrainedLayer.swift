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
        guard !row.isEmpty else { return biases }
        return [Float](unsafeUninitializedCapacity: classes) { result, count in
            count = classes
            let isDone: Void? = row.withContiguousStorageIfAvailable {
                write(logitsOf: $0.baseAddress!, to: result.baseAddress!)
            }
            if isDone == nil {
                Array(row).withUnsafeBufferPointer {
                    write(logitsOf: $0.baseAddress!, to: result.baseAddress!)
                }
            }
        }
    }

    /// Writes the logits, `[classes]`, of one row, `[features]`.
    private func write(logitsOf row: UnsafePointer<Float>, to result: UnsafeMutablePointer<Float>) {
        let classes = classes
        for c in 0..<classes { result[c] = biases[c] }
        weights.withUnsafeBufferPointer { weights in
            // Four classes at a time have their sums in registers.
            for first in stride(from: 0, to: classes, by: 4) {
                let count = min(4, classes - first), last = count - 1
                let (b, c, d) = (min(1, last), min(2, last), min(3, last))
                var sums = SIMD4(
                    result[first], result[first + b], result[first + c], result[first + d])
                var w = weights.baseAddress! + first
                for k in 0..<features {
                    sums += SIMD4(w[0], w[b], w[c], w[d]) * row[k]
                    w += classes
                }
                for k in 0..<count { result[first + k] = sums[k] }
            }
        }
    }

    /// Returns the softmax of the logits of one row.
    package func probabilities(_ row: some Collection<Float>) -> [Float] { softmax(logits(row)) }

    /// Returns the logits of the given rows, or of all, `[rows, classes]`, row-major.
    package func logits(_ matrix: FeatureMatrix, rows: [Int]? = nil, workers: Workers = .serial) -> [Float] {
        precondition(matrix.columns == features, "the matrix has as many columns as the layer has features")
        let rows = rows ?? Array(0..<matrix.rows)
        let result = FloatBuffer(rows.count * classes)
        workers.performRanges(of: rows.count, step: 64) { range in
            matrix.values.withUnsafeBufferPointer { values in
                for i in range {
                    write(
                        logitsOf: values.baseAddress! + rows[i] * features, to: result.base + i * classes)
                }
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
