import SystemFiles
import TransferLearning

let retrainVerb: Verb = Verb(
    name: "retrain",
    summary: "train a classifier on a folder with one sub-folder of pictures per class",
    usage: "retrain --image_dir DIR [--output_graph FILE] [--output_labels FILE] [flags]",
    options: [Option.imageDirectory] + Option.imageList + [
        .labelling,
        .value(
            "output_graph", "FILE",
            "Where the model goes. One that ends in .pb is a frozen TensorFlow graph, one in .onnx an ONNX model; any other has the format of the network. Default: output_graph.pb or output_graph.onnx"
        ),
        .value("output_labels", "FILE", "Where the labels go, one a line. Default: output_labels.txt"),
        .bottleneckDirectory,
        .modelDirectory,
        .modelURL,
        .modelSHA256,
        .architecture,
        .value(
            "tfhub_module", "DIR",
            "The same as --architecture, as the later retrain.py has it: the folder of an unpacked module. Modules are not downloaded."
        ),
        .taps,
        .jpeg,
        .resize,
        .precision,
    ] + Option.quality + [
        .value(
            "how_many_training_steps", "N",
            "Train by gradient descent as retrain.py does, for N steps. Without this and --learning_rate a converging solver is used, which is faster and better."
        ),
        .value("learning_rate", "RATE", "Train by gradient descent with this rate. Default: 0.01"),
        .value("train_batch_size", "N", "Pictures in a step of gradient descent; -1 for all. Default: 100"),
        .value(
            "validation_batch_size", "N",
            "Pictures in an evaluation during gradient descent; -1 for all. Default: 100"),
        .value("test_batch_size", "N", "Pictures in the final test; -1 for all. Default: -1"),
        .value("testing_percentage", "P", "Share of pictures kept for the final test. Default: 10"),
        .value("validation_percentage", "P", "Share of pictures kept for choosing settings. Default: 10"),
        .value("eval_step_interval", "N", "Steps of gradient descent between evaluations. Default: 10"),
        .value("final_tensor_name", "NAME", "Name of the output. Default: final_result"),
        .flag("print_misclassified_test_images", "List the test pictures that the model gets wrong."),
    ] + Option.distortions + [
        .value(
            "split_key", "KEY",
            "What decides a picture's part: content, its bytes, with copies and near duplicates kept in one part; path, as typed and as retrain.py does; or relative, the class folder and file name only. Default: content, with gradient descent path",
            oneOf: RetrainOptions.SplitKey.self),
        .value(
            "summaries_dir", "DIR",
            "Write what TensorBoard shows, in a new folder run-N: accuracy, cross entropy, weights, confusion matrix, misclassified pictures and why. Nothing there is deleted."
        ),
        .flag(
            "summaries_embeddings",
            "With --summaries_dir: the bottlenecks too, with labels and small pictures, for TensorBoard's projector."
        ),
        .value(
            "saved_model_dir", "DIR",
            "Write the model as a SavedModel into this new folder too, as export --format savedmodel does."),
        .value(
            "intermediate_store_frequency", "N",
            "Steps of gradient descent between intermediate models; 0 for none. Default: 0"),
        .value(
            "intermediate_output_graphs_dir", "DIR",
            "Where they go, as DIR/intermediate_N.pb. Default: /tmp/intermediate_graph/"),
        .report,
        .value(
            "resume", "MANIFEST",
            "Take all flags from the manifest of an earlier run, finished or interrupted; flags given beside it count more. Bottlenecks that were computed are not computed again."
        ),
        .memory,
        .seed,
        .frames,
        .threads,
        .maximumPixels,
        .maximumBytes,
        .json,
        .strict,
        .quiet,
        .value(
            "logging_verbosity", "LEVEL",
            "retrain.py's: DEBUG or INFO; WARN, ERROR and FATAL are --quiet. Default: INFO"),
        .value(
            "checkpoint_path", "FILE",
            "retrain.py's; it has no effect, because --resume continues without checkpoints."),
    ],
    examples: [
        "retrain --image_dir cartoon --output_graph cartoon.pb --output_labels cartoon.txt",
        "retrain --image_dir cartoon --model_dir /data/inception --how_many_training_steps 4000",
        "retrain --image_dir cartoon --model_dir M --model_url file:///mnt/mirror/inception-2015-12-05.tgz",
        "retrain --image_dir cartoon --model_dir /data/inception --precision int8",
        "retrain --image_dir cartoon --quality best",
        "retrain --image_dir cartoon --json --quiet | jq .test_accuracy",
    ],
    run: { try retrain($0) }
)

