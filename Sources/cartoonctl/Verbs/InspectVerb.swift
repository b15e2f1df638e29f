import TransferLearning

let inspectVerb = Verb(
    name: "inspect",
    summary: "say what a file holds, where a model's time goes, or what differs between two",
    usage: "inspect FILE [--profile], or inspect FILE --compare OTHER",
    options: [
        .value(
            "compare", "FILE",
            "Say what differs from this one. Exits with 0 where nothing does, with 1 where something does."),
        .flag(
            "profile",
            "Run a graph on a made-up picture and list every step with its time, the shortest of five."),
        .value("threads", "N", "Processor cores to use for the profile. Default: 1"),
        .value("limit", "N", "How many differences of a kind to show. Default: 10"),
        .flag("json", "Print the result as one JSON object; of a comparison, with all differences."),
    ],
    examples: [
        "inspect cartoon.pb",
        "inspect cartoon.pb --profile",
        "inspect cartoon.zip --json",
        "inspect cartoon.pb --compare small.pb",
        "inspect ~/.cache/cartoonctl",
    ],
    takesFiles: true,
    run: { arguments in
        guard arguments.files.count == 1 else {
            throw UsageError(
                "name one file: cartoonctl inspect cartoon.pb, or cartoonctl inspect a.pb --compare b.pb")
        }
        let json = try arguments.flag("json"), profiles = try arguments.flag("profile"),
            limit = try arguments.integer("limit", in: 0...Int.max) ?? 10
        let inspection = try Inspection(
            FilePath(arguments.files[0]), profiles: profiles,
            threads: arguments.integer("threads", in: 1...1024))
        guard let other = arguments.string("compare") else {
            Terminal.printBlock(try json ? inspection.json() : inspection.text())
            return 0
        }
        let comparison = try Comparison(inspection, Inspection(FilePath(other)))
        Terminal.printBlock(try json ? comparison.json() : comparison.text(limit: limit))
        return comparison.isSame ? 0 : 1
    }
)
