import FinalLayer

/// The quality of a classifier on labelled images, for people and scripts.
public struct EvaluationReport: Sendable, Codable {
    public struct ClassRow: Sendable, Codable, Equatable {
        public let label: String
        public let count: Int
        public let precision, recall, f1: Double
    }

    /// The images whose highest probability is in `from..<to`.
    public struct CalibrationRow: Sendable, Codable, Equatable {
        public let from, to: Double
        public let count: Int
        public let confidence, accuracy: Double
    }

    public struct Mistake: Sendable, Codable, Equatable {
        public let path: String
        public let label, predicted: String
        /// The probabilities of `predicted` and of `label`.
        public let score, labelScore: Float
    }

    /// What is said of a picture, right or wrong.
    struct Judgement: Sendable {
        let path: String
        /// The indices of the true and of the predicted label.
        let label, predicted: Int
        /// The probabilities of the predicted and of the true label.
        let score, labelScore: Float
    }

    public let labels: [String]
    public let count, correct: Int
    public let accuracy: Double
    /// The lower and upper bound of the 95 % confidence interval of the accuracy (Wilson's score interval).
    public let interval: [Double]
    public let crossEntropy: Double
    /// The expected calibration error over ten bins of confidence.
    public let calibrationError: Double
    public let perClass: [ClassRow]
    /// The unweighted mean of the classes' F1.
    public let macroF1: Double
    /// The confusion matrix, with true classes as rows and predicted classes as columns.
    public let confusion: [[Int]]
    public let calibration: [CalibrationRow]
    /// All mistakes, most confident first.
    public let mistakes: [Mistake]
    /// The evaluation of another setting on the same folds; nil if none was requested.
    public internal(set) var comparison: ComparisonReport?
    /// The settings among which `Quality.best` chose, in each fold by the others; nil for other qualities.
    public internal(set) var quality: QualitySummary?
    /// The accuracy on each fold of a cross-validation; nil for the evaluation of a model.
    public let foldAccuracies: [Double]?
    /// The accuracy by the number of training pictures; nil unless it was asked for.
    public internal(set) var learningCurve: [LearningPoint]?
    /// What is said of every picture, for the page; not part of the JSON text.
    private(set) var judgements: [Judgement] = []
    /// The files that could not be read, for the page likewise.
    var skipped: [SkippedPicture] = []
    /// What explains mistakes in the page of a cross-validation; nil if layers were not kept.
    var heldOutLayers: HeldOutLayers?

    private enum CodingKeys: CodingKey {
        case labels, count, correct, accuracy, interval, crossEntropy, calibrationError, perClass, macroF1
        case confusion, calibration, mistakes, comparison, foldAccuracies, learningCurve
    }

    /// - Parameters:
    ///   - labels: The names of the classes.
    ///   - paths: The paths of the images.
    ///   - classes: The true class of each path, an index into `labels`.
    ///   - probabilities: The probabilities, `[paths, labels]`, row-major.
    ///   - foldAccuracies: The accuracy on each fold of a cross-validation.
    package init(
        labels: [String], paths: [String], classes: [Int], probabilities: [Float],
        foldAccuracies: [Double]? = nil
    ) {
        let metrics = Metrics(probabilities: probabilities, labels: classes, classes: labels.count)
        (self.labels, count, correct, accuracy) = (labels, metrics.count, metrics.correct, metrics.accuracy)
        interval = [metrics.accuracyInterval.lowerBound, metrics.accuracyInterval.upperBound]
        (crossEntropy, calibrationError, confusion) = (
            metrics.crossEntropy, metrics.calibrationError, metrics.confusion
        )
        perClass = zip(labels, metrics.perClass).map {
            ClassRow(label: $0, count: $1.support, precision: $1.precision, recall: $1.recall, f1: $1.f1)
        }
        let present = perClass.filter { $0.count > 0 }
        macroF1 = present.reduce(0) { $0 + $1.f1 } / Double(max(present.count, 1))
        calibration = metrics.calibration.enumerated().map { index, bin in
            CalibrationRow(
                from: Double(index) / 10, to: Double(index + 1) / 10, count: bin.count,
                confidence: bin.confidence, accuracy: bin.accuracy)
        }
        self.foldAccuracies = foldAccuracies
        let width = labels.count
        judgements = paths.indices.map { row in
            let scores = probabilities[row * width..<(row + 1) * width]
            let predicted = predictedClass(scores), truth = classes[row]
            return Judgement(
                path: paths[row], label: truth, predicted: predicted,
                score: scores[scores.startIndex + predicted],
                labelScore: scores[scores.startIndex + truth])
        }
        mistakes = judgements.filter { $0.predicted != $0.label }.map {
            Mistake(
                path: $0.path, label: labels[$0.label], predicted: labels[$0.predicted], score: $0.score,
                labelScore: $0.labelScore)
        }.sorted { ($1.score, $0.path) < ($0.score, $1.path) }
    }

    package init(_ outOfSample: OutOfSample, labels: [String], paths: [String]) {
        self.init(
            labels: labels, paths: paths, classes: outOfSample.labels,
            probabilities: outOfSample.probabilities,
            foldAccuracies: outOfSample.foldAccuracies)
    }
}

/// The evaluation of another setting on the same images and folds, as a paired comparison.
public struct ComparisonReport: Sendable, Codable, Equatable {
    public let setting: String
    public let accuracy, crossEntropy: Double
    /// The numbers of images that only the first setting and only the second setting classifies correctly.
    public let onlyUsual, onlyOther: Int
    /// The two-sided p-value of McNemar's exact test.
    public let pValue: Double
    /// The second setting's cross entropy minus the first's, and its standard error.
    public let crossEntropyDifference, standardError: Double

    init(_ setting: String, _ usual: OutOfSample, _ other: OutOfSample) {
        let pair = PairedComparison(
            usual.probabilities, other.probabilities, labels: usual.labels, classes: usual.classes)
        let metrics = other.metrics
        (self.setting, accuracy, crossEntropy) = (setting, metrics.accuracy, metrics.crossEntropy)
        (onlyUsual, onlyOther, pValue) = (pair.onlyFirst, pair.onlySecond, pair.pValue)
        (crossEntropyDifference, standardError) = (pair.crossEntropyDifference, pair.standardError)
    }
}
