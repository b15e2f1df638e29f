import Testing

@testable import FinalLayer

@Suite struct MetricsTests {
    let metrics = Metrics(
        probabilities: [
            0.7, 0.2, 0.1, 0.1, 0.8, 0.1, 0.2, 0.3, 0.5, 0.6, 0.3, 0.1, 0.25, 0.35, 0.4, 0.05, 0.15, 0.8,
            0.45, 0.5, 0.05, 0.9, 0.05, 0.05,
        ], labels: [0, 1, 2, 1, 1, 2, 0, 0], classes: 3)

    @Test("agrees with scikit-learn's precision, recall, F1 and log loss")
    func scores() {
        #expect(metrics.confusion == [[2, 1, 0], [1, 1, 1], [0, 0, 2]])
        #expect(metrics.accuracy == 0.625 && metrics.count == 8 && metrics.correct == 5)
        let third = 1.0 / 3
        let right: [[Double]] = [
            [3, 2 * third, 2 * third, 2 * third], [3, 0.5, third, 0.4], [2, 2 * third, 1, 0.8],
        ]
        for (score, expected) in zip(metrics.perClass, right) {
            let got = [Double(score.support), score.precision, score.recall, score.f1]
            for (a, b) in zip(got, expected) { #expect((a - b).magnitude < 1e-12) }
        }
        #expect((metrics.crossEntropy - 0.581_721_5).magnitude < 1e-6)
    }

    @Test("bins confidence for the calibration error")
    func calibration() {
        #expect((metrics.calibrationError - 0.225).magnitude < 1e-6)
        #expect(metrics.calibration.map(\.count) == [0, 0, 0, 1, 2, 1, 1, 2, 1, 0])
        #expect(metrics.calibration[4].accuracy == 0.5)
    }

    @Test(
        "gives Wilson's interval as scipy does",
        arguments: [
            (8, 10, 0.4901624715366418, 0.9433178485456248), (0, 20, 0, 0.16112515805281935),
            (129, 150, 0.7954479122405028, 0.9065735118144821),
            (0, 0, 0, 1),
        ])
    func wilson(successes: Int, trials: Int, low: Double, high: Double) {
        let interval = wilsonInterval(successes: successes, trials: trials)
        #expect((interval.lowerBound - low).magnitude < 1e-9 && (interval.upperBound - high).magnitude < 1e-9)
    }

    @Test("scores nothing without dividing by it")
    func empty() {
        let none = Metrics(probabilities: [], labels: [], classes: 2)
        #expect(none.accuracy == 0 && none.crossEntropy == 0 && none.calibrationError == 0)
        #expect(none.perClass[0] == .init(support: 0, precision: 0, recall: 0, f1: 0))
    }

    @Test("a layer's logits are x·W + b and its probabilities add up")
    func layer() {
        let layer = TrainedLayer(weights: [1, -1, 2, 0.5, 0, 3], biases: [0.25, 0, -1])
        #expect(layer.features == 2 && layer.classes == 3)
        #expect(layer.logits([2, 4]) == [4.25, -2, 15])
        #expect(
            layer.logits(FeatureMatrix(columns: 2, values: [0, 0, 2, 4]), rows: [1]) == layer.logits([2, 4]))
        #expect((layer.probabilities([2, 4]).reduce(0, +) - 1).magnitude < 1e-6)
        #expect(softmax([1000, 0])[0] > 0.999_999)
    }
}
