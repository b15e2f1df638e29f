import SystemFiles
import TransferLearning

let classifyVerb = Verb(
    name: "classify",
    summary: "name what pictures show, with a model made by retrain",
    usage: "classify FILE|DIR|-... --graph MODEL [flags], or classify --watch DIR --graph MODEL",
    options: [
        .value("graph", "FILE", "The model, or a package of it. Default: output_graph.pb"),
        .value(
            "labels", "FILE",
            "Labels, one a line, in place of those inside the model; needed for models made by retrain.py."),
        .value("top", "N", "How many labels to show for a picture. Default: 5; with --csv 1"),
        .value("threshold", "SCORE", "Show only labels with at least this score, 0 to 1."),
        .value(
            "unknown_threshold", "SHARE",
            "Answer 'unknown' where less than this share of the training pictures was as unusual; 0 answers with a label always. Default: 0.002"
        ),
        .precision,
        .value("threads", "N", "Processor cores to use. Default: all"),
        .value(
            "frames", "N",
            "Answer N frames of each animated GIF, PNG or WebP, or pages of a TIFF, spread evenly: the file by their mean, and each of them; with --csv in a column of its own. Default: 1"
        ),
        .value("image", "FILE", "The same as naming FILE, as label_image has it."),
        .value(
            "watch", "DIR",
            "Answer the pictures in DIR, and then each that arrives there, until interrupted; a line an object with --json."
        ),
        .value(
            "sort_into", "DIR",
            "Make DIR with a folder per label, and 'unknown', and in it a symbolic link to each picture."),
        .value(
            "explain", "DIR",
            "Write into DIR a PNG of each picture with a heat map: red where it spoke for the answer, blue where against it. --json holds the map's grid too."
        ),
        .value(
            "against", "LABEL", "With --explain: what spoke for the answer rather than LABEL.",
            values: .labels),
        .flag("copy", "With --sort_into: copies in place of links."),
        .flag("json", "Print one JSON array with an object per picture."),
        .flag("csv", "Print a table: path, rank, label, score, familiarity, unknown, error."),
        .flag("strict", "Treat damaged pictures as unreadable."),
        .maximumPixels, .maximumBytes,
        .flag("quiet", "Print nothing but results and errors."),
    ] + Option.labelImage,
    examples: [
        "classify photo.jpg --graph cartoon.pb",
        "classify holiday/ --graph cartoon.pb --top 1 --threshold 0.8",
        "classify holiday/ --graph cartoon.pb --sort_into sorted --csv > answers.csv",
        "classify photo.jpg --graph cartoon.pb --explain why --against 'bart simpson'",
        "classify clip.gif --graph cartoon.pb --frames 8 --top 1",
        "classify --watch incoming --graph cartoon.pb --json --top 1",
        "find . -name '*.jpg' | cartoonctl classify - --graph cartoon.pb --json",
    ],
    takesFiles: true,
    run: { try classify($0) }
)

