/// Shifts and scales features to mean 0 and variance 1 over the training rows, and takes both back out of a trained layer.
struct Standardization: Sendable {
    /// `[features]`; a scale is 1 / standard deviation (times the group's factor), or 0 for a feature that does not vary.
    var means, scales: [Float]

    /// Population variance over `rows`, as scikit-learn's `StandardScaler`; two passes in double precision.
    init(_ features: FeatureMatrix, rows: [Int], groups: [FeatureGroup], workers: Workers) {
        let d = features.columns, n = Double(max(rows.count, 1))
        let mean = FloatBuffer(d), scale = FloatBuffer(d)
        workers.performRanges(of: d, step: 256) { range in
            features.values.withUnsafeBufferPointer { x in
                var sums = [Double](repeating: 0, count: range.count), squares = sums
                for row in rows { for k in range { sums[k - range.lowerBound] += Double(x[row * d + k]) } }
                for k in sums.indices { sums[k] /= n }
                for row in rows {
                    for k in range {
                        let difference = Double(x[row * d + k]) - sums[k - range.lowerBound]
                        squares[k - range.lowerBound] += difference * difference
                    }
                }
                for k in range {
                    let m = sums[k - range.lowerBound], deviation = (squares[k - range.lowerBound] / n).squareRoot()
                    mean.base[k] = Float(m)
                    // Rounding alone makes a constant feature vary by about one part in 10^7; that is not information.
                    scale.base[k] = deviation > 1e-6 * m.magnitude && deviation > .leastNormalMagnitude ? Float(1 / deviation) : 0
                }
            }
        }
        (means, scales) = (mean.array, scale.array)
        for group in groups { for k in group.columns { scales[k] *= group.factor } }
    }

    /// The given rows, standardized.
    func design(_ features: FeatureMatrix, rows: [Int], workers: Workers) -> DesignMatrix {
        let design = DesignMatrix(rows: rows.count, columns: features.columns), d = features.columns
        workers.performRanges(of: rows.count, step: 64) { range in
            features.values.withUnsafeBufferPointer { x in
                for i in range {
                    let out = design.values.base + i * design.stride
                    for k in 0..<d { out[k] = (x[rows[i] * d + k] - means[k]) * scales[k] }
                }
            }
        }
        return design
    }

    /// The layer that gives on raw features what `weights` `[classes, stride]` and `biases` give on standardized ones.
    func layer(weights: UnsafePointer<Float>, stride: Int, biases: UnsafePointer<Float>, classes: Int) -> TrainedLayer {
        let d = means.count
        var result = TrainedLayer(weights: [Float](repeating: 0, count: d * classes), biases: [Float](repeating: 0, count: classes))
        for c in 0..<classes {
            var bias = Double(biases[c])
            for k in 0..<d {
                let w = weights[c * stride + k] * scales[k]
                result.weights[k * classes + c] = w
                bias -= Double(w) * Double(means[k])
            }
            result.biases[c] = Float(bias)
        }
        return result
    }
}

/// Columns that belong together, one tap's for example, and how freely the solver may use them.
package struct FeatureGroup: Sendable, Equatable {
    package var columns: Range<Int>
    /// Multiplies the standardized features: a factor f weakens the L2 penalty on the group's weights by f².
    package var factor: Float

    package init(_ columns: Range<Int>, factor: Float = 1) { (self.columns, self.factor) = (columns, factor) }
}
