/// The logits of held-out rows, from which temperatures and shares are calibrated.
struct HeldOut {
    /// The logits, `[rows, classes]`, row-major.
    var logits: [Float] = []
    var labels: [Int] = []
    let classes: Int

    init(classes: Int) { self.classes = classes }

    mutating func append(_ problem: RegressionProblem) {
        for row in problem.isHeldOut.indices where problem.isHeldOut[row] {
            logits += problem.logits(row: row)
            labels.append(problem.labels[row])
        }
    }

    /// Returns the mean cross entropy in nats after division by `temperature`.
    func crossEntropy(temperature: Float) -> Double {
        let sum = labels.enumerated().reduce(0.0) { sum, row in
            let p = softmax(
                logits[row.offset * classes..<(row.offset + 1) * classes].map { $0 / temperature })
            return sum - logarithm(Double(max(p[row.element], .leastNormalMagnitude)))
        }
        return sum / Double(max(labels.count, 1))
    }
}

/// A layer with the logits of held-out rows for its strength.
struct Head {
    var result: SoftmaxRegression.Result
    var held: HeldOut

    /// Returns a weighted mean of this head's and another's calibrated logits, with the weight that is best
    /// on held-out rows.
    ///
    /// The many mid-level columns distinguish drawings, textures and satellite images, but with few rows they
    /// dominate the last layer, which was trained on photographs. The mean of two linear layers is one linear
    /// layer.
    ///
    /// - Parameter columns: The columns of this head that the other one uses.
    func stacked(on other: Head, columns: Range<Int>, classes: Int) -> SoftmaxRegression.Result {
        var best = (loss: Double.infinity, share: Float(1), temperature: Float(1))
        for share: Float in [1, 0.75, 0.5, 0.25] {
            var mean = held
            for k in mean.logits.indices {
                mean.logits[k] =
                    share / result.temperature * held.logits[k]
                    + (1 - share) / other.result.temperature * other.held.logits[k]
            }
            let temperature = calibratedTemperature(
                logits: mean.logits, labels: mean.labels, classes: classes)
            let loss = mean.crossEntropy(temperature: temperature)
            if loss < best.loss { best = (loss, share, temperature) }
        }
        guard best.share < 1 else { return result }
        var mean = result
        let (own, others) = (
            best.share / result.temperature, (1 - best.share) / other.result.temperature
        )
        for k in mean.layer.weights.indices { mean.layer.weights[k] *= own }
        for k in other.result.layer.weights.indices {
            mean.layer.weights[columns.lowerBound * classes + k] += others * other.result.layer.weights[k]
        }
        for c in 0..<classes {
            mean.layer.biases[c] = own * mean.layer.biases[c] + others * other.result.layer.biases[c]
        }
        (mean.temperature, mean.share) = (best.temperature, best.share)
        return mean
    }
}
