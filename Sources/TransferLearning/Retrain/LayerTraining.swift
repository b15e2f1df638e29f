import FinalLayer

/// Trains the final layer with the solver that the options select.
struct LayerTraining {
    struct Result {
        let layer: TrainedLayer
        /// The accuracy on `alternativeTest`; nil if that is empty, and after gradient descent.
        let alternativeAccuracy: Double?
        let summary: TrainingSummary
        /// The scores that the solver reported during training.
        let curve: TrainingCurve
    }

    let options: RetrainOptions
    let data: LabelledBottlenecks
    let split: DatasetSplit
    /// The rows that are held out together.
    let copies: RowGroups
    /// The images that another split would test on, among those that train and validate; empty for none.
    let alternativeTest: [Int]
    let workers: Workers
    /// Whether gradient descent standardizes features; for Inception v3 it does not, as in retrain.py.
    let standardizes: Bool
    let groups: [FeatureGroup]
    /// The folder of the run's summaries; nil for none.
    let summaryRun: SummaryRun?
    /// Writes a model with the current layer after a number of steps.
    let store: (TrainedLayer, _ step: Int) throws -> Void

    func run(context: RunContext) throws
        -> Result
    {
        var summaries: TrainingSummaries?
        if let summaryRun {
            do throws(EventFile.WriteError) { summaries = try TrainingSummaries(in: summaryRun) } catch {
                throw TransferLearningError(error)
            }
        }
        let clock = ContinuousClock()
        let start = clock.now
        try context.report(
            .phase(
                "training on \(split.training.count) pictures, \(data.rows.columns) numbers each"
            ))
        let (layer, alternativeAccuracy, detail, curve): (TrainedLayer, Double?, String, TrainingCurve) =
            switch options.trainer {
            case .converging: try converge(summaries, context)
            case .gradientDescent(let steps, let rate):
                try descend(
                    steps: steps, rate: rate, summaries: summaries, context: context)
            }
        let summary = TrainingSummary(seconds: (clock.now - start) / .seconds(1), detail: detail)
        try context.report(.trained(summary))
        return Result(
            layer: layer, alternativeAccuracy: alternativeAccuracy, summary: summary, curve: curve)
    }

    private var solver: SoftmaxRegression {
        var solver = SoftmaxRegression()
        solver.seed = options.seed
        solver.groups = groups
        solver.copies = copies.leaders
        solver.alternativeTest = alternativeTest
        solver.workers = workers
        return solver
    }

    /// The progress of training, over steps or over the strengths tried.
    enum TrainingCurve {
        case steps([TrainingStep])
        case path([SoftmaxRegression.PathPoint])
    }

    private func converge(
        _ summaries: TrainingSummaries?, _ context: RunContext
    ) throws -> (TrainedLayer, Double?, String, TrainingCurve) {
        let isFew = split.validation.count < SoftmaxRegression.fewValidationRows
        let (training, validation) =
            isFew ? (split.training + split.validation, []) : (split.training, split.validation)
        let result = try context.train { (progress) throws(TrainingError) in
            try solver.train(
                data.rows, labels: data.classes, classes: data.labels.count, training: training,
                validation: validation, progress: progress)
        }
        do throws(EventFile.WriteError) {
            for point in result.path {
                try summaryRun?.strength(
                    point.strength, accuracy: point.accuracy, crossEntropy: point.crossEntropy)
            }
            if let best = result.path.min(by: { $0.crossEntropy < $1.crossEntropy }) {
                try summaries?.validated(
                    step: 0, accuracy: best.accuracy, crossEntropy: best.crossEntropy)
            }
            try summaries?.layer(result.layer, step: 0)
        } catch { throw TransferLearningError(error) }
        let judged = isFew ? "cross-validation" : "the validation pictures"
        return (
            result.layer.cooled(to: result.temperature), result.alternativeAccuracy,
            "converged softmax regression, L2 strength \(shortest(result.strength)) and temperature \(fixed(Double(result.temperature), 2)) chosen on \(judged)",
            .path(result.path)
        )
    }

    private func descend(
        steps: Int, rate: Double, summaries: TrainingSummaries?,
        context: RunContext
    ) throws -> (TrainedLayer, Double?, String, TrainingCurve) {
        var trainer = SoftmaxSGD()
        trainer.steps = steps
        trainer.learningRate = Float(rate)
        trainer.batchSize = options.trainBatchSize
        trainer.validationBatchSize = options.validationBatchSize
        trainer.evaluationInterval = options.evaluationInterval
        trainer.seed = options.seed
        trainer.isCancelled = context.isInterrupted
        (trainer.standardizes, trainer.groups) = (standardizes, groups)
        var failure: (any Error)?, curve: [TrainingStep] = []
        let layer: TrainedLayer
        do throws(TrainingError) {
            layer = try trainer.train(
                data.features, labels: data.classes, classes: data.labels.count, training: split.training,
                validation: split.validation
            ) { step, layer in
                guard failure == nil else { return }
                do {
                    if options.intermediateFrequency > 0, step.step > 0,
                        step.step % options.intermediateFrequency == 0
                    {
                        try store(layer(), step.step)
                    }
                    try summaries?.trained(
                        step: step.step, accuracy: step.batch.accuracy,
                        crossEntropy: step.batch.crossEntropy,
                        layer: step.evaluation == nil ? nil : layer())
                    guard let evaluation = step.evaluation else { return }
                    if let validation = evaluation.validation {
                        try summaries?.validated(
                            step: step.step, accuracy: validation.accuracy,
                            crossEntropy: validation.crossEntropy)
                    }
                    let point = TrainingStep(
                        number: step.step, trainAccuracy: evaluation.training.accuracy,
                        crossEntropy: evaluation.training.crossEntropy,
                        validationAccuracy: evaluation.validation?.accuracy,
                        validationCount: evaluation.validation?.count ?? 0)
                    curve.append(point)
                    try context.report(.step(point))
                } catch let error as EventFile.WriteError {
                    failure = TransferLearningError(error)
                } catch { failure = error }
            }
        } catch { throw TransferLearningError(error) }
        if let failure { throw failure }
        return (
            layer, nil, "\(steps) steps of gradient descent, learning rate \(shortest(rate))", .steps(curve)
        )
    }
}

/// Returns a number with two significant digits if it is small.
private func shortest(_ value: Double) -> String {
    value > 0 && value < 0.01 ? scientific(value) : fixed(value, 3)
}

/// Returns a positive number with two significant digits and its power of ten, such as `1.0e-3`.
func scientific(_ value: Double) -> String {
    guard value > 0, value.isFinite else { return "0" }
    var (digits, exponent) = (value, 0)
    while digits < 1 { (digits, exponent) = (digits * 10, exponent - 1) }
    // What rounds to ten has another power.
    while digits >= 9.95 { (digits, exponent) = (digits / 10, exponent + 1) }
    return "\(fixed(digits, 1))e\(exponent)"
}
