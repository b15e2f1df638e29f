import Backbones
import BottleneckCache
import FinalLayer
import Inference
import TensorGraph

/// The main job: a folder of pictures in, a model and its labels out.
///
///     let result = try Retraining(options).run { event in print(event) }
///
/// Everything that can be wrong with the options, the network and the outputs is found before the first picture is read.
/// What was computed stays in the cache whatever happens later.
public struct Retraining {
    private let options: RetrainOptions

    public init(_ options: RetrainOptions) { self.options = options }

    /// - Parameters:
    ///   - isInterrupted: asked between pictures and between training steps; called from any thread.
    ///   - report: called on the calling thread.
    /// - Throws: `TransferLearningError`; no output file is left half-written.
    public func run(
        isInterrupted: @escaping @Sendable () -> Bool = { false }, report: (RetrainEvent) throws -> Void = { _ in }
    ) throws -> RetrainResult {
        try check()
        let outputs = try Outputs(graph: options.outputGraph, labels: options.outputLabels)
        let threads = options.pictures.threads ?? ParallelWork.coreCount
        let extractor = try FeatureExtractor(architecture: options.pictures.architecture, modelDirectory: options.pictures.modelDirectory)
        let data = try BottleneckSource(options.pictures, extractor: extractor, isInterrupted: isInterrupted, report: report).data
        let split = try DatasetSplit(
            paths: data.paths, classes: data.classes, folders: data.folders,
            rule: Split(testingPercentage: options.testingPercentage, validationPercentage: options.validationPercentage))
        if split.movedCount > 0 {
            try report(.warning("\(split.movedCount) pictures were moved between training, validation and test, so that no class is without"))
        }
        let training = try LayerTraining(options: options, data: data, split: split, threads: threads, groups: extractor.groups)
            .run(isInterrupted: isInterrupted, report: report)
        let evaluation = Evaluation(of: training.layer, on: data, split: split, testBatchSize: options.testBatchSize,
            workers: ParallelWork.workers(threads: threads))

        // Fitted on what trained the layer; pictures kept for the test have no say.
        let novelty = Novelty(
            data.features, rows: split.training + split.validation, groups: extractor.groups, workers: ParallelWork.workers(threads: threads))
        let model: Graph
        do {
            model = try extractor.backbone.joined(
                weights: training.layer.weights, biases: training.layer.biases, labels: data.labels,
                novelty: NoveltyTable(means: novelty.means, scales: novelty.scales, quantiles: novelty.quantiles), output: options.finalTensorName,
                tool: "cartoonctl \(Tool.version)", seed: options.seed)
        } catch { throw TransferLearningError(error) }
        try outputs.write(model, labels: data.labels)
        return RetrainResult(
            labels: data.labels, outputGraph: "\(options.outputGraph)", outputLabels: "\(options.outputLabels)",
            architecture: extractor.backbone.description.name, imageCount: data.paths.count,
            trainCount: split.training.count, validationCount: split.validation.count, testCount: evaluation.test?.count ?? 0,
            trainAccuracy: evaluation.trainAccuracy, validationAccuracy: evaluation.validationAccuracy,
            testAccuracy: evaluation.test?.accuracy, testCrossEntropy: evaluation.test?.crossEntropy,
            testInterval: evaluation.test.map { [$0.accuracyInterval.lowerBound, $0.accuracyInterval.upperBound] },
            confusion: evaluation.test?.confusion ?? [], misclassified: evaluation.misclassified, skipped: data.skipped,
            bottlenecks: data.summary, training: training.summary, seed: options.seed, version: Tool.version)
    }

    private func check() throws(TransferLearningError) {
        guard options.testingPercentage + options.validationPercentage < 100 else {
            throw .option("testing_percentage", reason: "with --validation_percentage it leaves no pictures to train on; their sum must be below 100")
        }
        for (flag, size) in [("train_batch_size", options.trainBatchSize), ("validation_batch_size", options.validationBatchSize), ("test_batch_size", options.testBatchSize)]
        where size == 0 || size < -1 {
            throw .option(flag, reason: "\(size) pictures cannot be drawn; give a number above 0, or -1 for all")
        }
    }
}
