import Kernels

/// One axis of a Winograd convolution: the filter's taps along it and the tiles that result.
struct WinogradAxis {
    let taps: Int
    /// The number of input values, and of products, per tile.
    var points: Int { taps + outputs - 1 }
    /// The number of outputs per tile.
    var outputs: Int { taps == 1 ? 1 : WinogradPoints.outputs }

    func tiles(_ length: Int) -> Int { (length + outputs - 1) / outputs }
    /// Returns the number of input values that the tiles for `length` outputs read.
    func reach(_ length: Int) -> Int { tiles(length) * outputs + taps - 1 }

    /// The filter transform G, `[points, taps]`.
    ///
    /// Each row evaluates the filter as a polynomial at one point and divides by the product of that point's
    /// differences to the others; the last row takes the leading coefficient, for the point ∞.
    var matrix: [[Double]] {
        if taps == 1 { return [[1]] }
        let finite = WinogradPoints.finite(taps: taps)
        let rows = finite.map { point in
            let scale = finite.reduce(1) { $1 == point ? $0 : $0 * (point - $1) }
            var power = 1 / scale
            return (0..<taps).map { _ in
                defer { power *= point }
                return power
            }
        }
        return rows + [(0..<taps).map { $0 == taps - 1 ? 1 : 0 }]
    }
}

/// Computes G · g · Gᵀ for every filter, scaled, as `[panel, position, input channels, panel width]`; in
/// double precision with one final rounding.
func winogradWeights(
    _ convolution: Convolution, _ vertical: WinogradAxis, _ horizontal: WinogradAxis, inputs: Int,
    outputs: Int,
    panels: [WinogradConvolution.Panel]
) -> Table<Float> {
    typealias Eight = SIMD8<Double>
    let (rows, columns) = (vertical.taps, horizontal.taps)
    let (left, right) = (vertical.matrix.flatMap { $0 }, horizontal.matrix.flatMap { $0 })
    let positions = vertical.points * horizontal.points, channels = panels.reduce(0) { $0 + $1.width }
    // Eight filters are transformed at a time; the last group of a layer may have fewer.
    let eights = panels.flatMap { panel in
        stride(from: panel.first, to: panel.first + panel.width, by: 8).map { (panel, $0) }
    }
    return convolution.weights.withUnsafeBytes { source in
        Table(count: positions * inputs * channels) { memory in
            withUnsafeTemporaryAllocation(of: Eight.self, capacity: (rows + vertical.points) * columns) {
                work in
                let taps = work.baseAddress!, halves = taps + rows * columns
                for (panel, first) in eights {
                    let width = max(0, min(8, outputs - first)), step = inputs * panel.width
                    var scale = Eight.zero
                    for lane in 0..<width { scale[lane] = Double(convolution.scale?[first + lane] ?? 1) }
                    for input in 0..<inputs {
                        for tap in 0..<rows * columns {
                            var eight = SIMD8<Float>.zero
                            withUnsafeMutableBytes(of: &eight) {
                                let place = 4 * ((tap * inputs + input) * outputs + first)
                                if width > 0 {
                                    $0.copyMemory(
                                        from: UnsafeRawBufferPointer(
                                            rebasing: source[place..<place + 4 * width]))
                                }
                            }
                            taps[tap] = Eight(eight) * scale
                        }
                        product(left, vertical.points, rows, taps, columns, halves)
                        let target =
                            memory + panel.first * positions * inputs + input * panel.width + first
                            - panel.first
                        for y in 0..<vertical.points {
                            for x in 0..<horizontal.points {
                                var sum = Eight.zero
                                for s in 0..<columns {
                                    sum += right[x &* columns &+ s] * halves[y &* columns &+ s]
                                }
                                UnsafeMutableRawPointer(target + (y &* horizontal.points &+ x) &* step)
                                    .storeBytes(of: SIMD8<Float>(sum), as: SIMD8<Float>.self)
                            }
                        }
                    }
                }
            }
        }
    }

    /// Computes `to = matrix · from`, where the shapes are `[points, taps] · [taps, columns]`.
    func product(
        _ matrix: [Double], _ points: Int, _ taps: Int, _ from: UnsafeMutablePointer<Eight>, _ columns: Int,
        _ to: UnsafeMutablePointer<Eight>
    ) {
        for i in 0..<points {
            for s in 0..<columns {
                var sum = Eight.zero
                for r in 0..<taps { sum += matrix[i &* taps &+ r] * from[r &* columns &+ s] }
                to[i &* columns &+ s] = sum
            }
        }
    }
}
