/// A measure of how much a row differs from the training rows: the mean square of its standardized features.
///
/// It is a diagonal Mahalanobis distance, about 1 for rows like the training rows. On images of other
/// cartoons it separates unknown from known better than energy scores, nearest neighbours and full
/// covariances, and takes two numbers per feature.
package struct Novelty: Sendable, Equatable {
    /// The terms to subtract and the factors to multiply by afterwards, `[features]`.
    package var means, scales: [Float]
    /// The 0th to 100th percentile of the training rows' scores.
    package var quantiles: [Float]

    package init(means: [Float], scales: [Float], quantiles: [Float]) {
        (self.means, self.scales, self.quantiles) = (means, scales, quantiles)
    }

    /// - Parameter rows: The training rows, at least one.
    package init(
        _ features: FeatureMatrix, rows: [Int], groups: [FeatureGroup] = [], workers: Workers = .serial
    ) {
        self.init(Standardization(features, rows: rows, groups: groups, workers: workers))
        let scores = FloatBuffer(rows.count), fitted = self
        let factors = Self.squaredFactors(groups, columns: features.columns)
        workers.performRanges(of: rows.count, step: 64) { [factors] range in
            for i in range {
                scores.base[i] = features[rows[i]].withUnsafeBufferPointer {
                    fitted.scoreLeftOut($0, factors: factors, rows: rows.count)
                }
            }
        }
        setQuantiles(of: scores.array)
    }

    /// Creates a measure without quantiles from the training rows' standardization.
    package init(_ standardization: Standardization) {
        self.init(means: standardization.means, scales: standardization.scales, quantiles: [])
    }

    /// Sets the quantiles from the scores of the training rows, at least one.
    package mutating func setQuantiles(of scores: [Float]) {
        let sorted = scores.sorted()
        quantiles = (0...100).map { sorted[($0 * (sorted.count - 1) + 50) / 100] }
    }

    /// Returns the square of the factor of each column's group.
    package static func squaredFactors(_ groups: [FeatureGroup], columns: Int) -> [Float] {
        var factors = [Float](repeating: 1, count: columns)
        for group in groups { for k in group.columns { factors[k] = group.factor * group.factor } }
        return factors
    }

    /// The largest square that counts, ten standard deviations, so that a feature that hardly varied in
    /// training does not dominate.
    private static let largestSquare: Float = 100

    /// - Parameter row: The features, `[features]`.
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

    /// Returns the score that a training row would have if it had not been among the training rows, because
    /// few rows are far from a mean that includes them.
    ///
    /// It is exact except for features that hardly vary. Without a row at z standard deviations, the mean
    /// moves away from it by z/(n-1), and the variance shrinks by n/(n-1) · (1 - z²/(n-1)).
    ///
    /// - Parameters:
    ///   - factors: The squares of the columns' factors.
    ///   - n: The number of training rows.
    package func scoreLeftOut(_ row: UnsafeBufferPointer<Float>, factors: [Float], rows n: Int) -> Float {
        guard n > 2 else { return 1 }
        precondition(
            row.count == means.count && scales.count == means.count && factors.count == means.count,
            "a row has as many numbers as there are features")
        let others = Float(n - 1), largest = SIMD4(repeating: Self.largestSquare)
        /// Returns the terms of four features; a constant one, whose scale is 0, has none.
        func terms(
            _ value: SIMD4<Float>, _ mean: SIMD4<Float>, _ scale: SIMD4<Float>, _ factor: SIMD4<Float>
        ) -> SIMD4<Double> {
            let z = (value - mean) * scale, square = z * z / factor
            let left = pointwiseMax(1 - square / others, SIMD4(repeating: .leastNormalMagnitude))
            return SIMD4<Double>(pointwiseMin(z * z * Float(n) / others / left, largest))
        }
        var sums = SIMD4<Double>(), k = 0
        means.withUnsafeBufferPointer { means in
            scales.withUnsafeBufferPointer { scales in
                factors.withUnsafeBufferPointer { factors in
                    while k + 4 <= row.count {
                        sums += terms(
                            SIMD4(at: row.baseAddress! + k), SIMD4(at: means.baseAddress! + k),
                            SIMD4(at: scales.baseAddress! + k), SIMD4(at: factors.baseAddress! + k))
                        k &+= 4
                    }
                    while k < row.count {
                        sums[0] +=
                            terms(
                                SIMD4(repeating: row[k]), SIMD4(repeating: means[k]),
                                SIMD4(repeating: scales[k]), SIMD4(repeating: factors[k]))[0]
                        k &+= 1
                    }
                }
            }
        }
        return Float(sums.sum() / Double(max(row.count, 1)))
    }

    /// Returns the share of training rows with at least this score; 1 for the most ordinary rows.
    ///
    /// The last percent may be outliers, so beyond it the share falls with the eighth power of the score.
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
