import Foundation
import TestSupport
import Testing

/// Folders as people have them, through the real program.
@Suite("Folders as people have them", .tags(.endToEnd))
struct FolderLayoutTests {
    let bench: Workbench
    init() throws { bench = try Workbench() }

    private func run(_ line: String) throws -> Workbench.Outcome {
        try bench.run("cartoonctl", line.split(separator: " ").map(String.init))
    }

    private func makeClasses(_ folder: String, inner: String = "") throws {
        try bench.makeClass("\(folder)/moss\(inner)", from: "moss_the_dragon", count: 4)
        try bench.makeClass("\(folder)/pip\(inner)", from: "pip_the_robot", count: 4)
        try bench.writeTinyNetwork("tiny")
    }

    @Test(
        "the level with the classes is found and said", arguments: ["x", "x/y", "in class", "train and test"])
    func levels(layout: String) throws {
        switch layout {
        case "in class": try makeClasses("data", inner: "/images")
        case "train and test":
            try makeClasses("data/train")
            try makeClasses("data/test")
            try bench.write("data/train/labels.csv", "file,label\n")
        default: try makeClasses("data/" + layout)
        }
        let outcome = try run("retrain --image_dir data --architecture tiny.pb --bottleneck_dir cache")
        #expect(outcome.status == 0 && outcome.output.contains("moss, pip"), "\(outcome.errors)")
        #expect(outcome.errors.contains("data/"), "\(outcome.errors)")
    }

