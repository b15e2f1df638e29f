/// Pairs of rows with a large cosine similarity after standardization, as images of the same content have.
///
/// All rows are compared by sketches, in which each feature, with a random sign, is added to one of 512 sums.
/// The cosine of two sketches estimates that of the rows with a standard error of (1 − cosine²) / √512. For
/// pairs whose sketches are at most six standard errors below the threshold, the cosine is computed from all
/// features, so that the listed pairs are exact. Of more than `exactRows` rows, those are compared that share some of
/// the signs of random projections (see `SignSketches`), which misses few pairs.
///
/// The rows of a network with few or strongly correlated features are all alike: its pairs are listed from the cosine
/// that unrelated rows hardly reach, `chance`, if that is above the threshold.
///
/// - Source: Charikar, Chen and Farach-Colton, "Finding Frequent Items in Data Streams", 2002 (the count
///   sketch).
package struct SimilarRows: Sendable {
    package struct Pair: Sendable, Equatable {
        /// The indices of the rows; `first` < `second`.
        package var first, second: Int
        /// The cosine of the angle between the standardized rows, at most 1.
        package var similarity: Float

        package init(first: Int, second: Int, similarity: Float) {
            (self.first, self.second, self.similarity) = (first, second, similarity)
        }
    }

    /// The pairs, sorted by `first` and then by `second`.
    package let pairs: [Pair]
    /// The cosine that unrelated rows hardly reach, at most 0.9995.
    package let chance: Float

    private static let sketchSize = 512
    /// The number of rows up to which all pairs are compared.
    package static let exactRows = 32_768

    /// - Parameters:
    ///   - threshold: The minimum similarity of the listed pairs.
    ///   - exactRows: The number of rows up to which all pairs are compared.
    package init(
        _ features: FeatureMatrix, groups: [FeatureGroup] = [], threshold: Float,
        exactRows: Int = SimilarRows.exactRows, workers: Workers = .serial
    ) {
        let rows = features.rows
        let standardization = Standardization(
            features, rows: Array(0..<rows), groups: groups, workers: workers)
        guard rows <= exactRows else {
            let sketches = SignSketches(rows: rows, standardization)
            workers.performRanges(of: rows, step: 64) { range in
                for row in range {
                    features[row].withUnsafeBufferPointer { sketches.set(row: row, $0) }
                }
            }
            chance = sketches.chance
            let threshold = max(threshold, chance)
            let candidates = sketches.candidates(threshold: threshold, workers: workers)
            let similarities = FloatBuffer(candidates.count)
            workers.performRanges(of: candidates.count, step: 64) { range in
                for index in range {
                    let (a, b) = candidates[index]
                    similarities.base[index] = sketches.similarity(
                        a, b, product: standardization.product(features, a, b))
                }
            }
            pairs = candidates.indices.filter { similarities.base[$0] >= threshold }.map {
                Pair(
                    first: candidates[$0].first, second: candidates[$0].second,
                    similarity: similarities.base[$0])
            }
            return
        }
        let (sketches, lengths) = Self.sketches(features, standardization, workers)
        chance = Self.chance(
            rows: rows, error: features.columns > Self.sketchSize ? 1 / Float(Self.sketchSize) : 0
        ) { a, b in
            let stride = sketches.stride, base = sketches.values.base
            return Float(dot(base + a * stride, base + b * stride, stride))
        }
        let threshold = max(threshold, chance)
        let error = (1 - threshold * threshold) / Float(Self.sketchSize).squareRoot()
        let least = threshold - 6 * max(error, 0)
        let tile = 64, tiles = (rows + tile - 1) / tile
        let found = workers.map(tiles) { first -> [Pair] in
            let begin = first * tile, count = min(tile, sketches.paddedRows - begin)
            let sums = FloatBuffer(tile * tile)
            var pairs: [Pair] = []
            for second in first..<tiles {
                let start = second * tile, columns = min(tile, rows - start)
                dotProducts(
                    rows: sketches.pointers.base + begin, rowCount: count,
                    columns: sketches.pointers.base + start, columnCount: columns,
                    length: sketches.stride, into: sums.base, stride: tile)
                for j in 0..<columns {
                    for i in 0..<count
                    where begin + i < start + j && sums.base[j * tile + i] >= least {
                        let (a, b) = (begin + i, start + j)
                        let product = standardization.product(features, a, b)
                        let similarity = Float(
                            product / Double(lengths.base[a]) / Double(lengths.base[b]))
                        if similarity >= threshold {
                            pairs.append(Pair(first: a, second: b, similarity: min(similarity, 1)))
                        }
                    }
                }
            }
            return pairs
        }
        pairs = found.joined().sorted { ($0.first, $0.second) < ($1.first, $1.second) }
    }

    /// Creates pairs that were found otherwise, sorted by `first` and then by `second`.
    package init(pairs: [Pair], chance: Float) { (self.pairs, self.chance) = (pairs, chance) }

    /// Returns the cosine that unrelated rows hardly reach; 0 of fewer than 32 rows, which say too little.
    ///
    /// The cosine of random directions of d dimensions has a variance of 1/d, and exceeds t in a share of at most
    /// (1 − t²)^((d − 1)/2). The effective dimension of the rows is taken from the median of the cosines' magnitudes,
    /// which copies do not move, and t such that less than one row in fifty has a neighbour by chance.
    ///
    /// - Parameters:
    ///   - error: The variance of an estimated cosine.
    ///   - cosine: Estimates the cosine of two rows.
    /// - Source: K. Ball, "An Elementary Introduction to Modern Convex Geometry", 1997, lecture 2 (spherical caps).
    static func chance(rows: Int, error: Float, _ cosine: (Int, Int) -> Float) -> Float {
        guard rows >= 32 else { return 0 }
        let sample = min(rows, 256), chosen = (0..<sample).map { $0 * rows / sample }
        var magnitudes: [Float] = []
        for (place, a) in chosen.enumerated() {
            for b in chosen[..<place] { magnitudes.append(cosine(a, b).magnitude) }
        }
        magnitudes.sort()
        // The median of a normal distribution's magnitude is 0.6745 standard deviations.
        let deviation = magnitudes[magnitudes.count / 2] / 0.6745
        let dimension = 1 / max(deviation * deviation - error, 1e-6)
        guard dimension > 1.01 else { return most }
        let exponent = -2 * Float(logarithm(Double(50 * rows))) / (dimension - 1)
        let cosine = (1 - exponential(SIMD4(repeating: exponent))[0]).squareRoot()
        // In coarse steps, so that the last bits of a logarithm decide nothing.
        return min((cosine * 1024).rounded() / 1024, most)
    }
    /// The largest value of `chance`, so that equal rows are always listed.
    private static let most: Float = 0.9995

    /// Returns the normalized sketches of the standardized rows and the rows' norms; both are 0 for a row
    /// that equals the mean.
    private static func sketches(
        _ features: FeatureMatrix, _ standardization: Standardization, _ workers: Workers
    ) -> (DesignMatrix, lengths: FloatBuffer) {
        let d = features.columns, lengths = FloatBuffer(features.rows)
        let sketches = DesignMatrix(rows: features.rows, columns: min(sketchSize, d))
        var random = RandomSource(seed: 0)
        var places = [Int](0..<d), scales = standardization.scales
        if d > sketchSize {
            for k in 0..<d {
                let number = random.next()
                places[k] = Int(number % UInt64(sketchSize))
                if number >> 63 == 1 { scales[k] = -scales[k] }
            }
        }
        let means = standardization.means, (placed, signed) = (places, scales)
        workers.performRanges(of: features.rows, step: 64) { range in
            features.values.withUnsafeBufferPointer { x in
                for row in range {
                    let out = sketches.values.base + row * sketches.stride
                    var energy = 0.0
                    for k in 0..<d {
                        let z = (x[row * d + k] - means[k]) * signed[k]
                        out[placed[k]] += z
                        energy += Double(z * z)
                    }
                    lengths.base[row] = Float(energy.squareRoot())
                    let norm = dot(out, out, sketches.stride).squareRoot()
                    let scale = norm > 0 && energy > 0 ? Float(1 / norm) : 0
                    for k in 0..<sketches.stride { out[k] *= scale }
                }
            }
        }
        return (sketches, lengths)
    }
}
