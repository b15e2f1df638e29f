import FinalLayer

/// How well a classifier does on pictures whose class is known, in the terms people and scripts read.
public struct EvaluationReport: Sendable, Codable {
    public struct ClassRow: Sendable, Codable, Equatable {
        public let label: String
        public let count: Int
        public let precision, recall, f1: Double
    }

    /// Pictures whose highest probability lies in `from..<to`.
    public struct CalibrationRow: Sendable, Codable, Equatable {
        public let from, to: Double
        public let count: Int
        public let confidence, accuracy: Double
    }

    public struct Mistake: Sendable, Codable, Equatable {
        public let path: String
        public let label, predicted: String
        /// Probabilities given to `predicted` and to `label`.
        public let score, labelScore: Float
    }

    public let labels: [String]
    public let count, correct: Int
    public let accuracy: Double
    /// 95 % confidence interval of the accuracy (Wilson's score interval): lower and upper bound.
    public let interval: [Double]
    public let crossEntropy: Double
    /// Expected calibration error over ten bins of confidence.
    public let calibrationError: Double
    public let perClass: [ClassRow]
    /// Unweighted mean of the classes' F1.
    public let macroF1: Double
    /// Row: true class, column: predicted class.
    public let confusion: [[Int]]
    public let calibration: [CalibrationRow]
    /// Every mistake, the most confident first.
    public let mistakes: [Mistake]
    /// Accuracy on each fold of a cross-validation; nil where a finished model was evaluated.
    public let foldAccuracies: [Double]?

    /// - Parameters:
    ///   - probabilities: `[paths, labels]`, row-major.
    ///   - classes: the true class of each path, an index into `labels`.
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
        mistakes = paths.indices.compactMap { row -> Mistake? in
            let scores = probabilities[row * width..<(row + 1) * width]
            let predicted = predictedClass(scores), truth = classes[row]
            guard predicted != truth else { return nil }
            return Mistake(
                path: paths[row], label: labels[truth], predicted: labels[predicted],
                score: scores[scores.startIndex + predicted],
                labelScore: scores[scores.startIndex + truth])
        }.sorted { ($1.score, $0.path) < ($0.score, $1.path) }
    }

    package init(_ outOfSample: OutOfSample, labels: [String], paths: [String]) {
        self.init(
            labels: labels, paths: paths, classes: outOfSample.labels,
            probabilities: outOfSample.probabilities,
            foldAccuracies: outOfSample.foldAccuracies)
    }
}

/// `--assert_accuracy`: whether a report is good enough for a script to go on.
public struct AccuracyAssertion: Sendable {
    /// The exit code of an accuracy below the demanded one; no other failure has it.
    public static let exitCode: Int32 = 40
    public let demanded: Double

    public init(demanded: Double) { self.demanded = demanded }

    public func holds(for report: EvaluationReport) -> Bool { report.accuracy >= demanded }
}
