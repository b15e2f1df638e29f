/// The state of minimizing one regularized softmax regression, in which some rows are held out and the others
/// train.
///
/// It minimizes (1/n) Σ crossEntropy(row) + strength/2 · ‖weights‖² over the training rows, without a penalty
/// on biases. Several problems share a design matrix and each pass over it (see `RegressionSolver`).
final class RegressionProblem: @unchecked Sendable {
    let classes: Int
    /// The row strides of weights and of logits.
    let stride, rowStride: Int
    let labels: [Int]
    /// Whether each row of the design matrix is held out.
    let isHeldOut: [Bool]
    let trainingCount: Int
    private(set) var strength: Double = 0
    private(set) var isConverged = false
    private(set) var iterations = 0

    /// The weights `[classes, stride]`, biases `[classes]`, and padding to a whole vector. Gradient and
    /// direction have the same layout.
    let parameters, direction: FloatBuffer
    private let gradient, previousGradient: FloatBuffer
    /// The logits, `[classes, rowStride]`.
    private let logits: FloatBuffer
    private var memory: QuasiNewtonMemory
    /// A preconditioner for the next minimization; nil is none.
    var curvature: ClassCurvature?
    private var hasGradient = false
    private let labelLanes: [Int32]
    /// The ranges of rows, each of whole vectors, whose derivatives are summed for themselves.
    private let pieces: [Range<Int>]
    private let workers: Workers
    private let rowWeights: FloatBuffer

    var weightCount: Int { classes * stride }
    var biases: UnsafeMutablePointer<Float> { parameters.base + weightCount }

    init(
        _ design: any RegressionProducts, labels: [Int], classes: Int, isHeldOut: [Bool], workers: Workers
    ) {
        (self.classes, self.labels, self.isHeldOut) = (classes, labels, isHeldOut)
        (stride, rowStride, self.workers) = (design.stride, design.paddedRows, workers)
        let step = padded((rowStride + design.pieces - 1) / design.pieces, to: 4), end = rowStride
        pieces = Swift.stride(from: 0, to: end, by: step).map { $0..<min($0 + step, end) }
        trainingCount = isHeldOut.count { !$0 }
        let count = classes * stride + padded(classes, to: 4)
        (parameters, direction, gradient, previousGradient) = (
            FloatBuffer(count), FloatBuffer(count), FloatBuffer(count), FloatBuffer(count)
        )
        logits = FloatBuffer(classes * rowStride)
        memory = QuasiNewtonMemory(count: count, capacity: design.pairs)
        labelLanes = (0..<rowStride).map { $0 < labels.count ? Int32(labels[$0]) : -1 }
        rowWeights = FloatBuffer(rowStride)
        for row in labels.indices where !isHeldOut[row] { rowWeights.base[row] = 1 / Float(trainingCount) }
    }

    /// Starts a minimization, from the previous strength's minimum if there is one.
    func begin(strength new: Double) {
        let shift = Float(new - strength)
        strength = new
        isConverged = false
        iterations = 0
        guard hasGradient else { return }
        addScaled(shift, parameters.base, to: gradient.base, weightCount)
        memory.shiftHessian(by: shift, weights: weightCount)
    }

    /// Sets the parameters to those of a similar problem before the first gradient.
    ///
    /// - Parameters:
    ///   - start: The weights and biases, in the layout of `parameters`.
    ///   - products: The logits without biases there, `[classes, rowStride]`.
    func start(at start: FloatBuffer, products: UnsafePointer<Float>) {
        parameters.copy(from: start)
        for c in 0..<classes {
            for i in 0..<rowStride {
                logits.base[c * rowStride + i] = products[c * rowStride + i] + biases[c]
            }
        }
    }

