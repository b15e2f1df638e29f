/// L2-regularized softmax regression, minimized to the end: the default way to train the final layer.
///
/// Features are standardized on the training rows, whitened within classes, and both are folded back into weights and biases. The
/// strength of the penalty is the one whose layer does best on rows it has not seen: the validation rows where there are any, else
/// each fold of a stratified cross-validation in turn. Nothing is random but the folds, and one seed gives one result on any number
/// of threads.
package struct SoftmaxRegression: Sendable {
    /// Penalties to try, in the order in which each starts from the minimum before it: strongest first.
    ///
    /// The loss is the mean cross entropy plus strength / 2 · ‖weights‖²; scikit-learn's `C` is 1 / (strength · rows).
    package var strengths: [Double] = (0...16).map { i in
        10 * (0..<i).reduce(1.0) { s, _ in s / 10.0.squareRoot() }
    }
    /// Folds where there are no validation rows, at most the pictures of the smallest class.
    package var folds = 5
    package var seed: UInt64 = 0
    /// Columns with penalties of their own; the others have factor 1.
    package var groups: [FeatureGroup] = []
    /// Rows with equal numbers are held out together, one number a row of the features; empty for none.
    package var copies: [Int] = []
    /// The training and validation rows that another split would test on: a further layer of the chosen strength
    /// is trained on the others and tested on these. Empty for none.
    package var alternativeTest: [Int] = []
    /// Trains the layer once more on training and validation rows together when the strength is known.
    package var usesValidationRows = true
    /// Whitens features within classes before the penalty sees them.
    package var whitens = true
    package var workers = Workers.serial

    package init() {}

    /// With fewer rows than these a layer on the network's last layer alone has a say.
    package static let fewRows = 1000

    /// Fewer validation rows than these say little about a strength: then all of them take turns.
    package static let fewValidationRows = 100

    /// How the layers of one strength did on rows they had not seen.
    package struct PathPoint: Sendable, Equatable {
        package var strength: Double
        /// Mean over the held-out rows, in nats, and its standard error.
        package var crossEntropy, standardError: Double
        package var accuracy: Double
    }

    package struct Result: Sendable {
        package var layer: TrainedLayer
        package var strength: Double
        /// The strengths that were tried; empty where only one was given.
        package var path: [PathPoint]
        /// Mean cross entropy plus penalty over the rows the layer was trained on, on all columns.
        package var objective: Double
        /// What the logits are to be divided by, judged on rows that had not trained the layer of this strength.
        package var temperature: Float
        /// The share of the layer on all columns in the logits; the rest is that of the layer on the network's last layer.
        package var share: Float = 1
        /// The accuracy on `alternativeTest` of the further layer, on all columns.
        package var alternativeAccuracy: Double?
    }

    /// How far training is, in fits: each strength of each fold is one, and so is preparing a fold, or all rows.
    package struct Progress: Sendable, Equatable {
        package var done, total: Int

        package init(done: Int, total: Int) { (self.done, self.total) = (done, total) }
    }

    /// Trains on the rows `training` of `features`.
    ///
    /// - Parameters:
    ///   - labels: the class of each row of `features`, in `0..<classes`.
    ///   - progress: called on the calling thread as training goes on.
    /// - Throws: `TrainingError.cancelled` once the workers were told to stop.
    package func train(
        _ features: FeatureMatrix, labels: [Int], classes: Int, training: [Int], validation: [Int] = [],
        progress: ((Progress) -> Void)? = nil
    ) throws(TrainingError) -> Result {
        let data = try TrainingData(
            features, labels: labels, classes: classes, training: training, validation: validation)
        let masks = strengths.count > 1 ? masks(data) : []
        let rows = data.training.count + data.validation.count
        // Rows are prepared, each fold is, and so are all rows for the last fit.
        var counter = ProgressCounter(
            total: (alternativeTest.isEmpty ? 3 : 4) + (strengths.count + 1) * masks.count, report: progress)
        guard !masks.isEmpty, rows < Self.fewRows,
            let lastLayer = groups.first(where: \.isLastLayer)?.columns, lastLayer.count < features.columns
        else {
            return try head(data, groups: groups, masks: masks, whitens: whitens, &counter).result
        }
        counter.total = 2 * counter.total - (alternativeTest.isEmpty ? 0 : 1)
        let whole = try head(data, groups: groups, masks: masks, whitens: whitens, &counter)
        let columns = FeatureMatrix(features, columns: lastLayer)
        let narrow = try TrainingData(
            columns, labels: labels, classes: classes, training: training, validation: validation)
        var solver = self
        solver.alternativeTest = []
        let last = try solver.head(narrow, groups: [], masks: masks, whitens: false, &counter)
        return whole.stacked(on: last, columns: lastLayer, classes: classes)
    }

    /// One layer, and what those of its strength said of held-out rows.
    private func head(
        _ data: TrainingData, groups: [FeatureGroup], masks: [[Bool]], whitens: Bool,
        _ counter: inout ProgressCounter
    ) throws(TrainingError) -> Head {
        let prepared = Prepared(data, groups: groups, workers: workers)
        counter.advance(by: 1)
        // Where there is a choice, but nothing to judge it by, a moderate strength.
        let moderate = strengths.count > 1 ? 1e-3 : strengths.first ?? 1e-3
        var (path, strength) = ([PathPoint](), moderate), held = HeldOut(classes: data.classes)
        if !masks.isEmpty {
            (path, held) = try followPath(prepared, masks: masks, whitens: whitens, &counter)
            let best = path.min { $0.crossEntropy < $1.crossEntropy }
            // The penalty is a prior: against more rows its share of the mean is smaller.
            let seen = masks.map { $0.count { !$0 } }.reduce(0, +) / masks.count
            strength = best.map { $0.strength } ?? strength
            let all = usesValidationRows ? prepared.rows.count : data.training.count
            strength *= Double(seen) / Double(all)
        }
        let isHeldOut = prepared.rows.indices.map { $0 >= data.training.count && !usesValidationRows }
        let layer: TrainedLayer, objective: Double
        do {
            let fit = Fit(prepared, isHeldOut: isHeldOut, whitens: whitens, workers: workers)
            counter.advance(by: 1)
            fit.solver.minimize(strength: strength, tolerance: 1e-6)
            counter.advance(by: 1)
            (layer, objective) = (fit.layer(workers: workers), fit.problem.objective)
        }
        if workers.isCancelled() { throw .cancelled }
        let temperature = calibratedTemperature(
            logits: held.logits, labels: held.labels, classes: data.classes)
        var result = Result(
            layer: layer, strength: strength, path: path, objective: objective, temperature: temperature)
        if !alternativeTest.isEmpty {
            result.alternativeAccuracy = alternative(prepared, strength: strength, whitens: whitens)
            if workers.isCancelled() { throw .cancelled }
            counter.advance(by: 1)
        }
        return Head(result: result, held: held)
    }

    /// Returns the accuracy on `alternativeTest` of a layer trained on the other rows; nil if there are no such
    /// rows or no others.
    private func alternative(_ prepared: Prepared, strength: Double, whitens: Bool) -> Double? {
        let tested = Set(alternativeTest), isHeldOut = prepared.rows.map(tested.contains)
        guard isHeldOut.contains(true), isHeldOut.contains(false) else { return nil }
        let fit = Fit(prepared, isHeldOut: isHeldOut, whitens: whitens, workers: workers)
        fit.solver.minimize(strength: strength, tolerance: 1e-4)
        let scores = fit.problem.heldOutScores()
        return Double(scores.count { $0.isRight }) / Double(scores.count)
    }

    /// Which rows are held out, fold by fold: the validation rows once, or each training row once.
    private func masks(_ data: TrainingData) -> [[Bool]] {
        guard data.validation.isEmpty else {
            return [data.training.map { _ in false } + data.validation.map { _ in true }]
        }
        let folds = foldsOfRows(
            data.training.map { data.labels[$0] }, classes: data.classes,
            copies: copies.isEmpty ? [] : data.training.map { copies[$0] })
        return (0..<(folds.max() ?? 0) + 1).map { fold in folds.map { $0 == fold } }
            .filter { $0.contains(true) }
    }

    /// Held-out scores along the strengths, and the best strength's logits; ends early once they have clearly become worse.
    private func followPath(
        _ prepared: Prepared, masks: [[Bool]], whitens: Bool, _ counter: inout ProgressCounter
    ) throws(TrainingError) -> ([PathPoint], HeldOut) {
        var fits: [Fit] = []
        for mask in masks {
            fits.append(Fit(prepared, isHeldOut: mask, whitens: whitens, workers: workers))
            if workers.isCancelled() { throw .cancelled }
            counter.advance(by: 1)
        }
        var path: [PathPoint] = [], held = HeldOut(classes: prepared.classes)
        for (index, strength) in strengths.enumerated() {
            for fit in fits {
                fit.solver.minimize(strength: strength, tolerance: 1e-4)
                if workers.isCancelled() { throw .cancelled }
                counter.advance(by: 1)
            }
            path.append(PathPoint(strength: strength, fits.flatMap { $0.problem.heldOutScores() }))
            let best = path.min { $0.crossEntropy < $1.crossEntropy }!
            if best == path.last {
                held = HeldOut(classes: prepared.classes)
                for fit in fits { held.append(fit.problem) }
            }
            let recent = path.suffix(2)
            if recent.count == 2,
                recent.allSatisfy({ $0.crossEntropy > best.crossEntropy + best.standardError })
            {
                counter.advance(by: (strengths.count - 1 - index) * masks.count)
                break
            }
        }
        return (path, held)
    }

    /// A fold for each row, classes evenly dealt; copies of a row go where the first of them went. -1: in none.
    func foldsOfRows(_ labels: [Int], classes: Int, copies: [Int] = []) -> [Int] {
        var random = RandomSource(seed: seed)
        // Copies count as one: a class of three files of which two are alike can be dealt to two folds only.
        var first: [Int: Int] = [:]
        let leaders = labels.indices.map { row in
            guard !copies.isEmpty else { return row }
            if let known = first[copies[row]] { return known }
            first[copies[row]] = row
            return row
        }
        var counts = [Int](repeating: 0, count: classes)
        for row in labels.indices where leaders[row] == row { counts[labels[row]] += 1 }
        let folds = max(2, min(folds, counts.filter { $0 > 0 }.min() ?? 2))
        var result = [Int](repeating: 0, count: labels.count), next = 0
        for c in 0..<classes {
            let rows = labels.indices.filter { labels[$0] == c && leaders[$0] == $0 }
            for i in random.permutation(of: rows.count) {
                result[rows[i]] = next % folds
                next += 1
            }
        }
        for row in labels.indices { result[row] = result[leaders[row]] }
        // What would leave a class without a row to train on is never held out.
        for c in 0..<classes {
            let rows = labels.indices.filter { labels[$0] == c }
            guard let first = rows.first, rows.allSatisfy({ result[$0] == result[first] }) else { continue }
            let kept = Set(rows.map { leaders[$0] })
            for row in labels.indices where kept.contains(leaders[row]) { result[row] = -1 }
        }
        return result
    }
}

/// Counts what a training has done, for whoever shows it.
struct ProgressCounter: ~Copyable {
    var done = 0
    var total: Int
    let report: ((SoftmaxRegression.Progress) -> Void)?

    init(total: Int, report: ((SoftmaxRegression.Progress) -> Void)?) {
        (self.total, self.report) = (total, report)
    }

    mutating func advance(by count: Int) {
        done += count
        report?(SoftmaxRegression.Progress(done: done, total: total))
    }
}

extension SoftmaxRegression.PathPoint {
    init(strength: Double, _ scores: [(row: Int, loss: Double, isRight: Bool)]) {
        let n = Double(max(scores.count, 1)), mean = scores.reduce(0) { $0 + $1.loss } / n
        let variance = scores.reduce(0) { $0 + ($1.loss - mean) * ($1.loss - mean) } / max(n - 1, 1)
        self.init(
            strength: strength, crossEntropy: mean, standardError: (variance / n).squareRoot(),
            accuracy: Double(scores.count { $0.isRight }) / n)
    }
}
