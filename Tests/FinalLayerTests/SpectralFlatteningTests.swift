import Testing

@testable import FinalLayer

@Suite struct SpectralFlatteningTests {
    /// Rows that vary much more in the first columns than in the others.
    private func design(rows: Int, columns: Int) -> DesignMatrix {
        let design = DesignMatrix(rows: rows, columns: columns)
        var random = RandomSource(seed: 9)
        for i in 0..<rows {
            for k in 0..<columns {
                design.values.base[i * design.stride + k] = (random.unit() - 0.5) * 32 / Float(1 + k)
            }
        }
        return design
    }

    private func variance(_ design: DesignMatrix, column k: Int) -> Double {
        (0..<design.rows).reduce(0) { $0 + Double(design.row($1)[k] * design.row($1)[k]) }
    }

    @Test("weights on mapped rows fold back into weights on the rows as they were")
    func foldsBack() throws {
        let plain = design(rows: 64, columns: 40),
            flattening = try #require(SpectralFlattening(plain, workers: .serial))
        let classes = 3, weights = FloatBuffer(classes * plain.stride)
        var random = RandomSource(seed: 4)
        for c in 0..<classes { for k in 0..<40 { weights.base[c * plain.stride + k] = random.unit() - 0.5 } }
        let folded = FloatBuffer(weights.count)
        folded.copy(from: weights)
        flattening.foldBack(folded.base, classes: classes)
        for row in 0..<64 {
            for c in 0..<classes {
                let mapped = dot(flattening.flattened.row(row), weights.base + c * plain.stride, plain.stride)
                let unmapped = dot(plain.row(row), folded.base + c * plain.stride, plain.stride)
                #expect((mapped - unmapped).magnitude < 1e-3)
            }
        }
    }

    @Test("the strongest directions lose their lead, the sum of all stays")
    func flattens() throws {
        let plain = design(rows: 64, columns: 40),
            flat = try #require(SpectralFlattening(plain, workers: .serial)).flattened
        func lead(_ design: DesignMatrix) -> Double {
            variance(design, column: 0) / variance(design, column: 7)
        }
        func total(_ design: DesignMatrix) -> Double {
            (0..<40).reduce(0) { $0 + variance(design, column: $1) }
        }
        // Eight times the deviation is √8 times after half a whitening; as variances, 64 and 8.
        #expect(lead(plain) > 40 && lead(flat) < 14)
        #expect((total(plain) / total(flat) - 1).magnitude < 1e-3)
    }

    @Test("a few rows or columns stay as they are")
    func leavesSmallAlone() {
        #expect(SpectralFlattening(design(rows: 15, columns: 40), workers: .serial) == nil)
        #expect(SpectralFlattening(design(rows: 40, columns: 15), workers: .serial) == nil)
    }

    @Test("eigenvalues of a matrix whose are known")
    func eigenvalues() {
        // 2 on the diagonal, -1 beside it: 2 - 2 cos(πk/4).
        let (values, vectors) = symmetricEigenvalues([2, -1, 0, -1, 2, -1, 0, -1, 2], size: 3)
        let sorted = values.sorted()
        for (value, known) in zip(sorted, [2 - 2.0.squareRoot(), 2, 2 + 2.0.squareRoot()]) {
            #expect((value - known).magnitude < 1e-12)
        }
        for j in 0..<3 {
            #expect(
                ((0..<3).reduce(0) { $0 + vectors[$1 * 3 + j] * vectors[$1 * 3 + j] } - 1).magnitude < 1e-12)
        }
    }
}
