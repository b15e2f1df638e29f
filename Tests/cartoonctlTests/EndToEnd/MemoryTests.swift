import Foundation
import TestSupport
import Testing

@Suite("Training past memory", .tags(.endToEnd))
struct MemoryTests {
    let bench: Workbench
    init() throws { bench = try Workbench() }

    /// Makes a folder `pictures` with some of the characters under eight names each, so that there are enough; equal
    /// files stay together.
    @discardableResult private func makePictures() throws -> [(folder: String, files: [String])] {
        let pictures = bench.folder.appendingPathComponent("pictures")
        let source = Workbench.fixtures.appendingPathComponent("characters")
        let manager = FileManager.default
        return try manager.contentsOfDirectory(atPath: source.path).sorted().map { folder in
            let from = source.appendingPathComponent(folder), to = pictures.appendingPathComponent(folder)
            try manager.createDirectory(at: to, withIntermediateDirectories: true)
            for file in try manager.contentsOfDirectory(atPath: from.path).sorted().prefix(14) {
                for copy in 0..<8 {
                    try manager.copyItem(
                        at: from.appendingPathComponent(file),
                        to: to.appendingPathComponent("\(copy)-\(file)"))
                }
            }
            return (folder, try manager.contentsOfDirectory(atPath: to.path).sorted())
        }
    }

    private func retrain(_ name: String, _ flags: [String]) throws -> Workbench.Outcome {
        try bench.run(
            "cartoonctl",
            ["retrain", "--bottleneck_dir", "cache", "--memory", "1K", "--output_graph", "\(name).pb"] + flags
        )
    }

    @Test("a model from reduced bottlenecks knows its characters, is the same again and with other threads")
    func reduced() throws {
        let count = try makePictures().flatMap(\.files).count
        try #require(count >= 256, "\(count)")
        func retrain(_ name: String, _ more: [String]) throws -> Workbench.Outcome {
            try self.retrain(name, ["--image_dir", "pictures"] + more)
        }
        let trained = try retrain("model", [])
        try #require(trained.status == 0, "\(trained.errors)")
        #expect(trained.errors.contains("of --memory; they are reduced to at most 2"))
        let evaluated = try bench.run(
            "cartoonctl",
            [
                "evaluate", "--graph", "model.pb", "--image_dir", PrecisionTests.holdout, "--assert_accuracy",
                "0.7", "--quiet",
            ])
        #expect(evaluated.status == 0, "\(evaluated.output)\(evaluated.errors)")
        #expect(try retrain("again", ["--threads", "1"]).status == 0)
        #expect(try bench.data("again.pb") == bench.data("model.pb"))
        // With room enough nothing is reduced.
        #expect(try retrain("whole", ["--memory", "4G"]).errors.contains("are reduced") == false)
        let refused = try retrain("other", ["--memory", "much"])
        #expect(refused.status == 2 && refused.errors.contains("--memory much: is a number of bytes"))
    }

    @Test("audit finds the same copies in bottlenecks that exceed the memory, and folds judge reduced ones")
    func examined() throws {
        try makePictures()
        func run(_ verb: String, _ flags: [String]) throws -> Workbench.Outcome {
            try bench.run(
                "cartoonctl", [verb, "--image_dir", "pictures", "--bottleneck_dir", "cache"] + flags)
        }
        let kinds = ["--list", "duplicate,near_duplicate,unreadable"]
        let whole = try run("audit", kinds + ["--quiet"]),
            reduced = try run("audit", kinds + ["--memory", "1K"])
        #expect(reduced.errors.contains("reduced to at most 2"), "\(reduced.errors)")
        #expect(reduced.status == 0 && whole.output.split(separator: "\n").count > 200)
        #expect(
            Set(reduced.output.split(separator: "\n")) == Set(whole.output.split(separator: "\n")))
        let judged = try run("evaluate", ["--folds", "3", "--memory", "1K", "--assert_accuracy", "0.6"])
        #expect(judged.status == 0, "\(judged.output)\(judged.errors)")
    }

    @Test(
        "a ready-made split may train on fewer pictures than there would be numbers, by no multiple of four")
    func fewTrain() throws {
        var list = ""
        for (folder, files) in try makePictures() {
            // Those with numbers for names can be read.
            let training = Set(
                files.filter { $0.hasPrefix("0-") && $0.dropFirst(2).first?.isNumber == true }.prefix(7))
            for file in files {
                list +=
                    "pictures/\(folder)/\(file)\t\(folder)\t\(training.contains(file) ? "train" : "test")\n"
            }
        }
        try bench.write("list.tsv", list)
        let trained = try retrain("few", ["--image_list", "list.tsv"])
        #expect(trained.status == 0, "\(trained.errors)")
        #expect(trained.errors.contains("21 pictures to train"), "\(trained.errors)")
        #expect(trained.errors.contains("reduced to 21 numbers"), "\(trained.errors)")
    }
}
