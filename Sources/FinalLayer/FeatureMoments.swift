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
