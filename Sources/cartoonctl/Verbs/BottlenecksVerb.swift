#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif
import SystemFiles
import TransferLearning

let bottlenecksVerb = Verb(
    name: "bottlenecks",
    summary: "compute bottlenecks in shares, write them for other programs, and take up retrain.py's files",
    usage:
        "bottlenecks compute --image_dir DIR [--shard I/N] | import DIR | export DIR [--image_dir DIR] [--format F]",
    options: [
        .value(
            "image_dir", "DIR",
            "compute, export: folder with one sub-folder of pictures per class. export without it writes what was imported."
        )
    ] + Option.imageList + [
        .value(
            "format", "F",
            "export: npy (bottlenecks.npy, a float32 array with a row a picture, and pictures.csv with their paths and labels), csv (one table), or tree (retrain.py's text files). Default: npy with --image_dir, else tree",
            oneOf: BottleneckFileFormat.self),
        .value(
            "shard", "I/N",
            "compute: only share I of N, from 1, for an array job; auto looks for an array task of Slurm (SLURM_ARRAY_TASK_ID, _COUNT, _MIN, _STEP) or an indexed job of Kubernetes (JOB_COMPLETION_INDEX, with CARTOONCTL_SHARDS), and is the default where one is set; none ignores them."
        ),
        .value(
            "bottleneck_dir", "DIR", "The cache. Default: $XDG_CACHE_HOME/cartoonctl or ~/.cache/cartoonctl"),
        .modelDirectory, .modelURL, .modelSHA256, .architecture, .taps, .jpeg, .resize, .precision,
    ] + Option.quality + Option.distortions + [
        .frames, .threads, .maximumPixels, .maximumBytes, .json, .strict, .quiet,
    ],
    examples: [
        "bottlenecks compute --image_dir cartoon --bottleneck_dir /shared/cache --shard 3/8",
        "bottlenecks export vectors --image_dir cartoon --format npy",
        "bottlenecks import /tmp/bottleneck --bottleneck_dir cache",
        "retrain --bottleneck_dir cache --model_dir /data/inception",
    ],
    takesFiles: true,
    words: ["compute", "import", "export"],
    run: { arguments in
        switch (arguments.files.first, arguments.files.count) {
        case ("compute", 1): try compute(arguments)
        case ("import", 2): try transfer(arguments) { try ImportedTree.importTree($0, into: $1) }
        case ("export", 2): try export(arguments)
        default:
            throw UsageError(
                "cartoonctl bottlenecks compute --image_dir DIR, bottlenecks import DIR, or bottlenecks export DIR"
            )
        }
    }
)

private func export(_ arguments: Arguments) throws -> Int32 {
    var format: BottleneckFileFormat?
    if let name = arguments.string("format") {
        format = BottleneckFileFormat(rawValue: name)
        guard format != nil else { throw UsageError("--format \(name): is npy, csv or tree") }
    }
    guard arguments.string("image_dir") != nil || arguments.string("image_list") != nil else {
        guard format ?? .tree == .tree else {
            throw UsageError("--format \(format!.rawValue) needs --image_dir DIR, the pictures' folder")
        }
        return try transfer(arguments) { try ImportedTree.exportTree(to: $0, from: $1) }
    }
    let reporter = RunReporter(quiet: try arguments.flag("quiet"))
    let options = try BottleneckOptions(arguments)
    guard options.quality != .best else {
        throw UsageError("--quality best: export writes the bottlenecks of one setting, fast or standard")
    }
    guard options.frames == 1 || format ?? .npy != .tree else {
        throw UsageError("--frames N goes with --format npy or csv; retrain.py's tree has one file a picture")
    }
    let result = try BottleneckExport(
        options, format: format ?? .npy, directory: FilePath(arguments.files[1])
    ).run(context: reporter.context)
    Terminal.printBlock(try arguments.flag("json") ? result.json() : result.summary.printable)
    return 0
}

private func transfer(
    _ arguments: Arguments, _ run: (FilePath, FilePath?) throws -> TreeReport
) throws -> Int32 {
    let report = try run(
        FilePath(arguments.files[1]), arguments.string("bottleneck_dir").map { FilePath($0) })
    for problem in report.problems { Terminal.log("cartoonctl: \(problem)") }
    Terminal.printBlock(try arguments.flag("json") ? report.json() : report.summary)
    return report.problems.isEmpty ? 0 : 1
}

/// Skipped images do not change the exit code, because they would stop array jobs; `--strict` stops at the
/// first one.
private func compute(_ arguments: Arguments) throws -> Int32 {
    if arguments.string("image_list") == nil { _ = try arguments.required("image_dir", "--image_dir DIR") }
    let options = try BottleneckOptions(arguments), distortion = try Distortion(arguments)
    let (json, quiet) = (try arguments.flag("json"), try arguments.flag("quiet"))
    let shard = try shard(arguments.string("shard"), quiet: quiet)
    let reporter = RunReporter(quiet: quiet, logsProgress: true)
    let result = try BottleneckComputation(options, shard: shard, distortion: distortion).run(
        context: reporter.context)
    Terminal.printBlock(
        try json
            ? result.json()
            : "share \(result.shard): \(result.pictures) of \(result.totalPictures) pictures, "
                + "\(result.bottlenecks.computed) bottlenecks computed, \(result.bottlenecks.cached) from the cache, "
                + "\(result.skipped.count) files skipped")
    return 0
}

private func shard(_ text: String?, quiet: Bool) throws -> Shard? {
    switch text {
    case "none": return nil
    case nil, "auto":
        let found = try ScheduledShard.find(ProcessInfo.processInfo.environment)
        if let found {
            if !quiet { Terminal.log("share \(found.shard), by \(found.source)") }
        } else if text != nil {
            throw UsageError(
                "--shard auto: neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX is set; give --shard I/N")
        }
        return found?.shard
    case let text?:
        guard let shard = Shard(text) else {
            throw UsageError("--shard \(text): needs I/N with I from 1 to N, auto, or none")
        }
        return shard
    }
}
