import Testing

@testable import FinalLayer

@Suite("Gram reduction")
struct GramReductionTests {
    /// Rows of more features than there are rows, of which few vary by themselves.
    private func lowRank(rows: Int, columns: Int, rank: Int) -> DesignMatrix {
        var random = RandomSource(seed: 3)
        let directions = (0..<rank * columns).map { _ in random.unit() - 0.5 }
        let design = DesignMatrix(rows: rows, columns: columns)
        for i in 0..<rows {
            for r in 0..<rank {
                let part = random.unit() - 0.5
                for k in 0..<columns {
                    design.values.base[i * design.stride + k] += part * directions[r * columns + k]
                }
            }
        }
        return design
    }

    /// Once, pivots of rounding alone made weights of 10⁵ that cancelled out on no row: 0.64 of pictures right where 0.86 are.
    @Test(
        "weights found on fewer columns give the same on the rows as they were, though these depend on each other",
        arguments: [20, 200, 400])
    func expansion(rank: Int) {
        let design = lowRank(rows: 300, columns: 320, rank: rank),
            reduction = GramReduction(plain: design)
        // What a regression finds is a combination of rows; a few of them at random.
        var random = RandomSource(seed: 8)
        let weights = FloatBuffer(reduction.reduced.stride)
        for i in 0..<300 {
            let amount = (random.unit() - 0.5) / 30
            for k in 0...i { weights.base[k] += amount * reduction.reduced.row(i)[k] }
        }
        let expanded = reduction.expand(weights.base, classes: 1, workers: .serial)
        var difference = 0.0, size = 0.0
        for i in 0..<300 {
            let reduced = dot(reduction.reduced.row(i), weights.base, reduction.reduced.stride)
            let whole = dot(design.row(i), expanded.base, design.stride)
            difference += (reduced - whole) * (reduced - whole)
            size += reduced * reduced
        }
        #expect((difference / size).squareRoot() < 0.01)
    }
}

extension GramReduction {
    /// Of rows that are standardized already.
    init(plain design: DesignMatrix) {
        var features = FeatureMatrix(columns: design.columns)
        for row in 0..<design.rows {
            features.append(row: UnsafeBufferPointer(start: design.row(row), count: design.columns))
        }
        let same = Standardization(
            means: [Float](repeating: 0, count: design.columns),
            scales: [Float](repeating: 1, count: design.columns))
        self.init(features, rows: Array(0..<design.rows), same, workers: .serial)
    }
}

@Suite("Standardization")
struct StandardizationTests {
    @Test(
        "features vary alike, but those that hardly vary in their group are not blown up; constant ones are left out"
    )
    func floors() {
        var features = FeatureMatrix(columns: 4, reservingRows: 100)
        for i in 0..<100 {
            features.append(row: [Float(i % 2), 5, Float(i % 2) * 1e-4, Float(i % 4) * 1e-4])
        }
        let rows = Array(0..<100)
        let one = Standardization(features, rows: rows, groups: [], workers: .serial)
        // Deviations ½ and 0.00005: a tenth of the root mean square is 0.025.
        #expect(
            one.scales[0] == 2 && one.scales[1] == 0 && (one.scales[2] - 40).magnitude < 0.1
                && one.scales[3] == one.scales[2])
        let two = Standardization(
            features, rows: rows, groups: [FeatureGroup(2..<4, factor: 3)], workers: .serial)
        #expect(two.scales[0] == 2 && (two.scales[2] / 60_000 - 1).magnitude < 1e-3)
    }
}