private func classify(_ arguments: Arguments) throws -> Int32 {
    let named = arguments.files + [arguments.string("image")].compactMap { $0 }
    let watched = arguments.string("watch").map { FilePath($0) }
    guard named.isEmpty != (watched == nil) else {
        throw UsageError(
            watched != nil
                ? "--watch DIR answers the pictures of DIR alone; name no others beside it"
                : "name at least one picture, a folder, or '-' for a list on standard input: cartoonctl classify photo.jpg --graph cartoon.pb"
        )
    }
    if let watched {
        for flag in ["sort_into", "explain"] {
            guard let output = arguments.string(flag), FileSystem.lies(FilePath(output), in: watched) else {
                continue
            }
            throw UsageError(
                "--\(flag) \(output): lies in \(watched), where all that arrives is answered; name a folder outside of it"
            )
        }
    }
    for flag in ["sort_into", "explain"] {
        guard let output = arguments.string(flag) else { continue }
        for folder in named
        where (try? FileSystem.kind(of: FilePath(folder))) == .directory
            && FileSystem.lies(FilePath(output), in: FilePath(folder))
            && FileSystem.lies(FilePath(folder), in: FilePath(output))
            && FileSystem.exists(FilePath(output))
        {
            throw UsageError(
                "--\(flag) \(output): is the folder whose pictures are answered; name another one")
        }
    }
    let style = try style(arguments, isStream: watched != nil)
    var sorted = try arguments.string("sort_into").map { directory in
        try SortedPictures(
            FilePath(directory), copies: try arguments.flag("copy"), followsChanges: watched != nil)
    }
    let outputs = ["sort_into", "explain"].compactMap { arguments.string($0) }.map { FilePath($0) }
    let list = watched == nil ? try PictureList(named, outputs: outputs, context: Interruption.context) : nil
    if let list, list.pictures.isEmpty, list.failures.isEmpty {
        throw UsageError("no pictures were found in \(named.joined(separator: ", "))")
    }
    let against = arguments.string("against")
    let reasons = arguments.string("explain")
    if reasons == nil, against != nil { throw UsageError("--against goes with --explain DIR") }
    let classifier = try Classifier(
        try options(arguments), pictures: list?.pictures.count, explains: reasons != nil,
        against: against)
    let explained = try reasons.map { try ExplainedPictures(FilePath($0)) }
    var failures = list?.failures.count ?? 0
    for failure in list?.failures ?? [] { Terminal.log("cartoonctl: \(failure.path): \(failure.reason)") }
    let quiet = try arguments.flag("quiet")
    if !quiet { for note in classifier.notes { Terminal.log("cartoonctl: \(note)") } }
    var output = AnswerOutput(
        style,
        top: try arguments.integer("top", in: 1...Int.max)
            ?? arguments.integer("num_top_predictions", in: 1...Int.max),
        threshold: Float(try arguments.number("threshold", in: 0...1) ?? 0),
        showsPaths: list?.pictures.count != 1, showsFrames: try options(arguments).frames > 1)
    // The answers before an interruption are printed in the JSON format too.
    defer { output.finish() }
    // Answers that appear on the terminal one by one tell how far it is.
    var bar = ProgressLine(unit: "pictures", quiet: quiet || Terminal.outputIsTerminal || watched != nil),
        answered = 0
    defer { bar.clear() }
    func show(_ answer: Answer) throws {
        if case .failure(let failure) = answer.outcome {
            failures += 1
            Terminal.log("cartoonctl: \(answer.path): \(failure.reason)")
        }
        if !quiet {
            for warning in answer.warnings { Terminal.log("cartoonctl: \(answer.path): \(warning)") }
        }
        try sorted?.add(answer)
        try output.show(answer, explanation: explained?.add(answer))
        answered += 1
        bar.update(done: answered, total: list?.pictures.count, worked: answered)
    }
    if let watched {
        try watch(watched, with: classifier, show)
    } else if let list {
        try classifier.classify(
            list.pictures, standardInput: list.standardInput, context: Interruption.context,
            report: show)
    }
    return failures == 0 ? 0 : 1
}

private func style(_ arguments: Arguments, isStream: Bool) throws -> AnswerOutput.Style {
    switch (try arguments.flag("json"), try arguments.flag("csv")) {
    case (true, true): throw UsageError("--json and --csv: one of them")
    case (true, false): .json(isStream: isStream)
    case (false, true): .csv
    case (false, false): .text
    }
}

private func options(_ arguments: Arguments) throws -> ClassifyOptions {
    var options = ClassifyOptions()
    options.graph = FilePath(arguments.string("graph") ?? "output_graph.pb")
    options.labels = arguments.string("labels").map { FilePath($0) }
    options.precision = try PrecisionChoice(arguments)
    options.threads = try arguments.integer("threads", in: 1...1024)
    options.isStrict = try arguments.flag("strict")
    options.frames = try arguments.integer("frames", in: 1...1000) ?? 1
    try options.takeEnds(arguments)
    options.limits = try PictureLimits(arguments)
    if let share = try arguments.number("unknown_threshold", in: 0...1) {
        options.unknownThreshold = share > 0 ? Float(share) : nil
    }
    return options
}

/// Classifies the images in a folder and those that arrive there until the work is interrupted; the folder is
/// scanned twice a second.
private func watch(
    _ directory: FilePath, with classifier: Classifier, _ show: (Answer) throws -> Void
) throws {
    var watch = try FolderWatch(directory)
    while !Interruption.isRequested {
        for picture in try watch.look() where !Interruption.isRequested {
            try classifier.classify([picture], report: show)
        }
        usleep(500_000)
    }
}
