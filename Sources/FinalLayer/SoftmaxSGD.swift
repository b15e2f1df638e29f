/// The training of retrain.py: a softmax layer by plain stochastic gradient descent on class-uniform random
/// batches.
///
/// Each image of a batch is drawn with replacement by first drawing a class uniformly and then one of its
/// images; so is the validation sample. The weights start from a truncated normal distribution with σ =
/// 0.001, the biases from 0. The loss is the mean softmax cross entropy, without momentum, decay or
/// regularization. A seed determines the result.
package struct SoftmaxSGD: Sendable {
    package var steps = 4000
    package var learningRate: Float = 0.01
    /// The number of images per step; -1 for all.
    package var batchSize = 100
    /// The number of images per evaluation; -1 for all.
    package var validationBatchSize = 100
    /// The number of steps between evaluations; the last step is evaluated too.
    package var evaluationInterval = 10
    package var seed: UInt64 = 0
    /// Whether features are standardized on the training rows; both are folded back into the layer. Features of
    /// large variance let retrain.py's learning rate diverge at first.
    package var standardizes = false
    /// The feature groups with factors of their own, if features are standardized.
    package var groups: [FeatureGroup] = []
    /// Returns whether to stop; it is called before each step, and training then throws
    /// `TrainingError.cancelled`.
    package var isCancelled: @Sendable () -> Bool = { false }

    package init() {}

    /// The quality of the classification of a sample.
    package struct Score: Sendable, Equatable {
        package var accuracy: Double
        /// The mean cross entropy in nats.
        package var crossEntropy: Double
        package var count: Int
    }

    /// The report of one step.
    package struct StepReport: Sendable {
        /// The number of the step, from 0.
        package var step: Int
        /// The score of the batch before the step's update, which retrain.py writes to TensorBoard at each
        /// step.
        package var batch: Score
        /// The evaluation, every `evaluationInterval` steps and after the last step.
        package var evaluation: Evaluation?
    }

    package struct Evaluation: Sendable {
        /// The score of the step's batch after the update.
        package var training: Score
        /// The score of a new class-uniform sample; nil without validation images.
        package var validation: Score?
    }

    /// Trains on the rows `training` of `features`.
    ///
    /// - Parameters:
    ///   - features: The bottleneck vectors.
    ///   - labels: The class of each row of `features`, in `0..<classes`.
    ///   - classes: The number of classes.
    ///   - training: The indices of the training rows.
    ///   - validation: The indices of the validation rows.
    ///   - observe: Called after each step; its second argument returns a copy of the current layer.
    /// - Throws: `TrainingError` if the rows and labels do not match.
    package func train(
        _ features: FeatureMatrix, labels: [Int], classes: Int, training: [Int], validation: [Int] = [],
        observe: ((StepReport, () -> TrainedLayer) -> Void)? = nil
    ) throws(TrainingError) -> TrainedLayer {
        let data = try TrainingData(
            features, labels: labels, classes: classes, training: training, validation: validation)
        var random = RandomSource(seed: seed)
        let model = SoftmaxModel(features: features.columns, classes: classes)
        for c in 0..<classes {
            for k in 0..<features.columns {
                model.weights.base[c * model.stride + k] = random.truncatedNormal() * 0.001
            }
        }
        let rows = data.training + data.validation
        let standardization =
            standardizes
            ? Standardization(features, rows: data.training, groups: groups, workers: .serial) : nil
        let design =
            standardization?.design(features, rows: rows, workers: .serial)
            ?? DesignMatrix(features, rows: rows)
        func layer() -> TrainedLayer { model.layer(features: features.columns, standardization) }
        let sampler = ClassUniformSampler(data.training.map { labels[$0] }, classes: classes, firstRow: 0)
        let validator = ClassUniformSampler(
            data.validation.map { labels[$0] }, classes: classes, firstRow: data.training.count)
        let batch = Batch(
            capacity: batchSize < 0 ? data.training.count : batchSize, classes: classes,
            blank: design.blankRow)
        let sample = Batch(
            capacity: validationBatchSize < 0 ? data.validation.count : validationBatchSize, classes: classes,
            blank: design.blankRow)
        for step in 0..<steps {
            if isCancelled() { throw .cancelled }
            batch.fill(from: sampler, all: batchSize < 0, design, &random)
            let before = model.step(on: batch, rate: learningRate)
            var report = StepReport(step: step, batch: before)
            if step % max(evaluationInterval, 1) == 0 || step + 1 == steps {
                let after = model.score(batch)
                var held: Score?
                if !validator.isEmpty {
                    sample.fill(from: validator, all: validationBatchSize < 0, design, &random)
                    held = model.score(sample)
                }
                report.evaluation = Evaluation(training: after, validation: held)
            }
            observe?(report) { layer() }
        }
        return layer()
    }
}
