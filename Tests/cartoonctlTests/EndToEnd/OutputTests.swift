import Foundation
import TestSupport
import Testing

/// That nothing is lost on the way out: closed and full descriptors, odd names, pipes, two names of one file.
@Suite("Outputs that are not lost", .tags(.endToEnd))
struct OutputTests {
    let bench: Workbench

    init() throws {
        bench = try Workbench()
        try bench.makeClass("pictures/moss", from: "moss_the_dragon", count: 5)
        try bench.makeClass("pictures/pip", from: "pip_the_robot", count: 5)
        try bench.writeTinyNetwork("tiny", channels: 48)
    }

    static let command = "retrain --quiet --image_dir pictures --bottleneck_dir cache"
    static let training = command + " --architecture tiny.pb"

    /// A shell line in the test's folder, in which `ctl` is the program.
    private func shell(_ line: String) throws -> Workbench.Outcome {
        let program = Workbench.programs.appendingPathComponent("cartoonctl").path
        let shell = FileManager.default.fileExists(atPath: "/bin/bash") ? "/bin/bash" : "/bin/sh"
        return try bench.run(shell, ["-c", "ctl() { '\(program)' \"$@\"; }; " + line])
    }

    @Test(
        "closed descriptors: no file gets what was meant for a terminal",
        arguments: ["2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
    func closed(redirection: String) throws {
        let usual = try shell("ctl \(Self.training) --output_graph a.pb --output_labels a.txt")
        #expect(usual.status == 0, "\(usual.errors)")
        let closed = try shell(
            "ctl \(Self.training) --output_graph b.pb --output_labels b.txt \(redirection)")
        #expect(closed.status == 0)
        #expect(try bench.data("a.pb") == bench.data("b.pb"))
        #expect(try bench.data("a.txt") == bench.data("b.txt"))
    }

    @Test("a result that cannot be written is an error with a line")
    func full() throws {
        guard FileManager.default.fileExists(atPath: "/dev/full") else { return }
        _ = try shell("ctl \(Self.training) --output_graph m.pb --output_labels m.txt")
        for line in [
            "--help", "--version", "retrain --help", "completions bash", "completions man",
            "classify pictures --graph m.pb", "classify pictures --graph m.pb --json", "inspect m.pb --json",
            "evaluate --graph m.pb --image_dir pictures --quiet", "optimize m.pb --output o.pb",
            "export m.pb --output m.onnx", "package m.pb m.txt --output m.zip --level 1",
            "bottlenecks export tree",
            "audit --image_dir pictures --architecture tiny.pb --bottleneck_dir cache --quiet",
            "\(Self.training) --output_graph n.pb --output_labels n.txt",
        ] {
            let outcome = try shell("ctl \(line) > /dev/full")
            #expect(outcome.status == 31, "\(line): \(outcome.errors)")
            #expect(outcome.errors.contains("standard output"), "\(line): \(outcome.errors)")
            let left = try shell("ctl \(line) | true; exit ${PIPESTATUS[0]}")
            #expect(
                [0, 141].contains(left.status) && !left.errors.contains("standard output"),
                "\(line): \(left.errors)")
        }
        #expect(try bench.names().allSatisfy { !$0.hasSuffix(".partial") })
    }

    @Test("two names of one output are refused before any work")
    func oneOutput() throws {
        for (graph, labels) in [("o.pb", "./o.pb"), ("o.pb", "l.pb")] {
            let outcome = try shell(
                "ln -sf o.pb l.pb; ctl \(Self.training) --output_graph \(graph) --output_labels \(labels)")
            #expect(outcome.status == 2 && outcome.errors.contains("same file"), "\(outcome.errors)")
        }
        #expect(!bench.exists("cache") && !bench.exists("o.pb"))
    }

    @Test("an output that cannot be written is reported before anything is read")
    func unwritable() throws {
        try bench.write("file", "mine")
        for line in [
            "export absent.pb --output no/m.onnx", "export absent.pb --output no/m.html",
            "export absent.pb --format coreml --output file",
            "export absent.pb --format savedmodel --output file/m",
            "quantize absent.pb --output no/m.pb", "optimize absent.pb --output no/m.pb",
            "package absent.pb absent.txt --output no/m.zip", "audit --image_dir absent --plan no/p.json",
            "audit --image_dir absent --report no/p.html",
            "evaluate --graph absent.pb --image_dir absent --report no/p.html",
            "retrain --image_dir absent --report no/p.html",
        ] {
            let outcome = try shell("ctl \(line)")
            #expect(outcome.status == 30, "\(line): \(outcome.errors)")
            #expect(outcome.errors.split(separator: "\n").count == 1, "\(line): \(outcome.errors)")
        }
        let pipe = try shell("mkfifo pipe && ctl export absent.pb --format onnx --output pipe")
        #expect(pipe.status == 20, "\(pipe.errors)")
        #expect(try bench.data("file") == Data("mine".utf8))
        #expect(try Set(bench.names(in: ".")).isDisjoint(with: ["no", "m.onnx", "output_graph.pb"]))
    }

    @Test("names that are not UTF-8, links and pipes get what they were promised")
    func destinations() throws {
        let outcome = try shell(
            """
            ctl \(Self.training) --output_graph m.pb --output_labels m.txt || exit 1
            ctl optimize m.pb --output plain.pb > out || exit 2
            ctl optimize --input m.pb --output $'caf\\xe9.pb' > out || exit 3
            cmp plain.pb $'caf\\xe9.pb' || exit 4
            grep -qF 'caf\\xe9.pb' out || exit 5
            ln -s later.pb link.pb; ctl optimize --input m.pb --output link.pb > out || exit 6
            test -L link.pb && cmp plain.pb later.pb || exit 7
            mkfifo pipe; cat pipe > piped.pb & ctl optimize --input m.pb --output pipe > out || exit 8
            wait; cmp plain.pb piped.pb || exit 9
            ctl \(Self.training) --output_graph >(cat > t.pb) --output_labels t.txt || exit 10
            cp pictures/pip/$(ls pictures/pip | head -1) $'p\\xe9.png'
            ctl classify $'p\\xe9.png' m.txt --graph m.pb --json > json; test $? = 1 || exit 11
            grep -q 'p\\\\udbff\\\\udfe9.png' json || exit 12
            """)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains("manifest beside it is left out"))
    }

