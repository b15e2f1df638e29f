// Softmax over classes with rows in the lanes of vectors: logits are class-major, `[classes, stride]`, which
// is efficient for few classes. Row counts are multiples of 4.

/// Converts logits to probabilities in place.
func softmaxColumns(_ z: UnsafeMutablePointer<Float>, stride: Int, classes: Int, rows: Range<Int>) {
    var i = rows.lowerBound
    while i < rows.upperBound {
        var top = SIMD4(at: z + i)
        for c in 1..<max(classes, 1) { top = pointwiseMax(top, SIMD4(at: z + c * stride + i)) }
        var sum = SIMD4<Float>()
        for c in 0..<classes {
            let power = exponential(SIMD4(at: z + c * stride + i) - top)
            sum += power
            power.store(at: z + c * stride + i)
        }
        let scale = 1 / sum
        for c in 0..<classes { (SIMD4(at: z + c * stride + i) * scale).store(at: z + c * stride + i) }
        i += 4
    }
}

/// Returns -ln softmax(z)[label] and whether the label has the largest logit (the first of equal ones) for
/// one row of class-major logits.
func crossEntropy(_ z: UnsafePointer<Float>, stride: Int, classes: Int, row i: Int, label: Int) -> (
    loss: Double, isRight: Bool
) {
    var best = 0
    for c in 1..<max(classes, 1) where z[c * stride + i] > z[best * stride + i] { best = c }
    let top = z[best * stride + i]
    var sum: Double = 0
    for c in 0..<classes { sum += Double(exponential(SIMD4(repeating: z[c * stride + i] - top))[0]) }
    return (logarithm(sum) + Double(top) - Double(z[label * stride + i]), best == label)
}
