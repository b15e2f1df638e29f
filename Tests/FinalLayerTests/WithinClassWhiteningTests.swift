import Testing

@testable import FinalLayer

@Suite("Within-class whitening") struct WithinClassWhiteningTests {
    private let labels = (0..<90).map { $0 % 3 }

    /// Rows that vary much more within their classes in the first columns than in the others.
    private func design(columns: Int) -> DesignMatrix {
        let design = DesignMatrix(rows: 90, columns: columns)
        var random = RandomSource(seed: 9)
        for i in 0..<90 {
            for k in 0..<columns {
                let mean: Float = k == labels[i] ? 2 : 0
                design.values.base[i * design.stride + k] = mean + (random.unit() - 0.5) * 32 / Float(1 + k)
            }
        }
        return design
    }

    private func whitening(_ design: DesignMatrix, heldOut: (Int) -> Bool = { _ in false }) throws
        -> WithinClassWhitening
    {
        try #require(
            WithinClassWhitening(
                design, labels: labels, classes: 3, isHeldOut: (0..<90).map(heldOut), workers: .serial))
    }

    /// Variance of a column within classes, over all rows.
    private func variance(_ design: DesignMatrix, column k: Int) -> Double {
        (0..<3).reduce(0.0) { sum, c in
            let values = (0..<90).filter { labels[$0] == c }.map { Double(design.row($0)[k]) }
            let mean = values.reduce(0, +) / Double(values.count)
            return sum + values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        }
    }

    @Test("columns vary alike within classes afterwards, and rows are as long as before")
    func whitens() throws {
        let plain = design(columns: 12), white = try whitening(plain).whitened
        #expect(variance(plain, column: 0) / variance(plain, column: 11) > 50)
        for k in 0..<12 {
            #expect((variance(white, column: k) / variance(white, column: 0) - 1).magnitude < 0.1)
        }
        func energy(_ design: DesignMatrix) -> Double {
            (0..<90).reduce(0) { $0 + dot(design.row($1), design.row($1), design.stride) }
        }
        #expect((energy(white) / energy(plain) - 1).magnitude < 1e-4)
    }

    @Test("weights on mapped rows fold back into weights on the rows as they were", arguments: [12, 150])
    func foldsBack(columns: Int) throws {
        let plain = design(columns: columns), map = try whitening(plain)
        let weights = FloatBuffer(3 * plain.stride), folded = FloatBuffer(weights.count)
        var random = RandomSource(seed: 4)
        for c in 0..<3 {
            for k in 0..<columns { weights.base[c * plain.stride + k] = random.unit() - 0.5 }
        }
        folded.copy(from: weights)
        map.foldBack(folded.base, classes: 3)
        for row in 0..<90 {
            for c in 0..<3 {
                let mapped = dot(map.whitened.row(row), weights.base + c * plain.stride, plain.stride)
                let unmapped = dot(plain.row(row), folded.base + c * plain.stride, plain.stride)
                #expect((mapped - unmapped).magnitude < 2e-3 * (1 + mapped.magnitude))
            }
        }
    }

    @Test("rows that are held out have no say in the map, whatever they hold")
    func heldOutRows() throws {
        let plain = design(columns: 12), changed = design(columns: 12)
        for i in stride(from: 0, to: 90, by: 5) {
            for k in 0..<12 { changed.values.base[i * changed.stride + k] *= -7 }
        }
        let one = try whitening(plain) { $0 % 5 == 0 }, other = try whitening(changed) { $0 % 5 == 0 }
        for i in 0..<90 where i % 5 != 0 {
            for k in 0..<12 { #expect(one.whitened.row(i)[k] == other.whitened.row(i)[k]) }
        }
        #expect(one.whitened.row(5)[3] != other.whitened.row(5)[3])
    }

    @Test("a triangular design gives the same map by less work")
    func triangular() throws {
        let reduced = GramReduction(plain: design(columns: 150)).reduced
        let held = (0..<90).map { $0 % 4 == 1 }
        let (fast, slow) = (
            try #require(
                WithinClassWhitening(
                    reduced, labels: labels, classes: 3, isHeldOut: held, isLowerTriangular: true,
                    workers: .serial)),
            try #require(
                WithinClassWhitening(
                    reduced, labels: labels, classes: 3, isHeldOut: held, workers: reversedWorkers))
        )
        for i in 0..<90 {
            for k in 0..<90 { #expect((fast.whitened.row(i)[k] - slow.whitened.row(i)[k]).magnitude < 1e-3) }
        }
    }

    @Test("rows that do not vary within their classes stay as they are")
    func noVariation() {
        let design = DesignMatrix(rows: 90, columns: 8)
        for i in 0..<90 { design.values.base[i * design.stride + labels[i]] = 1 }
        let none = [Bool](repeating: false, count: 90)
        let map = WithinClassWhitening(
            design, labels: labels, classes: 3, isHeldOut: none, workers: .serial)
        #expect(map == nil)
    }
}
