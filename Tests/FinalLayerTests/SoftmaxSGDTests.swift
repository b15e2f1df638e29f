import Testing

@testable import FinalLayer

@Suite struct SoftmaxSGDTests {
    /// Plain gradient descent on all rows, in double, from a given layer.
    func naiveDescent(
        _ layer: TrainedLayer, _ features: FeatureMatrix, _ labels: [Int], steps: Int, rate: Double
    ) -> [Double] {
        let C = layer.classes, d = features.columns, n = features.rows
        var w = layer.weights.map(Double.init), b = layer.biases.map(Double.init)
        for _ in 0..<steps {
            var gw = w.map { _ in 0.0 }, gb = b.map { _ in 0.0 }
            for i in 0..<n {
                let x = features[i].map(Double.init)
                var z = b
                for c in 0..<C { for k in 0..<d { z[c] += x[k] * w[k * C + c] } }
                for (c, p) in softmax(z.map { Float($0) }).enumerated() {
                    let r = Double(p) - (labels[i] == c ? 1 : 0)
                    gb[c] += r
                    for k in 0..<d { gw[k * C + c] += r * x[k] }
                }
            }
            for k in w.indices { w[k] -= rate * gw[k] / Double(n) }
            for c in b.indices { b[c] -= rate * gb[c] / Double(n) }
        }
        return w + b
    }

    @Test(
        "with all rows in the batch is gradient descent", arguments: [(21, 7, 3), (10, 33, 2), (13, 16, 4)])
    func fullBatch(rows: Int, columns: Int, classes: Int) throws {
        let (features, labels) = sampleData(rows: rows, columns: columns, classes: classes)
        var sgd = SoftmaxSGD()
        (sgd.batchSize, sgd.learningRate, sgd.steps) = (-1, 0.05, 0)
        let start = try sgd.train(features, labels: labels, classes: classes, training: Array(0..<rows))
        sgd.steps = 20
        let end = try sgd.train(features, labels: labels, classes: classes, training: Array(0..<rows))
        let right = naiveDescent(start, features, labels, steps: 20, rate: 0.05)
        for (a, b) in zip(end.weights + end.biases, right) { #expect((Double(a) - b).magnitude < 1e-4) }
    }

    @Test("begins with a truncated normal of sigma 0.001 and no biases")
    func beginning() throws {
        let (features, labels) = sampleData(rows: 6, columns: 2000, classes: 3)
        var sgd = SoftmaxSGD()
        sgd.steps = 0
        let layer = try sgd.train(features, labels: labels, classes: 3, training: Array(0..<6))
        #expect(layer.biases == [0, 0, 0])
        #expect(layer.weights.allSatisfy { $0.magnitude <= 0.002 })
        let squares: Float = layer.weights.reduce(0) { $0 + $1 * $1 }
        let deviation = (squares / 6000).squareRoot()
        #expect((deviation - 0.000_88).magnitude < 0.000_05)
    }

    @Test("draws classes uniformly, however many pictures they have")
    func classUniform() {
        let sampler = ClassUniformSampler(
            [Int](repeating: 0, count: 97) + [1, 1, 2], classes: 4, firstRow: 10)
        var random = RandomSource(seed: 5), counts = [0, 0, 0, 0], rows: Set<Int> = []
        for _ in 0..<30_000 {
            let drawn = sampler.draw(&random)
            counts[drawn.label] += 1
            rows.insert(drawn.row)
        }
        #expect(counts[3] == 0)
        for c in 0..<3 { #expect((counts[c] - 10_000).magnitude < 400) }
        #expect(rows == Set(10..<110))
    }

    @Test(
        "standardized inside, features of any size and offset begin at the cross entropy of chance and are learnt"
    )
    func standardization() throws {
        let (plain, labels) = sampleData(rows: 90, columns: 12, classes: 3)
        let large = FeatureMatrix(columns: 12, values: plain.values.map { 1000 * $0 + 5000 })
        var trainer = SoftmaxSGD()
        (trainer.steps, trainer.standardizes) = (300, true)
        func run(_ features: FeatureMatrix) throws -> (first: Double, TrainedLayer) {
            var first: Double?
            let layer = try trainer.train(features, labels: labels, classes: 3, training: Array(0..<90)) {
                step, _ in first = first ?? step.batch.crossEntropy
            }
            return (try #require(first), layer)
        }
        let (first, layer) = try run(large), (_, same) = try run(plain)
        #expect((first - 1.0986).magnitude < 0.05)
        let right = (0..<90).count { predictedClass(layer.logits(large[$0])) == labels[$0] }
        #expect(right > 75)
        // The scale of the features has no say.
        for row in 0..<90 {
            for (a, b) in zip(layer.logits(large[row]), same.logits(plain[row])) {
                #expect((a - b).magnitude < 0.02 * (1 + a.magnitude))
            }
        }
    }

    @Test("reports each step, evaluates each tenth and the last, and repeats itself for a seed")
    func reports() throws {
        let (features, labels) = sampleData(rows: 40, columns: 6, classes: 2)
        var sgd = SoftmaxSGD()
        (sgd.steps, sgd.batchSize, sgd.validationBatchSize) = (34, 8, 5)
        var reports: [SoftmaxSGD.StepReport] = [], last: TrainedLayer?
        func run() throws -> TrainedLayer {
            reports = []
            return try sgd.train(
                features, labels: labels, classes: 2, training: Array(0..<30), validation: Array(30..<40)
            ) {
                reports.append($0)
                last = $1()
            }
        }
        let layer = try run()
        #expect(last == layer)
        #expect(reports.map(\.step) == Array(0..<34))
        #expect(reports.filter { $0.evaluation != nil }.map(\.step) == [0, 10, 20, 30, 33])
        #expect(reports[0].evaluation?.validation?.count == 5 && reports[0].batch.count == 8)
        // Before anything is learned all classes are as likely: ln 2.
        #expect((reports[0].batch.crossEntropy - 0.6931).magnitude < 0.02)
        #expect(reports[0].evaluation!.training.crossEntropy < reports[0].batch.crossEntropy)
        #expect(try run() == layer)
        sgd.seed = 1
        #expect(try run() != layer)
    }
}
