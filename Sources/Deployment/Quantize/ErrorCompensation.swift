/// Rounds a matrix so that its products change as little as possible: later rows compensate for the rounding
/// errors of earlier ones.
///
/// With the inputs' second moments H = (U + I) D (U + I)ᵀ, row k is rounded after adding Σᵢ₍ᵢ<ₖ₎ U[i, k] ·
/// (error of row i). The remaining error is Σ D[k] · (rounding error)² instead of Σ H[k, k] · (rounding
/// error)².
///
/// - Source: Chee et al., "QuIP" (2023), LDLQ; the results equal those of Frantar et al., "GPTQ" (2022),
///   without an inverse.
struct ErrorCompensation: Sendable {
    let rows: Int
    /// The factors, `[rows, rows]`: row k holds U[i, k] for i < k.
    let feedback: [Float]
    /// D, `[rows]`: the cost of a unit of rounding error in each row.
    let costs: [Float]

    /// - Parameters:
    ///   - rows: The number of rows.
    ///   - moments: The second moments, `[rows, rows]`, of which the lower half is used.
    init(rows: Int, moments: [Double]) {
        self.rows = rows
        // Double precision is needed: with a thousand strongly correlated channels, float32 yields negative
        // pivots.
        var factors = moments
        var pivots = [Double](repeating: 0, count: rows)
        // Damping makes directions that the images never showed costly; 1 % is GPTQ's choice.
        let trace = (0..<rows).reduce(0.0) { $0 + factors[$1 * rows + $1] }
        let damping = max(0.01 * trace / Double(max(rows, 1)), 1e-30)
        factors.withUnsafeMutableBufferPointer { h in
            for i in 0..<rows { h[i * rows + i] += damping }
            pivots.withUnsafeMutableBufferPointer {
                Self.factorize(h.baseAddress!, rows, least: damping / 2, pivots: $0)
            }
        }
        feedback = factors.map { Float($0) }
        costs = pivots.map { Float($0) }
    }

    /// Factorizes H's lower half into U's rows, from the last pivot to the first, in blocks that fit the
    /// cache.
    private static func factorize(
        _ h: UnsafeMutablePointer<Double>, _ n: Int, least: Double, pivots: UnsafeMutableBufferPointer<Double>
    ) {
        var end = n
        while end > 0 {
            let begin = max(0, end - 32)
            for k in Swift.stride(from: end - 1, through: begin, by: -1) {
                let line = h + k * n
                pivots[k] = max(line[k], least)
                for i in begin..<k {
                    subtract(line, times: line[i] / pivots[k], from: h + i * n, count: i + 1)
                }
            }
            // Rows above the block are updated once all of the block's factors are known.
            for i in 0..<begin {
                var k = begin
                while k < end {
                    let last = min(k + 4, end)
                    eliminate(h, n, row: i, pivots: k..<last, pivots)
                    k = last
                }
            }
            end = begin
        }
        for k in 0..<n { for i in 0..<k { h[k * n + i] /= pivots[k] } }
    }

    /// Computes h[row, j] -= Σ h[k, row] / pivot[k] · h[k, j] for j up to `row`.
    private static func eliminate(
        _ h: UnsafeMutablePointer<Double>, _ n: Int, row: Int, pivots range: Range<Int>,
        _ pivots: UnsafeMutableBufferPointer<Double>
    ) {
        let target = h + row * n
        guard range.count == 4 else {
            for k in range {
                subtract(h + k * n, times: h[k * n + row] / pivots[k], from: target, count: row + 1)
            }
            return
        }
        let a = h + range.lowerBound * n, b = a + n, c = b + n, d = c + n, k = range.lowerBound
        let (fa, fb, fc, fd) = (
            a[row] / pivots[k], b[row] / pivots[k + 1], c[row] / pivots[k + 2], d[row] / pivots[k + 3]
        )
        var j = 0
        while j &+ 4 <= row &+ 1 {
            var sum = load(target + j)
            sum -= load(a + j) * fa
            sum -= load(b + j) * fb
            sum -= load(c + j) * fc
            sum -= load(d + j) * fd
            UnsafeMutableRawPointer(target + j).storeBytes(of: sum, as: SIMD4<Double>.self)
            j &+= 4
        }
        while j <= row {
            target[j] -= a[j] * fa + b[j] * fb + c[j] * fc + d[j] * fd
            j &+= 1
        }
    }

    private static func subtract(
        _ source: UnsafePointer<Double>, times factor: Double, from target: UnsafeMutablePointer<Double>,
        count: Int
    ) {
        guard factor != 0 else { return }
        var j = 0
        while j &+ 4 <= count {
            UnsafeMutableRawPointer(target + j).storeBytes(
                of: load(target + j) - load(source + j) * factor, as: SIMD4<Double>.self)
            j &+= 4
        }
        while j < count {
            target[j] -= source[j] * factor
            j &+= 1
        }
    }

    private static func load(_ pointer: UnsafePointer<Double>) -> SIMD4<Double> {
        UnsafeRawPointer(pointer).loadUnaligned(as: SIMD4<Double>.self)
    }

    /// Rounds a matrix.
    ///
    /// - Parameters:
    ///   - weights: The matrix, `[rows, columns]`.
    ///   - columns: The number of columns.
    ///   - steps: The step of each column, `[columns]`, in units of a row's scale.
    ///   - scales: The scale of each row, `[rows]`.
    /// - Returns: Multiples of the steps, `[rows, columns]`, -127...127.
    func round(_ weights: [Float], columns: Int, steps: [Float], scales: [Float]) -> [Int8] {
        var codes = [Int8](repeating: 0, count: rows * columns)
        // Columns are independent, so sixteen are processed at a time.
        var errors = [SIMD16<Float>](repeating: SIMD16(), count: rows)
        for begin in stride(from: 0, to: columns, by: 16) {
            let width = min(16, columns - begin)
            var step = SIMD16<Float>(repeating: 1)
            for n in 0..<width { step[n] = steps[begin + n] }
            errors.withUnsafeMutableBufferPointer { errors in
                feedback.withUnsafeBufferPointer { feedback in
                    for k in 0..<rows {
                        var weight = SIMD16<Float>()
                        for n in 0..<width { weight[n] = weights[k &* columns &+ begin &+ n] }
                        let line = feedback.baseAddress! + k &* rows
                        var sum = weight, other = SIMD16<Float>(), i = 0
                        while i &+ 2 <= k {
                            sum += errors[i] * line[i]
                            other += errors[i &+ 1] * line[i &+ 1]
                            i &+= 2
                        }
                        if i < k { sum += errors[i] * line[i] }
                        let unit = step * scales[k]
                        let code = ((sum + other) / unit).rounded(.toNearestOrEven).clamped(
                            lowerBound: SIMD16(repeating: -127), upperBound: SIMD16(repeating: 127))
                        errors[k] = weight - code * unit
                        for n in 0..<width { codes[k &* columns &+ begin &+ n] = Int8(code[n]) }
                    }
                }
            }
        }
        return codes
    }
}
