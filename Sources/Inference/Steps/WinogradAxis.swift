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
    outputs: Int, panels: [WinogradConvolution.Panel], kernels: InstructionSet
) -> PackedWeights {
    let positions = vertical.points * horizontal.points
    let (left, right) = (vertical.matrix.flatMap { $0 }, horizontal.matrix.flatMap { $0 })
    let width = panels.reduce(0) { $0 + $1.width }
    // Sixteen filters, or eight, are transformed at a time; the last ones of a layer may be fewer.
    let groups = panels.flatMap { panel in
        stride(from: panel.first, to: panel.first + panel.width, by: 16).map {
            (panel, first: $0, width: min(16, panel.first + panel.width - $0))
        }
    }
    let scales = (0..<width).map { Double($0 < outputs ? convolution.scale?[$0] ?? 1 : 0) }
    let source = convolution.weights
    return PackedWeights(count: positions * inputs * width, rows: inputs, source: source) { memory, rows in
        source.withUnsafeBytes { source in
            left.withUnsafeBufferPointer { left in
                right.withUnsafeBufferPointer { right in
                    scales.withUnsafeBufferPointer { scales in
                        for (panel, first, width) in groups {
                            let target = memory + panel.first * positions * inputs + first - panel.first
                            var task = WinogradFilters(
                                filters: source.baseAddress! + 4 * (rows.lowerBound * outputs + first),
                                width: width, count: max(0, min(width, outputs - first)), inputs: rows.count,
                                inputStride: outputs, tapStride: inputs * outputs,
                                tapsY: vertical.taps, tapsX: horizontal.taps, left: left.baseAddress!,
                                right: right.baseAddress!, scales: scales.baseAddress! + first,
                                output: target + rows.lowerBound * panel.width, outputStride: panel.width,
                                positionStride: inputs * panel.width)
                            kernels.transformWinogradFilters(&task)
                        }
                    }
                }
            }
        }
    }
}
