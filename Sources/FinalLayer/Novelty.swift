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
    package init(_ features: FeatureMatrix, rows: [Int], groups: [FeatureGroup] = [], workers: Workers = .serial) {
        let standardization = Standardization(features, rows: rows, groups: groups, workers: workers)
        (means, scales, quantiles) = (standardization.means, standardization.scales, [])
        let scores = FloatBuffer(rows.count), fitted = self
        workers.performRanges(of: rows.count, step: 64) { range in
            for i in range { scores.base[i] = features[rows[i]].withUnsafeBufferPointer { fitted.score($0) } }
        }
        let sorted = scores.array.sorted()
        quantiles = (0...100).map { sorted[($0 * (sorted.count - 1) + 50) / 100] }
    }

    /// - Parameter row: `[features]`.
    package func score(_ row: UnsafeBufferPointer<Float>) -> Float {
        precondition(row.count == means.count && scales.count == means.count, "a row has as many numbers as there are features")
        var sum = SIMD4<Double>()
        means.withUnsafeBufferPointer { means in
            scales.withUnsafeBufferPointer { scales in
                var k = 0
                while k + 4 <= row.count {
                    let z = (SIMD4(at: row.baseAddress! + k) - SIMD4(at: means.baseAddress! + k)) * SIMD4(at: scales.baseAddress! + k)
                    sum += SIMD4<Double>(z * z)
                    k += 4
                }
                while k < row.count {
                    let z = (row[k] - means[k]) * scales[k]
                    sum[0] += Double(z * z)
                    k += 1
                }
            }
        }
        return Float(sum.sum() / Double(max(row.count, 1)))
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
