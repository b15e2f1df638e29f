/// L2-regularized softmax regression, minimized to the end: the default way to train the final layer.
///
/// Features are standardized on the training rows and the scaling is folded back into weights and biases. The strength of the
/// penalty is the one whose layer does best on rows it has not seen: the validation rows where there are any, else each fold of a
/// stratified cross-validation in turn. Nothing is random but the folds, and one seed gives one result on any number of threads.
package struct SoftmaxRegression: Sendable {
    /// Penalties to try, in the order in which each starts from the minimum before it: strongest first.
    ///
    /// The loss is the mean cross entropy plus strength / 2 · ‖weights‖²; scikit-learn's `C` is 1 / (strength · rows).
    package var strengths: [Double] = (0...16).map { i in
        10 * (0..<i).reduce(1.0) { s, _ in s / 10.0.squareRoot() }
    }.filter { $0 > 1e-6 }
    /// Folds where there are no validation rows, at most the pictures of the smallest class.
    package var folds = 5
    package var seed: UInt64 = 0
    /// Columns with penalties of their own; the others have factor 1.
    package var groups: [FeatureGroup] = []
    /// Trains the layer once more on training and validation rows together when the strength is known.
    package var usesValidationRows = true
    /// Evens out the strongest principal directions before the penalty sees them.
    package var flattens = true
    package var workers = Workers.serial

    package init() {}

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
        /// Mean cross entropy plus penalty over the rows the layer was trained on.
        package var objective: Double
        /// What the logits are to be divided by, judged on rows that had not trained the layer of this strength.
        package var temperature: Float
    }

    /// Trains on the rows `training` of `features`.
    ///
    /// - Parameter labels: the class of each row of `features`, in `0..<classes`.
    package func train(
        _ features: FeatureMatrix, labels: [Int], classes: Int, training: [Int], validation: [Int] = []
    ) throws(TrainingError) -> Result {
        let data = try TrainingData(
            features, labels: labels, classes: classes, training: training, validation: validation)
        let prepared = Prepared(data, groups: groups, flattens: flattens, workers: workers)
        var path: [PathPoint] = [], strength = strengths.first ?? 1e-3, temperature: Float = 1
        if strengths.count > 1 {
            let folds =
                validation.isEmpty ? foldsOfRows(data.training.map { labels[$0] }, classes: classes) : nil
            let masks =
                folds.map { folds in (0..<(folds.max() ?? 0) + 1).map { fold in folds.map { $0 == fold } } }
                ?? [data.training.map { _ in false } + data.validation.map { _ in true }]
            (path, temperature) = followPath(prepared, masks: masks)
            let best = path.min { $0.crossEntropy < $1.crossEntropy }
            // The penalty is a prior: against more rows its share of the mean is smaller.
            let seen = masks.map { $0.count { !$0 } }.reduce(0, +) / masks.count
            strength = best.map { $0.strength } ?? strength
            let all = usesValidationRows ? prepared.rows.count : data.training.count
            strength *= Double(seen) / Double(all)
        }
        let held = prepared.rows.indices.map { $0 >= data.training.count && !usesValidationRows }
        let problem = RegressionProblem(
            prepared.design, labels: prepared.labels, classes: classes, isHeldOut: held)
        RegressionSolver(prepared.design, problems: [problem], workers: workers).minimize(
            strength: strength, tolerance: 1e-6)
        return Result(
            layer: prepared.layer(of: problem, workers: workers), strength: strength, path: path,
            objective: problem.objective,
            temperature: temperature)
    }

    /// Held-out scores along the strengths, and the best strength's temperature; ends early once they have clearly become worse.
    private func followPath(_ prepared: Prepared, masks: [[Bool]]) -> ([PathPoint], temperature: Float) {
        let problems = masks.map {
            RegressionProblem(
                prepared.design, labels: prepared.labels, classes: prepared.classes, isHeldOut: $0)
        }
        let solver = RegressionSolver(prepared.design, problems: problems, workers: workers)
        var path: [PathPoint] = [], logits: [Float] = [], labels: [Int] = []
        for strength in strengths {
            solver.minimize(strength: strength, tolerance: 1e-4)
            path.append(PathPoint(strength: strength, problems.flatMap { $0.heldOutScores() }))
            let best = path.min { $0.crossEntropy < $1.crossEntropy }!
            if best == path.last {
                let rows = problems.flatMap { problem in
                    problem.isHeldOut.indices.filter { problem.isHeldOut[$0] }.map { (problem, $0) }
                }
                (logits, labels) = (rows.flatMap { $0.logits(row: $1) }, rows.map { $0.labels[$1] })
            }
            let recent = path.suffix(2)
            if recent.count == 2,
                recent.allSatisfy({ $0.crossEntropy > best.crossEntropy + best.standardError })
            {
                break
            }
        }
        return (path, calibratedTemperature(logits: logits, labels: labels, classes: prepared.classes))
    }

    /// A fold for each row, classes evenly dealt.
    func foldsOfRows(_ labels: [Int], classes: Int) -> [Int] {
        var random = RandomSource(seed: seed), counts = [Int](repeating: 0, count: classes)
        for label in labels { counts[label] += 1 }
        let folds = max(2, min(folds, counts.min() ?? 2))
        var result = [Int](repeating: 0, count: labels.count), next = 0
        for c in 0..<classes {
            let rows = labels.indices.filter { labels[$0] == c }
            for i in random.permutation(of: rows.count) {
                result[rows[i]] = next % folds
                next += 1
            }
        }
        return result
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

/// Rows ready for the solver: standardized, and rewritten in fewer columns where there are more features than rows.
struct Prepared {
    /// Training rows, then validation rows.
    let rows: [Int]
    let labels: [Int]
    let classes: Int
    let design: DesignMatrix
    private let standardization: Standardization
    private let reduction: GramReduction?
    private let flattening: SpectralFlattening?

    init(_ data: TrainingData, groups: [FeatureGroup], flattens: Bool, workers: Workers) {
        rows = data.training + data.validation
        labels = rows.map { data.labels[$0] }
        classes = data.classes
        standardization = Standardization(
            data.features, rows: data.training, groups: groups, workers: workers)
        let full = standardization.design(data.features, rows: rows, workers: workers)
        reduction = full.columns > full.rows ? GramReduction(full, workers: workers) : nil
        let plain = reduction?.reduced ?? full
        flattening = flattens ? SpectralFlattening(plain, workers: workers) : nil
        design = flattening?.flattened ?? plain
    }

    func layer(of problem: RegressionProblem, workers: Workers) -> TrainedLayer {
        let stride = standardization.means.count
        let found = FloatBuffer(problem.parameters.count)
        found.copy(from: problem.parameters)
        flattening?.foldBack(found.base, classes: classes)
        guard let reduction else {
            return standardization.layer(
                weights: found.base, stride: problem.stride, biases: problem.biases, classes: classes)
        }
        let weights = reduction.expand(found.base, classes: classes, workers: workers)
        return standardization.layer(
            weights: weights.base, stride: padded(stride, to: 16), biases: problem.biases, classes: classes)
    }
}
