/// Rows that are prepared for the solver: standardized, and reduced to fewer columns if there are more
/// features than rows.
struct Prepared {
    /// The training rows, followed by the validation rows.
    let rows: [Int]
    let labels: [Int]
    let classes: Int
    /// The prepared rows; without rows if they are compact.
    let design: DesignMatrix
    /// The rows of `CompactRows`, which are used as they are; nil for others.
    let compact: CompactRows?
    fileprivate let standardization: Standardization
    fileprivate let reduction: GramReduction?
    /// The whitening by all rows; nil without one and for compact rows.
    fileprivate let whitening: WithinClassWhitening?

    /// - Parameters:
    ///   - weighs: Whether groups of columns get influences estimated from the training rows.
    ///   - whitens: Whether to whiten the rows within classes.
    init(
        _ data: TrainingData, groups: [FeatureGroup], weighs: Bool = false, whitens: Bool, workers: Workers
    ) {
        rows = data.training + data.validation
        labels = rows.map { data.labels[$0] }
        classes = data.classes
        compact = data.compact
        if data.compact != nil {
            let columns = data.features.columns
            self.standardization = Standardization(
                means: [Float](repeating: 0, count: columns), scales: [Float](repeating: 1, count: columns))
            (design, reduction, whitening) = (DesignMatrix(rows: 0, columns: columns), nil, nil)
            return
        }
        var standardization = Standardization(
            data.features, rows: data.training, groups: groups, workers: workers)
        if weighs, groups.count > 1 {
            let factors = GroupInfluence.factors(
                data.features, labels: data.labels, classes: classes, rows: data.training, groups: groups,
                standardization, workers: workers)
            standardization = standardization.scaled(by: factors, groups: groups)
        }
        self.standardization = standardization
        reduction =
            data.features.columns > rows.count
            ? GramReduction(data.features, rows: rows, standardization, workers: workers) : nil
        design =
            reduction?.reduced ?? standardization.design(data.features, rows: rows, workers: workers)
        whitening =
            whitens
            ? WithinClassWhitening(
                design, labels: labels, classes: classes,
                isHeldOut: [Bool](repeating: false, count: rows.count),
                isLowerTriangular: reduction != nil, workers: workers) : nil
    }
}

/// A regression on prepared rows, of which some are held out and the others determine the whitening.
struct Fit {
    let problem: RegressionProblem
    private let solver: RegressionSolver
    private let prepared: Prepared
    private let whitening: WithinClassWhitening?
    /// The products with compact rows, whitened or not; nil for others.
    private let compact: CompactProducts?
    /// Whether the regression starts from a solution for some of the compact rows.
    private let isContinued: Bool

    /// The solution for some compact rows, from which that for more of them starts.
    struct Start {
        /// The weights for the rows before their whitening and the biases, in the layout of the problem.
        let parameters: FloatBuffer

        /// Returns the parameters for rows after a whitening; nil is none.
        func parameters(whitenedBy whitening: CompactWhitening?, classes: Int) -> FloatBuffer {
            guard let whitening else { return parameters }
            let result = FloatBuffer(parameters.count)
            result.copy(from: parameters)
            whitening.fold(parameters.base, count: classes, into: result.base)
            return result
        }
    }

    /// The current solution for compact rows.
    var start: Start {
        let parameters = FloatBuffer(problem.parameters.count), stride = problem.stride
        parameters.copy(from: problem.parameters)
        if let whitening = compact?.whitening {
            let weights = problem.parameters.base
            let original = whitening.foldedBack(
                RowPointers((0..<problem.classes).map { UnsafePointer(weights + $0 * stride) }))
            parameters.base.update(from: original.base, count: problem.weightCount)
        }
        return Start(parameters: parameters)
    }

