/// Rows that are prepared for the solver: standardized, and reduced to fewer columns if there are more
/// features than rows.
struct Prepared {
    /// The training rows, followed by the validation rows.
    let rows: [Int]
    let labels: [Int]
    let classes: Int
    let design: DesignMatrix
    fileprivate let standardization: Standardization
    fileprivate let reduction: GramReduction?

    init(_ data: TrainingData, groups: [FeatureGroup], workers: Workers) {
        rows = data.training + data.validation
        labels = rows.map { data.labels[$0] }
        classes = data.classes
        standardization = Standardization(
            data.features, rows: data.training, groups: groups, workers: workers)
        reduction =
            data.features.columns > rows.count
            ? GramReduction(data.features, rows: rows, standardization, workers: workers) : nil
        design =
            reduction?.reduced ?? standardization.design(data.features, rows: rows, workers: workers)
    }
}

/// A regression on prepared rows, of which some are held out and the others determine the whitening.
struct Fit {
    let problem: RegressionProblem
    let solver: RegressionSolver
    private let prepared: Prepared
    private let whitening: WithinClassWhitening?

    init(_ prepared: Prepared, isHeldOut: [Bool], whitens: Bool, workers: Workers) {
        self.prepared = prepared
        whitening =
            whitens
            ? WithinClassWhitening(
                prepared.design, labels: prepared.labels, classes: prepared.classes, isHeldOut: isHeldOut,
                isLowerTriangular: prepared.reduction != nil, workers: workers) : nil
        let design = whitening?.whitened ?? prepared.design
        problem = RegressionProblem(
            design, labels: prepared.labels, classes: prepared.classes, isHeldOut: isHeldOut)
        solver = RegressionSolver(design, problems: [problem], workers: workers)
    }

    /// Returns the layer for the original features.
    func layer(workers: Workers) -> TrainedLayer {
        let standardization = prepared.standardization, classes = prepared.classes
        let found = FloatBuffer(problem.parameters.count)
        found.copy(from: problem.parameters)
        whitening?.foldBack(found.base, classes: classes)
        guard let reduction = prepared.reduction else {
            return standardization.layer(
                weights: found.base, stride: problem.stride, biases: problem.biases, classes: classes)
        }
        let weights = reduction.expand(found.base, classes: classes, workers: workers)
        return standardization.layer(
            weights: weights.base, stride: padded(standardization.means.count, to: 16),
            biases: problem.biases, classes: classes)
    }
}
