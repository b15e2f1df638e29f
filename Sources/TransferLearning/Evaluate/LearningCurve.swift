import FinalLayer

/// The accuracy of layers that were trained on a number of pictures.
public struct LearningPoint: Sendable, Codable, Equatable {
    /// The number of pictures that a layer is trained on, on average over the folds.
    public let pictures: Int
    public let accuracy: Double
    /// The lower and upper bound of the 95 % confidence interval (Wilson's score interval).
    public let interval: [Double]
}

/// Trains layers on a quarter, a half and three quarters of the pictures, to tell how much more would help.
struct LearningCurve {
    let solver: SoftmaxRegression
    let features: FeatureMatrix
    let labels: [Int]
    let classes: Int

    /// The rows that a layer is trained and judged on.
    struct Trial {
        let training: [Int]
        /// The rows on which the strength is chosen; empty to choose it by cross-validation.
        var validation: [Int] = []
        let testing: [Int]
    }

    static let shares = [0.25, 0.5, 0.75]

    /// - Parameters:
    ///   - trials: The trials with all rows; their test rows are judged in all points.
    ///   - whole: The correct answers of layers that were trained on all rows of the trials.
    /// - Throws: `TrainingError`.
    func points(
        _ trials: [Trial], correctByAll whole: Int, progress: ((SoftmaxRegression.Progress) -> Void)? = nil
    ) throws(TrainingError) -> [LearningPoint] {
        let tested = trials.reduce(0) { $0 + $1.testing.count }
        let fits = Self.shares.count * trials.count
        var points: [LearningPoint] = [], done = 0
        for share in Self.shares {
            var (correct, pictures) = (0, 0)
            for trial in trials {
                let training = subset(trial.training, share), validation = subset(trial.validation, share)
                pictures += training.count + validation.count
                let before = done
                let layer = try solver.train(
                    features, labels: labels, classes: classes, training: training, validation: validation
                ) { progress?(.init(done: before * $0.total + $0.done, total: fits * $0.total)) }.layer
                let logits = layer.logits(features, rows: trial.testing, workers: solver.workers)
                for (position, row) in trial.testing.enumerated() {
                    let scores = logits[position * classes..<(position + 1) * classes]
                    if predictedClass(scores) == labels[row] { correct += 1 }
                }
                done += 1
            }
            points.append(Self.point(pictures / trials.count, correct, tested))
        }
        let all = trials.reduce(0) { $0 + $1.training.count + $1.validation.count } / trials.count
        return points + [Self.point(all, whole, tested)]
    }

    /// Returns a share of the rows of each class, spread evenly over them; at least two of a class if it has as many.
    private func subset(_ rows: [Int], _ share: Double) -> [Int] {
        (0..<classes).flatMap { label -> [Int] in
            let members = rows.filter { labels[$0] == label }
            let count = min(members.count, max(2, Int((Double(members.count) * share).rounded())))
            return (0..<count).map { members[$0 * members.count / count] }
        }
    }

    private static func point(_ pictures: Int, _ correct: Int, _ count: Int) -> LearningPoint {
        let interval = wilsonInterval(successes: correct, trials: count)
        return LearningPoint(
            pictures: pictures, accuracy: Double(correct) / Double(max(count, 1)),
            interval: [interval.lowerBound, interval.upperBound])
    }
}

extension LearningCurve {
    /// Returns the curve of a cross-validation, measured on some of its folds.
    ///
    /// - Parameters:
    ///   - judged: The cross-validation.
    ///   - copies: The images that were held out together.
    /// - Throws: `TransferLearningError`, or errors of the receiver of events.
    static func points(
        _ source: BottleneckSource, _ judged: OutOfSample, copies: RowGroups, seed: UInt64,
        context: RunContext
    ) throws -> [LearningPoint] {
        var solver = SoftmaxRegression()
        (solver.groups, solver.workers) = (source.groups, source.workers)
        (solver.seed, solver.copies) = (seed, copies.leaders)
        let rows = judged.labels.indices
        // Three folds tell as much about a trend as all do.
        let trials = (0..<min(3, judged.foldCount)).map { fold in
            Trial(
                training: rows.filter { judged.folds[$0] != fold },
                testing: rows.filter { judged.folds[$0] == fold })
        }
        let correct = trials.flatMap(\.testing).count { predictedClass(judged[$0]) == judged.labels[$0] }
        let curve = LearningCurve(
            solver: solver, features: source.data.features, labels: judged.labels, classes: judged.classes)
        return try context.train { (progress) throws(TrainingError) in
            try curve.points(trials, correctByAll: correct, progress: progress)
        }
    }
}
