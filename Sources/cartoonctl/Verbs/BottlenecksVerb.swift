import TransferLearning

let bottlenecksVerb = Verb(
    name: "bottlenecks",
    summary: "bring retrain.py's bottleneck files into the cache, or write them out",
    usage: "bottlenecks import|export DIR [--bottleneck_dir CACHE]",
    options: [
        .value(
            "bottleneck_dir", "DIR", "The cache. Default: $XDG_CACHE_HOME/cartoonctl or ~/.cache/cartoonctl"),
        .flag("json", "Print the result as one JSON object."),
    ],
    examples: [
        "bottlenecks import /tmp/bottleneck --bottleneck_dir cache",
        "retrain --bottleneck_dir cache --model_dir /data/inception",
    ],
    takesFiles: true,
    run: { arguments in
        guard arguments.files.count == 2, ["import", "export"].contains(arguments.files[0]) else {
            throw UsageError("cartoonctl bottlenecks import DIR, or cartoonctl bottlenecks export DIR")
        }
        let cache = arguments.string("bottleneck_dir").map { FilePath($0) }
        let directory = FilePath(arguments.files[1])
        let report =
            try arguments.files[0] == "import"
            ? ImportedTree.importTree(directory, into: cache)
            : ImportedTree.exportTree(to: directory, from: cache)
        for problem in report.problems { Terminal.log("cartoonctl: \(problem)") }
        Terminal.print(try arguments.flag("json") ? report.json() : report.summary)
        return report.problems.isEmpty ? 0 : 1
    }
)
