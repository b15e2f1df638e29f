import SystemFiles
import Backbones
import BottleneckCache
import Compression
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

    public init(_ options: RetrainOptions) {
        var options = options
        let files = [options.outputGraph, options.outputLabels, RunManifest.path(of: options.outputGraph)]
        options.pictures.ownFiles +=
            files + [options.reportPath, options.summariesDirectory].compactMap { $0 }
            + (options.intermediateFrequency > 0 ? [options.intermediateDirectory] : [])
        self.options = options
    }

    /// - Parameters:
    ///   - isInterrupted: asked between pictures and between training steps; called from any thread.
    ///   - report: called on the calling thread.
    /// - Throws: `TransferLearningError`; no output file is left half-written.
    public func run(
        isInterrupted: @escaping @Sendable () -> Bool = { false },
        report: (RetrainEvent) throws -> Void = { _ in }
    ) throws -> RetrainResult {
        try check()
        if options.pictures.imageDirectory == nil, options.pictures.precision ?? .fp32 != .fp32 {
            throw TransferLearningError.option(
                "image_dir",
                reason: "needed: an imported tree's bottlenecks have the precision they were computed in")
        }
        if options.pictures.imageDirectory == nil, !options.distortion.isNone {
            throw TransferLearningError.option(
                "image_dir", reason: "needed: distortions are made from pictures, not from an imported tree")
        }
        var manifest = RunManifest(
            state: .interrupted, version: Tool.version, command: options.command, seed: options.seed,
            network: "",
            precision: (options.pictures.precision ?? .fp32).rawValue,
            instructionSet: InstructionSet.preferred.name, outputGraph: "\(options.outputGraph)",
            outputLabels: "\(options.outputLabels)")
        var takesManifest = false
        do {
            let result = try run(&manifest, &takesManifest, isInterrupted: isInterrupted, report: report)
            manifest.state = .finished
            manifest.testAccuracy = result.testAccuracy
            if takesManifest {
                try manifest.write(beside: options.outputGraph)
            } else {
                try report(
                    .warning("\(options.outputGraph): is no regular file; the manifest beside it is left out")
                )
            }
            return result
        } catch TransferLearningError.interrupted(let words) {
            if takesManifest { try manifest.write(beside: options.outputGraph) }
            throw TransferLearningError.interrupted(words)
        }
    }

    private func run(
        _ manifest: inout RunManifest, _ takesManifest: inout Bool,
        isInterrupted: @escaping @Sendable () -> Bool,
        report: (RetrainEvent) throws -> Void
    ) throws -> RetrainResult {
        let outputs = try Outputs(
            graph: options.outputGraph, labels: options.outputLabels,
            others: (options.reportPath.map { [("report", $0)] } ?? [])
                + [("output_graph", RunManifest.path(of: options.outputGraph))])
        takesManifest = outputs.takesManifest
        let threads = options.pictures.threads ?? ParallelWork.coreCount
        var extractor: FeatureExtractor? = try FeatureExtractor(
            options.pictures, isInterrupted: isInterrupted, report: report)
        let backbone = extractor!.backbone, groups = extractor!.groups, precision = extractor!.plan.precision
        manifest.network = extractor!.fingerprint
        let data = try BottleneckSource(
            options.pictures, extractor: extractor, isInterrupted: isInterrupted, report: report
        ).data
        let split = try DatasetSplit(
            paths: splitPaths(data), classes: data.classes, folders: data.folders,
            rule: Split(
                testingPercentage: options.testingPercentage,
                validationPercentage: options.validationPercentage))
        if split.movedCount > 0 {
            try report(
                .warning(
                    "\(split.movedCount) pictures were moved between training, validation and test, so that no class is without"
                ))
        }
        func joined(_ layer: TrainedLayer, novelty: Novelty? = nil) throws(TransferLearningError) -> Graph {
            do {
                return try backbone.joined(
                    weights: layer.weights, biases: layer.biases, labels: data.labels,
                    novelty: novelty.map {
                        NoveltyTable(means: $0.means, scales: $0.scales, quantiles: $0.quantiles)
                    },
                    output: options.finalTensorName, tool: "cartoonctl \(Tool.version)", seed: options.seed,
                    precision: precision)
            } catch { throw TransferLearningError(error) }
        }
        var (trainingData, trainingSplit) = (data, split)
        if !options.distortion.isNone {
            let (more, rows) = try BottleneckSource.adding(
                options.distortion, to: data, rows: split.training, options.pictures, extractor: extractor!,
                isInterrupted: isInterrupted,
                report: report)
            (trainingData, trainingSplit) = (more, split.training(on: rows))
        }
        // The network's packed weights, a hundred megabytes of some, are not needed any more.
        extractor = nil
        let training = try LayerTraining(
            options: options, data: trainingData, split: trainingSplit, threads: threads, groups: groups,
            store: { layer, step in
                let path = FilePath("\(options.intermediateDirectory)intermediate_\(step).pb")
                try Outputs.write(joined(layer), to: path, flag: "intermediate_output_graphs_dir")
            }
        )
        .run(isInterrupted: isInterrupted, report: report)
        let evaluation = Evaluation(
            of: training.layer, on: data, split: split, testBatchSize: options.testBatchSize,
            workers: ParallelWork.workers(threads: threads))

        // Fitted on what trained the layer; pictures kept for the test have no say.
        let novelty = Novelty(
            data.features, rows: split.training + split.validation, groups: groups,
            workers: ParallelWork.workers(threads: threads))
        manifest.dataset = data.digest
        manifest.layer = training.layer.digest
        if let path = options.reportPath {
            let source = BottleneckSource(
                data: data, groups: groups, workers: ParallelWork.workers(threads: threads))
            let audit = try Auditor(options.pictures, seed: options.seed)
                .audit(source, damage: [:], isInterrupted: isInterrupted, report: report)
            try RetrainReport(evaluation: evaluation, curve: training.curve, audit: audit, manifest: manifest)
                .write(to: path)
        }
        try outputs.write(joined(training.layer, novelty: novelty), labels: data.labels)
        manifest.outputGraphDigest = outputs.graphDigest
        manifest.outputLabelsDigest = outputs.labelsDigest
        return RetrainResult(
            labels: data.labels, outputGraph: "\(options.outputGraph)",
            outputLabels: "\(options.outputLabels)",
            architecture: backbone.description.name, imageCount: data.paths.count,
            trainCount: split.training.count, validationCount: split.validation.count,
            testCount: evaluation.test?.count ?? 0,
            trainAccuracy: evaluation.trainAccuracy, validationAccuracy: evaluation.validationAccuracy,
            testAccuracy: evaluation.test?.accuracy, testCrossEntropy: evaluation.test?.crossEntropy,
            testInterval: evaluation.test.map {
                [$0.accuracyInterval.lowerBound, $0.accuracyInterval.upperBound]
            },
            confusion: evaluation.test?.confusion ?? [], misclassified: evaluation.misclassified,
            skipped: data.skipped,
            bottlenecks: data.summary, training: training.summary, seed: options.seed, version: Tool.version)
    }

    /// What the split is a hash of.
    private func splitPaths(_ data: LabelledBottlenecks) -> [FilePath] {
        switch options.splitKey {
        case .path: data.paths
        case .relative:
            data.paths.map {
                FilePath(
                    bytes: Array(
                        $0.bytes.split(separator: UInt8(ascii: "/")).suffix(2).joined(separator: [
                            UInt8(ascii: "/")
                        ])))
            }
        }
    }

    private func check() throws(TransferLearningError) {
        guard options.testingPercentage + options.validationPercentage < 100 else {
            throw .option(
                "testing_percentage",
                reason:
                    "with --validation_percentage it leaves no pictures to train on; their sum must be below 100"
            )
        }
        for (flag, size) in [
            ("train_batch_size", options.trainBatchSize),
            ("validation_batch_size", options.validationBatchSize),
            ("test_batch_size", options.testBatchSize),
        ]
        where size == 0 || size < -1 {
            throw .option(
                flag, reason: "\(size) pictures cannot be drawn; give a number above 0, or -1 for all")
        }
    }
}

extension TrainedLayer {
    /// SHA-256 over weights and biases, little-endian.
    fileprivate var digest: String {
        var bytes: [UInt8] = []
        for value in weights + biases { withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 } }
        return "\(SHA256.hash(bytes))"
    }
}
