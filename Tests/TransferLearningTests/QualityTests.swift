import FinalLayer
import Testing

@testable import Backbones
@testable import TransferLearning

@Suite("Quality")
struct QualityTests {
    /// Predictions of two classes that give the true class the given probabilities, in two folds.
    private func judged(_ truths: [Float]) -> OutOfSample {
        OutOfSample(
            probabilities: truths.flatMap { [$0, 1 - $0] }, labels: truths.map { _ in 0 }, classes: 2,
            folds: truths.indices.map { $0 % 2 }, foldCount: 2)
    }

    @Test("chooses the least log loss among settings that are no less accurate than the usual one")
    func choice() {
        let usual = judged([0.6, 0.6, 0.6, 0.4])
        // The second is surer but less often right; the third is as often right and surer.
        let unsafe = judged([0.99, 0.99, 0.49, 0.49]), better = judged([0.9, 0.9, 0.9, 0.4])
        #expect(QualityComparison.chosen([usual, unsafe]) == 0)
        #expect(QualityComparison.chosen([usual, unsafe, better]) == 2)
    }

    @Test("a fold's predictions come from the setting that the other folds choose")
    func nested() {
        // The second setting is better in fold 0 only, so that fold 1 takes it and fold 0 does not.
        let usual = judged([0.6, 0.6, 0.6, 0.6]), other = judged([0.9, 0.2, 0.9, 0.2])
        let result = QualityComparison.Result(
            candidates: [], judged: [usual, other], data: Self.data, copies: RowGroups(rows: 4))
        let nested = result.nested
        #expect([0, 2].map { nested[$0].first } == [0.6, 0.6])
        #expect([1, 3].map { nested[$0].first } == [0.2, 0.2])
    }

    @Test("says the scores of all settings, the choice, its gain and its cost")
    func text() {
        let result = QualityComparison.Result(
            candidates: [
                .init(name: "224 pixels", options: BottleneckOptions()),
                .init(name: "288 pixels", options: BottleneckOptions(), cost: 1.65),
            ], judged: [judged([0.6, 0.6, 0.6, 0.4]), judged([0.9, 0.9, 0.9, 0.9])], data: Self.data,
            copies: RowGroups(rows: 4))
        #expect(result.summary.chosen == 1)
        #expect(
            result.summary.text
                == "224 pixels: accuracy 0.7500, log loss 0.6122; 288 pixels: accuracy 1.0000, log loss 0.1054; chosen: 288 pixels; 25.0 points more accurate than 224 pixels (p = 1.000), at 1.65 times its cost"
        )
    }

    @Test("variants train with their origin's fold and are not judged")
    func variants() throws {
        // Rows of class 0 and 1 lie on opposite sides; variants with the wrong label's features would mislead.
        let labels = (0..<30).map { $0 % 2 }
        var features = FeatureMatrix(columns: 4)
        for (row, label) in labels.enumerated() {
            let side: Float = label == 0 ? 1 : -1
            features.append(row: [side, side * Float(row % 5), Float(row % 3), 1])
        }
        let plain = try OutOfSample(.whole(features), labels: labels, classes: 2)
        for row in 0..<30 { features.append(row: Array(features[row])) }
        let more = try OutOfSample(.whole(features), labels: labels, classes: 2, variantsOf: Array(0..<30))
        #expect(more.labels == labels && more.folds == plain.folds && more.probabilities.count == 60)
        #expect(more.metrics.accuracy == 1)
        #expect(throws: TrainingError.self) {
            try OutOfSample(.whole(features), labels: labels, classes: 2, variantsOf: [0])
        }
    }

    @Test("fast takes smaller images and at most half of the multiply-adds; the model is written for them")
    func fast() throws {
        let usual = try FeatureExtractor(BottleneckOptions())
        var options = BottleneckOptions()
        options.quality = .fast
        let fast = try FeatureExtractor(options)
        #expect(2 * fast.plan.work <= usual.plan.work && fast.fingerprint != usual.fingerprint)
        #expect(fast.backbone.description.height == 160 && fast.size == usual.size - 2 * 1280)
        let layer = [Float](repeating: 0.01, count: fast.size * 2)
        let model = try fast.backbone.joined(
            weights: layer, biases: [0, 0], labels: ["a", "b"], output: "scores", tool: "test", seed: 0)
        let input = model.graph?.nodes.first { $0.name == "input" }
        guard case .shape(let shape)? = input?.attributes["shape"] else {
            Issue.record("the input has no shape")
            return
        }
        #expect(shape == [-1, 160, 160, 3])
        options.model = "model.pb"
        #expect {
            try FeatureExtractor(options)
        } throws: {
            "\($0)".contains("it was trained with")
        }
    }

    private static let data = LabelledBottlenecks(
        labels: ["a", "b"], folders: ["a", "b"], paths: [], contents: [], parts: [], classes: [],
        features: FeatureMatrix(columns: 1), skipped: [],
        summary: BottleneckSummary(computed: 0, cached: 0, skipped: 0, seconds: 0))
}
