import Foundation
import TestSupport
import Testing

/// The verbs about how good pictures and models are, through the real program.
@Suite("Evaluate and audit", .tags(.endToEnd))
struct EvaluateAuditTests {
    let bench: Workbench

    init() throws {
        bench = try Workbench()
        try bench.makeClass("pictures/moss", from: "moss_the_dragon", count: 12)
        try bench.makeClass("pictures/pip", from: "pip_the_robot", count: 12)
    }

    struct Audit: Decodable {
        struct Finding: Decodable { let kind, path, reason: String, other, suggestion: String? }
        let pictures: Int
        let findings: [Finding]
        func paths(_ kind: String) -> [String] { findings.filter { $0.kind == kind }.map(\.path).sorted() }
    }

    private func decode<Value: Decodable>(_ type: Value.Type, _ text: String) throws -> Value {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(type, from: Data(text.utf8))
    }

    @Test("audit finds what was planted, and nothing is touched")
    func audit() throws {
        let moss = try bench.names(in: "pictures/moss"), before = moss.count
        // A picture twice, in another class; a file under another format's name; a page that is no picture.
        let first = moss.first { $0.hasSuffix(".png") } ?? moss[0]
        try bench.write("pictures/pip/copy.png", bench.data("pictures/moss/\(first)"))
        try bench.write("pictures/moss/wrong.jpg", bench.data("pictures/moss/\(first)"))
        try bench.write("pictures/moss/page.png", "<!DOCTYPE html><html></html>")
        let outcome = try bench.run("cartoonctl", ["audit", "--image_dir", "pictures", "--json"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let report = try decode(Audit.self, outcome.output)
        #expect(report.paths("unreadable") == ["pictures/moss/page.png"])
        #expect(report.paths("misnamed") == ["pictures/moss/wrong.jpg"])
        let copies = report.findings.filter { $0.kind == "duplicate" }
        #expect(
            copies.contains {
                [$0.path, $0.other].contains("pictures/pip/copy.png")
                    && $0.reason.contains("in another class")
            })
        #expect(report.paths("mislabelled").contains("pictures/pip/copy.png"))

        let list = try bench.run(
            "cartoonctl", ["audit", "--image_dir", "pictures", "--list", "unreadable,misnamed", "--quiet"])
        #expect(list.output == "pictures/moss/page.png\npictures/moss/wrong.jpg\n")
        #expect(try bench.names(in: "pictures/moss").count == before + 2)
        #expect(
            try bench.run("cartoonctl", ["audit", "--image_dir", "pictures", "--list", "nonsense"]).status
                == 2)
    }

    @Test("evaluate asks a model, or cross-validates; its exit code is for scripts")
    func evaluate() throws {
        let trained = try bench.run(
            "cartoonctl",
            [
                "retrain", "--image_dir", "pictures", "--output_graph", "model.pb", "--output_labels",
                "labels.txt", "--report", "report.html",
            ])
        try #require(trained.status == 0, "\(trained.errors)")
        let page = String(decoding: try bench.data("report.html"), as: UTF8.self)
        for part in ["<!doctype html>", "Calibration", "How to repeat it", "--image_dir pictures"] {
            #expect(page.contains(part))
        }
        // Nothing is fetched from elsewhere: the namespace of SVG is a name only.
        #expect(!page.replacingOccurrences(of: "http://www.w3.org/2000/svg", with: "").contains("://"))
        #expect(page.contains("default-src 'none'") && !page.contains("src=") && !page.contains("@import"))

        let asked = try bench.run(
            "cartoonctl",
            [
                "evaluate", "--graph", "model.pb", "--image_dir", "pictures", "--assert_accuracy", "0.9",
                "--quiet",
            ])
        #expect(asked.status == 0 && asked.output.contains("precision"), "\(asked.errors)")
        let folds = try bench.run(
            "cartoonctl",
            ["evaluate", "--folds", "4", "--image_dir", "pictures", "--report", "folds.html", "--json"])
        #expect(folds.status == 0 && folds.output.contains("\"fold_accuracies\""), "\(folds.errors)")
        #expect(bench.exists("folds.html"))

        // The classes with each other's names: a model cannot be right on them.
        try bench.makeFolder("swapped")
        try FileManager.default.copyItem(at: bench.url("pictures/moss"), to: bench.url("swapped/pip"))
        try FileManager.default.copyItem(at: bench.url("pictures/pip"), to: bench.url("swapped/moss"))
        let wrong = try bench.run(
            "cartoonctl",
            ["evaluate", "--graph", "model.pb", "--image_dir", "swapped", "--assert_accuracy", "0.5"])
        #expect(wrong.status == 40 && wrong.errors.contains("below the 0.5000"))
        try FileManager.default.moveItem(at: bench.url("swapped/pip"), to: bench.url("swapped/unheard"))
        let unknown = try bench.run(
            "cartoonctl", ["evaluate", "--graph", "model.pb", "--image_dir", "swapped"])
        #expect(unknown.status == 2 && unknown.errors.contains("'unheard'"))
    }

