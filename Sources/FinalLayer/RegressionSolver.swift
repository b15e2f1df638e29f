/// Minimizes several regressions over one design matrix together (L-BFGS with exact line search).
///
/// An iteration takes two products, X·direction and residualsᵀ·X, however long the line search is. Folds are
/// additional columns of the same products, which also score a fold's held-out rows.
struct RegressionSolver {
    let design: DesignMatrix
    let problems: [RegressionProblem]
    let workers: Workers
    private let classes: Int
    /// Two buffers of `[problems · classes, paddedRows]` and one of `[problems · classes, stride]`.
    private let changes, residuals, sums: FloatBuffer
    private let sumRows: RowPointers

    /// - Precondition: `problems` is not empty, and all problems have the same number of classes.
    init(_ design: DesignMatrix, problems: [RegressionProblem], workers: Workers) {
        (self.design, self.problems, self.workers) = (design, problems, workers)
        classes = problems[0].classes
        let columns = problems.count * classes
        (changes, residuals) = (
            FloatBuffer(columns * design.paddedRows), FloatBuffer(columns * design.paddedRows)
        )
        let sums = FloatBuffer(columns * design.stride)
        self.sums = sums
        sumRows = RowPointers((0..<columns).map { UnsafePointer(sums.base + $0 * design.stride) })
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
            let pointers = RowPointers(columns)
            workers.performRanges(of: design.paddedRows, step: 64) { [design, changes] rows in
                dotProducts(
                    rows: design.pointers.base + rows.lowerBound, rowCount: rows.count,
                    columns: pointers.base,
                    columnCount: pointers.count, length: design.stride, into: changes.base + rows.lowerBound,
                    stride: design.paddedRows)
            }
            workers.perform(active.count) { [changes, residuals, design, classes] p in
                let offset = p * classes * design.paddedRows
                active[p].advance(change: changes.base + offset, residuals: residuals.base + offset)
            }
            project(active, tolerance: tolerance)
        }
    }

    /// Computes residualsᵀ·X for the active problems and passes each its gradient.
    private func project(_ active: [RegressionProblem], tolerance: Double) {
        let columns = active.count * classes
        workers.performRanges(of: design.stride, step: 64) { [design, residuals, sums, sumRows] range in
            for j in 0..<columns {
                (sums.base + j * design.stride + range.lowerBound).update(repeating: 0, count: range.count)
            }
            accumulateWeightedRows(
                rows: design.pointers.base, rowCount: design.rows, coefficients: residuals.base,
                stride: design.paddedRows,
                columnCount: columns, range: range, into: sumRows.base)
        }
        workers.perform(active.count) { [residuals, sums, design, classes] p in
            active[p].receiveGradient(
                sums: sums.base + p * classes * design.stride,
                residuals: residuals.base + p * classes * design.paddedRows,
                tolerance: tolerance)
        }
    }
}
