import SystemFiles
import Backbones
import BottleneckCache
import Compression
import FinalLayer
import Inference
import TensorGraph

/// Trains a model on a folder of images.
///
///     let result = try Retraining(options).run(report: { event in print(event) })
///
/// A program that waits for it in a task is better served by ``Trainer``. Errors in the options, the network
/// and the outputs are reported before the first image is read. Computed bottlenecks stay in the cache whatever
/// happens later.
public struct Retraining {
    let options: RetrainOptions

    public init(_ options: RetrainOptions) {
        var options = options
        let files = [options.outputGraph, options.outputLabels, RunManifest.path(of: options.outputGraph)]
        options.pictures.ownFiles +=
            files + [options.reportPath, options.summariesDirectory].compactMap { $0 }
            + (options.intermediateFrequency > 0 ? [options.intermediateDirectory] : [])
        self.options = options
    }

    /// Runs the training.
    ///
    /// - Parameters:
    ///   - context: Receives events, and stops the run.
    /// - Throws: `TransferLearningError`, or errors of the receiver of events; no output file is left incomplete.
    public func run(
        context: RunContext = RunContext()
    ) throws -> RetrainResult {
        try check()
        if !options.pictures.hasPictures, options.pictures.quality != .standard {
            throw TransferLearningError.option(
                "image_dir", reason: "needed: an imported tree's bottlenecks have the quality they have")
        }
        if !options.pictures.hasPictures, options.pictures.precision ?? .fp32 != .fp32 {
            throw TransferLearningError.option(
                "image_dir",
                reason: "needed: an imported tree's bottlenecks have the precision they were computed in")
        }
        if !options.pictures.hasPictures, !options.distortion.isNone {
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
        defer { UnfinishedRun.end() }
        do {
            let result = try run(&manifest, &takesManifest, context: context)
            manifest.state = .finished
            manifest.testAccuracy = result.testAccuracy
            if takesManifest {
                try manifest.write(beside: options.outputGraph)
            } else {
                try context.report(
                    .warning("\(options.outputGraph): is no regular file; the manifest beside it is left out")
                )
            }
            return result
        } catch TransferLearningError.interrupted(let words) {
            if takesManifest { try manifest.write(beside: options.outputGraph) }
            throw TransferLearningError.interrupted(
                manifest.outputGraphDigest == nil
                    ? words : "the model and its labels were written; what follows them was not")
        }
    }

    private func run(
        _ manifest: inout RunManifest, _ takesManifest: inout Bool,
        context: RunContext
    ) throws -> RetrainResult {
        let outputs = try Outputs(
            graph: options.outputGraph, labels: options.outputLabels,
            others: (options.reportPath.map { [("report", $0)] } ?? [])
                + [("output_graph", RunManifest.path(of: options.outputGraph))])
        takesManifest = outputs.takesManifest
        if let page = options.reportPath { try FileSystem.checkOutput(page, flag: "report") }
        let (chosen, quality) = try chosen(context: context)
        return try Retraining(chosen).run(
            outputs, quality, &manifest, context: context)
    }

    /// Returns the options with the settings of `Quality.best`, if that is wanted.
    ///
    /// The settings are compared on the pictures that train and validate.
    private func chosen(
        context: RunContext
    ) throws -> (RetrainOptions, QualitySummary?) {
        guard options.pictures.quality == .best else { return (options, nil) }
        let comparison = QualityComparison(
            options: options.pictures, folds: 5, seed: options.seed, tryMirrored: options.distortion.isNone)
        let result = try comparison.run(
            context: context.onlyProgress
        ) { data, copies in
            let split = try split(data, by: splitKey, copies)
            return ((split.training + split.validation).sorted(), copies)
        }
        let summary = result.summary, best = result.candidates[result.chosen]
        try context.report(.note("quality best, \(summary.text)"))
        var options = options
        options.pictures = best.options
        if best.isMirrored { options.distortion.flipLeftRight = true }
        return (options, summary)
    }

    private func run(
        _ outputs: Outputs, _ quality: QualitySummary?, _ manifest: inout RunManifest,
        context: RunContext
    ) throws -> RetrainResult {
        let threads = options.pictures.threads ?? ParallelWork.coreCount
        var extractor: FeatureExtractor? = try FeatureExtractor(
            options.pictures, context: context)
        let backbone = extractor!.backbone, groups = extractor!.groups, precision = extractor!.plan.precision
        let otherFormat = try otherFormat(outputs, than: backbone, precision)
        manifest.network = extractor!.fingerprint
        if outputs.takesManifest { UnfinishedRun.begin(manifest, beside: options.outputGraph) }
        let workers = ParallelWork.workers(threads: threads).stopping(when: context.isInterrupted)
        let folder = try options.pictures.hasPictures ? BottleneckSource.scan(options.pictures, context) : nil
        let streamed = try folder.flatMap {
            try stream($0, extractor!, workers: workers, context: context)
        }
        let data: LabelledBottlenecks, copies: RowGroups, split: DatasetSplit
        if let streamed {
            (data, copies, split) = (streamed.data, streamed.copies, streamed.split)
        } else {
            data = try BottleneckSource(
                options.pictures, extractor: extractor, folder: folder, context: context
            ).data
            try context.report(.phase("comparing the pictures with each other"))
            copies = data.copies(groups: groups, workers: workers)
            try context.checkInterruption()
            split = try self.split(data, by: splitKey, copies)
        }
        if !data.parts.isEmpty {
            try context.report(
                .note(
                    "the split is taken as it was made: \(split.training.count) pictures to train, \(split.validation.count) to validate, "
                        + "\(split.testing.count) to test"))
        }
        if split.movedCount > 0 {
            try context.report(
                .warning(
                    "\(split.movedCount) pictures were moved between training, validation and test, so that no class is without"
                ))
        }
        func joined(_ layer: TrainedLayer, novelty: Novelty? = nil) throws(TransferLearningError)
            -> NetworkFile
        {
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
        var (trainingData, trainingSplit, trainingCopies) = (data, split, copies)
        if !options.distortion.isNone {
            let (more, origins) = try BottleneckSource.adding(
                options.distortion, to: data, rows: split.training, options.pictures, extractor: extractor!,
                context: context)
            let rows = data.features.rows..<more.features.rows
            (trainingData, trainingSplit) = (more, split.training(on: Array(rows)))
            trainingCopies = copies.appending(copiesOf: origins)
        }
        // The network's packed weights, up to hundreds of megabytes, are not needed any more.
        extractor = nil
        var summaryRun: SummaryRun?
        if let directory = options.summariesDirectory {
            do throws(EventFile.WriteError) { summaryRun = try SummaryRun(in: directory.description) } catch {
                throw TransferLearningError(error)
            }
        }
        let trainer = LayerTraining(
            options: options, data: trainingData, split: trainingSplit, copies: trainingCopies,
            alternativeTest: streamed == nil ? try testByPath(data, split, copies) : [], workers: workers,
            standardizes: backbone.description.name != BackboneDescription.inceptionV3.name,
            groups: groups, summaryRun: summaryRun,
            store: { layer, step in
                let path = FilePath(
                    "\(options.intermediateDirectory)intermediate_\(step)\(backbone.network.suffix)")
                try Outputs.write(joined(layer), to: path, flag: "intermediate_output_graphs_dir")
            }
        )
        let training = try trainer.run(context: context)
        try context.report(.phase("testing the layer"))
        let evaluation = Evaluation(
            of: training.layer, on: data, split: split, testBatchSize: options.testBatchSize,
            workers: workers)
        let summary = CopySummary(
            count: copies.copyCount,
            acrossParts: copies.count(of: split.validation + split.testing, alikeIn: split.training),
            accuracyByPath: training.alternativeAccuracy)
        if let event = event(summary, of: data.paths.count, isReadyMade: !data.parts.isEmpty) {
            try context.report(event)
        }

        // The novelty is fitted on the images that trained the layer, without the test images.
        let novelty =
            streamed?.novelty
            ?? Novelty(
                data.features, rows: split.training + split.validation, groups: groups, workers: workers)
        let layer = streamed?.reduction.expand(training.layer) ?? training.layer
        try context.checkInterruption()
        manifest.dataset = data.digest
        manifest.layer = layer.digest
        var audit: AuditReport?
        if options.reportPath != nil {
            let source = BottleneckSource(data: data, groups: groups, workers: workers)
            var auditor = Auditor(options.pictures, seed: options.seed)
            auditor.isForPage = true
            audit = try auditor.audit(source, damage: [:], context: context)
        }
        var written = try joined(layer, novelty: novelty)
        if let otherFormat {
            written = try ModelConversion(written, path: options.outputGraph).model(otherFormat)
        }
        try outputs.write(written, labels: data.labels) {
            () throws(TransferLearningError) in
            // The weights in the model come from the mapped file, which others can change meanwhile.
            guard backbone.fingerprint(precision: precision) == manifest.network else {
                throw .network(
                    .damaged(
                        FilePath(backbone.path),
                        reason:
                            "was changed while it was used; no output was written; run the same command again"
                    ))
            }
        }
        manifest.outputGraphDigest = outputs.graphDigest
        manifest.outputLabelsDigest = outputs.labelsDigest
        if outputs.takesManifest { UnfinishedRun.begin(manifest, beside: options.outputGraph) }
        var model = ClassifyOptions()
        (model.graph, model.threads) = (options.outputGraph, options.pictures.threads)
        model.limits = options.pictures.limits
        if let summaryRun {
            let summaries = try TestSummaries(in: summaryRun, limits: options.pictures.limits)
            try summaries.write(evaluation, explainer: try? Explainer(model), context: context)
            if options.writesEmbeddings {
                try summaries.writeEmbeddings(
                    data, threads: threads, context: context)
            }
        }
        if let path = options.reportPath, let audit {
            try RetrainReport(
                evaluation: evaluation, curve: training.curve, audit: audit, manifest: manifest,
                directory: options.pictures.imageList == nil ? options.pictures.imageDirectory : nil,
                threads: threads, limits: options.pictures.limits
            )
            .write(to: path, explaining: model, context: context)
        }
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
            confusion: evaluation.test?.confusion ?? [],
            classes: data.labels.enumerated().map { index, label in
                let row = evaluation.test?.confusion[index] ?? []
                return ClassResult(
                    label: label, pictures: data.classes.count { $0 == index }, tested: row.reduce(0, +),
                    correct: row.isEmpty ? 0 : row[index])
            }, misclassified: evaluation.misclassified,
            skipped: data.skipped, copies: summary,
            bottlenecks: data.summary, quality: quality, training: training.summary, seed: options.seed,
            version: Tool.version)
    }

    /// Returns the bottlenecks reduced to fewer features if they exceed the memory; nil if they fit, or if the options
    /// need them whole: gradient descent, distortions, a report and embeddings.
    private func stream(
        _ folder: ImageFolder, _ extractor: FeatureExtractor, workers: Workers,
        context: RunContext
    ) throws -> StreamedBottlenecks? {
        let budget = MemoryBudget(options.memory), frames = options.pictures.frames
        guard options.trainer == .converging, options.distortion.isNone, options.reportPath == nil,
            !options.writesEmbeddings,
            let size = budget.reduction(
                pictures: folder.fileCount * frames, columns: extractor.size)
        else { return nil }
        try context.report(.note(budget.note(size, pictures: folder.fileCount)))
        let extraction = try BottleneckExtraction(options.pictures, extractor, context: context)
        defer { extraction.cache?.close() }
        return try StreamedBottlenecks(
            folder, extraction, size: size, seed: options.seed, workers: workers,
            split: { try split($0, by: splitKey, $1) }, context: context)
    }

    /// Returns the suffix of another format than the network's that the model's name asks for; nil for the
    /// network's own.
    ///
    /// - Throws: `TransferLearningError` with the operation that the other format does not have.
    private func otherFormat(
        _ outputs: Outputs, than backbone: Backbone, _ precision: Precision
    ) throws(TransferLearningError) -> String? {
        let name = options.outputGraph.lastComponent.description.lowercased()
        guard outputs.takesManifest,
            let suffix = [".pb", ".onnx"].first(where: name.hasSuffix), suffix != backbone.network.suffix
        else { return nil }
        // The network alone shows whether the model can be converted.
        let taps = backbone.description.taps
        var about = ModelDescription(
            tool: "", labels: [], output: taps[0].tensor, bottleneck: "", backbone: backbone.description,
            seed: options.seed)
        about.precision = precision
        _ = try ModelConversion(
            backbone.network, about, novelty: nil, path: FilePath(backbone.path)
        ).model(suffix)
        return suffix
    }

    private func check() throws(TransferLearningError) {
        // TensorFlow's rule for the names of nodes (IsValidNodeName in node_def_util.cc), less its marks for functions.
        let name = options.finalTensorName
        guard name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "_./-".contains($0)) }),
            let first = name.first, !"_/-".contains(first)
        else {
            throw .option(
                "final_tensor_name",
                reason:
                    "'\(name)' is no name of a node: letters, digits and _ . / - make one, the first a letter, a digit or a dot"
            )
        }
        for scope in ["final_training_ops/", "cartoonctl/"] where name.hasPrefix(scope) {
            throw .option(
                "final_tensor_name", reason: "'\(name)' is among the model's own names; give another")
        }
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
    /// The SHA-256 over the weights and biases, little-endian.
    fileprivate var digest: String {
        var bytes: [UInt8] = []
        for value in weights + biases { withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 } }
        return "\(SHA256.hash(bytes))"
    }
}
