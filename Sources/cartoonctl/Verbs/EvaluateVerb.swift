import SystemFiles
import TransferLearning

let evaluateVerb = Verb(
    name: "evaluate",
    summary: "say how good a model is on pictures whose class is known",
    usage: "evaluate --graph MODEL --image_dir DIR, or evaluate --folds K [--graph MODEL] --image_dir DIR",
    options: [Option.imageDirectory] + Option.imageList + [
        .labelling,
        .value("graph", "FILE", "The model, or a package of it. Default: output_graph.pb"),
        .value(
            "labels", "FILE",
            "Labels, one a line, in place of those inside the model; needed for models made by retrain.py."),
        .value(
            "folds", "K",
            "Cross-validate the final layer that retrain would train, in K folds, on cached bottlenecks: of --architecture, or of the network "
                + "inside --graph, if that is given."),
        .value(
            "split_key", "KEY",
            "How --folds deals copies and near duplicates: content, together with the picture that they show, or path, as if they were others. Default: content",
            values: .words(["content", "path"])),
        .value(
            "compare", "SETTING",
            "With --folds: another setting on the same folds, and by a paired test whether it is better: NAME=VALUE with one of \(comparable.joined(separator: ", ")), several joined by semicolons."
        ),
        .value("assert_accuracy", "A", "Exit with 40 if the accuracy, 0 to 1, is lower."),
        .value("worst", "N", "How many mistakes to list, the most confident first. Default: 10"),
        .bottleneckDirectory, .modelDirectory, .modelURL, .modelSHA256, .architecture, .taps, .jpeg, .resize,
        .precision,
    ] + Option.quality + [
        .frames, .seed, .threads, .memory, .report,
        .maximumPixels, .maximumBytes, .json, .strict, .quiet,
    ],
    examples: [
        "evaluate --graph cartoon.pb --image_dir cartoon_test",
        "evaluate --folds 5 --image_dir cartoon",
        "evaluate --folds 5 --graph small.pb --image_dir cartoon",
        "evaluate --folds 5 --image_dir cartoon --precision int8",
        "evaluate --folds 5 --image_dir cartoon --compare precision=int8",
        "evaluate --folds 5 --image_dir cartoon --compare quality=best",
        "evaluate --graph cartoon.pb --image_dir cartoon_test --assert_accuracy 0.9 --quiet",
    ],
    run: { arguments in
        var options = EvaluateOptions()
        options.pictures = try BottleneckOptions(arguments)
        options.graph = FilePath(arguments.string("graph") ?? "output_graph.pb")
        options.labels = arguments.string("labels").map { FilePath($0) }
        options.folds = try arguments.integer("folds", in: 3...100)
        guard options.folds != nil || options.pictures.quality == .standard else {
            throw UsageError(
                "--quality goes with --folds K; a model has the quality that it was trained with")
        }
        if options.folds != nil { options.pictures.model = arguments.string("graph").map { FilePath($0) } }
        options.seed = UInt64(try arguments.integer("seed", in: 0...Int.max) ?? 0)
        switch arguments.string("split_key") {
        case nil, "content": break
        case "path": options.keepsCopiesTogether = false
        case let other?: throw UsageError("--split_key \(other): is content or path")
        }
        if let setting = arguments.string("compare") {
            guard options.folds != nil else { throw UsageError("--compare goes with --folds K") }
            options.compared = try compared(setting, arguments, options.pictures)
            options.comparedName = setting
        }
        options.isForPage = arguments.string("report") != nil
        options.pictures.ownFiles += [arguments.string("report").map { FilePath($0) }].compactMap { $0 }
        let demanded = try arguments.number("assert_accuracy", in: 0...1)
        let worst = try arguments.integer("worst", in: 0...Int.max) ?? 10
        if let page = arguments.string("report") {
            try FileSystem.checkOutput(FilePath(page), flag: "report")
        }
        let reporter = RunReporter(quiet: try arguments.flag("quiet"), unit: "pictures")
        let report = try Evaluator(options).run(
            context: reporter.context)
        if let path = arguments.string("report") {
            try report.writeHTML(
                to: FilePath(path), title: title(arguments),
                directory: options.pictures.imageList == nil ? options.pictures.imageDirectory : nil,
                explaining: options.folds == nil ? options.model : nil,
                context: reporter.context)
        }
        Terminal.printBlock(try arguments.flag("json") ? JSON.text(report) : report.text(worst: worst))
        if let demanded, report.accuracy < demanded {
            Terminal.log(
                "cartoonctl: the accuracy is \(fixed(report.accuracy, 4)), below the \(fixed(demanded, 4)) that --assert_accuracy demands"
            )
            return ExitCode.accuracyBelowDemand
        }
        return 0
    }
)

/// The heading of the report.
private func title(_ arguments: Arguments) -> String {
    let pictures = arguments.string("image_dir") ?? arguments.string("image_list") ?? "imported bottlenecks"
    return "cartoonctl evaluate: " + (arguments.string("graph").map { "\($0), " } ?? "") + pictures
}

/// The flags that `--compare` may change.
private let comparable = [
    "taps", "precision", "jpeg", "resize", "architecture", "quality", "second_architecture",
]

/// Returns the options for the bottlenecks of `--compare`: those of the other flags with the named changes.
private func compared(_ setting: String, _ arguments: Arguments, _ usual: BottleneckOptions) throws
    -> BottleneckOptions
{
    var arguments = arguments
    for part in setting.split(separator: ";") {
        let pair = part.split(separator: "=", maxSplits: 1).map(String.init)
        guard pair.count == 2, comparable.contains(pair[0]) else {
            throw UsageError(
                "--compare \(setting): is NAME=VALUE, where NAME is \(comparable.joined(separator: ", "))")
        }
        arguments = arguments.with(pair[0], pair[1])
    }
    // The list was read before, possibly from standard input.
    var options = try BottleneckOptions(arguments.without("image_list").without("null"))
    (options.imageList, options.model) = (usual.imageList, usual.model)
    return options
}
