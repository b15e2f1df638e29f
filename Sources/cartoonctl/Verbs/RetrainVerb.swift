import TransferLearning

let retrainVerb = Verb(
    name: "retrain",
    summary: "train a classifier on a folder with one sub-folder of pictures per class",
    usage: "retrain --image_dir DIR [--output_graph FILE] [--output_labels FILE] [flags]",
    options: [
        .value("image_dir", "DIR", "Folder with one sub-folder of pictures per class. Not needed when --bottleneck_dir holds an imported tree."),
        .value("output_graph", "FILE", "Where the model goes: a frozen TensorFlow graph. Default: output_graph.pb"),
        .value("output_labels", "FILE", "Where the labels go, one a line. Default: output_labels.txt"),
        .value("bottleneck_dir", "DIR", "Cache of bottleneck vectors, shared by all runs. Default: $XDG_CACHE_HOME/cartoonctl or ~/.cache/cartoonctl"),
        .value("model_dir", "DIR", "Folder with the Inception v3 graph, classify_image_graph_def.pb. Given alone it selects inception_v3."),
        .value("architecture", "NAME", "efficientnet_lite0 (built in, the default), inception_v3, or the path of a frozen graph with its JSON description beside it."),
        .value("how_many_training_steps", "N", "Train by gradient descent as retrain.py does, for N steps. Without this and --learning_rate a converging solver is used, which is faster and better."),
        .value("learning_rate", "RATE", "Train by gradient descent with this rate. Default: 0.01"),
        .value("train_batch_size", "N", "Pictures in a step of gradient descent; -1 for all. Default: 100"),
        .value("validation_batch_size", "N", "Pictures in an evaluation during gradient descent; -1 for all. Default: 100"),
        .value("test_batch_size", "N", "Pictures in the final test; -1 for all. Default: -1"),
        .value("testing_percentage", "P", "Share of pictures kept for the final test. Default: 10"),
        .value("validation_percentage", "P", "Share of pictures kept for choosing settings. Default: 10"),
        .value("eval_step_interval", "N", "Steps of gradient descent between evaluations. Default: 10"),
        .value("final_tensor_name", "NAME", "Name of the output. Default: final_result"),
        .flag("print_misclassified_test_images", "List the test pictures that the model gets wrong."),
        .value("seed", "N", "Seed of everything random. Default: 0"),
        .value("threads", "N", "Processor cores to use. Default: all"),
        .flag("json", "Print the result as one JSON object."),
        .flag("strict", "Stop at the first picture that cannot be read whole, instead of skipping it."),
        .flag("quiet", "Print nothing but results and errors."),
    ],
    examples: [
        "retrain --image_dir cartoon --output_graph cartoon.pb --output_labels cartoon.txt",
        "retrain --image_dir cartoon --model_dir /data/inception --how_many_training_steps 4000",
        "retrain --image_dir cartoon --json --quiet | jq .test_accuracy",
    ],
    run: { try retrain($0) }
)

