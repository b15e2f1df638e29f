/// Rounds a matrix so that its products change as little as can be: what rounding one row did wrong, the rows after it make good.
///
/// With H = (U + I) D (U + I)ᵀ, the inputs' second moments, row k is rounded after adding Σᵢ₍ᵢ<ₖ₎ U[i, k] · (error of row i); what is left
/// is Σ D[k] · (rounding error)² instead of Σ H[k, k] · (rounding error)².
///
/// - Source: Chee et al., QuIP (2023), LDLQ; the same numbers as Frantar et al., GPTQ (2022), without an inverse.
struct ErrorCompensation {
    let rows: Int
    /// `[rows, rows]`: row k holds U[i, k] for i < k.
    private let feedback: [Float]
    /// `[rows]`, D: what a unit of rounding error in a row costs.
    let costs: [Float]

    /// - Parameter moments: `[rows, rows]`, the lower half.
    init(rows: Int, moments: [Double]) {
        self.rows = rows
        // In double: inputs of a thousand channels vary together so closely that float32 finds negative pivots.
        var factors = moments
        var pivots = [Float](repeating: 0, count: rows)
        // Directions that the pictures never showed must not be free. A hundredth is GPTQ's.
        let trace = (0..<rows).reduce(0.0) { $0 + factors[$1 * rows + $1] }
        let damping = max(0.01 * trace / Double(rows), 1e-30)
        factors.withUnsafeMutableBufferPointer { h in
            for i in 0..<rows { h[i * rows + i] += damping }
            for k in stride(from: rows - 1, through: 0, by: -1) {
                let line = h.baseAddress! + k * rows
                let pivot = max(line[k], damping / 2)
                pivots[k] = Float(pivot)
                for i in 0..<k {
                    let factor = line[i] / pivot
                    guard factor != 0 else { continue }
                    let other = h.baseAddress! + i * rows
                    for j in 0...i { other[j] -= factor * line[j] }
                }
                for i in 0..<k { line[i] /= pivot }
            }
        }
        feedback = factors.map { Float($0) }
        costs = pivots
    }

    /// - Parameters:
    ///   - weights: `[rows, columns]`.
    ///   - steps: `[columns]`, the distance between two levels.
    /// - Returns: `[rows, columns]`, whole multiples of the steps, -127...127.
    func round(_ weights: [Float], columns: Int, steps: [Float]) -> [Int8] {
        var codes = [Int8](repeating: 0, count: rows * columns)
        var errors = [Float](repeating: 0, count: rows * columns)
        var wanted = [Float](repeating: 0, count: columns)
        errors.withUnsafeMutableBufferPointer { errors in
            feedback.withUnsafeBufferPointer { feedback in
                wanted.withUnsafeMutableBufferPointer { wanted in
                    for k in 0..<rows {
                        for n in 0..<columns { wanted[n] = weights[k * columns + n] }
                        for i in 0..<k {
                            let factor = feedback[k * rows + i]
                            guard factor != 0 else { continue }
                            for n in 0..<columns { wanted[n] += factor * errors[i * columns + n] }
                        }
                        for n in 0..<columns {
                            let code = max(-127, min(127, (wanted[n] / steps[n]).rounded()))
                            codes[k * columns + n] = Int8(code)
                            errors[k * columns + n] = weights[k * columns + n] - code * steps[n]
                        }
                    }
                }
            }
        }
        return codes
    }
}
