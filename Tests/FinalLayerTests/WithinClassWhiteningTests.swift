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

    /// The folds' maps are derived from that of all rows; they must not learn from the rows that a fold holds out.
    @Test(
        "rows whitened without some of them, derived from all rows, have the inner products of those computed anew",
        arguments: [12, 150], [0, 1, 2])
    func downdate(columns: Int, kind: Int) throws {
        let plain =
            columns > 90 ? GramReduction(plain: design(columns: columns)).reduced : design(columns: columns)
        let held = (0..<90).map { row in
            switch kind {
            case 0: row % 9 == 4  // some of one class
            case 1: row % 3 == 1 && row < 24 || row == 2  // some of two, of which two are equal
            default: row < 6 || row % 3 == 2  // one class whole
            }
        }
        if kind == 1 {
            for k in 0..<plain.stride { plain.values.base[plain.stride + k] = plain.row(4)[k] }
        }
        func meanEnergy(_ rows: [Int]) -> Double {
            rows.reduce(0) { $0 + dot(plain.row($1), plain.row($1), plain.stride) } / Double(rows.count)
        }
        let none = [Bool](repeating: false, count: 90), others = (0..<90).filter { !held[$0] }
        let whole = try #require(
            WithinClassWhitening(plain, labels: labels, classes: 3, isHeldOut: none, workers: .serial))
        let derived = WithinClassWhitening(
            whole, labels: labels, classes: 3, isHeldOut: held, workers: reversedWorkers)
        // The ridge of the sum over all rows.
        let ridge =
            WithinClassWhitening.ridge * meanEnergy(Array(0..<90)) / meanEnergy(others) * 90
            / Double(others.count)
        let anew = try #require(
            WithinClassWhitening(
                plain, labels: labels, classes: 3, isHeldOut: held, ridge: ridge, workers: .serial))
        let downdate = try #require(derived.downdate)
        let mapped = downdate.map(RowPointers((0..<90).map { whole.whitened.row($0) }))
        func products(_ row: (Int) -> UnsafePointer<Float>) -> [Double] {
            let all = (0..<8100).map { dot(row($0 / 90), row($0 % 90), plain.stride) }
            let size = (0..<90).reduce(0) { $0 + all[$1 * 91] } / 90
            return all.map { $0 / size }
        }
        let ours = products { UnsafePointer(mapped.base + $0 * plain.stride) }
        let theirs = products { anew.whitened.row($0) }, before = products { whole.whitened.row($0) }
        func difference(_ a: [Double], _ b: [Double]) -> Double {
            zip(a, b).reduce(0) { max($0, ($1.0 - $1.1).magnitude) }
        }
        #expect(difference(ours, theirs) < 0.01 && difference(before, theirs) > 0.1)
        // Weights fold back through both maps.
        let weights = FloatBuffer(plain.stride), folded = FloatBuffer(plain.stride)
        var random = RandomSource(seed: 4)
        for k in 0..<plain.columns { weights.base[k] = random.unit() - 0.5 }
        folded.copy(from: weights)
        derived.foldBack(folded.base, classes: 1)
        let logits = FloatBuffer(plain.paddedRows)
        derived.products.multiply(
            RowPointers([UnsafePointer(weights.base)]), into: logits.base, workers: .serial)
        for row in 0..<90 {
            let expected = dot(UnsafePointer(mapped.base + row * plain.stride), weights.base, plain.stride)
            let unmapped = dot(plain.row(row), folded.base, plain.stride)
            #expect((expected - unmapped).magnitude < 2e-3 * (1 + expected.magnitude))
            #expect((expected - Double(logits.base[row])).magnitude < 1e-3 * (1 + expected.magnitude))
        }
        // Sums of rows are sums of mapped rows.
        let coefficients = FloatBuffer(plain.paddedRows), sums = FloatBuffer(plain.stride)
        for row in 0..<90 { coefficients.base[row] = random.unit() - 0.5 }
        derived.products.project(coefficients.base, count: 1, into: sums, workers: .serial)
        for k in 0..<plain.columns {
            let sum = (0..<90).reduce(Float(0)) {
                $0 + coefficients.base[$1] * mapped.base[$1 * plain.stride + k]
            }
            #expect((sums.base[k] - sum).magnitude < 1e-2)
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
