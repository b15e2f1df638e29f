/// retrain.py's training: a softmax layer by plain stochastic gradient descent on class-uniform random batches.
///
/// Every picture of a batch is drawn by first drawing a class, all equally likely, and then one of its pictures, with
/// replacement; so is the validation sample. The weights begin as a truncated normal with σ = 0.001, the biases as zeros; the
/// loss is the mean softmax cross entropy; there is no momentum, decay or regularization. One seed gives one result.
package struct SoftmaxSGD: Sendable {
    package var steps = 4000
    package var learningRate: Float = 0.01
    /// Pictures a step; -1 for all of them.
    package var batchSize = 100
    /// Pictures an evaluation; -1 for all of them.
    package var validationBatchSize = 100
    /// Steps between evaluations; the last step is evaluated too.
    package var evaluationInterval = 10
    package var seed: UInt64 = 0

    package init() {}

    /// How well a sample is classified.
    package struct Score: Sendable, Equatable {
        package var accuracy: Double
        /// Mean, in nats.
        package var crossEntropy: Double
        package var count: Int
    }

    /// What a step reports.
    package struct StepReport: Sendable {
        /// From 0.
        package var step: Int
        /// The batch before the step's update: what retrain.py writes to TensorBoard each step.
        package var batch: Score
        /// Only every `evaluationInterval` steps and after the last.
        package var evaluation: Evaluation?
    }

    package struct Evaluation: Sendable {
        /// The step's batch again, after the update.
        package var training: Score
        /// A fresh class-uniform sample; nil without validation pictures.
        package var validation: Score?
    }

    /// Trains on the rows `training` of `features`.
    ///
    /// - Parameters:
    ///   - labels: the class of each row of `features`, in `0..<classes`.
    ///   - observe: called after each step; its second argument makes a copy of the layer as it stands.
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
        let design = DesignMatrix(features, rows: data.training + data.validation)
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
            observe?(report) { model.layer(features: features.columns) }
        }
        return model.layer(features: features.columns)
    }
}
