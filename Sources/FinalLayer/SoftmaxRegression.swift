/// L2-regularized softmax regression, minimized to convergence: the default training of the final layer.
///
/// Features are standardized on the training rows and whitened within classes; both maps are folded into the
/// weights and biases. The penalty is the one whose layer does best on unseen rows: the validation rows if
/// there are any, otherwise each fold of a stratified cross-validation. Only the folds are random, and a seed
/// determines the result for any number of threads.
package struct SoftmaxRegression: Sendable {
    /// The penalties to try, strongest first, because each starts from the previous minimum.
    ///
    /// The loss is the mean cross entropy plus strength / 2 · ‖weights‖²; scikit-learn's `C` is 1 / (strength
    /// · rows).
    package var strengths: [Double] = (0...16).map { i in
        10 * (0..<i).reduce(1.0) { s, _ in s / 10.0.squareRoot() }
    }
    /// The number of folds without validation rows; at most the number of images in the smallest class.
    package var folds = 5
    package var seed: UInt64 = 0
    /// Columns with a factor of their own; the others have factor 1.
    package var groups: [FeatureGroup] = []
    /// A number per row of the features; rows with equal numbers are held out together. It is empty without
    /// copies.
    package var copies: [Int] = []
    /// The training and validation rows that another split would test on: a further layer of the chosen strength
    /// is trained on the others and tested on these. Empty for none.
    package var alternativeTest: [Int] = []
    /// Whether to train the layer again on training and validation rows together once the strength is known.
    package var usesValidationRows = true
    /// Whether to whiten features within classes before the penalty applies.
    package var whitens = true
    /// Whether the groups' influences are estimated from the training rows (see `GroupInfluence`).
    package var weighsGroups = true
    package var workers = Workers.serial

    package init() {}

    /// The number of rows below which a layer on the network's last layer alone contributes.
    package static let fewRows = 1000

    /// The number of validation rows below which the strength is chosen by cross-validation over all rows
    /// instead.
    package static let fewValidationRows = 100

    /// The distance from the minimum in nats at which a fit on some of the rows ends. The temperature is calibrated
    /// on these fits: were they much farther from their minima than the last one, that would be too confident.
    private static let tolerance = 1e-5

    /// The result for one strength on held-out rows.
    package struct PathPoint: Sendable, Equatable {
        package var strength: Double
        /// The mean over the held-out rows in nats, and its standard error.
        package var crossEntropy, standardError: Double
        package var accuracy: Double
    }

    package struct Result: Sendable {
        package var layer: TrainedLayer
        package var strength: Double
        /// The strengths that were tried; empty if only one was given.
        package var path: [PathPoint]
        /// The mean cross entropy plus the penalty of the layer on all columns over its training rows.
        package var objective: Double
        /// The divisor of the logits, calibrated on rows that did not train the layer.
        package var temperature: Float
        /// The share of the layer on all columns in the logits; the remainder belongs to the layer on the
        /// network's last layer.
        package var share: Float = 1
        /// The accuracy on `alternativeTest` of the further layer, on all columns.
        package var alternativeAccuracy: Double?
    }

    /// The progress of training in fits: one for each strength in each fold, and one for each preparation of
    /// a fold or of all rows.
    package struct Progress: Sendable, Equatable {
        package var done, total: Int

        package init(done: Int, total: Int) { (self.done, self.total) = (done, total) }
    }

    /// Trains on the rows `training` of `features`.
    ///
    /// - Parameters:
    ///   - features: The bottleneck vectors.
    ///   - labels: The class of each row of `features`, in `0..<classes`.
    ///   - classes: The number of classes.
    ///   - training: The indices of the training rows.
    ///   - validation: The indices of the validation rows.
    ///   - progress: Called on the calling thread during training.
    /// - Throws: `TrainingError`; `.cancelled` after the workers were told to stop.
    package func train(
        _ features: FeatureMatrix, labels: [Int], classes: Int, training: [Int], validation: [Int] = [],
        progress: ((Progress) -> Void)? = nil
    ) throws(TrainingError) -> Result {
        let data = try TrainingData(
            features, labels: labels, classes: classes, training: training, validation: validation)
        let masks = strengths.count > 1 ? masks(data) : []
        let rows = data.training.count + data.validation.count
        // The preparation of the rows and of each fold counts as a fit, and so does that of all rows for the
        // last fit.
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
        return whole.stacked(on: last, columns: lastLayer, classes: classes).mixed(classes: classes)
    }

    /// Trains one layer, and returns it with the held-out logits for its strength.
    func head(
        _ data: TrainingData, groups: [FeatureGroup], masks: [[Bool]], whitens: Bool,
        _ counter: inout ProgressCounter
    ) throws(TrainingError) -> Head {
        let prepared = Prepared(
            data, groups: groups, weighs: weighsGroups, whitens: whitens, workers: workers)
        counter.advance(by: 1)
        // A moderate strength is chosen if there are several but no held-out rows to compare them on.
        let moderate = strengths.count > 1 ? 1e-3 : strengths.first ?? 1e-3
        var (path, strength) = ([PathPoint](), moderate), held = HeldOut(classes: data.classes)
        var heldDiscriminant: [Float]?
        if !masks.isEmpty {
            let followed = try followPath(prepared, masks: masks, whitens: whitens, &counter)
            (path, held, heldDiscriminant) = (followed.points, followed.held, followed.discriminant)
            // The penalty is a prior: its share of the mean shrinks with the number of rows.
            let seen = masks.map { $0.count { !$0 } }.reduce(0, +) / masks.count
            let all = usesValidationRows ? prepared.rows.count : data.training.count
            strength = followed.strength * (Double(seen) / Double(all))
        }
        let isHeldOut = prepared.rows.indices.map { $0 >= data.training.count && !usesValidationRows }
        let layer: TrainedLayer, objective: Double, discriminant: TrainedLayer?
        do {
            let fit = Fit(prepared, isHeldOut: isHeldOut, whitens: whitens, workers: workers)
            counter.advance(by: 1)
            fit.minimize(strength: strength, tolerance: 1e-6)
            counter.advance(by: 1)
            (layer, objective) = (fit.layer(workers: workers), fit.problem.objective)
            discriminant = heldDiscriminant == nil ? nil : fit.discriminantLayer(workers: workers)
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
        return Head(
            result: result, held: held,
            discriminant: discriminant.flatMap { layer in heldDiscriminant.map { (layer, $0) } })
    }

    /// Returns the accuracy on `alternativeTest` of a layer trained on the other rows; nil if there are no such
    /// rows or no others.
    private func alternative(_ prepared: Prepared, strength: Double, whitens: Bool) -> Double? {
        let tested = Set(alternativeTest), isHeldOut = prepared.rows.map(tested.contains)
        guard isHeldOut.contains(true), isHeldOut.contains(false) else { return nil }
        let fit = Fit(prepared, isHeldOut: isHeldOut, whitens: whitens, workers: workers)
        fit.minimize(strength: strength, tolerance: 1e-4)
        let scores = fit.problem.heldOutScores()
        return Double(scores.count { $0.isRight }) / Double(scores.count)
    }

    /// Returns the held-out rows of each fold: the validation rows once, or each training row once.
    func masks(_ data: TrainingData) -> [[Bool]] {
        guard data.validation.isEmpty else {
            return [data.training.map { _ in false } + data.validation.map { _ in true }]
        }
        let folds = foldsOfRows(
            data.training.map { data.labels[$0] }, classes: data.classes,
            copies: copies.isEmpty ? [] : data.training.map { copies[$0] })
        return (0..<(folds.max() ?? 0) + 1).map { fold in folds.map { $0 == fold } }
            .filter { $0.contains(true) }
    }

    /// The held-out scores for decreasing strengths.
    struct Path {
        let points: [PathPoint]
        /// The held-out logits for the best strength.
        let held: HeldOut
        /// The discriminant's held-out logits; nil with many rows.
        let discriminant: [Float]?
        /// The solution of the first fold for the best strength; nil for rows that are not compact.
        let start: Fit.Start?

        /// The best strength.
        var strength: Double { points.min { $0.crossEntropy < $1.crossEntropy }?.strength ?? 1e-3 }
    }

    /// Computes held-out scores for decreasing strengths; ends early once they are clearly worse.
    ///
    /// - Parameters:
    ///   - start: A solution for some of the rows, from which each fold starts; nil for none.
    ///   - tolerance: The distance from the minima in nats at which fits end.
    func followPath(
        _ prepared: Prepared, masks: [[Bool]], whitens: Bool, from start: Fit.Start? = nil,
        tolerance: Double = SoftmaxRegression.tolerance, _ counter: inout ProgressCounter
    ) throws(TrainingError) -> Path {
        var fits: [Fit] = []
        for mask in masks {
            fits.append(
                Fit(prepared, isHeldOut: mask, whitens: whitens, start: start, workers: workers))
            if workers.isCancelled() { throw .cancelled }
            counter.advance(by: 1)
        }
        var path: [PathPoint] = [], held = HeldOut(classes: prepared.classes)
        var bestStart: Fit.Start?
        for (index, strength) in strengths.enumerated() {
            for fit in fits {
                fit.minimize(strength: strength, tolerance: tolerance)
                if workers.isCancelled() { throw .cancelled }
                counter.advance(by: 1)
            }
            path.append(PathPoint(strength: strength, fits.flatMap { $0.problem.heldOutScores() }))
            let best = path.min { $0.crossEntropy < $1.crossEntropy }!
            if best == path.last {
                held = HeldOut(classes: prepared.classes)
                for fit in fits { held.append(fit.problem) }
                if prepared.compact != nil { bestStart = fits.first?.start }
            }
            let recent = path.suffix(2)
            if recent.count == 2,
                recent.allSatisfy({ $0.crossEntropy > best.crossEntropy + best.standardError })
            {
                counter.advance(by: (strengths.count - 1 - index) * masks.count)
                break
            }
        }
        let logits = prepared.rows.count < Self.fewRows ? fits.compactMap(\.discriminantLogits) : []
        let isMixed = !fits.isEmpty && logits.count == fits.count
        return Path(
            points: path, held: held, discriminant: isMixed ? logits.flatMap { $0 } : nil, start: bestStart)
    }

    /// Returns a fold for each row, with the classes distributed evenly and copies in the fold of their first
    /// row; -1 for a row that is never held out.
    func foldsOfRows(_ labels: [Int], classes: Int, copies: [Int] = []) -> [Int] {
        var random = RandomSource(seed: seed)
        // Copies count as one: a class of three files of which two are equal can be distributed to two folds
        // only.
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
        // Rows whose absence would leave a class without training rows are never held out.
        for c in 0..<classes {
            let rows = labels.indices.filter { labels[$0] == c }
            guard let first = rows.first, rows.allSatisfy({ result[$0] == result[first] }) else { continue }
            let kept = Set(rows.map { leaders[$0] })
            for row in labels.indices where kept.contains(leaders[row]) { result[row] = -1 }
        }
        return result
    }
}

/// Counts the fits of a training and reports them.
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