    @Test("lists, standard input and pipes are pictures")
    func inputs() throws {
        let outcome = try shell(
            """
            ctl \(Self.training) --output_graph m.pb --output_labels m.txt || exit 1
            p=pictures/pip/$(ls pictures/pip | head -1)
            ctl classify $p --graph m.pb > a || exit 2
            ctl classify - --graph m.pb < $p > b || exit 3
            cat $p | ctl classify /dev/stdin --graph m.pb > c || exit 4
            ctl classify <(cat $p) --graph m.pb > d || exit 5
            printf '%s\\0' $p | ctl classify - --graph m.pb > e || exit 6
            for f in b c d e; do cmp a $f || exit 7; done
            printf 'P6\\n2 2\\n255\\nabcdefghijkl' | ctl classify - --graph m.pb || exit 9
            ctl classify - --graph m.pb < m.pb 2> said; test $? = 1 && test $(grep -c . said) = 1 || exit 10
            printf '<!doctype html>\\n<html>' | ctl classify - --graph m.pb 2> said; grep -q 'web page' said || exit 11
            printf 'gone.jpg\\n' | ctl classify - --graph m.pb 2> said; grep -qi 'gone.jpg.*no such' said || exit 12
            ln -s .. pictures/pip/up; ln -s ../.. pictures/moss/top
            ctl classify pictures --graph m.pb --top 1 | grep -c '^pictures/' > count
            test $(cat count) = 10 || exit 8
            """)
        #expect(outcome.status == 0, "\(outcome.errors)")
    }

    @Test("models and labels come from pipes too, in every verb that reads them")
    func pipedModels() throws {
        guard FileManager.default.fileExists(atPath: "/bin/bash") else { return }
        let outcome = try shell(
            """
            ctl \(Self.command) --architecture <(cat tiny.pb) --output_graph m.pb --output_labels m.txt || exit 1
            p=pictures/pip/$(ls pictures/pip | head -1)
            ctl classify $p --graph m.pb > a || exit 2
            ctl classify $p --graph <(cat m.pb) > b && cmp a b || exit 3
            ctl classify $p --graph <(cat m.pb) --labels <(cat m.txt) --explain why > b && cmp a b || exit 4
            ctl evaluate --graph <(cat m.pb) --image_dir pictures || exit 5
            ctl inspect <(cat m.pb) --profile || exit 6
            ctl inspect m.pb --compare <(cat m.pb) || exit 7
            ctl optimize --input <(cat m.pb) --output o.pb || exit 8
            ctl quantize --mode weights --input <(cat m.pb) --output q.pb || exit 9
            ctl export <(cat m.pb) --output m.onnx || exit 10
            ctl package <(cat m.pb) <(cat m.txt) --output m.zip --level 1 || exit 11
            ctl inspect m.zip > c && grep -q '[ ,]labels.txt .* model.pb ' c || exit 15
            ctl classify $p --graph m.zip > b && cmp a b || exit 16
            ctl completions labels <(cat m.pb) | cmp - m.txt || exit 12
            ctl classify - --graph m.pb < /dev/null; test $? = 2 || exit 13
            ctl classify $p --graph m.pb --labels <(yes); test $? = 25 || exit 14
            """)
        #expect(outcome.status == 0, "\(outcome.errors)")
    }

