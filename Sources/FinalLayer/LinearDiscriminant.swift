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
    /// The weights for the rows before the downdate's map, `[classes, stride]`.
    private let rowWeights: FloatBuffer

    /// - Parameters:
    ///   - design: The whitened rows.
    ///   - labels: The class of each row.
    ///   - isHeldOut: Whether each row is excluded from the means.
    ///   - downdate: The map that whitens the rows of `design` without those that are held out; nil if they are so.
    init(
        _ design: DesignMatrix, labels: [Int], classes: Int, isHeldOut: [Bool],
        downdate: WhiteningDowndate? = nil
    ) {
        let means = FloatBuffer(classes * design.stride)
        biases = FloatBuffer(classes)
        var counts = [Int](repeating: 0, count: classes)
        for row in labels.indices where !isHeldOut[row] { counts[labels[row]] += 1 }
        for row in labels.indices where !isHeldOut[row] {
            addScaled(
                1 / Float(counts[labels[row]]), design.row(row),
                to: means.base + labels[row] * design.stride, design.stride)
        }
        func pointers(_ buffer: FloatBuffer) -> RowPointers {
            RowPointers((0..<classes).map { UnsafePointer(buffer.base + $0 * design.stride) })
        }
        weights = downdate?.map(pointers(means)) ?? means
        rowWeights = downdate?.foldBack(pointers(weights)) ?? weights
        for c in 0..<classes {
            let mean = weights.base + c * design.stride
            biases.base[c] = Float(-dot(mean, mean, design.stride) / 2)
        }
    }

    /// Returns the logits of a row of the design.
    func logits(_ row: UnsafePointer<Float>, stride: Int) -> [Float] {
        (0..<biases.count).map { biases.base[$0] + Float(dot(rowWeights.base + $0 * stride, row, stride)) }
    }
}
