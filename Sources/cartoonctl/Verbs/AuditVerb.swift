import SystemFiles
import TransferLearning

let auditVerb = Verb(
    name: "audit",
    summary: "find what is wrong with a folder of pictures before it costs accuracy",
    usage: "audit --image_dir DIR [--list KINDS] [--plan FILE] [flags], or audit --apply PLAN",
    options: [Option.imageDirectory] + Option.imageList + [
        .labelling,
        .value(
            "list", "KINDS",
            "Print only paths, one a line, of these kinds, such as duplicate,mislabelled: \(Finding.Kind.allCases.map(\.rawValue).joined(separator: ", ")).",
            oneOf: Finding.Kind.self),
        .flag(
            "print0",
            "With --list: a zero byte behind each path in place of a line, and the path as it is. Also -0."),
        .value(
            "fail_on", "KINDS",
            "Exit with 41 where there are findings of these kinds; all stands for every kind.",
            values: .words(["all"] + Finding.Kind.allCases.map(\.rawValue))),
        .value(
            "plan", "FILE",
            "Write what could be done with the files that were found: keep, move to a class, or set aside. Edit it, then give it to --apply."
        ),
        .value(
            "apply", "PLAN",
            "Move the files as a plan says, all of them or none: exit with 42 where a file changed meanwhile. Nothing is deleted or replaced; beside the plan a PLAN.undo.json is written, which --apply takes too."
        ),
        .flag("dry_run", "With --apply: check the plan and print its moves, but move nothing."),
        .value("limit", "N", "How many findings of a kind to show. Default: 10"),
        .bottleneckDirectory, .modelDirectory, .modelURL, .modelSHA256, .architecture, .taps, .jpeg, .resize,
        .precision, .seed, .threads, .memory, .report,
        .maximumPixels, .maximumBytes, .json, .quiet,
    ],
    examples: [
        "audit --image_dir cartoon",
        "audit --image_dir cartoon --list unreadable,duplicate",
        "audit --image_dir cartoon --json",
        "audit --image_dir cartoon --plan plan.json --report audit.html",
        "audit --apply plan.json --dry_run",
        "audit --apply plan.json",
        "audit --apply plan.undo.json",
        "audit --bottleneck_dir imported",
    ],
    run: { try $0.string("apply") == nil ? audit($0) : apply($0) }
)

private func audit(_ arguments: Arguments) throws -> Int32 {
    let kinds = try findingKinds("list", arguments), failing = try findingKinds("fail_on", arguments)
    let zero = try arguments.flag("print0")
    if zero, arguments.string("list") == nil { throw UsageError("--print0 goes with --list KINDS") }
    let limit = try arguments.integer("limit", in: 0...Int.max) ?? 10
    var options = try BottleneckOptions(arguments)
    let plan = arguments.string("plan").map { FilePath($0) }
    if try arguments.flag("dry_run") { throw UsageError("--dry_run goes with --apply PLAN") }
    if plan != nil, options.imageDirectory == nil || options.imageList != nil {
        throw UsageError("--plan goes with --image_dir DIR alone, whose files it can move")
    }
    if let plan, let page = arguments.string("report"), FileSystem.areOneOutput(plan, FilePath(page)) {
        throw UsageError("--report \(page) is the same file as --plan \(plan); give each its own")
    }
    options.ownFiles += [plan, arguments.string("report").map { FilePath($0) }].compactMap { $0 }
    if let plan { try FileSystem.checkOutput(plan, flag: "plan") }
    if let page = arguments.string("report") {
        try FileSystem.checkOutput(FilePath(page), flag: "report")
    }
    var auditor = Auditor(
        options,
        seed: UInt64(try arguments.integer("seed", in: 0...Int.max) ?? 0))
    auditor.isForPage = arguments.string("report") != nil
    let reporter = RunReporter(quiet: try arguments.flag("quiet"), unit: "pictures")
    let report = try auditor.run(
        context: reporter.context)
    let directory = options.imageList == nil ? options.imageDirectory : nil
    let proposed = directory.map { CurationPlan(report, directory: $0) }
    if let path = arguments.string("report") {
        let name = arguments.string("image_dir") ?? arguments.string("image_list")
        try report.writeHTML(
            to: FilePath(path), title: "cartoonctl audit" + (name.map { ": \($0)" } ?? ""), plan: proposed,
            context: reporter.context)
    }
    if let plan { try proposed?.write(to: plan) }
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

private func apply(_ arguments: Arguments) throws -> Int32 {
    let path = FilePath(try arguments.required("apply", "audit --apply plan.json"))
    guard arguments.string("plan") == nil, arguments.string("image_dir") == nil else {
        throw UsageError("--apply takes the files from the plan; leave out --plan and --image_dir")
    }
    let application: PlanApplication
    do { application = try PlanApplication(path) } catch .stalePlan(let plan, let conflicts, let folder) {
        for conflict in conflicts { Terminal.log("cartoonctl: \(conflict.path): \(conflict.reason)") }
        throw TransferLearningError.stalePlan(plan, conflicts, startedIn: folder)
    }
    let isRehearsal = try arguments.flag("dry_run")
    let result = isRehearsal ? application.preview : try application.run()
    if try arguments.flag("json") {
        Terminal.printBlock(try result.json())
        return 0
    }
    for move in result.moves { Terminal.print("\(move.from) → \(move.to)") }
    let count = result.moves.count
    Terminal.print(
        "\(count) file\(count == 1 ? "" : "s") \(isRehearsal ? "would be " : "")moved, \(result.kept) kept")
    if let undo = result.undo { Terminal.print("\(undo)  undoes it: cartoonctl audit --apply \(undo)") }
    return 0
}

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
