import TransferLearning

let classifyVerb = Verb(
    name: "classify",
    summary: "name what pictures show, with a model made by retrain",
    usage: "classify FILE|DIR|-... --graph MODEL [flags]",
    options: [
        .value("graph", "FILE", "The model, or a package of it. Default: output_graph.pb"),
        .value(
            "labels", "FILE",
            "Labels, one a line, in place of those inside the model; needed for models made by retrain.py."),
        .value("top", "N", "How many labels to show for a picture. Default: 5"),
        .value("threshold", "SCORE", "Show only labels with at least this score, 0 to 1."),
        .value(
            "unknown_threshold", "SHARE",
            "Answer 'unknown' where less than this share of the training pictures was as unusual; 0 answers with a label always. Default: 0.002"
        ),
        .precision,
        .value("threads", "N", "Processor cores to use. Default: all"),
        .flag("json", "Print one JSON array with an object per picture."),
        .flag("strict", "Treat damaged pictures as unreadable."),
        .maximumPixels, .maximumBytes,
        .flag("quiet", "Print nothing but results and errors."),
    ],
    examples: [
        "classify photo.jpg --graph cartoon.pb",
        "classify holiday/ --graph cartoon.pb --top 1 --threshold 0.8",
        "find . -name '*.jpg' | cartoonctl classify - --graph cartoon.pb --json",
    ],
    takesFiles: true,
    run: { try classify($0) }
)

private func classify(_ arguments: Arguments) throws -> Int32 {
    guard !arguments.files.isEmpty else {
        throw UsageError(
            "name at least one picture, a folder, or '-' for a list on standard input: cartoonctl classify photo.jpg --graph cartoon.pb"
        )
    }
    var options = ClassifyOptions()
    options.graph = FilePath(arguments.string("graph") ?? "output_graph.pb")
    options.labels = arguments.string("labels").map { FilePath($0) }
    options.precision = try PrecisionChoice(arguments)
    options.threads = try arguments.integer("threads", in: 1...1024)
    options.isStrict = try arguments.flag("strict")
    options.limits = try PictureLimits(arguments)
    if let share = try arguments.number("unknown_threshold", in: 0...1) {
        options.unknownThreshold = share > 0 ? Float(share) : nil
    }
    let top = try arguments.integer("top", in: 1...Int.max) ?? 5
    let threshold = Float(try arguments.number("threshold", in: 0...1) ?? 0)
    let (json, quiet) = (try arguments.flag("json"), try arguments.flag("quiet"))

    let list = try PictureList(arguments.files, isInterrupted: { Interruption.isRequested })
    let pictures = list.pictures
    guard !pictures.isEmpty || !list.failures.isEmpty else {
        throw UsageError("no pictures were found in \(arguments.files.joined(separator: ", "))")
    }
    let classifier = try Classifier(options, pictures: pictures.count)
    var failures = list.failures.count
    for failure in list.failures { Terminal.log("cartoonctl: \(failure.path): \(failure.reason)") }
    var objects: [String] = []
    // Results before an interruption are printed, also in JSON.
    defer { if json { Terminal.printBlock("[\n" + objects.joined(separator: ",\n") + "\n]") } }
    try classifier.classify(
        pictures, standardInput: list.standardInput, isInterrupted: { Interruption.isRequested }
    ) { answer in
        if case .failure(let failure) = answer.outcome {
            failures += 1
            Terminal.log("cartoonctl: \(answer.path): \(failure.reason)")
        }
        if !quiet {
            for warning in answer.warnings { Terminal.log("cartoonctl: \(answer.path): \(warning)") }
        }
        if json {
            objects.append(try answer.json(top: top, threshold: threshold))
        } else if case .success(let scores) = answer.outcome {
            if pictures.count > 1 { Terminal.print("\(answer.path)") }
            if answer.isUnknown {
                Terminal.print(
                    "unknown (familiarity = \(fixed(Double(answer.familiarity ?? 0), 3))), unlike all pictures that trained the model; if it were one of them:"
                )
            }
            for prediction in scores.prefix(top) where prediction.score >= threshold {
                Terminal.print("\(prediction.label) (score = \(fixed(Double(prediction.score), 5)))")
            }
        }
    }
    return failures == 0 ? 0 : 1
}