    @Test("audit works on what there is, and --fail_on sets the exit code")
    func audit() throws {
        let audit = "audit --architecture tiny.pb --bottleneck_dir cache --quiet"
        try bench.writeTinyNetwork("tiny")
        try bench.makeClass("flat", from: "moss_the_dragon", count: 4)
        try bench.makeClass("one/moss", from: "moss_the_dragon", count: 4)
        try makeClasses("broken")
        try bench.write("broken/none/page.jpg", "<html>")
        for folder in ["flat", "one", "broken"] {
            let outcome = try run("\(audit) --image_dir \(folder)")
            #expect(outcome.status == 0 && !outcome.output.isEmpty, "\(folder): \(outcome.errors)")
        }
        let copy = try bench.names(in: "broken/pip")[0]
        try bench.write("broken/moss/a\nb.png", bench.data("broken/pip/\(copy)"))
        for (kinds, code) in [
            ("unreadable", 41), ("duplicate,unreadable", 41), ("truncated", 0), ("all", 41),
        ] {
            let outcome = try run("\(audit) --image_dir broken --fail_on \(kinds)")
            // A kind that is not known is a usage error, which the list of kinds below would show.
            #expect(
                outcome.status == code || kinds == "truncated" && outcome.status == 2,
                "\(kinds): \(outcome.errors)")
        }
        #expect(try run("\(audit) --image_dir broken --fail_on nonsense").status == 2)
        for zero in ["--print0", "-0"] {
            let outcome = try run("\(audit) --image_dir broken --list duplicate,unreadable \(zero)")
            let paths = outcome.output.split(separator: "\0").map(String.init)
            #expect(outcome.output.hasSuffix("\0") && paths.contains("broken/none/page.jpg"))
            #expect(paths.allSatisfy { bench.exists($0) }, "\(paths)")
        }
        let lines = try run("\(audit) --image_dir broken --list duplicate,unreadable")
        #expect(
            lines.output.split(separator: "\n").count == 2 || lines.output.contains("\\n"), "\(lines.output)")
        #expect(try run("\(audit) --image_dir broken --print0").status == 2)
    }

    @Test("evaluate takes a folder of one class; a class without pictures shows a dash")
    func oneClass() throws {
        try makeClasses("data")
        #expect(
            try run(
                "retrain --image_dir data --architecture tiny.pb --bottleneck_dir cache --output_graph m.pb --quiet"
            )
            .status == 0)
        try bench.makeClass("test/moss", from: "moss_the_dragon", count: 4)
        let outcome = try run("evaluate --graph m.pb --image_dir test --quiet")
        #expect(outcome.status == 0, "\(outcome.errors)")
        let absent = outcome.output.split(separator: "\n").first { $0.hasPrefix("pip") }
        #expect(
            absent?.split(separator: " ").dropFirst(2).allSatisfy { $0 == "-" } == true, "\(outcome.output)")
    }

    @Test("links that lead in a circle end, and each picture is answered once")
    func cycles() throws {
        try makeClasses("data")
        #expect(
            try run(
                "retrain --image_dir data --architecture tiny.pb --bottleneck_dir cache --output_graph m.pb --quiet"
            )
            .status == 0)
        for (name, target) in [("data/moss/up", ".."), ("data/pip/top", "../.."), ("data/self", "self")] {
            try FileManager.default.createSymbolicLink(
                atPath: bench.url(name).path, withDestinationPath: target)
        }
        let outcome = try run("classify data --graph m.pb --csv")
        // Models and caches, which a link leads to, have no label of rank 1.
        let answered = outcome.output.split(separator: "\n").filter { $0.contains(",1,") }
            .map { $0.prefix { $0 != "," } }
        #expect(answered.count == 8 && Set(answered).count == 8, "\(outcome.output)")
        for line in ["audit", "retrain --output_graph n.pb", "bottlenecks compute"] {
            let outcome = try run("\(line) --image_dir data --architecture tiny.pb --bottleneck_dir cache")
            #expect(outcome.status == 0, "\(line): \(outcome.errors)")
        }
    }

    @Test("pipes and sockets in a folder are reported, and nobody waits for what they might say")
    func pipes() throws {
        try makeClasses("data")
        let model = "--architecture tiny.pb --bottleneck_dir cache"
        #expect(try run("retrain --image_dir data \(model) --output_graph m.pb --quiet").status == 0)
        #expect(mkfifo(bench.url("data/moss/pipe.png").path, 0o600) == 0)
        for line in [
            "retrain --image_dir data \(model) --output_graph n.pb", "audit --image_dir data \(model)",
            "bottlenecks compute --image_dir data \(model)", "evaluate --folds 3 --image_dir data \(model)",
            "evaluate --image_dir data --graph m.pb", "quantize --input m.pb --output q.pb --calibrate data",
        ] {
            let outcome = try run(line)
            #expect(outcome.status == 0, "\(line): \(outcome.errors)")
        }
        let outcome = try run("classify data --graph m.pb --csv")
        #expect(outcome.status != 0 && outcome.errors.contains("pipe.png: is a pipe"), "\(outcome.errors)")
        #expect(outcome.output.split(separator: "\n").count == 9, "\(outcome.output)")
    }

    /// The superuser reads every folder, and is therefore made somebody else.
    @Test("sub-folders that cannot be read are reported, and the rest is answered")
    func unreadable() throws {
        try makeClasses("data")
        #expect(
            try run(
                "retrain --image_dir data --architecture tiny.pb --bottleneck_dir cache --output_graph m.pb --quiet"
            )
            .status == 0)
        try bench.makeFolder("data/moss/closed")
        try bench.makeFolder("data/shut")
        let folders = ["data/moss/closed", "data/shut"].map { bench.url($0).path }
        for path in folders { chmod(path, 0) }
        defer { for path in folders { chmod(path, 0o755) } }
        let somebody = geteuid() == 0 ? ["/usr/bin/setpriv", "--reuid", "65534", "--clear-groups"] : []
        guard somebody.isEmpty || FileManager.default.isExecutableFile(atPath: somebody[0]) else { return }
        chmod(bench.folder.path, 0o777)
        let program = Workbench.programs.appendingPathComponent("cartoonctl").path
        let words =
            somebody + [program] + "classify data --graph m.pb --csv".split(separator: " ").map(String.init)
        let outcome = try bench.run(words[0], Array(words.dropFirst()))
        // A home that others cannot enter hides the program itself.
        guard outcome.status != 126, outcome.status != 127 else { return }
        #expect(outcome.status == 1, "\(outcome.errors)")
        for path in ["data/moss/closed", "data/shut"] {
            #expect(outcome.errors.contains(path), "\(outcome.errors)")
        }
        #expect(outcome.output.split(separator: "\n").count == 9, "\(outcome.output)")
        let training =
            somebody + [program]
            + "retrain --image_dir data --architecture tiny.pb --bottleneck_dir new --output_graph n.pb"
            .split(separator: " ")
            .map(String.init)
        let trained = try bench.run(training[0], Array(training.dropFirst()))
        #expect(trained.status == 0 && trained.errors.contains("data/shut"), "\(trained.errors)")
    }
}
