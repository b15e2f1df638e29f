import Foundation
import TestSupport
import Testing

/// Copies, ready-made splits, lists and interruptions of a training, through the real program.
@Suite("Splits and lists", .tags(.endToEnd))
struct SplitTests {
    let bench: Workbench

    init() throws {
        bench = try Workbench()
        try bench.makeClass("pictures/moss", from: "moss_the_dragon", count: 12)
        try bench.makeClass("pictures/pip", from: "pip_the_robot", count: 12)
    }

    struct Result: Decodable {
        struct Copies: Decodable {
            let count, acrossParts: Int
            let accuracyByPath: Double?
        }
        let trainCount, validationCount, testCount: Int
        let copies: Copies
    }

    private func retrain(_ arguments: [String], model: String = "m") throws -> (Result, String) {
        let outcome = try bench.run(
            "cartoonctl",
            ["retrain", "--bottleneck_dir", "cache", "--json", "--output_graph", "\(model).pb"]
                + ["--output_labels", "\(model).txt"] + arguments)
        try #require(outcome.status == 0, "\(outcome.errors)")
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return (try decoder.decode(Result.self, from: Data(outcome.output.utf8)), outcome.errors)
    }

    @Test("copies stay in one part by content; by path they are counted in a warning")
    func copies() throws {
        let names = try bench.names(in: "pictures/moss")
        for (index, name) in names.enumerated() {
            for copy in 0..<3 {
                try bench.write("pictures/moss/copy\(index)_\(copy).png", bench.data("pictures/moss/\(name)"))
            }
        }
        let (content, words) = try retrain(["--image_dir", "pictures"])
        #expect(content.copies.count >= 36 && content.copies.acrossParts == 0)
        #expect(words.contains("pictures are copies or near duplicates of others"))
        let (path, warning) = try retrain(["--image_dir", "pictures", "--split_key", "path"])
        #expect(path.copies.acrossParts > 0 && path.copies.accuracyByPath == nil)
        #expect(
            warning.contains("warning: \(path.copies.acrossParts) validation and test pictures are copies"))
        if content.copies.accuracyByPath != nil { #expect(words.contains("the test accuracy would be")) }

        // A class of three files of which two are alike: two different pictures.
        try bench.makeClass("few/pip", from: "pip_the_robot", count: 6)
        try bench.makeClass("few/moss", from: "moss_the_dragon", count: 2)
        try bench.write("few/moss/again.png", bench.data("few/moss/\(bench.names(in: "few/moss")[0])"))
        for verb in [["evaluate", "--folds", "5"], ["audit"]] {
            let few = try bench.run("cartoonctl", verb + ["--image_dir", "few", "--bottleneck_dir", "cache"])
            #expect(few.status == 0, "\(few.errors)")
        }
        // Three files of one picture are no two different ones.
        let only = try bench.data("pictures/moss/\(names[0])")
        try FileManager.default.removeItem(at: bench.url("few/moss"))
        for copy in 0..<3 { try bench.write("few/moss/\(copy).png", only) }
        let one = try bench.run(
            "cartoonctl",
            ["evaluate", "--folds", "5", "--image_dir", "few", "--bottleneck_dir", "cache"])
        #expect(one.status == 15 && one.errors.contains("copies or near duplicates of one"), "\(one.errors)")
    }

    @Test(
        "a list gives the model that its folders give, byte for byte; its parts and train/val/test are taken")
    func lists() throws {
        _ = try retrain(["--image_dir", "pictures"], model: "folder")
        var lines: [String] = [], split: [String] = []
        for folder in ["pip", "moss"] {
            for (index, name) in try bench.names(in: "pictures/\(folder)").enumerated() {
                let part = index < 2 ? "test" : index < 4 ? "val" : "train"
                lines.append("pictures/\(folder)/\(name)\t\(folder)")
                split.append("\(folder)/\(name)\t\(folder)\t\(part)")
                try bench.write(
                    "ready/\(part)/\(folder)/\(name)", bench.data("pictures/\(folder)/\(name)"))
            }
        }
        try bench.write("list.tsv", lines.joined(separator: "\n"))
        try bench.write("zero", lines.joined(separator: "\0"))
        try bench.write("split.tsv", split.joined(separator: "\n"))
        _ = try retrain(["--image_list", "list.tsv"], model: "list")
        _ = try retrain(["--image_list", "zero", "-0"], model: "zero")
        #expect(try bench.data("list.pb") == bench.data("folder.pb"))
        #expect(try bench.data("zero.pb") == bench.data("folder.pb"))

        let (ready, words) = try retrain(["--image_dir", "ready"], model: "ready")
        #expect((ready.trainCount, ready.validationCount, ready.testCount) == (16, 4, 4))
        #expect(words.contains("the split is taken as it was made"))
        let (listed, _) = try retrain(
            ["--image_list", "split.tsv", "--image_dir", "pictures"], model: "split")
        #expect((listed.trainCount, listed.validationCount, listed.testCount) == (16, 4, 4))
        #expect(try bench.data("ready.txt") == bench.data("split.txt"))

        let asked = try bench.run(
            "cartoonctl",
            [
                "evaluate", "--graph", "ready.pb", "--image_list", "split.tsv", "--image_dir", "pictures",
                "--json",
            ])
        #expect(asked.status == 0 && asked.output.contains("\"count\" : 4"), "\(asked.errors)")
        for verb in [["evaluate", "--folds", "3"], ["audit"], ["bottlenecks", "compute", "--shard", "1/2"]] {
            let outcome = try bench.run(
                "cartoonctl", verb + ["--image_list", "list.tsv", "--bottleneck_dir", "cache"])
            #expect(outcome.status == 0, "\(outcome.errors)")
        }
        try bench.write("wrong.tsv", "a.jpg\tcat\tdev\n")
        let wrong = try bench.run("cartoonctl", ["retrain", "--image_list", "wrong.tsv"])
        #expect(wrong.status == 2 && wrong.errors.contains("wrong.tsv: line 1 has 'dev'"), "\(wrong.errors)")
        #expect(try bench.run("cartoonctl", ["audit", "--image_list", "none.tsv"]).status == 33)
    }

    @Test(
        "SIGINT and SIGTERM end a training soon, with their exit codes and no output", arguments: [130, 143])
    func interruption(code: Int32) throws {
        let outcome = try bench.run(
            "cartoonctl",
            [
                "retrain", "--image_dir", "pictures", "--how_many_training_steps", "100000000",
                "--summaries_dir", "logs",
            ]
        ) { process in
            // The folder is made when all bottlenecks are there and training begins.
            while process.isRunning, !bench.exists("logs") { Thread.sleep(forTimeInterval: 0.02) }
            Thread.sleep(forTimeInterval: 0.1)
            if code == 130 { process.interrupt() } else { process.terminate() }
        }
        #expect(outcome.status == code, "\(outcome.errors.suffix(500))")
        #expect(
            outcome.errors.contains("no output was written; the bottlenecks are cached")
                && !bench.exists("output_graph.pb"))
        #expect(try bench.names().allSatisfy { !$0.contains("partial") })
    }
}
