import TransferLearning

let auditVerb = Verb(
    name: "audit",
    summary: "find what is wrong with a folder of pictures before it costs accuracy",
    usage: "audit --image_dir DIR [--list KINDS] [flags]",
    options: [Option.imageDirectory] + Option.imageList + [
        .labelling,
        .value(
            "list", "KINDS",
            "Print only paths, one a line, of these kinds, such as duplicate,mislabelled: \(Finding.Kind.allCases.map(\.rawValue).joined(separator: ", "))."
        ),
        .flag(
            "print0",
            "With --list: a zero byte behind each path in place of a line, and the path as it is. Also -0."),
        .value(
            "fail_on", "KINDS",
            "Exit with 41 where there are findings of these kinds; all stands for every kind."),
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
        let kinds = try findingKinds("list", arguments), failing = try findingKinds("fail_on", arguments)
        let zero = try arguments.flag("print0")
        if zero, arguments.string("list") == nil { throw UsageError("--print0 goes with --list KINDS") }
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
            Terminal.printBlock(try JSON.text(report))
        } else if arguments.string("list") != nil {
            for finding in report.findings where kinds.contains(finding.kind) {
                Terminal.print(path: finding.path, zero: zero)
            }
        } else {
            Terminal.printBlock(report.text(limit: limit))
        }
        let failures = failing.filter { !report.findings($0).isEmpty }
        guard failures.isEmpty else {
            Terminal.log(
                "cartoonctl: found \(failures.map(\.rawValue).joined(separator: ", ")), as --fail_on asks")
            return 41
        }
        return 0
    }
)

private func findingKinds(_ flag: String, _ arguments: Arguments) throws -> [Finding.Kind] {
    try (arguments.string(flag) ?? "").split(separator: ",").flatMap { name -> [Finding.Kind] in
        if name == "all", flag == "fail_on" { return Finding.Kind.allCases }
        guard let kind = Finding.Kind(rawValue: String(name)) else {
            throw UsageError(
                "--\(flag) \(name): the kinds are \(Finding.Kind.allCases.map(\.rawValue).joined(separator: ", "))"
            )
        }
        return [kind]
    }
}
