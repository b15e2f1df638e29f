/// Two classifiers on the same rows: whether one is better, or whether chance made it look so.
package struct PairedComparison: Sendable, Equatable {
    /// Rows that only one of them gets right.
    package let onlyFirst, onlySecond: Int
    /// The chance of so uneven a count, or a more uneven one, if both were equally good: McNemar's exact test, two-sided.
    package let pValue: Double
    /// The second's mean cross entropy less the first's, in nats, and the standard error of that.
    package let crossEntropyDifference, standardError: Double

    /// - Parameters:
    ///   - first, second: probabilities `[rows, classes]`, row-major.
    ///   - labels: `[rows]`, in `0..<classes`.
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

    /// The two-sided probability that a fair coin falls at least as unevenly as `a` against `b`.
    ///
    /// Binomial coefficients are taken relative to the largest, so that thousands of throws neither over- nor underflow.
    static func signTest(_ a: Int, _ b: Int) -> Double {
        let n = a + b, fewer = min(a, b), middle = n / 2
        guard a != b else { return 1 }
        var term = 1.0, all = 1.0, tail = 0.0
        // C(n, k) from the middle down; above the middle they are the same again.
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
