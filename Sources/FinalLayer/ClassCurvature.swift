/// The blocks for one class each of the Hessian of a regression over many whitened rows, estimated from some of the rows
/// at the regression's parameters: a preconditioner for steps from there.
///
/// The block of a class is Σ p · (1 − p) · z·zᵀ + strength · I with the class's probability p and the whitened row z.
/// Rows enter as they were before the whitening z = B·x, so that a block is B·G·Bᵀ with G = Σ p · (1 − p) · x·xᵀ +
/// strength · B⁻¹·B⁻ᵀ, of which the Cholesky factor is kept.
final class ClassCurvature: @unchecked Sendable {
    private let whitening: CompactWhitening
    /// The Cholesky factors of each class's G, `[columns, columns]`.
    private let factors: [DesignMatrix]
    /// The second derivatives by the biases, `[classes]`.
    private let biases: [Float]

    /// The bytes that the factors may take.
    private static let mostBytes = 64 << 20
    /// The value of p · (1 − p) below which a row's direction is neglected.
    private static let leastWeight: Float = 0.01

    /// - Returns: The preconditioner, or nil if it would take too much memory.
    init?(
        _ products: CompactProducts, _ whitening: CompactWhitening, problem: RegressionProblem,
        strength: Double, workers: Workers
    ) {
        let classes = problem.classes, columns = products.source.columns
        guard classes * columns * columns * MemoryLayout<Float>.stride <= Self.mostBytes else { return nil }
        self.whitening = whitening
        let rows = Self.sample(products.rows.count, columns: columns, classes: classes)
            .filter { !problem.isHeldOut[$0] }
        let weights = Weights(rows, problem, least: Self.leastWeight)
        biases = weights.totals.map { $0 / Float(rows.count) }
        let energy = Float(whitening.energy) / Float(columns)
        factors = (0..<classes).map { c in
            let chosen = weights.chosen[c], share = 1 / Float(rows.count)
            // What few rows tell is drawn to an isotropic block of the same trace, which also stands for the
            // neglected rows.
            let trust = Float(chosen.count) / Float(chosen.count + columns)
            let known = chosen.reduce(0) { $0 + $1.weight }
            let isotropic = (weights.totals[c] - trust * known) * share * energy
            let factor = DesignMatrix(rows: columns, columns: columns)
            whitening.addIdentity(Float(strength) + isotropic, to: factor)
            CompactWhitening.addProducts(
                products.source, rows: chosen.map { products.rows[rows[$0.row]] }, into: factor,
                share: share * trust, workers: workers
            ) { position, row in
                let scale = chosen[position].weight.squareRoot()
                for k in 0..<products.stride { row[k] *= scale }
            }
            Cholesky.factorize(factor, workers: workers)
            return factor
        }
    }

    /// Returns evenly chosen rows: as many as make forming the blocks no more work than a few iterations, but enough to
    /// tell the columns apart.
    private static func sample(_ count: Int, columns: Int, classes: Int) -> [Int] {
        let wanted = max(16 * count * classes / columns, 4 * columns * classes) / 4
        return Array(stride(from: 0, to: count, by: max(1, count / wanted)))
    }

    /// The values of p · (1 − p) of some rows.
    private struct Weights {
        /// For each class, the positions of rows and their values.
        var chosen: [[(row: Int, weight: Float)]]
        /// The sum over all rows for each class.
        var totals: [Float]

        init(_ rows: [Int], _ problem: RegressionProblem, least: Float) {
            let classes = problem.classes
            chosen = Array(repeating: [], count: classes)
            totals = Array(repeating: 0, count: classes)
            for (position, row) in rows.enumerated() {
                for (c, p) in problem.probabilities(row: row).enumerated() {
                    let weight = p * (1 - p)
                    totals[c] += weight
                    if weight >= least { chosen[c].append((position, weight)) }
                }
            }
        }
    }

    /// Replaces a gradient, weights `[classes, stride]` and biases, by the product of the inverse blocks with it.
    func solve(_ gradient: UnsafeMutablePointer<Float>, stride: Int, workers: Workers) {
        let mapped = whitening.unwhitened(gradient, count: factors.count)
        workers.perform(factors.count) { [factors] c in
            let values = mapped.base + c * stride, columns = factors[c].rows
            var v = (0..<columns).map { Double(values[$0]) }
            Cholesky.forwardSubstitute(&v, factor: factors[c])
            Cholesky.backSubstitute(&v, factor: factors[c])
            for k in 0..<columns { values[k] = Float(v[k]) }
        }
        whitening.fold(mapped.base, count: factors.count, into: gradient)
        for c in factors.indices { gradient[factors.count * stride + c] /= max(biases[c], 1e-6) }
    }
}
