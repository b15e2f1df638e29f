/// Estimates missing low frequencies of an incomplete progressive image from the DC values of 5 × 5 blocks,
/// after §K.8.
///
/// This is libjpeg-turbo's interblock smoothing since version 3.0; earlier versions used wrong neighbours at
/// edges and across MCU rows.
struct JPEGSmoothing {
    /// The DC values of one component, `[paddedDown, paddedAcross]`.
    struct Neighbours {
        let values: UnsafePointer<Int16>
        let stride, lastColumn: Int
        /// The indices of the five rows around the current one, limited to existing rows.
        let rows: [Int]

        /// Returns the weighted sum of the neighbours of a column.
        func sum(_ weights: [Int], column: Int) -> Int {
            var sum = 0
            for (row, line) in rows.enumerated() {
                for offset in 0..<5 {
                    sum +=
                        weights[5 * row + offset]
                        * Int(values[line * stride + min(max(column + offset - 2, 0), lastColumn)])
                }
            }
            return sum
        }
    }

    private struct Estimate {
        let zigzag, place: Int
        let weights: [Int]
    }

    private let estimates: [Estimate]
    private let known: JPEGProgression.Known
    private let quantization: [UInt16]
    /// Whether only DC is known; then DC is smoothed too.
    private let isDCAlone: Bool

    /// - Parameters:
    ///   - known: The state of the component's coefficients.
    ///   - quantization: The table in natural order, nonzero where an estimate needs it.
    init(_ known: JPEGProgression.Known, quantization: [UInt16]) {
        isDCAlone = known[1...9].allSatisfy { $0 == -1 }
        estimates = (isDCAlone ? Self.fromDCAlone : Self.fromSome).filter { known[$0.zigzag] != 0 }
        (self.known, self.quantization) = (known, quantization)
    }

    /// Returns whether a component with this quantization table can be smoothed.
    static func allows(_ quantization: [UInt16]) -> Bool {
        quantization[0] != 0 && fromDCAlone.allSatisfy { quantization[$0.place] != 0 }
    }

    /// Replaces a block's coefficients that are zero and not yet known to be.
    func apply(to block: UnsafeMutablePointer<Int16>, column: Int, _ neighbours: Neighbours) {
        func prediction(_ weights: [Int], _ step: UInt16) -> Int {
            let sum = Int(quantization[0]) * neighbours.sum(weights, column: column), step = Int(step)
            let size = (step << 7 + abs(sum)) / (step << 8)
            return sum < 0 ? -size : size
        }
        for estimate in estimates where block[estimate.place] == 0 {
            var value = prediction(estimate.weights, quantization[estimate.place])
            let low = known[estimate.zigzag]
            // An estimate must stay below the bits that are still to come.
            if low > 0 { value = min(max(value, 1 - 1 << low), 1 << low - 1) }
            block[estimate.place] = Int16(truncatingIfNeeded: value)
        }
        if isDCAlone { block[0] = Int16(truncatingIfNeeded: prediction(Self.dc, quantization[0])) }
    }

    // MARK: - Weights in 1/256, five rows of five

    private static let fromDCAlone: [Estimate] = [
        Estimate(
            zigzag: 1, place: 1,
            weights: [
                -1, -1, 0, 1, 1, -3, 13, 0, -13, 3, -3, 38, 0, -38, 3, -3, 13, 0, -13, 3, -1, -1, 0, 1, 1,
            ]),
        Estimate(
            zigzag: 2, place: 8,
            weights: [
                -1, -3, -3, -3, -1, -1, 13, 38, 13, -1, 0, 0, 0, 0, 0, 1, -13, -38, -13, 1, 1, 3, 3, 3, 1,
            ]),
        Estimate(
            zigzag: 3, place: 16,
            weights: [0, 0, 1, 0, 0, 0, 2, 7, 2, 0, 0, -5, -14, -5, 0, 0, 2, 7, 2, 0, 0, 0, 1, 0, 0]),
        Estimate(
            zigzag: 4, place: 9,
            weights: [-1, 0, 0, 0, 1, 0, 9, 0, -9, 0, 0, 0, 0, 0, 0, 0, -9, 0, 9, 0, 1, 0, 0, 0, -1]),
        Estimate(
            zigzag: 5, place: 2,
            weights: [0, 0, 0, 0, 0, 0, 2, -5, 2, 0, 1, 7, -14, 7, 1, 0, 2, -5, 2, 0, 0, 0, 0, 0, 0]),
        Estimate(zigzag: 6, place: 3, weights: inner(1, 0, -1, 2, 0, -2, 1, 0, -1)),
        Estimate(zigzag: 7, place: 10, weights: inner(1, -3, 1, 0, 0, 0, -1, 3, -1)),
        Estimate(zigzag: 8, place: 17, weights: inner(1, 0, -1, -3, 0, 3, 1, 0, -1)),
        Estimate(zigzag: 9, place: 24, weights: inner(1, 2, 1, 0, 0, 0, -1, -2, -1)),
    ]
    private static let dc = [
        -2, -6, -8, -6, -2, -6, 6, 42, 6, -6, -8, 42, 152, 42, -8, -6, 6, 42, 6, -6, -2, -6, -8, -6, -2,
    ]
    private static let fromSome: [Estimate] = [
        Estimate(zigzag: 1, place: 1, weights: across(-7, 50, 0, -50, 7)),
        Estimate(zigzag: 2, place: 8, weights: down(-7, 50, 0, -50, 7)),
        Estimate(zigzag: 3, place: 16, weights: down(-1, 13, -24, 13, -1)),
        Estimate(
            zigzag: 4, place: 9,
            weights: [0, -1, 0, 1, 0, -1, 10, 0, -10, 1, 0, 0, 0, 0, 0, 1, -10, 0, 10, -1, 0, 1, 0, -1, 0]),
        Estimate(zigzag: 5, place: 2, weights: across(-1, 13, -24, 13, -1)),
    ]

    private static func inner(_ weights: Int...) -> [Int] {
        (0..<25).map { place in
            let row = place / 5 - 1, column = place % 5 - 1
            guard (0..<3).contains(row), (0..<3).contains(column) else { return 0 }
            return weights[row * 3 + column]
        }
    }
    private static func across(_ weights: Int...) -> [Int] {
        (0..<25).map { $0 / 5 == 2 ? weights[$0 % 5] : 0 }
    }
    private static func down(_ weights: Int...) -> [Int] {
        (0..<25).map { $0 % 5 == 2 ? weights[$0 / 5] : 0 }
    }
}
