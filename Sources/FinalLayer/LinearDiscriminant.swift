/// Linear discriminant analysis on whitened rows: a class's logit is larger the nearer the row is to the class's mean.
///
/// Within-class whitening makes the common covariance of Gaussian classes the identity, so that −|z − μ|²/2 is linear
/// up to a term that all classes share: μ·z − |μ|²/2. It errs on other rows than a regression, and its mean with one is
/// better than either where rows are few.
///
/// - Source: Hastie, Tibshirani and Friedman, "The Elements of Statistical Learning", §4.3.
struct LinearDiscriminant {
    /// The class means, `[classes, stride]`.
    let weights: FloatBuffer
    /// −|μ|²/2, `[classes]`.
    let biases: FloatBuffer

    /// - Parameters:
    ///   - design: The whitened rows.
    ///   - labels: The class of each row.
    ///   - isHeldOut: Whether each row is excluded from the means.
    init(_ design: DesignMatrix, labels: [Int], classes: Int, isHeldOut: [Bool]) {
        (weights, biases) = (FloatBuffer(classes * design.stride), FloatBuffer(classes))
        var counts = [Int](repeating: 0, count: classes)
        for row in labels.indices where !isHeldOut[row] { counts[labels[row]] += 1 }
        for row in labels.indices where !isHeldOut[row] {
            addScaled(
                1 / Float(counts[labels[row]]), design.row(row),
                to: weights.base + labels[row] * design.stride, design.stride)
        }
        for c in 0..<classes {
            let mean = weights.base + c * design.stride
            biases.base[c] = Float(-dot(mean, mean, design.stride) / 2)
        }
    }

    /// Returns the logits of a whitened row.
    func logits(_ row: UnsafePointer<Float>, stride: Int) -> [Float] {
        (0..<biases.count).map { biases.base[$0] + Float(dot(weights.base + $0 * stride, row, stride)) }
    }
}
