import Testing

@testable import FinalLayer

@Suite("Reduction of rows beyond memory")
struct SpectralReductionTests {
    /// Rows of three classes in a few directions of many features.
    private func rows(_ count: Int, columns: Int, rank: Int) -> (FeatureMatrix, [Int]) {
        var random = RandomSource(seed: 5)
        let directions = (0..<rank * columns).map { _ in random.unit() - 0.5 }
        var features = FeatureMatrix(columns: columns), labels: [Int] = []
        for row in 0..<count {
            var values = [Float](repeating: 3, count: columns)
            labels.append(row % 3)
            for r in 0..<rank {
                let part = random.unit() - 0.5 + (r == row % 3 ? 1 : 0)
                for k in 0..<columns { values[k] += part * directions[r * columns + k] }
            }
            features.append(row: values)
        }
        return (features, labels)
    }

    private func moments(_ features: FeatureMatrix) -> FeatureMoments {
        var moments = FeatureMoments()
        for row in 0..<features.rows { moments.add(Array(features[row])) }
        return moments
    }

    @Test("moments of rows seen one at a time give the standardization of the whole matrix")
    func standardization() {
        let (features, _) = rows(90, columns: 40, rank: 6)
        let groups = [FeatureGroup(0..<10, factor: 2), FeatureGroup(10..<40)]
        let whole = Standardization(features, rows: Array(0..<90), groups: groups, workers: .serial)
        let streamed = moments(features).standardization(groups: groups)
        for k in 0..<40 {
            #expect(abs(whole.means[k] - streamed.means[k]) < 1e-5)
            #expect(abs(whole.scales[k] - streamed.scales[k]) < 1e-4 * whole.scales[k])
        }
    }

    private func reduction(_ features: FeatureMatrix, samples: Int, columns: Int, labels: [Int])
        -> (SpectralReduction, CompactRows)
    {
        var sample = features
        sample.keep(Array(0..<samples))
        let reduction = SpectralReduction(
            sample, labels: Array(labels[0..<samples]), classes: 3, groups: [],
            moments(features).standardization(groups: []), columns: columns, seed: 1, workers: .serial)
        let rows = CompactRows(columns: reduction.columns, capacity: features.rows)
        reduction.reduce(features, into: rows, workers: .serial)
        return (reduction, rows)
    }