    /// Writes the residuals at the current parameters.
    func writeResiduals(to residuals: UnsafeMutablePointer<Float>) {
        let residuals = SharedFloats(base: residuals)
        workers.perform(pieces.count) { [self] piece in
            let residuals = residuals.base, rows = pieces[piece]
            for c in 0..<classes {
                let first = c * rowStride + rows.lowerBound
                (residuals + first).update(from: logits.base + first, count: rows.count)
            }
            softmaxColumns(residuals, stride: rowStride, classes: classes, rows: rows)
            for c in 0..<classes {
                let r = residuals + c * rowStride
                for i in rows { r[i] = (r[i] - (labelLanes[i] == Int32(c) ? 1 : 0)) * rowWeights.base[i] }
            }
        }
    }

    /// Completes the gradient from `sums`, `[classes, stride]`, its part for the weights without the penalty;
    /// updates the L-BFGS memory and decides whether the minimum is reached.
    func receiveGradient(sums: UnsafePointer<Float>, residuals: UnsafePointer<Float>, tolerance: Double) {
        previousGradient.copy(from: gradient)
        let g = gradient.base
        g.update(from: sums, count: weightCount)
        addScaled(Float(strength), parameters.base, to: g, weightCount)
        for c in 0..<classes {
            var sum: Double = 0
            for i in 0..<rowStride { sum += Double(residuals[c * rowStride + i]) }
            g[weightCount + c] = Float(sum)
        }
        if hasGradient {
            let change = previousGradient.base
            for k in 0..<gradient.count { change[k] = g[k] - change[k] }
            memory.append(step: direction.base, change: change)
        }
        hasGradient = true
        chooseDirection(tolerance: tolerance)
    }

    /// Computes the next direction; the problem is converged if the expected decrease is below `tolerance`.
    func chooseDirection(tolerance: Double) {
        guard hasGradient else { return }
        let precondition = curvature.map { curvature in
            { curvature.solve($0, stride: self.stride, workers: self.workers) }
        }
        memory.descend(gradient.base, into: direction.base, precondition: precondition)
        // gᵀHg / 2 estimates the distance of the loss to its minimum; ‖g‖² / 2·strength bounds it.
        let slope = -dot(gradient.base, direction.base, gradient.count),
            norm = dot(gradient.base, gradient.base, gradient.count)
        isConverged =
            !(slope > 0) || norm < 2 * strength * tolerance || (memoryIsFull && slope < safety * tolerance)
    }
    private var memoryIsFull: Bool { iterations >= 10 }
    /// The share of the tolerance that the expected decrease may be, which is often too small an estimate, less so with
    /// blocks of the Hessian.
    private var safety: Double { curvature == nil ? 0.02 : 0.2 }

    /// Moves to the minimum along the direction, whose logits `[classes, rowStride]` are `change`, and writes
    /// the residuals there.
    ///
    /// Logits are linear in the step, so Newton's method on one variable needs no pass over the features.
    func advance(change: UnsafeMutablePointer<Float>, residuals: UnsafeMutablePointer<Float>) {
        for c in 0..<classes {
            let bias = direction.base[weightCount + c]
            for i in 0..<rowStride { change[c * rowStride + i] += bias }
        }
        let penaltySlope = strength * dot(parameters.base, direction.base, weightCount)
        let penaltyCurvature = strength * dot(direction.base, direction.base, weightCount)
        var step: Double = 1, low: Double = 0, high = Double.infinity, first: Double?
        for _ in 0..<12 {
            let (slope, curvature) = derivatives(at: Float(step), change: change, scratch: residuals)
            let total = slope + penaltySlope + step * penaltyCurvature
            if total < 0 { low = step } else { high = step }
            let reference = first ?? total.magnitude
            first = reference
            let move = total / max(curvature + penaltyCurvature, .leastNormalMagnitude)
            if move.magnitude < 0.02 * step { break }
            var next = step - move
            if !(next > low && next < high) { next = high.isFinite ? (low + high) / 2 : low * 4 }
            // Far from the minimum, softmax saturates and Newton's method overshoots.
            step = min(next, max(step, 1e-6) * 16)
        }
        let scale = Float(step)
        addScaled(scale, change, to: logits.base, logits.count)
        for k in 0..<direction.count { direction.base[k] *= scale }
        addScaled(1, direction.base, to: parameters.base, parameters.count)
        iterations += 1
        writeResiduals(to: residuals)
    }

