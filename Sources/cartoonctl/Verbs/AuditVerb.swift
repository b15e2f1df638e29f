import TransferLearning

let auditVerb = Verb(
    name: "audit",
    summary: "find what is wrong with a folder of pictures before it costs accuracy",
    usage: "audit --image_dir DIR [--list KINDS] [flags]",
    options: [
        .imageDirectory,
        .value(
            "list", "KINDS",
            "Print only paths, one a line, of these kinds, such as duplicate,mislabelled: \(Finding.Kind.allCases.map(\.rawValue).joined(separator: ", "))."
        ),
        .value("limit", "N", "How many findings of a kind to show. Default: 10"),
        .bottleneckDirectory, .modelDirectory, .modelURL, .modelSHA256, .architecture, .taps, .precision,
        .seed, .threads, .report,
        .maximumPixels, .maximumBytes, .json, .quiet,
    ],
    examples: [
        "audit --image_dir cartoon",
        "audit --image_dir cartoon --list unreadable,duplicate",
        "audit --image_dir cartoon --json",
        "audit --bottleneck_dir imported",
    ],
    run: { arguments in
        let kinds = try (arguments.string("list") ?? "").split(separator: ",").map { name in
            guard let kind = Finding.Kind(rawValue: String(name)) else {
                throw UsageError(
                    "--list \(name): the kinds are \(Finding.Kind.allCases.map(\.rawValue).joined(separator: ", "))"
                )
            }
            return kind
        }
        let limit = try arguments.integer("limit", in: 0...Int.max) ?? 10
        let auditor = Auditor(
            try BottleneckOptions(arguments),
            seed: UInt64(try arguments.integer("seed", in: 0...Int.max) ?? 0))
        var reporter = RunReporter(quiet: try arguments.flag("quiet"), unit: "pictures")
        let report = try auditor.run(
            isInterrupted: { Interruption.isRequested }, report: { reporter.show($0) })
        if let path = arguments.string("report") {
            try report.writeHTML(to: FilePath(path), title: "cartoonctl audit")
        }
        if try arguments.flag("json") {
            Terminal.print(try JSON.text(report))
        } else if arguments.string("list") != nil {
            for finding in report.findings where kinds.contains(finding.kind) { Terminal.print(finding.path) }
        } else {
            Terminal.print(report.text(limit: limit))
        }
        return 0
    }
)