private func retrain(_ typed: Arguments) throws -> Int32 {
    let arguments = try resumed(typed)
    var options = RetrainOptions()
    options.pictures = try BottleneckOptions(arguments.naming(architecture: "tfhub_module"))
    let savedModel = try SavedModelOutput(arguments)
    let isONNX = arguments.string("architecture")?.lowercased().hasSuffix(".onnx") == true
    options.outputGraph = FilePath(
        arguments.string("output_graph") ?? (isONNX ? "output_graph.onnx" : "output_graph.pb"))
    options.outputLabels = FilePath(arguments.string("output_labels") ?? "output_labels.txt")
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
    if let key = arguments.string("split_key") {
        guard let known = RetrainOptions.SplitKey(rawValue: key) else {
            throw UsageError("--split_key \(key): is content, path or relative")
        }
        options.splitKey = known
    }
    options.distortion = try Distortion(arguments)
    options.reportPath = arguments.string("report").map { FilePath($0) }
    options.summariesDirectory = arguments.string("summaries_dir").map { FilePath($0) }
    options.writesEmbeddings = try arguments.flag("summaries_embeddings")
    if options.writesEmbeddings, options.summariesDirectory == nil {
        throw UsageError("--summaries_embeddings goes with --summaries_dir DIR")
    }
    options.intermediateFrequency =
        try arguments.integer("intermediate_store_frequency", in: 0...Int.max) ?? 0
    if let directory = arguments.string("intermediate_output_graphs_dir") {
        options.intermediateDirectory = FilePath(directory.hasSuffix("/") ? directory : directory + "/")
    }
    options.command = arguments.typed
    options.seed = UInt64(try arguments.integer("seed", in: 0...Int.max) ?? 0)
    let (json, quiet) = (try arguments.flag("json"), try arguments.isQuiet)
    let listsMistakes = try arguments.flag("print_misclassified_test_images")

    let reporter = RunReporter(quiet: quiet)
    let result = try Retraining(options).run(
        context: reporter.context)
    try savedModel?.write(options.outputGraph)
    if !quiet {
        let table = ClassTable(
            classes: result.classes, width: Terminal.errorWidth, hasColors: Terminal.errorHasColors)
        PassingLine.erase()
        for line in table.lines { Terminal.note(line + "\n") }
    }
    if json {
        Terminal.printBlock(try result.json())
    } else {
        printSummary(result, listsMistakes: listsMistakes)
        if let savedModel { Terminal.print("\(savedModel.directory)  SavedModel") }
    }
    return 0
}

/// Returns the arguments of the run in the given manifest, overridden by those given now.
private func resumed(_ typed: Arguments) throws -> Arguments {
    guard let manifest = typed.string("resume") else { return typed }
    let command = try RunManifest.read(FilePath(manifest)).command
    let given = typed.typed.enumerated().filter { index, word in
        !word.hasPrefix("--resume") && !(index > 0 && typed.typed[index - 1] == "--resume")
    }.map(\.element)
    return try Arguments(parsing: command + given, for: retrainVerb, among: Program.verbs)
}

extension Arguments {
    /// Returns the arguments in which a network that another flag names is the value of `--architecture`.
    fileprivate func naming(architecture flag: String) throws(UsageError) -> Arguments {
        guard let place = string(flag) else { return self }
        guard string("architecture") == nil else {
            throw UsageError("--\(flag) and --architecture: one of them")
        }
        guard !place.contains("://") else {
            throw UsageError(
                "--\(flag) \(place): modules are not downloaded; unpack it and give its folder: --\(flag) DIR"
            )
        }
        return with("architecture", place)
    }

    /// Whether messages are left out, by `--quiet` or by retrain.py's `--logging_verbosity`.
    fileprivate var isQuiet: Bool {
        get throws(UsageError) {
            switch string("logging_verbosity")?.uppercased() {
            case nil, "DEBUG", "INFO": return try flag("quiet")
            case "WARN", "WARNING", "ERROR", "FATAL": return true
            case let level?:
                throw UsageError("--logging_verbosity \(level): is DEBUG, INFO, WARN, ERROR or FATAL")
            }
        }
    }
}

/// The SavedModel that `--saved_model_dir` asks for.
private struct SavedModelOutput {
    let directory: FilePath

    /// - Throws: `UsageError` if the folder holds files already, before any work.
    init?(_ arguments: Arguments) throws(UsageError) {
        guard let name = arguments.string("saved_model_dir"), !name.isEmpty else { return nil }
        directory = FilePath(name)
        guard (try? FileSystem.kind(of: directory)) != nil else { return }
        guard let names = try? FileSystem.names(in: directory), names.isEmpty else {
            throw UsageError("--saved_model_dir \(name): exists already; name a new folder")
        }
    }

    func write(_ model: FilePath) throws {
        var options = ExportOptions(output: directory, format: .savedmodel)
        options.input = model
        _ = try Exporting(options).run()
    }
}

private func printSummary(_ result: RetrainResult, listsMistakes: Bool) {
    if listsMistakes {
        Terminal.print("=== MISCLASSIFIED TEST IMAGES ===")
        for mistake in result.misclassified {
            let path = String(repeating: " ", count: max(0, 70 - mistake.path.count)) + mistake.path
            Terminal.print(
                "\(path)  \(mistake.predicted) (\(fixed(100 * Double(mistake.score), 1))%), is \(mistake.label)"
            )
        }
    }
    if let accuracy = result.testAccuracy {
        Terminal.print("Final test accuracy = \(fixed(100 * accuracy, 1))% (N=\(result.testCount))")
    }
    Terminal.print(
        "\(result.outputGraph)  model of \(result.labels.count) classes: \(result.labels.joined(separator: ", "))"
    )
    Terminal.print("\(result.outputLabels)  labels")
}