    /// - Parameter start: A solution for some of the rows; only for compact rows.
    init(_ prepared: Prepared, isHeldOut: [Bool], whitens: Bool, start: Start? = nil, workers: Workers) {
        self.prepared = prepared
        whitening = Self.whitening(prepared, isHeldOut: isHeldOut, workers: workers)
        if let rows = prepared.compact {
            let whitening =
                whitens
                ? CompactWhitening(
                    rows, rows: prepared.rows, labels: prepared.labels, classes: prepared.classes,
                    isHeldOut: isHeldOut, workers: workers) : nil
            let products = CompactProducts(rows, rows: prepared.rows, whitening: whitening)
            problem = RegressionProblem(
                products, labels: prepared.labels, classes: prepared.classes, isHeldOut: isHeldOut,
                workers: workers)
            let begin = start?.parameters(whitenedBy: whitening, classes: prepared.classes)
            solver = RegressionSolver(products, problems: [problem], start: begin, workers: workers)
            (compact, isContinued) = (products, start != nil)
            return
        }
        (compact, isContinued) = (nil, false)
        let design: any RegressionProducts = whitening?.products ?? prepared.design
        problem = RegressionProblem(
            design, labels: prepared.labels, classes: prepared.classes, isHeldOut: isHeldOut,
            workers: workers)
        solver = RegressionSolver(design, problems: [problem], workers: workers)
    }

    /// Returns the whitening by the rows that are not held out; nil without one and for compact rows.
    private static func whitening(
        _ prepared: Prepared, isHeldOut: [Bool], workers: Workers
    ) -> WithinClassWhitening? {
        guard let whole = prepared.whitening else { return nil }
        let count = isHeldOut.count { $0 }, (labels, classes) = (prepared.labels, prepared.classes)
        guard count > 0 else { return whole }
        // Of many rows, the covariance of the others takes less work.
        return (count + classes) * 2 < prepared.design.columns
            ? WithinClassWhitening(
                whole, labels: labels, classes: classes, isHeldOut: isHeldOut, workers: workers)
            : WithinClassWhitening(
                prepared.design, labels: labels, classes: classes, isHeldOut: isHeldOut,
                isLowerTriangular: prepared.reduction != nil, workers: workers)
    }

    /// Moves the regression to its minimum for `strength`, within `tolerance` nats.
    func minimize(strength: Double, tolerance: Double) {
        if isContinued, let compact, let whitening = compact.whitening {
            // The blocks for two strengths are never in memory at once.
            problem.curvature = nil
            problem.curvature = ClassCurvature(
                compact, whitening, problem: problem, strength: strength, workers: solver.workers)
        }
        solver.minimize(strength: strength, tolerance: tolerance)
    }

    /// Returns the regression's layer for the original features.
    func layer(workers: Workers) -> TrainedLayer {
        layer(weights: problem.parameters, biases: problem.biases, workers: workers)
    }

    /// The discriminant analysis of the rows that are not held out; nil without whitening.
    var discriminant: LinearDiscriminant? {
        whitening.map {
            LinearDiscriminant(
                $0.whitened, labels: prepared.labels, classes: prepared.classes,
                isHeldOut: problem.isHeldOut, downdate: $0.downdate)
        }
    }

    /// Returns the discriminant's logits of the held-out rows, `[rows, classes]`; nil without whitening.
    var discriminantLogits: [Float]? {
        guard let whitened = whitening?.whitened, let discriminant else { return nil }
        return problem.isHeldOut.indices.filter { problem.isHeldOut[$0] }
            .flatMap { discriminant.logits(whitened.row($0), stride: whitened.stride) }
    }

    /// Returns the discriminant's layer for the original features; nil without whitening.
    func discriminantLayer(workers: Workers) -> TrainedLayer? {
        discriminant.map { layer(weights: $0.weights, biases: $0.biases.base, workers: workers) }
    }

    /// Returns the layer for the original features.
    ///
    /// - Parameters:
    ///   - weights: The weights for the rows of `problem`, `[classes, stride]`.
    ///   - biases: The biases, `[classes]`.
    private func layer(
        weights: FloatBuffer, biases: UnsafePointer<Float>, workers: Workers
    ) -> TrainedLayer {
        let standardization = prepared.standardization, classes = prepared.classes
        let found = FloatBuffer(weights.count)
        found.copy(from: weights)
        whitening?.foldBack(found.base, classes: classes)
        if let whitening = compact?.whitening {
            let stride = problem.stride
            let original = whitening.foldedBack(
                RowPointers((0..<classes).map { UnsafePointer(weights.base + $0 * stride) }))
            found.base.update(from: original.base, count: classes * stride)
        }
        guard let reduction = prepared.reduction else {
            return standardization.layer(
                weights: found.base, stride: problem.stride, biases: biases, classes: classes)
        }
        let weights = reduction.expand(found.base, classes: classes, workers: workers)
        return standardization.layer(
            weights: weights.base, stride: padded(standardization.means.count, to: 16),
            biases: biases, classes: classes)
    }
}