    @Test("an output that is an input, another output, or lies among other files is refused")
    func otherFiles() throws {
        let made = try shell("ctl \(Self.training) --output_graph m.pb --output_labels m.txt")
        try #require(made.status == 0, "\(made.errors)")
        let (model, labels) = (try bench.data("m.pb"), try bench.data("m.txt"))
        for line in [
            "package m.pb m.txt --output m.pb", "package m.pb m.txt --output ./m.txt",
            "export m.pb --format onnx --output m.pb",
            "audit --image_dir pictures --bottleneck_dir cache --plan p --report ./p",
        ] {
            let outcome = try shell("ctl \(line)")
            #expect(outcome.status == 2 && !outcome.errors.isEmpty, "\(line): \(outcome.errors)")
        }
        for format in ["coreml", "savedmodel"] {
            for place in ["pictures", "m.txt"] {
                let outcome = try shell("ctl export m.pb --format \(format) --output \(place)")
                #expect(outcome.status == 30 && outcome.errors.contains(place), "\(outcome.errors)")
            }
            let again = try shell(
                "for i in 1 2; do ctl export m.pb --format \(format) --output saved.\(format) || exit 1; done"
            )
            #expect(again.status == 0, "\(again.errors)")
        }
        #expect(try bench.data("m.pb") == model && bench.data("m.txt") == labels)
        #expect(try bench.names(in: "pictures") == ["moss", "pip"] && !bench.exists("p"))
    }

    @Test("a link that was planted under a temporary name is not written through")
    func planted() throws {
        try bench.write("precious", "mine")
        let outcome = try shell(
            "for n in $(seq $$ $(($$ + 300))); do ln -s precious o.pb.$n.partial; done; "
                + "ctl \(Self.training) --output_graph o.pb --output_labels o.txt")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try String(decoding: bench.data("precious"), as: UTF8.self) == "mine")
    }

    @Test(
        "signals end each command soon, with their exit code and without litter",
        arguments: ["INT", "TERM", "HUP"])
    func signals(name: String) throws {
        let code = ["INT": 130, "TERM": 143, "HUP": 129][name]!
        // A list that never ends and pictures enough for seconds: both the patient and the impatient end.
        let outcome = try shell(
            """
            mkfifo endless; exec 3<>endless
            program=$(type ctl > /dev/null; echo '\(Workbench.programs.appendingPathComponent("cartoonctl").path)')
            "$program" classify - --graph none.pb <&3 2> said & p=$!
            sleep 0.3; kill -\(name) $p; wait $p; test $? = \(code) || exit 1
            grep -q interrupted said || exit 2
            for i in $(seq 300); do cp pictures/pip/$(ls pictures/pip | head -1) pictures/pip/copy$i.png; done
            "$program" \(Self.command) --threads 1 --strict --output_graph s.pb --output_labels s.txt 2> said & p=$!
            sleep 0.4; kill -\(name) $p; wait $p; s=$?; test $s = \(code) || { cat said >&2; exit 3; }
            ls -A | grep partial && exit 4
            test ! -e s.pb || grep -q 'work was done' said || exit 5
            """)
        #expect(outcome.status == 0, "\(outcome.output) \(outcome.errors)")
    }

    @Test("what is written to standard output is not mixed with lines about it")
    func standardOutput() throws {
        _ = try shell("ctl \(Self.training) --output_graph m.pb --output_labels m.txt")
        for (flags, place) in [("optimize m.pb", "o.pb"), ("export m.pb --format onnx", "o.onnx")] {
            let outcome = try shell(
                "ctl \(flags) --output \(place) && ctl \(flags) --output /dev/stdout > piped && cmp \(place) piped"
            )
            #expect(
                outcome.status == 0 && outcome.errors.contains("MB"), "\(outcome.output) \(outcome.errors)")
        }
    }
}
