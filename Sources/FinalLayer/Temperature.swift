/// Returns the temperature T that minimizes the cross entropy of softmax(logits / T) on held-out rows, with a
/// prior around 1.
///
/// A temperature changes only the confidence of a model, not which class is largest.
///
/// - Parameters:
///   - logits: The logits of rows that were not used for training, `[rows, classes]`, row-major.
///   - labels: The true classes, `[rows]`.
///   - classes: The number of classes.
/// - Returns: The temperature, 0.05 to 20; 1 without rows.
/// - Source: Guo et al., "On Calibration of Modern Neural Networks", 2017.
package func calibratedTemperature(logits: [Float], labels: [Int], classes: Int) -> Float {
    guard !labels.isEmpty else { return 1 }
    func loss(_ logTemperature: Double) -> Double {
        let scale = Float(1 / exponential(logTemperature))
        var sum = 0.0
        for (row, label) in labels.enumerated() {
            let p = softmax(logits[row * classes..<(row + 1) * classes].map { $0 * scale })
            sum -= logarithm(Double(max(p[label], .leastNormalMagnitude)))
        }
        // This is the prior: a few rows that all happen to be right justify little confidence.
        return sum + 10 * logTemperature * logTemperature
    }
    // The function is unimodal in practice, so golden-section search finds the minimum.
    var (low, high) = (-3.0, 3.0)
    let ratio = (5.0.squareRoot() - 1) / 2
    while high - low > 1e-4 {
        let (a, b) = (high - ratio * (high - low), low + ratio * (high - low))
        if loss(a) < loss(b) { high = b } else { low = a }
    }
    return Float(exponential((low + high) / 2))
}

/// Returns eˣ in double precision for |x| ≤ 20 by reducing the argument until few terms suffice.
private func exponential(_ x: Double) -> Double {
    var term = 1.0, sum = 1.0
    let small = x / 1024
    for n in 1...8 {
        term *= small / Double(n)
        sum += term
    }
    for _ in 0..<10 { sum *= sum }
    return sum
}
