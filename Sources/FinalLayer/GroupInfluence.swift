/// The influence of groups of columns, such as those of one tap, on a regression, estimated from labelled rows.
///
/// The labels, one column for each class, are modelled as a Gaussian process: the covariance of two rows' labels is
/// the sum over the groups of a variance times the rows' inner product in that group, and rows have noise of their
/// own. The variances under which the labels are most likely tell how much each group says about the classes.
/// Starting from equal variances, each iteration of a minorization–maximization algorithm multiplies the variance of
/// a group with inner products G by √(Σ αᵀGα / (classes · tr K⁻¹G)), where K is the rows' covariance and α = K⁻¹·labels;
/// this never lowers the likelihood. Few iterations keep the influences near each other where rows say little.
///
/// - Source: Zhou, Hu, Qiao and Lange, "MM Algorithms for Variance Components Models", Journal of Computational and
///   Graphical Statistics, 2019, §3.
enum GroupInfluence {
    private static let iterations = 8
    /// The maximum number of rows from which influences are estimated, because the time grows with its cube.
    private static let mostRows = 320
    /// The least variance of the noise as a share of the labels' variance, which keeps K well conditioned.
    private static let leastNoise: Float = 1e-3

    /// Returns a factor for the standardized columns of each group; with equal influences all are 1.
    ///
    /// The result does not depend on the groups' present scales. A group whose columns are constant keeps factor 1.
    ///
    /// - Parameters:
    ///   - labels: The class of each row of `features`.
    ///   - rows: The training rows.
    static func factors(
        _ features: FeatureMatrix, labels: [Int], classes: Int, rows: [Int], groups: [FeatureGroup],
        _ standardization: Standardization, workers: Workers
    ) -> [Float] {
        let rows = sample(rows, labels: labels), n = rows.count
        let (products, lengths) = innerProducts(
            features, rows: rows, groups: groups, standardization, workers: workers)
        let varying = lengths.indices.filter { lengths[$0] > 0 }
        let targets = centredLabels(rows.map { labels[$0] }, classes: classes)
        let variance = Float(
            dot(targets.values.base, targets.values.base, targets.values.count) / Double(n * classes))
        guard varying.count > 1, variance > 0 else { return groups.map { _ in 1 } }
        var variances = [Float](repeating: variance / Float(varying.count), count: groups.count)
        var noise = 0.3 * variance
        for _ in 0..<iterations where !workers.isCancelled() {
            let covariance = DesignMatrix(rows: n, columns: n)
            workers.performRanges(of: n, step: 64) { [variances, noise] range in
                let offset = range.lowerBound * covariance.stride
                for g in varying {
                    addScaled(
                        variances[g], products[g].values.base + offset, to: covariance.values.base + offset,
                        range.count * covariance.stride)
                }
                for i in range { covariance.values.base[i * covariance.stride + i] += noise }
            }
            let (inverse, explained) = moments(covariance, targets: targets, workers: workers)
            let ratios = FloatBuffer(groups.count)
            workers.perform(varying.count) { index in
                let g = varying[index], count = n * inverse.stride
                let gain = dot(explained.values.base, products[g].values.base, count)
                let cost = dot(inverse.values.base, products[g].values.base, count)
                ratios.base[g] = cost > 0 ? Float((max(gain, 0) / cost).squareRoot()) : 1
            }
            for g in varying { variances[g] *= ratios.base[g] }
            var (gain, cost) = (0.0, 0.0)
            for i in 0..<n {
                gain += Double(explained.values.base[i * explained.stride + i])
                cost += Double(inverse.values.base[i * inverse.stride + i])
            }
            noise = max(noise * Float((gain / cost).squareRoot()), leastNoise * variance)
        }
        let total = varying.reduce(Float(0)) { $0 + variances[$1] }
        guard total > 0, total.isFinite else { return groups.map { _ in 1 } }
        // Inner products are divided by their mean length, and equal variances shall give the present scales.
        return groups.indices.map { g in
            lengths[g] > 0 ? (variances[g] / total * Float(varying.count)).squareRoot() : 1
        }
    }

    /// Returns at most `mostRows` of the rows, in which classes have the same shares as in all.
    private static func sample(_ rows: [Int], labels: [Int]) -> [Int] {
        guard rows.count > mostRows else { return rows }
        let sorted = rows.sorted { (labels[$0], $0) < (labels[$1], $1) }
        return (0..<mostRows).map { sorted[$0 * sorted.count / mostRows] }
    }

    /// Returns the rows' inner products in each group, `[rows, rows]`, divided by the rows' mean squared length in
    /// that group, and these lengths, which are 0 for a group of constant columns.
    private static func innerProducts(
        _ features: FeatureMatrix, rows: [Int], groups: [FeatureGroup], _ standardization: Standardization,
        workers: Workers
    ) -> (products: [DesignMatrix], lengths: [Float]) {
        let n = rows.count
        var products: [DesignMatrix] = [], lengths: [Float] = []
        for group in groups {
            let piece = DesignMatrix(rows: n, columns: group.columns.count)
            standardization.write(
                features, rows: rows, columns: group.columns, into: piece, workers: workers)
            let product = piece.products(workers: workers)
            let sum = (0..<n).reduce(0.0) { $0 + Double(product.values.base[$1 * product.stride + $1]) }
            let length = Float(sum / Double(max(n, 1)))
            let isVarying = length.isFinite && length > .leastNormalMagnitude
            if isVarying {
                for k in 0..<n * product.stride { product.values.base[k] /= length }
            }
            products.append(product)
            lengths.append(isVarying ? length : 0)
        }
        return (products, lengths)
    }

    /// Returns the one-hot labels minus their means, `[classes, rows]`.
    private static func centredLabels(_ labels: [Int], classes: Int) -> DesignMatrix {
        let result = DesignMatrix(rows: classes, columns: labels.count)
        for c in 0..<classes {
            let row = result.values.base + c * result.stride
            let mean = Float(labels.count { $0 == c }) / Float(max(labels.count, 1))
            for (i, label) in labels.enumerated() { row[i] = (label == c ? 1 : 0) - mean }
        }
        return result
    }

    /// Returns K⁻¹ and A·Aᵀ / classes for A = K⁻¹·labels; K, `[rows, rows]`, is overwritten.
    private static func moments(
        _ covariance: DesignMatrix, targets: DesignMatrix, workers: Workers
    ) -> (inverse: DesignMatrix, explained: DesignMatrix) {
        let n = covariance.rows, factor = covariance
        factor.clearAboveDiagonal()
        Cholesky.factorize(factor, workers: workers)
        let halves = DesignMatrix(rows: n, columns: n)
        for i in 0..<n { halves.values.base[i * halves.stride + i] = 1 }
        Cholesky.forwardSubstitute(halves, factor: factor, workers: workers)
        let inverse = halves.products(workers: workers)
        let solved = DesignMatrix(rows: targets.rows, columns: n)
        dotProducts(
            rows: inverse.pointers.base, rowCount: padded(n, to: 4), columns: targets.pointers.base,
            columnCount: targets.rows, length: inverse.stride, into: solved.values.base, stride: solved.stride
        )
        let explained = DesignMatrix(rows: n, columns: n), share = 1 / Float(targets.rows)
        workers.performRanges(of: n, step: 64) { range in
            for i in range {
                for c in 0..<solved.rows {
                    addScaled(
                        share * solved.row(c)[i], solved.row(c),
                        to: explained.values.base + i * explained.stride,
                        explained.stride)
                }
            }
        }
        return (inverse, explained)
    }
}