    @Test(
        "a manifest repeats its run to the byte; distortions, summaries and intermediate models are written")
    func repeats() throws {
        let words = [
            "retrain", "--image_dir", "pictures", "--output_graph", "a.pb", "--output_labels", "a.txt",
            "--how_many_training_steps", "30",
            "--flip_left_right", "--random_brightness", "10", "--variants", "1", "--summaries_dir", "logs",
            "--intermediate_output_graphs_dir", "steps", "--intermediate_store_frequency", "10",
            "--split_key", "relative",
        ]
        let first = try bench.run("cartoonctl", words)
        try #require(first.status == 0, "\(first.errors)")
        #expect(try bench.names(in: "steps") == ["intermediate_10.pb", "intermediate_20.pb"])
        #expect(try bench.names(in: "logs") == ["run-1"])
        #expect(try bench.names(in: "logs/run-1") == ["test", "train", "validation"])
        let (model, manifest) = (try bench.data("a.pb"), try bench.data("a.pb.manifest.json"))
        try FileManager.default.removeItem(at: bench.url("a.pb"))
        let again = try bench.run("cartoonctl", ["retrain", "--resume", "a.pb.manifest.json"])
        try #require(again.status == 0, "\(again.errors)")
        #expect(try bench.data("a.pb") == model)
        #expect(try bench.data("a.pb.manifest.json") == manifest)
        #expect(try bench.run("cartoonctl", ["retrain", "--resume", "a.txt"]).status == 2)
    }

    @Test("pictures of another kind are unknown, those of the training are not")
    func unknown() throws {
        try #require(
            try bench.run("cartoonctl", ["retrain", "--image_dir", "pictures", "--output_graph", "model.pb"])
                .status == 0)
        // A test pattern: eight bits of every phase.
        let side = 64
        var bitmap =
            Data([0x42, 0x4D]) + Data(repeating: 0, count: 8)
            + Data([54, 0, 0, 0, 40, 0, 0, 0, UInt8(side), 0, 0, 0, UInt8(side), 0, 0, 0, 1, 0, 24, 0])
        bitmap += Data(repeating: 0, count: 24)
        for y in 0..<side {
            for x in 0..<side {
                bitmap += Data([UInt8((x * 37) & 255), UInt8((y * 91) & 255), UInt8((x * y * 13) & 255)])
            }
        }
        try bench.write("pattern.bmp", bitmap)
        let known = try bench.names(in: "pictures/moss").map { "pictures/moss/\($0)" }
        let outcome = try bench.run("cartoonctl", ["classify", "--graph", "model.pb", "pattern.bmp"] + known)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.components(separatedBy: "unknown (familiarity").count - 1 == 1)
        let forced = try bench.run(
            "cartoonctl", ["classify", "--graph", "model.pb", "--unknown_threshold", "0", "pattern.bmp"])
        #expect(!forced.output.contains("unknown"))
    }

    @Test(
        "the page of a cross-validation has a heat map of each mistake",
        arguments: ["evaluate --folds 3", "audit"])
    func maps(_ line: String) throws {
        try bench.makeClass("mixed/moss", from: "moss_the_dragon", count: 6)
        try bench.makeClass("mixed/pip", from: "pip_the_robot", count: 6)
        for name in try bench.names(in: "mixed/pip").prefix(2) {
            try bench.write("mixed/moss/of pip \(name)", bench.data("mixed/pip/\(name)"))
        }
        try bench.writeTinyNetwork("tiny")
        let words = line.split(separator: " ").map(String.init)
        let outcome = try bench.run(
            "cartoonctl",
            words + [
                "--image_dir", "mixed", "--architecture", "tiny.pb", "--bottleneck_dir", "mixed cache",
                "--report", "maps.html",
            ])
        try #require(outcome.status == 0, "\(outcome.errors)")
        let page = try String(decoding: bench.data("maps.html"), as: UTF8.self)
        let data = page.components(separatedBy: "id=\"data\">")[1].components(separatedBy: "</script>")[0]
        let read = try #require(try JSONSerialization.jsonObject(with: Data(data.utf8)) as? [String: Any])
        let pictures = try #require((read["pictures"] as? [String: Any])?["labels"] as? [Int])
        let answers = try #require(read["answers"] as? [String: Any])
        let judged = try #require(answers["pictures"] as? [Int])
        let said = try #require(answers["predicted"] as? [Int])
        let mistakes = zip(judged, said).filter { pictures[$0] != $1 }.map { "\($0.0)" }
        let maps = try #require(read["maps"] as? [String: [String: Any]])
        #expect(!mistakes.isEmpty && Set(maps.keys) == Set(mistakes), "\(mistakes) \(maps.keys)")
        #expect(maps.values.allSatisfy { $0["rows"] as? Int == 16 && $0["columns"] as? Int == 16 })
    }

    @Test("completions and the manual name every verb and flag", arguments: ["bash", "zsh", "fish", "man"])
    func completions(_ kind: String) throws {
        let script = try bench.run("cartoonctl", ["completions", kind])
        #expect(script.status == 0)
        for word in [
            "retrain", "classify", "evaluate", "audit", "image_dir", "assert_accuracy", "unknown_threshold",
        ] {
            #expect(script.output.lowercased().contains(word))
        }
        #expect(try bench.run("cartoonctl", ["completions", "powershell"]).status == 2)
    }
}
