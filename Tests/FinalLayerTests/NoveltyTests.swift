import Testing

@testable import FinalLayer

@Suite struct NoveltyTests {
    private func features(rows: Int, columns: Int, seed: UInt64) -> FeatureMatrix {
        var random = RandomSource(seed: seed)
        return FeatureMatrix(
            columns: columns, values: (0..<rows * columns).map { _ in random.truncatedNormal() * 3 + 5 })
    }

    private func score(_ novelty: Novelty, _ row: [Float]) -> Float {
        row.withUnsafeBufferPointer { novelty.score($0) }
    }

    @Test("is 1 on the mean of the rows it was fitted on, and larger for strangers")
    func score() {
        let known = features(rows: 200, columns: 37, seed: 1), novelty = Novelty(known, rows: Array(0..<200))
        let scores = (0..<200).map { score(novelty, Array(known[$0])) }
        #expect((scores.reduce(0, +) / 200 - 1).magnitude < 1e-3)
        let stranger = [Float](repeating: 25, count: 37)
        #expect(score(novelty, stranger) > 10 * scores.max()!)
        #expect(novelty.familiarity(score(novelty, stranger)) < 1e-6)
    }

    @Test("counts rows as if each had been left out")
    func leavesOut() {
        let known = features(rows: 9, columns: 12, seed: 5)
        let expected = (0..<9).map { row in
            score(Novelty(known, rows: (0..<9).filter { $0 != row }), Array(known[row]))
        }.sorted()
        let quantiles = Novelty(known, rows: Array(0..<9)).quantiles
        #expect((quantiles[0] - expected[0]).magnitude < 1e-3 * expected[0])
        #expect((quantiles[100] - expected[8]).magnitude < 1e-3 * expected[8])
    }

    @Test("familiarity falls as novelty grows, from 1, without a jump")
    func familiarity() {
        let known = features(rows: 500, columns: 16, seed: 2), novelty = Novelty(known, rows: Array(0..<500))
        var last: Float = 1
        for step in 0...400 {
            let share = novelty.familiarity(Float(step) * 0.01)
            #expect(share <= last + 1e-6 && last - share < 0.06)
            last = share
        }
        #expect((novelty.familiarity(novelty.quantiles[50]) - 0.5).magnitude < 0.02)
    }

    @Test("the same on any number of workers")
    func workers() {
        let known = features(rows: 130, columns: 21, seed: 3)
        let backwards = Workers { count, body in for index in (0..<count).reversed() { body(index) } }
        #expect(
            Novelty(known, rows: Array(0..<130)) == Novelty(known, rows: Array(0..<130), workers: backwards))
    }
}

@Suite struct TemperatureTests {
    /// Logits of two classes that are right three times in four.
    private func logits(_ margin: Float, rows: Int) -> ([Float], [Int]) {
        ((0..<rows).flatMap { $0 % 4 == 0 ? [0, margin] : [margin, 0] }, [Int](repeating: 0, count: rows))
    }

    @Test("what is too sure is cooled to how often it is right")
    func cools() {
        // At temperature 1, ln 3 is 75 %.
        let (z, labels) = logits(4 * 1.098_612_3, rows: 4000)
        #expect((calibratedTemperature(logits: z, labels: labels, classes: 2) - 4).magnitude < 0.15)
    }

    @Test("a few rows that are all right change little")
    func hasPrior() {
        let z: [Float] = (0..<12).flatMap { _ -> [Float] in [3, 0] }
        let temperature = calibratedTemperature(logits: z, labels: [Int](repeating: 0, count: 12), classes: 2)
        #expect(temperature > 0.8 && temperature <= 1)
        #expect(calibratedTemperature(logits: [], labels: [], classes: 2) == 1)
    }
}

@Suite struct RowGroupsTests {
    @Test("groups are the finest that hold every pair together, named by their first rows")
    func grouping() {
        let pairs = [(3, 5), (1, 3), (2, 4)].map {
            SimilarRows.Pair(first: $0.0, second: $0.1, similarity: 1)
        }
        let groups = RowGroups(rows: 7, pairs: pairs)
        #expect(groups.leaders == [0, 1, 2, 1, 2, 1, 6])
        #expect(groups.copyCount == 3 && groups.shared == [1: [1, 3, 5], 2: [2, 4]])
        #expect(groups.count(of: [5, 6, 4], alikeIn: [1, 0]) == 1)
        #expect(groups.appending(copiesOf: [5, 0]).leaders == [0, 1, 2, 1, 2, 1, 6, 1, 0])
        #expect(RowGroups(rows: 4, pairs: [], equal: [0, 1, 0, 3]).leaders == [0, 1, 0, 3])
        #expect(RowGroups(rows: 3).copyCount == 0)
    }
}

