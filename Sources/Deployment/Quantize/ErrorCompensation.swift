/// Rounds a matrix so that its products change as little as can be: what rounding one row did wrong, the rows after it make good.
///
/// With H = (U + I) D (U + I)ᵀ, the inputs' second moments, row k is rounded after adding Σᵢ₍ᵢ<ₖ₎ U[i, k] · (error of row i); what is left
/// is Σ D[k] · (rounding error)² instead of Σ H[k, k] · (rounding error)².
///
/// - Source: Chee et al., QuIP (2023), LDLQ; the same numbers as Frantar et al., GPTQ (2022), without an inverse.
struct ErrorCompensation: Sendable {
    let rows: Int
    /// `[rows, rows]`: row k holds U[i, k] for i < k.
    let feedback: [Float]
    /// `[rows]`, D: what a unit of rounding error in a row costs.
    let costs: [Float]

    /// - Parameter moments: `[rows, rows]`, the lower half.
    init(rows: Int, moments: [Double]) {
        self.rows = rows
        // In double: inputs of a thousand channels vary together so closely that float32 finds negative pivots.
        var factors = moments
        var pivots = [Double](repeating: 0, count: rows)
        // Directions that the pictures never showed must not be free. A hundredth is GPTQ's.
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

    /// H's lower half becomes U's rows, from the last pivot to the first, in blocks that the cache holds.
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
            // Rows above the block lose what its pivots explain; all factors are known before any of them changes.
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

    /// h[row, j] -= Σ h[k, row] / pivot[k] · h[k, j], for j through `row`.
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

    /// - Parameters:
    ///   - weights: `[rows, columns]`.
    ///   - steps: `[columns]`, the distance between two levels, in units of a row's scale.
    ///   - scales: `[rows]`.
    /// - Returns: `[rows, columns]`, whole multiples of the steps, -127...127.
    func round(_ weights: [Float], columns: Int, steps: [Float], scales: [Float]) -> [Int8] {
        var codes = [Int8](repeating: 0, count: rows * columns)
        // Columns do not know of each other: sixteen at a time go from the first row to the last.
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
