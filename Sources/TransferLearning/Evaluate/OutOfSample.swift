import FinalLayer

/// Predictions by layers that were not trained on the predicted rows: each row is classified by the layer
/// trained on the other folds.
///
/// Everything that examines single images is based on these: mistakes, doubtful labels and calibration.
package struct OutOfSample: Sendable {
    /// The probabilities, `[rows, classes]`, row-major.
    package let probabilities: [Float]
    package let labels: [Int]
    package let classes: Int
    /// The fold in which each row was held out.
    package let folds: [Int]
    package let foldCount: Int
    /// The layer of each fold, which was not trained on its rows; empty if layers are not kept.
    package private(set) var layers: [TrainedLayer] = []

    /// Cross-validates a softmax regression.
    ///
    /// Each layer's penalty is chosen on the fold after its own or, if that has fewer than a hundred rows, by
    /// a cross-validation of all other folds, as in `retrain`. A held-out row therefore never influences the
    /// layer that classifies it.
    ///
    /// - Parameters:
    ///   - features: The bottleneck vectors.
    ///   - labels: The class of each row of `features`, in `0..<classes`; every class has at least 3 rows.
    ///   - classes: The number of classes.
    ///   - groups: A number per row; rows with equal numbers are held out together. It is empty without
    ///     groups.
    ///   - origins: The row of which each further row of `features` is a variant, such as a mirrored copy. Variants
    ///     train where their origin trains, and are never judged.
    ///   - folds: The number of folds, at least 3.
    ///   - seed: The seed of the folds.
    ///   - solver: The regression to train.
    ///   - keepsLayers: Whether the trained layers are kept.
    ///   - progress: Called on the calling thread during training.
    /// - Throws: `TrainingError`.
    package init(
        _ features: FeatureRows, labels: [Int], classes: Int, groups: [Int] = [],
        variantsOf origins: [Int] = [], folds: Int = 5, seed: UInt64 = 0,
        solver: SoftmaxRegression = SoftmaxRegression(), keepsLayers: Bool = false,
        progress: ((SoftmaxRegression.Progress) -> Void)? = nil
    ) throws(TrainingError) {
        let assignment = FoldAssignment(
            labels: labels, classes: classes, groups: groups, folds: max(folds, 3), seed: seed)
        guard labels.count + origins.count == features.count else {
            throw .labelCount(labels: labels.count, rows: features.count - origins.count)
        }
        var result = [Float](repeating: 0, count: labels.count * classes)
        var solver = solver
        (solver.seed, solver.copies) = (seed, groups)
        if !origins.isEmpty {
            if groups.isEmpty { solver.copies = Array(labels.indices) }
            solver.copies += origins.map { [copies = solver.copies] in copies[$0] }
        }
        let allLabels = labels + origins.map { labels[$0] }
        for fold in 0..<assignment.count {
            let chooser = (fold + 1) % assignment.count
            let held = labels.indices.filter { assignment.folds[$0] == fold }
            let others = labels.indices.filter { assignment.folds[$0] != fold }
            var validation = others.filter { assignment.folds[$0] == chooser }
            if assignment.count == 2 || validation.count < SoftmaxRegression.fewValidationRows {
                validation = []
            }
            var training = validation.isEmpty ? others : others.filter { assignment.folds[$0] != chooser }
            for (variant, origin) in origins.enumerated() {
                let home = assignment.folds[origin]
                if home != fold, validation.isEmpty || home != chooser {
                    training.append(labels.count + variant)
                }
            }
            let trained = try solver.train(
                features, labels: allLabels, classes: classes, training: training, validation: validation
            ) { progress?(.init(done: fold * $0.total + $0.done, total: assignment.count * $0.total)) }
            let layer = trained.layer.cooled(to: trained.temperature)
            if keepsLayers { layers.append(layer) }
            layer.forEachLogits(features, rows: held, workers: solver.workers) { row, logits in
                let scores = softmax(Array(logits))
                result.replaceSubrange(row * classes..<(row + 1) * classes, with: scores)
            }
        }
        (probabilities, self.labels, self.classes) = (result, labels, classes)
        (self.folds, foldCount) = (assignment.folds, assignment.count)
    }

    /// Creates predictions from another source, such as a test split or another program.
    package init(probabilities: [Float], labels: [Int], classes: Int, folds: [Int], foldCount: Int) {
        precondition(
            probabilities.count == labels.count * classes, "there is a probability for each row and class")
        (self.probabilities, self.labels, self.classes, self.folds, self.foldCount) = (
            probabilities, labels, classes, folds, foldCount
        )
    }

    package subscript(row: Int) -> ArraySlice<Float> { probabilities[row * classes..<(row + 1) * classes] }

    package var metrics: Metrics { Metrics(probabilities: probabilities, labels: labels, classes: classes) }

    /// Returns the metrics of the rows outside of a fold; nil is none.
    package func metrics(without fold: Int?) -> Metrics {
        let rows = labels.indices.filter { folds[$0] != fold }
        return Metrics(
            probabilities: rows.flatMap { self[$0] }, labels: rows.map { labels[$0] }, classes: classes)
    }

    /// The accuracy on each fold, which shows its variation with the held-out images.
    package var foldAccuracies: [Double] {
        var (right, all) = ([Int](repeating: 0, count: foldCount), [Int](repeating: 0, count: foldCount))
        for row in labels.indices {
            all[folds[row]] += 1
            if predictedClass(self[row]) == labels[row] { right[folds[row]] += 1 }
        }
        return zip(right, all).map { Double($0) / Double(max($1, 1)) }
    }
}
