/// The temperature T at which softmax(logits / T) of held-out rows has the least cross entropy, with a prior for 1.
///
/// One number cannot change which class is largest, only how sure a model says it is. Source: Guo et al. 2017, "On Calibration of
/// Modern Neural Networks".
///
/// - Parameters:
///   - logits: `[rows, classes]`, row-major, of rows that trained nothing.
///   - labels: `[rows]`.
/// - Returns: 0.05 to 20; 1 without rows.
package func calibratedTemperature(logits: [Float], labels: [Int], classes: Int) -> Float {
    guard !labels.isEmpty else { return 1 }
    func loss(_ logTemperature: Double) -> Double {
        let scale = Float(1 / exponential(logTemperature))
        var sum = 0.0
        for (row, label) in labels.enumerated() {
            let p = softmax(logits[row * classes..<(row + 1) * classes].map { $0 * scale })
            sum -= logarithm(Double(max(p[label], .leastNormalMagnitude)))
        }
        // A prior: a few rows that all happen to be right say little about how sure to be.
        return sum + 10 * logTemperature * logTemperature
    }
    // One minimum in practice: golden section.
    var (low, high) = (-3.0, 3.0)
    let ratio = (5.0.squareRoot() - 1) / 2
    while high - low > 1e-4 {
        let (a, b) = (high - ratio * (high - low), low + ratio * (high - low))
        if loss(a) < loss(b) { high = b } else { low = a }
    }
    return Float(exponential((low + high) / 2))
}

/// eˣ in double precision for |x| ≤ 20, by halving the argument until few terms suffice.
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
