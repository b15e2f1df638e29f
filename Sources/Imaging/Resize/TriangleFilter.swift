/// An antialiased resize, computed row by row: each row is filtered along its axis and added to every result
/// row that it contributes to.
struct TriangleFilter {
    /// The samples of an output, in stored coordinates and order, and their weights, which sum to 1.
    private struct Span {
        let start: Int
        let weights: [Float]
        var end: Int { start + weights.count }

        init(_ index: Int, _ side: ResizeGeometry.Side) {
            let scale = Double(side.input) / Double(side.output)
            let support = max(1, scale)
            let center = (Double(index) + 0.5) * scale
            let first = max(0, Int(center - support + 0.5))
            let last = min(side.input, Int(center + support + 0.5))
            let raw = (first..<last).map { (input) -> Double in
                let distance = abs((Double(input) + 0.5 - center) / support)
                return max(0, 1 - distance)
            }
            let sum = raw.reduce(0, +)
            let normalized = raw.map { Float($0 / sum) }
            (start, weights) =
                side.isReversed ? (side.input - last, normalized.reversed()) : (first, normalized)
        }
    }

    private let geometry: ResizeGeometry
    private let along, across: [Span]
    /// The first output across the rows that is not complete; outputs are in the order in which their rows
    /// arrive.
    private var firstOpen = 0
    /// The current row after filtering, `[outputs along, 3]`.
    private var line: [Float]

    init(_ geometry: ResizeGeometry) {
        self.geometry = geometry
        along = (0..<geometry.along.output).map { Span($0, geometry.along) }
        let spans = (0..<geometry.across.output).map { Span($0, geometry.across) }
        across = geometry.across.isReversed ? spans.reversed() : spans
        line = [Float](repeating: 0, count: along.count * 3)
    }

    func isLast(_ y: Int) -> Bool { y == geometry.storedAcross - 1 }

    /// - Parameter output: The sums so far, initially zero.
    mutating func append(
        _ row: UnsafePointer<UInt8>, _ y: Int, _ channels: Int, to output: UnsafeMutablePointer<Float>
    ) {
        guard y < geometry.storedAcross else { return }
        filter(row, channels)
        while firstOpen < across.count, across[firstOpen].end <= y { firstOpen += 1 }
        var i = firstOpen
        while i < across.count, across[i].start <= y {
            if y < across[i].end { add(to: output, at: i, across[i].weights[y - across[i].start]) }
            i += 1
        }
    }

    // Unsafe, below: spans lie inside the row, and the result has room for every output on both axes.

    private mutating func filter(_ row: UnsafePointer<UInt8>, _ channels: Int) {
        for i in along.indices {
            var sum = SIMD3<Float>()
            var p = row + along[i].start * channels
            along[i].weights.withUnsafeBufferPointer { weights in
                for weight in weights {
                    sum += SIMD3(Float(p[0]), Float(p[1]), Float(p[2])) * weight
                    p += channels
                }
            }
            for channel in 0..<3 { line[3 * i + channel] = sum[channel] }
        }
    }

    private func add(to output: UnsafeMutablePointer<Float>, at index: Int, _ weight: Float) {
        let upright = geometry.across.isReversed ? across.count - 1 - index : index
        let start = output + upright * geometry.across.stride
        line.withUnsafeBufferPointer { line in
            guard geometry.isTransposed else {
                for i in 0..<line.count { start[i] += line[i] * weight }
                return
            }
            for i in along.indices {
                for channel in 0..<3 {
                    start[i * geometry.along.stride + channel] += line[3 * i + channel] * weight
                }
            }
        }
    }
}
