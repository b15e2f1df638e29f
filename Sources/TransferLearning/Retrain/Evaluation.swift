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
        func metrics(_ rows: [Int]) -> (Metrics, [Float])? {
            guard !rows.isEmpty else { return nil }
            let logits = layer.logits(data.features, rows: rows, workers: workers),
                classes = data.labels.count
            let probabilities = rows.indices.flatMap {
                softmax(Array(logits[$0 * classes..<($0 + 1) * classes]))
            }
            let metrics = Metrics(
                probabilities: probabilities, labels: rows.map { data.classes[$0] },
                classes: data.labels.count)
            return (metrics, probabilities)
        }
        trainAccuracy = metrics(split.training)?.0.accuracy ?? 0
        validationAccuracy = metrics(split.validation)?.0.accuracy

        let all = split.testing
        let rows =
            testBatchSize < 0 || testBatchSize >= all.count
            ? all : (0..<testBatchSize).map { all[$0 * all.count / testBatchSize] }
        let tested = metrics(rows)
        test = tested?.0
        let probabilities = tested?.1 ?? []
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