@Suite struct SimilarRowsTests {
    @Test("lists what a plain comparison of all rows lists", arguments: [(5, 3), (64, 20), (131, 1100)])
    func matchesPlainComparison(_ rows: Int, _ columns: Int) {
        var random = RandomSource(seed: UInt64(rows))
        var values = (0..<rows * columns).map { _ in random.unit() }
        // The last row is nearly the first.
        for k in 0..<columns { values[(rows - 1) * columns + k] = values[k] + 0.001 * random.unit() }
        let features = FeatureMatrix(columns: columns, values: values)
        let similar = SimilarRows(features, threshold: 0.2), found = similar.pairs

        let all = Array(0..<rows),
            standard = Standardization(features, rows: all, groups: [], workers: .serial)
        let unit = all.map { row -> [Double] in
            let z = (0..<columns).map {
                Double((features[row][row * columns + $0] - standard.means[$0]) * standard.scales[$0])
            }
            let norm = z.reduce(0) { $0 + $1 * $1 }.squareRoot()
            return z.map { $0 / norm }
        }
        var expected: [(Int, Int, Double)] = []
        for i in all {
            for j in i + 1..<max(rows, i + 1) {
                let cosine = zip(unit[i], unit[j]).reduce(0) { $0 + $1.0 * $1.1 }
                if cosine >= Double(max(0.2, similar.chance)) { expected.append((i, j, cosine)) }
            }
        }
        #expect(found.map { [$0.first, $0.second] } == expected.map { [$0.0, $0.1] })
        for (pair, right) in zip(found, expected) {
            #expect((Double(pair.similarity) - right.2).magnitude < 1e-4)
        }
        #expect(found.contains { $0.first == 0 && $0.second == rows - 1 && $0.similarity > 0.99 })
    }

    @Test(
        "of few effective features, all that unrelated rows have in common is not listed",
        arguments: [false, true])
    func chance(_ bySigns: Bool) {
        // Features that are sums of five numbers; every tenth row is one of two that repeat, with little noise.
        var random = RandomSource(seed: 8)
        let rows = 400, columns = 64, factors = 5
        func normal() -> Float { random.truncatedNormal() }
        func features(of factors: Int) -> FeatureMatrix {
            let mixing = (0..<factors * columns).map { _ in normal() }
            let repeated = (0..<2 * factors).map { _ in normal() }
            return FeatureMatrix(
                columns: columns,
                values: (0..<rows).flatMap { row -> [Float] in
                    let own = (0..<factors).map { k in
                        row % 10 == 0 ? repeated[row / 10 % 2 * factors + k] + 0.001 * normal() : normal()
                    }
                    return (0..<columns).map { column in
                        (0..<factors).reduce(0) { $0 + own[$1] * mixing[$1 * columns + column] }
                    }
                })
        }
        func similar(_ factors: Int) -> SimilarRows {
            SimilarRows(features(of: factors), threshold: 0.85, exactRows: bySigns ? 0 : 1000)
        }
        let few = similar(factors), many = similar(60)
        #expect(few.chance > 0.95 && many.chance < 0.7)
        // Twenty of each of the two rows.
        for found in [few, many] {
            let copies = found.pairs.count { $0.first % 10 == 0 && $0.second % 10 == 0 }
            #expect(copies == 2 * 190 && found.pairs.count < copies + 40)
        }
    }

    @Test("finds similar rows by signs of random projections as by comparing all", arguments: [3, 8])
    func index(_ workers: Int) {
        var random = RandomSource(seed: 4)
        let rows = 700, columns = 300
        var values = (0..<rows * columns).map { _ in random.truncatedNormal() }
        // Chains of rows of which each is like the one before, and forty equal ones.
        for row in 1..<rows where row % 3 > 0 {
            for k in 0..<columns {
                values[row * columns + k] =
                    0.9 * values[(row - 1) * columns + k] + 0.35 * values[row * columns + k]
            }
        }
        for row in 600..<640 {
            for k in 0..<columns { values[row * columns + k] = values[k] }
        }
        let features = FeatureMatrix(columns: columns, values: values)
        let exact = SimilarRows(features, threshold: 0.75).pairs
        let threads = Workers { count, body in for index in (0..<count).reversed() { body(index) } }
        let found = SimilarRows(
            features, threshold: 0.75, exactRows: 0, workers: workers == 3 ? .serial : threads
        ).pairs
        #expect(exact.count > 1500)
        let missing = Set(exact.map { [$0.first, $0.second] }).subtracting(
            found.map { [$0.first, $0.second] })
        #expect(missing.count <= exact.count / 50)
        #expect(exact.filter { $0.similarity > 0.85 }.allSatisfy { found.contains($0) })
    }

    @Test("of too many pairs that are alike, lists the most alike")
    func tooMany() {
        var random = RandomSource(seed: 6)
        let rows = 300, columns = 64
        let common = (0..<columns).map { _ in random.truncatedNormal() }
        let sketches = SignSketches(
            rows: rows,
            Standardization(
                means: [Float](repeating: 0, count: columns), scales: [Float](repeating: 1, count: columns)))
        var last: [Float] = []
        for row in 0..<rows {
            // All rows are alike, and the second of the first ten pairs is nearly the first.
            let isNear = row < 20 && row % 2 == 1
            let values = common.indices.map { k in
                isNear
                    ? last[k] + 0.02 * random.truncatedNormal() : common[k] + 0.5 * random.truncatedNormal()
            }
            values.withUnsafeBufferPointer { sketches.set(row: row, $0) }
            last = values
        }
        let all = sketches.candidates(threshold: 0.5, workers: .serial)
        let few = sketches.candidates(threshold: 0.5, mostPairs: 200, workers: .serial)
        #expect(all.count > 5000 && (10...200).contains(few.count), "\(all.count) \(few.count)")
        for row in stride(from: 0, to: 20, by: 2) {
            #expect(few.contains { $0.first == row && $0.second == row + 1 })
        }
    }
}
