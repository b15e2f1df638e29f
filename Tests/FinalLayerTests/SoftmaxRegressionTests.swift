import Foundation
import Synchronization
import Testing

@testable import FinalLayer

@Suite struct SoftmaxRegressionTests {
    func regression(_ strength: Double) -> SoftmaxRegression {
        var regression = SoftmaxRegression()
        regression.strengths = [strength]
        // The optima below are those of the plain penalty.
        regression.whitens = false
        return regression
    }

    @Test("reaches scikit-learn's optimum, scaling folded back")
    func matchesScikitLearn() throws {
        let (features, labels) = sampleData(rows: 60, columns: 5, classes: 3)
        let result = try regression(0.05).train(features, labels: labels, classes: 3, training: Array(0..<60))
        // LogisticRegression(C=1/(0.05*60)) on StandardScaler's output, coefficients divided by its scales.
        let weights = [
            0.024091, 0.026952, -0.051042, -0.13268, 0.166512, -0.033832, -0.147258, -0.164953, 0.312211,
            0.419946, -0.219527,
            -0.200419, -0.214688, 0.460354, -0.245666,
        ]
        #expect((result.objective - 0.578_327_805).magnitude < 2e-6)
        for (w, right) in zip(result.layer.weights, weights) { #expect((Double(w) - right).magnitude < 2e-3) }
        for (b, right) in zip(result.layer.biases, [0.071484, -0.628695, 0.557211]) {
            #expect((Double(b) - right).magnitude < 4e-3)
        }
        let p = [
            [0.545147, 0.018393, 0.43646], [0.061577, 0.928308, 0.010116], [0.091299, 0.159269, 0.749431],
        ]
        for row in 0..<3 {
            for (a, right) in zip(result.layer.probabilities(features[row]), p[row]) {
                #expect((Double(a) - right).magnitude < 1e-3)
            }
        }
    }

    @Test("reaches the optimum with two classes")
    func twoClasses() throws {
        let (features, labels) = sampleData(rows: 60, columns: 5, classes: 2)
        let result = try regression(0.01).train(features, labels: labels, classes: 2, training: Array(0..<60))
        // scipy.optimize on the two-column softmax.
        #expect((result.objective - 0.170_794_595).magnitude < 2e-6)
        #expect((result.layer.weights[8].magnitude - 0.595_358).magnitude < 5e-3)
        #expect((result.layer.weights[8] + result.layer.weights[9]).magnitude < 1e-4)
    }

    @Test("reaches the same optimum through inner products when there are more features than rows")
    func moreFeaturesThanRows() throws {
        let (features, labels) = sampleData(rows: 20, columns: 48, classes: 3)
        let result = try regression(0.02).train(features, labels: labels, classes: 3, training: Array(0..<20))
        #expect((result.objective - 0.035_992_221).magnitude < 5e-6)
        let p = [
            [0.985638, 0.003486, 0.010876], [0.005908, 0.99023, 0.003862], [0.005629, 0.00364, 0.990732],
        ]
        for row in 0..<3 {
            for (a, right) in zip(result.layer.probabilities(features[row]), p[row]) {
                #expect((Double(a) - right).magnitude < 1e-3)
            }
        }
    }

    @Test("survives equal rows and constant, huge and tiny columns", arguments: [3, 40])
    func degenerate(columns: Int) throws {
        var (features, labels) = sampleData(rows: 12, columns: columns, classes: 3)
        var values = features.values
        for k in 0..<columns { values[5 * columns + k] = values[2 * columns + k] }
        for i in 0..<12 {
            values[i * columns] = 1e6
            values[i * columns + 1] = Float(i % 5) * 1e-20
            values[i * columns + 2] *= 1e12
        }
        features = FeatureMatrix(columns: columns, values: values)
        labels[5] = labels[2]
        let result = try regression(0.01).train(features, labels: labels, classes: 3, training: Array(0..<12))
        #expect(result.layer.weights.allSatisfy(\.isFinite) && result.layer.biases.allSatisfy(\.isFinite))
        #expect(result.layer.weights[0] == 0 && result.layer.weights[1] == 0)
        #expect(result.objective < logarithm(3))
    }

    @Test("gives the same bits whatever runs its pieces", arguments: [8, 120])
    func threadInvariance(columns: Int) throws {
        let (features, labels) = sampleData(rows: 90, columns: columns, classes: 3)
        let concurrent = Workers { count, body in
            DispatchQueue.concurrentPerform(iterations: count) { body($0) }
        }
        let results = try [Workers.serial, reversedWorkers, concurrent].map { workers in
            var regression = SoftmaxRegression()
            regression.workers = workers
            return try regression.train(features, labels: labels, classes: 3, training: Array(0..<90))
        }
        #expect(results[0].layer == results[1].layer && results[0].layer == results[2].layer)
        #expect(results[0].path == results[1].path && results[0].path == results[2].path)
    }

    @Test("prefers a strong penalty where the features say nothing, a weak one where they say all")
    func selection() throws {
        var random = RandomSource(seed: 3)
        var noise = FeatureMatrix(columns: 30), clear = noise
        let labels = (0..<80).map { $0 % 2 }
        for label in labels {
            noise.append(row: (0..<30).map { _ in random.truncatedNormal() })
            clear.append(
                row: (0..<30).map { k in random.truncatedNormal() * 0.1 + (k == 4 ? Float(label) : 0) })
        }
        let blind = try SoftmaxRegression().train(noise, labels: labels, classes: 2, training: Array(0..<80))
        let seeing = try SoftmaxRegression().train(clear, labels: labels, classes: 2, training: Array(0..<80))
        #expect(blind.strength >= 0.3)
        #expect(seeing.strength <= 0.03)
        #expect(seeing.path.map(\.accuracy).max() == 1)
        let held = try SoftmaxRegression().train(
            clear, labels: labels, classes: 2, training: Array(0..<60), validation: Array(60..<80))
        #expect(held.strength <= 0.03)
    }

    @Test("a group's factor is a scaling of its standardized columns, and 0 leaves them out")
    func groups() throws {
        let (features, labels) = sampleData(rows: 30, columns: 6, classes: 3)
        var halved = regression(0.04)
        halved.groups = [FeatureGroup(0..<6, factor: 2)]
        let same = try halved.train(features, labels: labels, classes: 3, training: Array(0..<30))
        let plain = try regression(0.01).train(features, labels: labels, classes: 3, training: Array(0..<30))
        for (a, b) in zip(same.layer.weights, plain.layer.weights) { #expect((a - b).magnitude < 2e-3) }
        var without = regression(0.01)
        without.groups = [FeatureGroup(2..<4, factor: 0)]
        let layer = try without.train(features, labels: labels, classes: 3, training: Array(0..<30)).layer
        #expect(layer.weights[6..<12].allSatisfy { $0 == 0 } && layer.weights[0] != 0)
    }

    @Test("deals every class evenly to the folds")
    func stratification() {
        let labels = (0..<100).map { $0 < 10 ? 0 : 1 }
        let folds = SoftmaxRegression().foldsOfRows(labels, classes: 2)
        for fold in 0..<5 {
            #expect(folds.indices.count { folds[$0] == fold && labels[$0] == 0 } == 2)
            #expect(folds.indices.count { folds[$0] == fold && labels[$0] == 1 } == 18)
        }
    }

    @Test("copies of a row are held out together and count as one where folds are dealt")
    func copiesInFolds() {
        // Three files of class 1, of which two are alike: two folds.
        let labels = [0, 0, 0, 0, 0, 0, 1, 1, 1], copies = [0, 1, 2, 3, 4, 4, 6, 7, 7]
        let folds = SoftmaxRegression().foldsOfRows(labels, classes: 2, copies: copies)
        #expect(folds[4] == folds[5] && folds[7] == folds[8] && folds[6] != folds[7])
        #expect(Set(folds) == [0, 1])
    }

    @Test("tells how far it is, to the end, and stops when it is told to")
    func progress() throws {
        let (features, labels) = sampleData(rows: 60, columns: 8, classes: 3)
        var seen: [SoftmaxRegression.Progress] = []
        _ = try SoftmaxRegression().train(features, labels: labels, classes: 3, training: Array(0..<60)) {
            seen.append($0)
        }
        #expect(seen.last.map { $0.done == $0.total } == true && seen.count > 10)
        #expect(zip(seen, seen.dropFirst()).allSatisfy { $0.done < $1.done && $0.total == $1.total })
        var descent = SoftmaxSGD()
        descent.isCancelled = { true }
        #expect(throws: TrainingError.cancelled) {
            try descent.train(features, labels: labels, classes: 3, training: Array(0..<60))
        }
    }

    @Test("a class whose rows are all alike is never held out")
    func onlyCopiesInFolds() throws {
        let labels = [0, 0, 0, 0, 0, 0, 1, 1, 1], copies = [0, 1, 2, 3, 4, 4, 6, 6, 6]
        let folds = SoftmaxRegression().foldsOfRows(labels, classes: 2, copies: copies)
        #expect(folds[6...] == [-1, -1, -1] && !folds[..<6].contains(-1))
        // A copy in two classes, which is all that one of them has.
        let shared = SoftmaxRegression().foldsOfRows([0, 0, 0, 1], classes: 2, copies: [0, 1, 2, 2])
        #expect(shared[2] == -1 && shared[3] == -1 && shared[0] >= 0)
        let (features, classes) = sampleData(rows: 4, columns: 6, classes: 2)
        var solver = SoftmaxRegression()
        solver.copies = [0, 1, 0, 1]
        let result = try solver.train(features, labels: classes, classes: 2, training: [0, 1, 2, 3])
        #expect(result.path.isEmpty && result.strength == 1e-3)
    }

    @Test("few rows lean on the network's last layer where that says more")
    func lastLayerHasASay() throws {
        var random = RandomSource(seed: 5)
        var features = FeatureMatrix(columns: 120)
        let labels = (0..<60).map { $0 % 3 }
        for label in labels {
            features.append(
                row: (0..<120).map { k in
                    // Loud noise in all columns but the last eight.
                    random.truncatedNormal() * (k < 112 ? 3 : 0.5) + (k - 112 == label ? 1.5 : 0)
                })
        }
        var regression = SoftmaxRegression()
        regression.groups = [FeatureGroup(0..<112), FeatureGroup(112..<120, isLastLayer: true)]
        let both = try regression.train(features, labels: labels, classes: 3, training: Array(0..<60))
        #expect(both.share < 1)
        regression.groups[1].isLastLayer = false
        let whole = try regression.train(features, labels: labels, classes: 3, training: Array(0..<60))
        #expect(whole.share == 1)
        var fresh = FeatureMatrix(columns: 120)
        let truth = (0..<300).map { $0 % 3 }
        for label in truth {
            fresh.append(
                row: (0..<120).map { k in
                    random.truncatedNormal() * (k < 112 ? 3 : 0.5) + (k - 112 == label ? 1.5 : 0)
                })
        }
        func right(_ result: SoftmaxRegression.Result) -> Int {
            truth.indices.count { predictedClass(result.layer.logits(fresh[$0])) == truth[$0] }
        }
        #expect(right(both) > right(whole))
    }

    @Test("stops when told to, and tells how far it is")
    func cancellation() throws {
        let (features, labels) = sampleData(rows: 60, columns: 90, classes: 3)
        var regression = SoftmaxRegression()
        var reports: [SoftmaxRegression.Progress] = []
        _ = try regression.train(
            features, labels: labels, classes: 3, training: Array(0..<60), progress: { reports.append($0) })
        #expect(reports.last.map { $0.done == $0.total } == true && reports.count > 5)
        #expect(zip(reports, reports.dropFirst()).allSatisfy { $0.done < $1.done })
        let asked = Atomic<Int>(0)
        regression.workers = Workers.serial.stopping {
            asked.wrappingAdd(1, ordering: .relaxed).newValue > 40
        }
        #expect(throws: TrainingError.cancelled) {
            try regression.train(features, labels: labels, classes: 3, training: Array(0..<60))
        }
    }

    @Test("refuses what cannot be trained on")
    func refusals() {
        let (features, labels) = sampleData(rows: 6, columns: 4, classes: 3)
        let regression = SoftmaxRegression()
        #expect(throws: TrainingError.tooFewClasses(1)) {
            try regression.train(features, labels: [0, 0, 0, 0, 0, 0], classes: 1, training: [0, 1])
        }
        #expect(throws: TrainingError.emptyClass(2)) {
            try regression.train(features, labels: labels, classes: 3, training: [0, 1, 3])
        }
        #expect(throws: TrainingError.labelCount(labels: 1, rows: 6)) {
            try regression.train(features, labels: [0], classes: 3, training: [0])
        }
        #expect(throws: TrainingError.labelOutOfRange(row: 2, label: 2, classes: 2)) {
            try regression.train(features, labels: labels, classes: 2, training: [0, 1, 2])
        }
        var values = features.values
        values[4 * 4 + 3] = .infinity
        #expect(throws: TrainingError.notFinite(row: 4, column: 3)) {
            try regression.train(
                FeatureMatrix(columns: 4, values: values), labels: labels, classes: 3, training: Array(0..<6))
        }
    }
}