private func retrain(_ arguments: Arguments) throws -> Int32 {
    var options = RetrainOptions()
    options.imageDirectory = arguments.string("image_dir").map { FilePath($0) }
    options.outputGraph = FilePath(arguments.string("output_graph") ?? "output_graph.pb")
    options.outputLabels = FilePath(arguments.string("output_labels") ?? "output_labels.txt")
    options.bottleneckDirectory = arguments.string("bottleneck_dir").map { FilePath($0) }
    options.modelDirectory = arguments.string("model_dir").map { FilePath($0) }
    options.architecture = arguments.string("architecture")
    let steps = try arguments.integer("how_many_training_steps", in: 1...Int.max)
    let rate = try arguments.number("learning_rate", in: 1e-12...1e6)
    if steps != nil || rate != nil {
        options.trainer = .gradientDescent(steps: steps ?? 4000, learningRate: rate ?? 0.01)
    }
    options.trainBatchSize = try arguments.integer("train_batch_size", in: -1...Int.max) ?? 100
    options.validationBatchSize = try arguments.integer("validation_batch_size", in: -1...Int.max) ?? 100
    options.testBatchSize = try arguments.integer("test_batch_size", in: -1...Int.max) ?? -1
    options.testingPercentage = try arguments.integer("testing_percentage", in: 0...99) ?? 10
    options.validationPercentage = try arguments.integer("validation_percentage", in: 0...99) ?? 10
    options.evaluationInterval = try arguments.integer("eval_step_interval", in: 1...Int.max) ?? 10
    options.finalTensorName = arguments.string("final_tensor_name") ?? "final_result"
    options.seed = UInt64(try arguments.integer("seed", in: 0...Int.max) ?? 0)
    options.threads = try arguments.integer("threads", in: 1...1024)
    options.isStrict = try arguments.flag("strict")
    let (json, quiet) = (try arguments.flag("json"), try arguments.flag("quiet"))
    let listsMistakes = try arguments.flag("print_misclassified_test_images")

    var reporter = RetrainReporter(quiet: quiet)
    let result = try Retraining(options).run(isInterrupted: { Interruption.isRequested }, report: { reporter.show($0) })
    if json { Terminal.print(try result.json()) } else { printSummary(result, listsMistakes: listsMistakes) }
    return 0
}

private func printSummary(_ result: RetrainResult, listsMistakes: Bool) {
    if listsMistakes {
        Terminal.print("=== MISCLASSIFIED TEST IMAGES ===")
        for mistake in result.misclassified {
            let path = String(repeating: " ", count: max(0, 70 - mistake.path.count)) + mistake.path
            Terminal.print("\(path)  \(mistake.predicted) (\(fixed(100 * Double(mistake.score), 1))%), is \(mistake.label)")
        }
    }
    if let accuracy = result.testAccuracy {
        Terminal.print("Final test accuracy = \(fixed(100 * accuracy, 1))% (N=\(result.testCount))")
    }
    Terminal.print("\(result.outputGraph)  model of \(result.labels.count) classes: \(result.labels.joined(separator: ", "))")
    Terminal.print("\(result.outputLabels)  labels")
}

/// Shows the events of a run on standard error.
private struct RetrainReporter {
    let quiet: Bool
    private var progress: ProgressLine

    init(quiet: Bool) {
        self.quiet = quiet
        progress = ProgressLine(unit: "bottlenecks", quiet: quiet)
    }

    mutating func show(_ event: RetrainEvent) {
        switch event {
        case .bottlenecks(let done, let total, let computed):
            progress.update(done: done, total: total, worked: computed)
            if done == total { progress.clear() }
            return
        case .skipped(let picture):
            // Skipped files are findings, not chatter: quiet runs list them too.
            log("skipped \(picture.path): \(picture.reason)")
            return
        case .warning(let text):
            log("warning: \(text)")
            return
        default: break
        }
        guard !quiet else { return }
        switch event {
        case .scanned(let folder):
            for entry in folder.classes { log("\(entry.files.count) files in '\(entry.folder)', label '\(entry.label)'") }
        case .bottlenecksReady(let summary):
            log("\(summary.computed) bottlenecks computed in \(fixed(summary.seconds, 1)) s, \(summary.cached) from the cache, \(summary.skipped) files skipped")
        case .step(let step):
            log("Step \(step.number): Train accuracy = \(fixed(100 * step.trainAccuracy, 1))%")
            log("Step \(step.number): Cross entropy = \(fixed(step.crossEntropy, 6))")
            if let accuracy = step.validationAccuracy {
                log("Step \(step.number): Validation accuracy = \(fixed(100 * accuracy, 1))% (N=\(step.validationCount))")
            }
        case .trained(let summary):
            log("trained in \(fixed(summary.seconds, 2)) s: \(summary.detail)")
        default: break
        }
    }

    private func log(_ line: String) {
        progress.clear()
        Terminal.log(line)
    }
}
