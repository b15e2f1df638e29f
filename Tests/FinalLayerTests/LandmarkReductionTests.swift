import Testing

@testable import FinalLayer

@Suite("Landmark reduction")
struct LandmarkReductionTests {
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

    @Test("landmarks that span the rows keep their inner products, and a layer's logits when it is expanded")
    func exact() {
        let (features, _) = rows(120, columns: 64, rank: 8)
        let standardization = moments(features).standardization(groups: [])
        var landmarks = features
        landmarks.keep(Array(0..<32))
        let reduction = LandmarkReduction(landmarks, standardization, workers: .serial)
        let reduced = reduction.reduce(features, workers: .serial)
        #expect(reduced.columns == 32 && reduced.rows == 120)
        for (a, b) in [(0, 1), (40, 40), (50, 119)] {
            let exact = standardization.product(features, a, b)
            let found = zip(reduced[a], reduced[b]).reduce(0.0) { $0 + Double($1.0 * $1.1) }
            #expect(abs(exact - found) < 0.02 * 64, "\(exact) \(found)")
        }
        var random = RandomSource(seed: 9)
        let layer = TrainedLayer(
            weights: (0..<64).map { _ in random.unit() - 0.5 }, biases: [0.5, -0.25])
        let expanded = reduction.expand(layer, workers: .serial)
        for row in [0, 33, 119] {
            let (a, b) = (layer.logits(reduced[row]), expanded.logits(features[row]))
            for c in 0..<2 { #expect(abs(a[c] - b[c]) < 2e-2, "\(a) \(b)") }
        }
    }

    @Test("a regression on reduced rows tells the classes apart as one on all features does")
    func regression() throws {
        let (features, labels) = rows(600, columns: 80, rank: 12)
        var landmarks = features
        landmarks.keep(Array(0..<48))
        let standardization = moments(features).standardization(groups: [])
        let reduction = LandmarkReduction(landmarks, standardization, workers: .serial)
        let reduced = reduction.reduce(features, workers: .serial)
        var solver = SoftmaxRegression()
        let training = Array(0..<400), validation = Array(400..<500), test = Array(500..<600)
        func accuracy(_ layer: TrainedLayer) -> Double {
            Double(test.count { predictedClass(layer.logits(features[$0])[...]) == labels[$0] }) / 100
        }
        let whole = try solver.train(
            features, labels: labels, classes: 3, training: training, validation: validation)
        solver.standardizes = false
        let few = try solver.train(
            reduced, labels: labels, classes: 3, training: training, validation: validation)
        let expanded = reduction.expand(few.layer, workers: .serial)
        #expect(accuracy(whole.layer) > 0.75)
        #expect(accuracy(expanded) > accuracy(whole.layer) - 0.04)
    }
}