    @Test("rows keep their place, and a layer's logits are the same when it is expanded")
    func expands() {
        let (features, labels) = rows(120, columns: 64, rank: 8)
        let (reduction, reduced) = reduction(features, samples: 64, columns: 20, labels: labels)
        #expect(reduced.columns == 20 && reduced.rows == 120)
        var random = RandomSource(seed: 9)
        let layer = TrainedLayer(weights: (0..<40).map { _ in random.unit() - 0.5 }, biases: [0.5, -0.25])
        let expanded = reduction.expand(layer), matrix = reduced.matrix(rows: [119, 0, 33])
        for (index, row) in [119, 0, 33].enumerated() {
            let (a, b) = (layer.logits(matrix[index]), expanded.logits(features[row]))
            for c in 0..<2 { #expect(abs(a[c] - b[c]) < 0.02 * max(1, abs(b[c])), "\(a) \(b)") }
        }
    }

    @Test("compact rows are the nearest of 8 bits' precision, and say whether they are finite")
    func compact() {
        let rows = CompactRows(columns: 3, capacity: 3)
        rows.append(FeatureMatrix(columns: 3, values: [1, -2.5, 0.1, 3.0078125, 1e30, 0, 1, .infinity, 2]))
        #expect(rows.rows == 3)
        let matrix = rows.matrix(rows: 0..<2)
        #expect(Array(matrix[0].prefix(2)) == [1, -2.5])
        // A tie goes to the even one.
        #expect(matrix[1][3] == 3)
        for (a, b) in zip(matrix.values, [1, -2.5, 0.1, 3.0078125, 1e30, 0] as [Float]) {
            #expect(abs(a - b) <= abs(b) / 256)
        }
        #expect(rows.isFinite(row: 1) && !rows.isFinite(row: 2))
    }

    @Test("products with compact rows are those with whitened rows in single precision")
    func products() throws {
        let (features, labels) = rows(600, columns: 20, rank: 6)
        var exact = CompactRows(columns: 20, capacity: 600)
        exact.append(features)
        let rounded = exact.matrix(rows: 0..<600)
        exact = CompactRows(columns: 20, capacity: 600)
        exact.append(rounded)
        let order = Array((0..<600).reversed()), classes = order.map { labels[$0] }
        let isHeldOut = order.map { $0 % 5 == 0 }
        let design = DesignMatrix(rounded, rows: order)
        let whitened = try #require(
            WithinClassWhitening(design, labels: classes, classes: 3, isHeldOut: isHeldOut, workers: .serial))
        let whitening = try #require(
            CompactWhitening(
                exact, rows: order, labels: classes, classes: 3, isHeldOut: isHeldOut, workers: .serial))
        let products = CompactProducts(exact, rows: order, whitening: whitening)
        #expect(products.paddedRows == design.paddedRows && products.stride == design.stride)
        var random = RandomSource(seed: 2)
        let directions = FloatBuffer(2 * design.stride), coefficients = FloatBuffer(2 * design.paddedRows)
        for c in 0..<2 {
            for k in 0..<20 { directions.base[c * design.stride + k] = random.unit() - 0.5 }
            for k in 0..<600 { coefficients.base[c * design.paddedRows + k] = random.unit() - 0.5 }
        }
        let pointers = RowPointers((0..<2).map { UnsafePointer(directions.base + $0 * design.stride) })
        let (a, b) = (FloatBuffer(2 * design.paddedRows), FloatBuffer(2 * design.paddedRows))
        products.multiply(pointers, into: a.base, workers: .serial)
        whitened.whitened.multiply(pointers, into: b.base, workers: .serial)
        for (x, y) in zip(a.array, b.array) { #expect(abs(x - y) < 1e-3 * max(1, abs(y))) }
        let (s, t) = (FloatBuffer(2 * design.stride), FloatBuffer(2 * design.stride))
        products.project(coefficients.base, count: 2, into: s, workers: .serial)
        whitened.whitened.project(coefficients.base, count: 2, into: t, workers: .serial)
        for (x, y) in zip(s.array, t.array) { #expect(abs(x - y) < 2e-3 * max(1, abs(y)), "\(x) \(y)") }
    }

    @Test("a regression on reduced rows tells the classes apart as one on all features does")
    func regression() throws {
        let (features, labels) = rows(600, columns: 80, rank: 12)
        let (reduction, reduced) = reduction(features, samples: 200, columns: 32, labels: labels)
        let solver = SoftmaxRegression()
        let training = Array(0..<400), validation = Array(400..<500), test = Array(500..<600)
        func accuracy(_ layer: TrainedLayer) -> Double {
            Double(test.count { predictedClass(layer.logits(features[$0])[...]) == labels[$0] }) / 100
        }
        let whole = try solver.train(
            features, labels: labels, classes: 3, training: training, validation: validation)
        let few = try solver.train(
            reduced, labels: labels, classes: 3, training: training, validation: validation)
        #expect(accuracy(whole.layer) > 0.75)
        #expect(accuracy(reduction.expand(few.layer)) > accuracy(whole.layer) - 0.03)
    }

    @Test("of many rows, a selection chooses the strength, and all train the layer")
    func selection() throws {
        let (features, labels) = rows(1200, columns: 24, rank: 12)
        let compact = CompactRows(columns: 24, capacity: 1200)
        compact.append(features)
        let solver = SoftmaxRegression(), training = Array(0..<900), validation = Array(900..<1200)
        let all = try solver.train(
            compact, labels: labels, classes: 3, training: training, validation: validation)
        var steps: [SoftmaxRegression.Progress] = []
        let some = try solver.train(
            compact, labels: labels, classes: 3, training: training, validation: validation,
            mostRowsOfPath: 600
        ) { steps.append($0) }
        #expect(!some.path.isEmpty && some.temperature > 0.5 && some.temperature < 2)
        #expect(steps.last.map { $0.done == $0.total } == true)
        func right(_ layer: TrainedLayer) -> Int {
            (0..<1200).count { predictedClass(layer.logits(features[$0])[...]) == labels[$0] }
        }
        #expect(abs(right(all.layer) - right(some.layer)) < 30, "\(right(all.layer)) \(right(some.layer))")
    }

    @Test("the fit on all rows reaches the same minimum from a selection's solution as from zero")
    func start() throws {
        let (features, labels) = rows(1200, columns: 24, rank: 12)
        let compact = CompactRows(columns: 24, capacity: 1200)
        compact.append(features)
        var solver = SoftmaxRegression()
        let training = Array(0..<1200)
        // A whitening would be that of the selection in one case and that of all rows in the other.
        solver.whitens = false
        solver.strengths = [0.3, 0.1]
        let warm = try solver.train(
            compact, labels: labels, classes: 3, training: training, mostRowsOfPath: 400)
        solver.strengths = [warm.strength]
        let cold = try solver.train(compact, labels: labels, classes: 3, training: training)
        #expect(abs(warm.objective - cold.objective) < 1e-4, "\(warm.objective) \(cold.objective)")
        let (a, b) = (warm.layer.logits(features[7]), cold.layer.logits(features[7]))
        for c in 0..<3 { #expect(abs(a[c] - b[c]) < 0.05 * max(1, abs(b[c])), "\(a) \(b)") }
    }
}
