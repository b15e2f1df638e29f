import Foundation

/// A trial with an unusual place for a command's output: a pipe, a device, a folder, a link, another input, a name that is
/// not UTF-8.
struct OddOutputs: TrialKind {
    let name = "odd outputs"
    private let workplace: Workplace
    init(_ workplace: Workplace) { self.workplace = workplace }

    /// Commands that end with the flag of an output.
    private static let commands = [
        "retrain --image_dir pictures --bottleneck_dir cache --output_labels odd.txt --output_graph",
        "retrain --image_dir pictures --bottleneck_dir cache --output_graph odd.pb --output_labels",
        "retrain --image_dir pictures --bottleneck_dir cache --output_graph odd.pb --output_labels odd.txt --report",
        "retrain --image_dir pictures --bottleneck_dir cache --output_graph odd.pb --output_labels odd.txt --summaries_dir",
        "evaluate --graph m.pb --image_dir pictures --report",
        "audit --image_dir pictures --bottleneck_dir cache --report",
        "audit --image_dir pictures --bottleneck_dir cache --plan",
        "bottlenecks export --image_dir pictures --bottleneck_dir cache",
        "classify pictures --graph m.pb --explain", "classify pictures --graph m.pb --sort_into",
        "optimize --input m.pb --output", "quantize --mode weights --input m.pb --output",
        "export m.pb --format onnx --output", "export m.pb --format tflite --output",
        "export m.pb --format html --output", "export m.pb --format coreml --output",
        "export m.pb --format savedmodel --output", "package m.pb m.txt --level 1 --output",
    ]
    /// Shell lines that make the place `$out`.
    private static let places = [
        "out=odd/plain", "out=odd/none/below/x", "mkdir odd/folder; out=odd/folder", "out=odd/",
        "mkfifo odd/pipe; cat odd/pipe > odd/read & out=odd/pipe", "ln -s later odd/link; out=odd/link",
        "ln -s nowhere/at/all odd/link; out=odd/link", "ln -s loop odd/loop; out=odd/loop", "out=/dev/full",
        "out=/dev/null", "out=/dev/stdout", "out=m.pb", "out=./pictures/../m.txt",
        "out=$(printf 'odd/\\351')",
        "cp -R pictures odd/pictures; out=odd/pictures", "out=", "out=-", "out=--",
        "out=odd/$(printf 'n%.0s' $(seq 300))", "out='odd/a\nb'",
        "mkdir odd/shut; chmod 555 odd/shut; out=odd/shut/x", "echo old > odd/old; out=odd/old",
        "echo old > odd/shut; chmod 444 odd/shut; out=odd/shut",
    ]

    func run(_ random: inout SplitMix64) throws -> [String] {
        let command = Self.commands.randomElement(using: &random)!
        let place = Self.places.randomElement(using: &random)!
        // The reader of a pipe that no command opened would wait for ever.
        let script =
            "rm -rf odd; mkdir odd; \(place); \"$0\" \(command) \"$out\"; s=$?; kill $! 2>/dev/null; wait; exit $s"
        let outcome = try workplace.run(script: script)
        var found = workplace.litter()
        if outcome.status == nil || !isDocumented(outcome.status!) {
            found.append("exit code \(outcome.status.map(String.init) ?? "none"): \(outcome.lastLine)")
        }
        if let status = outcome.status, status != 0, outcome.errors.isEmpty {
            found.append("not a word of why")
        }
        // Only what is named as the output may change, and only in whole.
        let mayChange =
            place.hasSuffix("m.pb")
            ? ["m.pb", "m.pb.manifest.json"] : place.hasSuffix("m.txt") ? ["m.txt"] : []
        for (name, contents) in workplace.references
        where !mayChange.contains(name) && (try? Data(contentsOf: workplace.url(name))) != contents {
            found.append("\(name) is not what it was")
        }
        try workplace.restore()
        for name in ["odd", "odd.pb", "odd.txt", "odd.pb.manifest.json", "--", "-"] {
            try? FileManager.default.removeItem(at: workplace.url(name))
        }
        return found.map { "\(place); \(command): \($0)" }
    }
}
