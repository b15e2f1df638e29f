import FinalLayer

/// The quality of a trained layer on each part of the images.
struct Evaluation {
    let trainAccuracy: Double
    let validationAccuracy: Double?
    /// The metrics on the test images; nil without them.
    let test: Metrics?
    let misclassified: [Misclassification]
    /// The full report on the test images; nil without them.
    let report: EvaluationReport?

    /// - Parameter testBatchSize: The number of test images, evenly spread; -1 for all.
    init(
        of layer: TrainedLayer, on data: LabelledBottlenecks, split: DatasetSplit, testBatchSize: Int,
        workers: Workers
    ) {
        let classes = data.labels.count
        func forEach(_ rows: [Int], _ body: (Int, ArraySlice<Float>) -> Void) {
            layer.forEachLogits(data.rows, rows: rows, workers: workers, body)
        }
        func accuracy(_ rows: [Int]) -> Double? {
            var right = 0
            forEach(rows) { row, logits in
                if predictedClass(softmax(Array(logits))[...]) == data.classes[row] { right += 1 }
            }
            return rows.isEmpty ? nil : Double(right) / Double(rows.count)
        }
        trainAccuracy = accuracy(split.training) ?? 0
        validationAccuracy = accuracy(split.validation)

        let all = split.testing
        let rows =
            testBatchSize < 0 || testBatchSize >= all.count
            ? all : (0..<testBatchSize).map { all[$0 * all.count / testBatchSize] }
        var probabilities: [Float] = []
        probabilities.reserveCapacity(rows.count * classes)
        forEach(rows) { probabilities += softmax(Array($1)) }
        test =
            rows.isEmpty
            ? nil
            : Metrics(
                probabilities: probabilities, labels: rows.map { data.classes[$0] }, classes: classes)
        report =
            rows.isEmpty
            ? nil
            : EvaluationReport(
                labels: data.labels, paths: rows.map { "\(data.paths[$0])" },
                classes: rows.map { data.classes[$0] }, probabilities: probabilities)
        misclassified = rows.enumerated().compactMap { position, row in
            let scores = probabilities[position * data.labels.count..<(position + 1) * data.labels.count]
            let (truth, predicted) = (data.classes[row], predictedClass(scores))
            guard predicted != truth else { return nil }
            return Misclassification(
                path: "\(data.paths[row])", label: data.labels[truth], predicted: data.labels[predicted],
                score: scores[scores.startIndex + predicted])
        }
    }
}
