extension SoftmaxRegression {
    /// The number of compact rows on which the whole path of strengths is followed at most.
    package static let mostRowsOfPath = 12_000

    /// The distance from the minimum in nats at which fits on all of many rows end, far below what so many rows tell.
    private static let toleranceOfManyRows = 1e-5

    /// Trains on compact rows, such as those of a `SpectralReduction`, which are used without
    /// standardization.
    ///
    /// Of more than `mostRowsOfPath` rows, the path of strengths is followed on an even selection. Only the
    /// best strength, also as it would be for more rows, is tried on all, from the selection's solution on.
    /// The parameters are those of the method for whole rows.
    package func train(
        _ rows: CompactRows, labels: [Int], classes: Int, training: [Int], validation: [Int] = [],
        mostRowsOfPath: Int = SoftmaxRegression.mostRowsOfPath, progress: ((Progress) -> Void)? = nil
    ) throws(TrainingError) -> Result {
        let data = try TrainingData(
            rows, labels: labels, classes: classes, training: training, validation: validation)
        let count = training.count + validation.count
        let masks = strengths.count > 1 ? masks(data) : []
        guard count > mostRowsOfPath, let mask = masks.first else {
            var counter = ProgressCounter(
                total: (alternativeTest.isEmpty ? 3 : 4) + (strengths.count + 1) * masks.count,
                report: progress)
            return try head(data, groups: [], masks: masks, whitens: whitens, &counter).result
        }
        let some = try TrainingData(
            rows, labels: labels, classes: classes,
            training: selection(of: training, labels: labels, share: mostRowsOfPath, of: count),
            validation: selection(of: validation, labels: labels, share: mostRowsOfPath, of: count))
        let folds = self.masks(some)
        var counter = ProgressCounter(
            total: 6 + (strengths.count + 1) * folds.count, report: progress)
        let chosen = try followPath(
            Prepared(some, groups: [], whitens: whitens, workers: workers), masks: folds, whitens: whitens,
            &counter)

        // A penalty that is a prior shrinks with the number of rows, one that makes up for what the rows do
        // not tell does not, so that both and their mean are tried on all rows.
        let prepared = Prepared(data, groups: [], whitens: whitens, workers: workers)
        let seen = mask.count { !$0 }
        let share = Double(folds.first?.count { !$0 } ?? seen) / Double(seen)
        var solver = self
        let best = chosen.strength
        solver.strengths = [best, best * share.squareRoot(), best * share]
        let path = try solver.followPath(
            prepared, masks: [mask], whitens: whitens, from: chosen.start,
            tolerance: Self.toleranceOfManyRows, &counter)
        let temperature = calibratedTemperature(
            logits: path.held.logits, labels: path.held.labels, classes: classes)

        let isHeldOut = prepared.rows.indices.map { $0 >= training.count && !usesValidationRows }
        let strength = path.strength * Double(seen) / Double(isHeldOut.count { !$0 })
        let fit = Fit(
            prepared, isHeldOut: isHeldOut, whitens: whitens, start: path.start, workers: workers)
        fit.minimize(strength: strength, tolerance: Self.toleranceOfManyRows)
        if workers.isCancelled() { throw .cancelled }
        counter.advance(by: 2)
        return Result(
            layer: fit.layer(workers: workers), strength: strength, path: chosen.points,
            objective: fit.problem.objective, temperature: temperature)
    }

    /// Returns `share / count` of the rows at even distances after sorting by class, so that each class keeps
    /// its share.
    private func selection(of rows: [Int], labels: [Int], share: Int, of count: Int) -> [Int] {
        let sorted = rows.sorted { (labels[$0], $0) < (labels[$1], $1) }
        let kept = max(1, rows.count * share / count)
        return rows.isEmpty ? [] : (0..<kept).map { sorted[$0 * rows.count / kept] }.sorted()
    }
}