    /// Returns the first and second derivative of the mean cross entropy along `change` at `step`.
    private func derivatives(
        at step: Float, change: UnsafePointer<Float>, scratch: UnsafeMutablePointer<Float>
    ) -> (Double, Double) {
        let change = SharedFloats(base: UnsafeMutablePointer(mutating: change))
        let scratch = SharedFloats(base: scratch)
        let sums = workers.map(pieces.count) { [self] piece in
            [derivatives(at: step, rows: pieces[piece], change: change.base, scratch: scratch.base)]
        }
        return sums.joined().reduce((0, 0)) { ($0.0 + $1.0, $0.1 + $1.1) }
    }

    /// Returns the part of some rows in the derivatives.
    private func derivatives(
        at step: Float, rows: Range<Int>, change: UnsafePointer<Float>,
        scratch p: UnsafeMutablePointer<Float>
    ) -> (Double, Double) {
        let z = logits.base, w = rowWeights.base
        var slope: Double = 0, curvature: Double = 0
        labelLanes.withUnsafeBufferPointer { labels in
            for i in Swift.stride(from: rows.lowerBound, to: rows.upperBound, by: 4) {
                var top = SIMD4<Float>(repeating: -.infinity)
                for c in 0..<classes {
                    let o = c * rowStride + i
                    let v = SIMD4(at: z + o) + SIMD4(at: change + o) * step
                    v.store(at: p + o)
                    top = pointwiseMax(top, v)
                }
                let label = SIMD4<Int32>(labels[i], labels[i + 1], labels[i + 2], labels[i + 3])
                var sum = SIMD4<Float>(), mean = sum, square = sum, chosen = sum
                for c in 0..<classes {
                    let o = c * rowStride + i
                    let power = exponential(SIMD4(at: p + o) - top), d = SIMD4(at: change + o)
                    sum += power
                    mean += power * d
                    square += power * d * d
                    chosen.replace(with: d, where: label .== Int32(c))
                }
                let scale = 1 / sum, weight = SIMD4(at: w + i)
                mean *= scale
                slope += Double(((mean - chosen) * weight).sum())
                curvature += Double(((square * scale - mean * mean) * weight).sum())
            }
        }
        return (slope, curvature)
    }

    /// Returns the loss of each held-out row and whether it is classified correctly, in the rows' order.
    func heldOutScores() -> [(row: Int, loss: Double, isRight: Bool)] {
        isHeldOut.indices.filter { isHeldOut[$0] }.map { row in
            let score = crossEntropy(
                logits.base, stride: rowStride, classes: classes, row: row, label: labels[row])
            return (row, score.loss, score.isRight)
        }
    }

    /// Returns the logits of one row of the design matrix.
    func logits(row: Int) -> [Float] { (0..<classes).map { logits.base[$0 * rowStride + row] } }

    /// Returns the probability of each class for one row of the design matrix.
    func probabilities(row: Int) -> [Float] {
        let logits = logits(row: row), top = logits.max() ?? 0
        let powers = logits.map { exponential(SIMD4(repeating: $0 - top))[0] }
        let sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
    }

    /// The objective: the mean cross entropy over the training rows plus the penalty.
    var objective: Double {
        var sum: Double = 0
        for row in labels.indices where !isHeldOut[row] {
            sum +=
                crossEntropy(logits.base, stride: rowStride, classes: classes, row: row, label: labels[row])
                .loss
        }
        return sum / Double(trainingCount) + strength / 2 * dot(parameters.base, parameters.base, weightCount)
    }
}
