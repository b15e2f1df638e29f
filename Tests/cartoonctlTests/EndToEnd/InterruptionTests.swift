import Foundation
import TestSupport
import Testing

/// What a signal leaves of a run that takes long: its exit code, true words, a manifest, and nothing else.
@Suite("Interrupted runs", .tags(.endToEnd))
struct InterruptionTests {
    let bench: Workbench

    init() throws {
        bench = try Workbench()
        try bench.makeClass("pictures/moss", from: "moss_the_dragon", count: 8)
        try bench.makeClass("pictures/pip", from: "pip_the_robot", count: 8)
        try bench.writeTinyNetwork("tiny")
    }

    private static let training =
        "retrain --image_dir pictures --architecture tiny.pb --bottleneck_dir cache --output_graph m.pb --output_labels m.txt"

    /// Runs a command in the background, sends it a signal once a condition of the shell holds, ten seconds at most,
    /// and a pause has passed, and returns what it did.
    private func interrupt(_ line: String, signal: String, when condition: String, pause: Double = 0) throws
        -> Workbench.Outcome
    {
        let program = Workbench.programs.appendingPathComponent("cartoonctl").path
        let shell = FileManager.default.fileExists(atPath: "/bin/bash") ? "/bin/bash" : "/bin/sh"
        return try bench.run(
            shell,
            [
                "-c",
                """
                '\(program)' \(line) 2> said & p=$!
                for i in $(seq 200); do \(condition) && break; sleep 0.05; done
                sleep \(pause); kill -\(signal) $p; wait $p; s=$?; cat said >&2; exit $s
                """,
            ])
    }

    private func expectManifest(_ outcome: Workbench.Outcome) throws {
        #expect(try bench.names().allSatisfy { !$0.hasSuffix(".partial") && $0 != "m.pb" && $0 != "m.txt" })
        let manifest = try String(decoding: bench.data("m.pb.manifest.json"), as: UTF8.self)
        #expect(manifest.contains("\"interrupted\""), "\(manifest)")
        #expect(outcome.errors.contains("no output was written"), "\(outcome.errors)")
    }

    private static let signals = [("INT", Int32(130)), ("TERM", 143), ("HUP", 129)]

    @Test("while it trains: the manifest is there for --resume, which goes on", arguments: signals)
    func training(signal: String, code: Int32) throws {
        let outcome = try interrupt(
            Self.training + " --how_many_training_steps 100000000 --eval_step_interval 1000", signal: signal,
            when: "grep -q 'Step 1000' said")
        #expect(outcome.status == code, "\(outcome.errors)")
        try expectManifest(outcome)
        let resumed = try bench.run(
            "cartoonctl",
            ["retrain", "--resume", "m.pb.manifest.json", "--how_many_training_steps", "100"])
        #expect(resumed.status == 0 && bench.exists("m.pb"), "\(resumed.errors)")
        #expect(resumed.errors.contains("0 bottlenecks computed"), "\(resumed.errors)")
        let manifest = try String(decoding: bench.data("m.pb.manifest.json"), as: UTF8.self)
        #expect(manifest.contains("\"finished\""))
    }

    /// Nobody reads the pipe that stands for an intermediate model, so that the run cannot come to a place where it
    /// stops of itself.
    @Test("where it cannot stop: it is ended, and the manifest is written all the same", arguments: signals)
    func stuck(signal: String, code: Int32) throws {
        try bench.makeFolder("steps")
        #expect(mkfifo(bench.url("steps/intermediate_10.pb").path, 0o600) == 0)
        let outcome = try interrupt(
            Self.training
                + " --how_many_training_steps 50 --intermediate_store_frequency 10 --intermediate_output_graphs_dir steps",
            signal: signal, when: "grep -q 'bottlenecks computed' said", pause: 1)
        #expect(outcome.status == code, "\(outcome.errors)")
        try expectManifest(outcome)
        #expect(outcome.errors.contains("--resume m.pb.manifest.json"), "\(outcome.errors)")
        let resumed = try bench.run(
            "cartoonctl",
            ["retrain", "--resume", "m.pb.manifest.json", "--intermediate_store_frequency", "0"])
        #expect(resumed.status == 0 && bench.exists("m.pb"), "\(resumed.errors)")
    }

