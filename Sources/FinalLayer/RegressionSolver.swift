/// Minimizes several regressions over one matrix of rows together (L-BFGS with exact line search).
///
/// An iteration takes two products, X·direction and residualsᵀ·X, however long the line search is. Folds are
/// additional columns of the same products, which also score a fold's held-out rows.
struct RegressionSolver {
    let design: any RegressionProducts
    let problems: [RegressionProblem]
    let workers: Workers
    private let classes: Int
    /// Two buffers of `[problems · classes, paddedRows]` and one of `[problems · classes, stride]`.
    private let changes, residuals, sums: FloatBuffer

    /// - Parameter start: The parameters of all problems at the beginning, in their layout; nil for zeros.
    /// - Precondition: `problems` is not empty, and all problems have the same number of classes.
    init(
        _ design: any RegressionProducts, problems: [RegressionProblem], start: FloatBuffer? = nil,
        workers: Workers
    ) {
        (self.design, self.problems, self.workers) = (design, problems, workers)
        classes = problems[0].classes
        let columns = problems.count * classes
        (changes, residuals) = (
            FloatBuffer(columns * design.paddedRows), FloatBuffer(columns * design.paddedRows)
        )
        sums = FloatBuffer(columns * design.stride)
        if let start {
            let weights = (0..<classes).map { UnsafePointer(start.base + $0 * design.stride) }
            for problem in problems {
                design.multiply(RowPointers(weights), into: changes.base, workers: workers)
                problem.start(at: start, products: changes.base)
            }
        }
        initializeGradients()
    }

    private func initializeGradients() {
        workers.perform(problems.count) { [problems, residuals, design, classes] p in
            problems[p].writeResiduals(to: residuals.base + p * classes * design.paddedRows)
        }
        project(problems, tolerance: 0)
    }

    /// Moves all problems from their current points to their minima for `strength`, within `tolerance` nats.
    func minimize(strength: Double, tolerance: Double, maximumIterations: Int = 1000) {
        for problem in problems {
            problem.begin(strength: strength)
            problem.chooseDirection(tolerance: tolerance)
        }
        for _ in 0..<maximumIterations {
            let active = problems.filter { !$0.isConverged }
            if active.isEmpty || workers.isCancelled() { return }
            let columns = active.flatMap { problem in
                (0..<classes).map { UnsafePointer(problem.direction.base + $0 * problem.stride) }
            }
            design.multiply(RowPointers(columns), into: changes.base, workers: workers)
            workers.perform(active.count) { [changes, residuals, design, classes] p in
                let offset = p * classes * design.paddedRows
                active[p].advance(change: changes.base + offset, residuals: residuals.base + offset)
            }
            project(active, tolerance: tolerance)
        }
    }

    /// Computes residualsᵀ·X for the active problems and passes each its gradient.
    private func project(_ active: [RegressionProblem], tolerance: Double) {
        design.project(residuals.base, count: active.count * classes, into: sums, workers: workers)
        workers.perform(active.count) { [residuals, sums, design, classes] p in
            active[p].receiveGradient(
                sums: sums.base + p * classes * design.stride,
                residuals: residuals.base + p * classes * design.paddedRows,
                tolerance: tolerance)
        }
    }
}
