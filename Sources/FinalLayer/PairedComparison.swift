/// A paired comparison of two classifiers on the same rows.
package struct PairedComparison: Sendable, Equatable {
    /// The numbers of rows that only the first and only the second classifies correctly.
    package let onlyFirst, onlySecond: Int
    /// The two-sided p-value of McNemar's exact test: the probability of counts at least as unequal if both
    /// classifiers are equally good.
    package let pValue: Double
    /// The second's mean cross entropy minus the first's, in nats, and its standard error.
    package let crossEntropyDifference, standardError: Double

    /// Compares two classifiers.
    ///
    /// - Parameters:
    ///   - first: The first classifier's probabilities, `[rows, classes]`, row-major.
    ///   - second: The second classifier's probabilities, likewise.
    ///   - labels: The class of each row, in `0..<classes`.
    ///   - classes: The number of classes.
    package init(_ first: [Float], _ second: [Float], labels: [Int], classes: Int) {
        precondition(
            first.count == labels.count * classes && second.count == first.count,
            "both say something of every row")
        var (onlyFirst, onlySecond) = (0, 0), sum = 0.0, squares = 0.0
        for (row, label) in labels.enumerated() {
            let a = first[row * classes..<(row + 1) * classes],
                b = second[row * classes..<(row + 1) * classes]
            switch (predictedClass(a) == label, predictedClass(b) == label) {
            case (true, false): onlyFirst += 1
            case (false, true): onlySecond += 1
            default: break
            }
            func loss(_ scores: ArraySlice<Float>) -> Double {
                -logarithm(Double(max(scores[scores.startIndex + label], .leastNormalMagnitude)))
            }
            let difference = loss(b) - loss(a)
            sum += difference
            squares += difference * difference
        }
        let n = Double(max(labels.count, 1)), mean = sum / n
        (self.onlyFirst, self.onlySecond) = (onlyFirst, onlySecond)
        pValue = Self.signTest(onlyFirst, onlySecond)
        crossEntropyDifference = mean
        standardError = (max(squares / n - mean * mean, 0) / max(n - 1, 1)).squareRoot()
    }

    /// Returns the two-sided p-value of the sign test: the probability that `a + b` tosses of a fair coin
    /// fall at least as unequally.
    ///
    /// Binomial coefficients are computed relative to the largest, so that thousands of tosses neither
    /// overflow nor underflow.
    static func signTest(_ a: Int, _ b: Int) -> Double {
        let n = a + b, fewer = min(a, b), middle = n / 2
        guard a != b else { return 1 }
        var term = 1.0, all = 1.0, tail = 0.0
        // The coefficients decrease from the middle down; those above the middle mirror them.
        for k in stride(from: middle, to: 0, by: -1) {
            if k <= fewer { tail += term }
            term *= Double(k) / Double(n - k + 1)
            all += term
        }
        tail += term
        let total = n % 2 == 0 ? 2 * all - 1 : 2 * all
        return min(1, 2 * tail / total)
    }
}