    /// Nobody reads the report's pipe, which is written when the model is there already.
    @Test("while the report is written: the model stays, and the words say so")
    func report() throws {
        #expect(mkfifo(bench.url("report").path, 0o600) == 0)
        let outcome = try interrupt(
            Self.training + " --report report", signal: "TERM", when: "test -e m.pb", pause: 1)
        #expect(outcome.status == 143, "\(outcome.errors)")
        #expect(
            outcome.errors.contains("written") && !outcome.errors.contains("no output"), "\(outcome.errors)")
        let manifest = try String(decoding: bench.data("m.pb.manifest.json"), as: UTF8.self)
        #expect(
            manifest.contains("\"interrupted\"") && manifest.contains("output_graph_digest"), "\(manifest)")
        #expect(try bench.names().allSatisfy { !$0.hasSuffix(".partial") })
    }

    @Test("what was answered before is printed", arguments: signals)
    func answers(signal: String, code: Int32) throws {
        let trained = try bench.run("cartoonctl", Self.training.split(separator: " ").map(String.init))
        try #require(trained.status == 0, "\(trained.errors)")
        // A picture that is a pipe without a writer comes after all others.
        #expect(mkfifo(bench.url("zz.png").path, 0o600) == 0)
        let outcome = try interrupt(
            "classify pictures zz.png --graph m.pb --json --threads 1", signal: signal, when: "true", pause: 2
        )
        #expect(outcome.status == code, "\(outcome.errors)")
        let known = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [[String: Any]]
        #expect(
            known?.count == 16 && known?.allSatisfy { $0["predictions"] != nil } == true, "\(outcome.output)")
        #expect(outcome.errors.contains("interrupted; 16 answers were printed"), "\(outcome.errors)")
        let watched = try interrupt(
            "classify --watch pictures --graph m.pb --json > answers", signal: signal,
            when: "test $(wc -l < answers) = 16")
        #expect(watched.status == code, "\(watched.errors)")
        let lines = try String(decoding: bench.data("answers"), as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 16 && lines.allSatisfy { $0.hasPrefix("{") && $0.hasSuffix("}") })
    }

    /// Commands that wait for a pipe that nobody opens or empties, in the phase in which they read or write it. `M` is a
    /// model, `N` the flags for a network, `list.tsv` ends with the pipe as a picture.
    private static let waiting = [
        "classify pictures --graph pipe", "classify pipe pictures --graph M --json",
        "classify pipe pictures --graph M --csv", "classify pictures pipe --graph M --explain why",
        "classify --watch pictures --graph M",
        "evaluate --graph pipe --image_dir pictures", "evaluate --graph M --image_list list.tsv",
        "evaluate --graph M --image_dir pictures --report pipe", "evaluate --folds 3 --image_list list.tsv N",
        "evaluate --folds 3 --image_dir pictures N --report pipe",
        "audit --image_list list.tsv N", "audit --image_dir pictures N --report pipe",
        "audit --image_dir pictures N --plan pipe", "audit --image_dir pictures --architecture pipe",
        "bottlenecks compute --image_list list.tsv N", "bottlenecks export v --image_list list.tsv N",
        "retrain --image_list list.tsv N --output_graph o.pb --output_labels o.txt",
        "retrain --image_dir pictures N --output_graph o.pb --output_labels pipe",
        "retrain --image_dir pictures --architecture pipe --output_graph o.pb --output_labels o.txt",
        "retrain --resume pipe",
        "inspect pipe", "inspect M --compare pipe", "inspect pipe --profile",
        "optimize --input pipe --output o.pb", "optimize --input M --output pipe",
        "quantize --input pipe --output o.pb", "quantize --input M --output pipe",
        "export pipe --format savedmodel --output o", "export M --format onnx --output pipe",
        "export M --format tflite --output pipe", "export M --format html --output pipe",
        "export pipe --format coreml --output o",
        "package pipe M.txt --output o.zip", "package M pipe --output o.zip",
        "package M M.txt --output pipe", "completions labels pipe",
    ]

    @Test("in every verb, where it reads and where it writes: soon, with true words, and nothing is left")
    func everyVerb() throws {
        let trained = try bench.run("cartoonctl", Self.training.split(separator: " ").map(String.init))
        try #require(trained.status == 0, "\(trained.errors)")
        let lines = Self.waiting.map { line in
            line.split(separator: " ").map { word in
                switch word {
                case "M": "../m.pb"
                case "M.txt": "../m.txt"
                case "N": "--architecture ../tiny.pb --bottleneck_dir cache"
                case "pictures": "../pictures"
                default: String(word)
                }
            }.joined(separator: " ")
        }
        try bench.write("lines", lines.joined(separator: "\n") + "\n")
        let program = Workbench.programs.appendingPathComponent("cartoonctl").path
        // All of them wait at the same time, each in a folder of its own.
        let outcome = try bench.run(
            "/bin/sh",
            [
                "-c",
                """
                n=0
                while read -r line; do
                    mkdir w$n
                    (
                        cd w$n; mkfifo pipe
                        for p in ../pictures/*/*; do c=${p%/*}; printf '%s\\t%s\\n' "$p" "${c##*/}"; done > list.tsv
                        printf 'pipe\\tmoss\\n' >> list.tsv
                        case $((n % 3)) in 0) s=INT c=130 ;; 1) s=TERM c=143 ;; 2) s=HUP c=129 ;; esac
                        '\(program)' $line > out 2> said < /dev/null & p=$!
                        sleep 1; kill -$s $p; (sleep 15; kill -9 $p) 2> /dev/null & k=$!
                        wait $p; e=$?; kill $k
                        test $e = $c && grep -q interrupted said && test -z "$(find . -name '*.partial')" &&
                            test ! -s o.pb -a ! -e o.zip -a ! -e o ||
                            { echo "$line: $e in place of $c"; cat said; ls; }
                    ) > w$n.result 2>&1 &
                    n=$((n + 1))
                done < lines
                wait; cat w*.result
                """,
            ])
        #expect(outcome.output.isEmpty, "\(outcome.output)")
    }
}
