/// The quality of a classifier on rows of known class.
package struct Metrics: Sendable, Equatable {
    /// The confusion matrix in rows, `[true class][predicted class]`.
    package private(set) var confusion: [[Int]]
    /// The mean of -ln of the true class's probability in nats; a probability of 0 counts as the smallest
    /// normal number.
    package private(set) var crossEntropy: Double
    /// The expected calibration error: the mean distance between confidence and accuracy over ten equal bins
    /// of confidence.
    package private(set) var calibrationError: Double
    /// The bins of `calibrationError`, by confidence from 0 to 1.
    package private(set) var calibration: [CalibrationBin]

    package struct CalibrationBin: Sendable, Equatable {
        package var count = 0
        /// The means over the bin's rows; 0 in an empty bin.
        package var confidence = 0.0, accuracy = 0.0
    }

    /// - Parameters:
    ///   - probabilities: The probabilities, `[rows, classes]`, row-major.
    ///   - labels: The true classes, `[rows]`, in `0..<classes`.
    ///   - classes: The number of classes.
    package init(probabilities: [Float], labels: [Int], classes: Int) {
        precondition(
            probabilities.count == labels.count * classes, "there is a probability for each row and class")
        confusion = Array(repeating: Array(repeating: 0, count: classes), count: classes)
        calibration = Array(repeating: CalibrationBin(), count: 10)
        var loss: Double = 0
        for (row, label) in labels.enumerated() {
            let p = probabilities[row * classes..<(row + 1) * classes]
            let predicted = predictedClass(p), confidence = p[p.startIndex + predicted]
            confusion[label][predicted] += 1
            loss -= logarithm(Double(max(p[p.startIndex + label], .leastNormalMagnitude)))
            // As usual, bins include their upper bound: 0.3 belongs to (0.2, 0.3].
            let bin = min(max(Int((confidence * 10).rounded(.up)) - 1, 0), 9)
            calibration[bin].count += 1
            calibration[bin].confidence += Double(confidence)
            calibration[bin].accuracy += predicted == label ? 1 : 0
        }
        let n = Double(max(labels.count, 1))
        crossEntropy = loss / n
        calibrationError = calibration.reduce(0) { $0 + ($1.confidence - $1.accuracy).magnitude } / n
        for bin in calibration.indices where calibration[bin].count > 0 {
            calibration[bin].confidence /= Double(calibration[bin].count)
            calibration[bin].accuracy /= Double(calibration[bin].count)
        }
    }

    package var count: Int { confusion.reduce(0) { $0 + $1.reduce(0, +) } }
    package var correct: Int { confusion.indices.reduce(0) { $0 + confusion[$1][$1] } }
    package var accuracy: Double { Double(correct) / Double(max(count, 1)) }
    /// The 95 % confidence interval of the accuracy.
    package var accuracyInterval: ClosedRange<Double> { wilsonInterval(successes: correct, trials: count) }

    package struct ClassScore: Sendable, Equatable {
        /// The number of rows of the class.
        package var support: Int
        /// The scores, which are 0 if no row was predicted as the class or none belongs to it.
        package var precision, recall, f1: Double
    }

    /// The scores of each class.
    package var perClass: [ClassScore] {
        confusion.indices.map { c in
            let hits = Double(confusion[c][c]), support = confusion[c].reduce(0, +),
                predicted = confusion.reduce(0) { $0 + $1[c] }
            let precision = predicted > 0 ? hits / Double(predicted) : 0,
                recall = support > 0 ? hits / Double(support) : 0
            let f1 = hits > 0 ? 2 * precision * recall / (precision + recall) : 0
            return ClassScore(support: support, precision: precision, recall: recall, f1: f1)
        }
    }
}

/// Returns the offset of the largest number, the first of equal ones.
package func predictedClass(_ scores: some RandomAccessCollection<Float>) -> Int {
    var best = 0
    var largest = -Float.infinity
    for (i, score) in scores.enumerated() where score > largest { (best, largest) = (i, score) }
    return best
}

/// Returns Wilson's score interval of a proportion, with 95 % confidence for `z` = 1.96; 0...1 without
/// trials.
package func wilsonInterval(successes: Int, trials: Int, z: Double = 1.959_963_984_540_054) -> ClosedRange<
    Double
> {
    guard trials > 0 else { return 0...1 }
    let n = Double(trials), p = Double(successes) / n
    let center = (p + z * z / (2 * n)) / (1 + z * z / n)
    let half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()
    return max(center - half, 0)...min(center + half, 1)
}
