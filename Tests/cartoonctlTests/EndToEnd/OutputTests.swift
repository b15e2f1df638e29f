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
    }

    static let training = "retrain --quiet --image_dir pictures --bottleneck_dir cache"

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
            "evaluate --graph m.pb --image_dir pictures --quiet", "optimize --input m.pb --output o.pb",
            "export m.pb --output m.onnx", "package m.pb m.txt --output m.zip", "bottlenecks export tree",
            "audit --image_dir pictures --bottleneck_dir cache --quiet",
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

    @Test("names that are not UTF-8, links and pipes get what they were promised")
    func destinations() throws {
        let outcome = try shell(
            """
            ctl \(Self.training) --output_graph m.pb --output_labels m.txt || exit 1
            ctl optimize --input m.pb --output plain.pb > out || exit 2
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
            ln -s .. pictures/pip/up; ln -s ../.. pictures/moss/top
            ctl classify pictures --graph m.pb --top 1 | grep -c '^pictures/' > count
            test $(cat count) = 10 || exit 8
            """)
        #expect(outcome.status == 0, "\(outcome.errors)")
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
            "$program" \(Self.training) --threads 1 --strict --output_graph s.pb --output_labels s.txt 2> said & p=$!
            sleep 0.4; kill -\(name) $p; wait $p; s=$?; test $s = \(code) || { cat said >&2; exit 3; }
            ls -A | grep partial && exit 4
            test ! -e s.pb || grep -q 'work was done' said || exit 5
            """)
        #expect(outcome.status == 0, "\(outcome.output) \(outcome.errors)")
    }
}
