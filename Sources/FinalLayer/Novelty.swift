/// How unlike the training rows a row is: the mean square of its standardized features.
///
/// About 1 for rows such as those it was fitted on: a diagonal Mahalanobis distance; of pictures of other cartoons it tells
/// unknown from known better than energy, nearest neighbours and full covariances do, and needs two numbers a feature.
package struct Novelty: Sendable, Equatable {
    /// `[features]`: what is subtracted, and what multiplies the difference.
    package var means, scales: [Float]
    /// The novelty of the training rows, at 0, 1, … 100 percent of them.
    package var quantiles: [Float]

    package init(means: [Float], scales: [Float], quantiles: [Float]) {
        (self.means, self.scales, self.quantiles) = (means, scales, quantiles)
    }

    /// - Parameter rows: the training rows; not empty.
    package init(
        _ features: FeatureMatrix, rows: [Int], groups: [FeatureGroup] = [], workers: Workers = .serial
    ) {
        let standardization = Standardization(features, rows: rows, groups: groups, workers: workers)
        (means, scales, quantiles) = (standardization.means, standardization.scales, [])
        let scores = FloatBuffer(rows.count), fitted = self
        var factors = [Float](repeating: 1, count: features.columns)
        for group in groups { for k in group.columns { factors[k] = group.factor * group.factor } }
        workers.performRanges(of: rows.count, step: 64) { [factors] range in
            for i in range {
                scores.base[i] = fitted.scoreLeftOut(features[rows[i]], factors: factors, rows: rows.count)
            }
        }
        let sorted = scores.array.sorted()
        quantiles = (0...100).map { sorted[($0 * (sorted.count - 1) + 50) / 100] }
    }

    /// A feature that hardly varied among the training rows must not decide alone: ten standard deviations are as far as any counts.
    private static let largestSquare: Float = 100

    /// - Parameter row: `[features]`.
    package func score(_ row: UnsafeBufferPointer<Float>) -> Float {
        precondition(
            row.count == means.count && scales.count == means.count,
            "a row has as many numbers as there are features")
        var sum = SIMD4<Double>()
        means.withUnsafeBufferPointer { means in
            scales.withUnsafeBufferPointer { scales in
                var k = 0
                while k + 4 <= row.count {
                    let z =
                        (SIMD4(at: row.baseAddress! + k) - SIMD4(at: means.baseAddress! + k))
                        * SIMD4(at: scales.baseAddress! + k)
                    sum += SIMD4<Double>(pointwiseMin(z * z, SIMD4(repeating: Self.largestSquare)))
                    k += 4
                }
                while k < row.count {
                    let z = (row[k] - means[k]) * scales[k]
                    sum[0] += Double(min(z * z, Self.largestSquare))
                    k += 1
                }
            }
        }
        return Float(sum.sum() / Double(max(row.count, 1)))
    }

    /// What `score` would be of a training row had it not been among the rows: few rows lie close to a mean they made.
    ///
    /// Exact, but for features that hardly vary: without a row at z standard deviations, the mean moves away from it by z/(n-1), and the variance shrinks by
    /// n/(n-1) · (1 - z²/(n-1)).
    private func scoreLeftOut(_ row: ArraySlice<Float>, factors: [Float], rows n: Int) -> Float {
        guard n > 2 else { return 1 }
        let others = Float(n - 1)
        var sum = 0.0
        for (k, value) in row.enumerated() where scales[k] > 0 {
            let z = (value - means[k]) * scales[k], square = z * z / factors[k]
            let left = max(1 - square / others, .leastNormalMagnitude)
            sum += Double(min(z * z * Float(n) / others / left, Self.largestSquare))
        }
        return Float(sum / Double(max(row.count, 1)))
    }

    /// The share of training rows that are at least as novel: 1 for a most ordinary row.
    ///
    /// The last percent may be strays, so beyond it the share falls off with the eighth power of the novelty, whatever they are.
    package func familiarity(_ score: Float) -> Float {
        guard score <= quantiles[99], let place = quantiles.firstIndex(where: { $0 >= score }) else {
            let ratio = quantiles[99] / score, square = ratio * ratio
            return 0.01 * square * square * square * square
        }
        guard place > 0 else { return 1 }
        let low = quantiles[place - 1], high = quantiles[place]
        let part = high > low ? (score - low) / (high - low) : 0
        return 1 - (Float(place - 1) + part) / 100
    }
}
