import Foundation
import TestSupport
import Testing

/// The job a newcomer runs first, on the pictures in the repository, through the real program.
@Suite("Main job", .tags(.endToEnd))
struct MainJobTests {
    let bench: Workbench

    init() throws { bench = try Workbench() }

    /// What `retrain --json` says, as far as these tests read it.
    struct Report: Decodable {
        struct Skipped: Decodable { let path, reason: String }
        struct Bottlenecks: Decodable { let computed, cached: Int }
        let labels: [String]
        let imageCount: Int
        let testAccuracy: Double
        let skipped: [Skipped]
        let bottlenecks: Bottlenecks
    }

    /// What `classify --json` says about one picture.
    struct Answer: Decodable {
        struct Prediction: Decodable { let label: String, score: Double }
        let path: String
        let predictions: [Prediction]?
        let error: String?
    }

    static let labels = ["moss the dragon", "pip the robot", "professor quill"]
    /// The files among the pictures that are none; a picture cut short is one, with a warning.
    static let strays = ["empty.png", "page-not-found.jpg", "lfs-pointer.jpg", "thumbnail.webp"]

    func retrain(
        _ more: String..., pictures: String = Workbench.fixtures.appendingPathComponent("characters").path
    ) throws -> Workbench.Outcome {
        try bench.run(
            "cartoonctl",
            [
                "retrain", "--json", "--image_dir", pictures, "--bottleneck_dir", "cache", "--output_graph",
                "model.pb", "--output_labels", "labels.txt",
            ] + more)
    }

    func decode<Value: Decodable>(_ type: Value.Type, _ text: String) throws -> Value {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(type, from: Data(text.utf8))
    }

    @Test("trains on the fixtures, names every file it skips, and knows characters it has never seen")
    func fixtures() throws {
        let outcome = try retrain()
        try #require(outcome.status == 0, "\(outcome.errors)")
        let report = try decode(Report.self, outcome.output)
        #expect(report.labels == Self.labels)
        #expect(try bench.data("labels.txt") == Data((Self.labels.joined(separator: "\n") + "\n").utf8))
        #expect(
            report.skipped.map { URL(fileURLWithPath: $0.path).lastPathComponent }.sorted()
                == Self.strays.sorted())
        #expect(report.skipped.allSatisfy { !$0.reason.isEmpty })
        // 36 drawings of each, one PNG under another name, one JPEG cut short.
        #expect(report.imageCount == 3 * 36 + 2)
        #expect(report.bottlenecks.computed == report.imageCount && report.testAccuracy >= 0.9)
        #expect(try bench.names() == ["cache", "labels.txt", "model.pb", "model.pb.manifest.json"])

        let holdout = Workbench.fixtures.appendingPathComponent("holdout")
        let named = try bench.run("cartoonctl", ["classify", "--graph", "model.pb", "--json", holdout.path])
        #expect(named.status == 0, "\(named.errors)")
        let answers = try decode([Answer].self, named.output)
        let right = answers.filter { answer in
            let folder = URL(fileURLWithPath: answer.path).deletingLastPathComponent().lastPathComponent
            return answer.predictions?.first?.label == folder.replacingOccurrences(of: "_", with: " ")
        }
        #expect(answers.count == 18 && right.count >= 17, "\(right.count) of \(answers.count)")
        for answer in answers {
            let sum = (answer.predictions ?? []).reduce(0) { $0 + $1.score }
            #expect(abs(sum - 1) < 1e-5)
        }
    }

    @Test("writes the same bytes for one thread and for two, cold and from the cache")
    func reproducible() throws {
        try bench.makeClass("pictures/moss", from: "moss_the_dragon", count: 8)
        try bench.makeClass("pictures/pip", from: "pip_the_robot", count: 8)
        let cold = try retrain("--threads", "1", pictures: "pictures")
        try #require(cold.status == 0, "\(cold.errors)")
        let model = try bench.data("model.pb")

        let warm = try retrain("--threads", "2", pictures: "pictures")
        #expect(try decode(Report.self, warm.output).bottlenecks.computed == 0)
        #expect(try bench.data("model.pb") == model)

        try FileManager.default.removeItem(at: bench.url("cache"))
        let again = try retrain("--threads", "2", pictures: "pictures")
        #expect(try decode(Report.self, again.output).bottlenecks.computed == 16)
        #expect(try bench.data("model.pb") == model)
    }

    @Test("is one program: a copy alone in another folder does the whole job")
    func copiedAlone() throws {
        try bench.makeClass("pictures/moss", from: "moss_the_dragon", count: 6)
        try bench.makeClass("pictures/pip", from: "pip_the_robot", count: 6)
        try bench.makeFolder("alone")
        try FileManager.default.copyItem(
            at: Workbench.programs.appendingPathComponent("cartoonctl"), to: bench.url("alone/teacher"))
        let outcome = try bench.run(
            bench.url("alone/teacher").path,
            [
                "retrain", "--image_dir", "pictures", "--bottleneck_dir", "cache", "--output_graph",
                "model.pb", "--output_labels", "labels.txt",
            ])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(bench.exists("model.pb") && bench.exists("labels.txt"))
    }

    @Test("a picture moved and renamed is found in the cache, an edited one is not")
    func cacheFollowsContent() throws {
        try bench.makeClass("pictures/moss", from: "moss_the_dragon", count: 6)
        try bench.makeClass("pictures/pip", from: "pip_the_robot", count: 6)
        #expect(try retrain(pictures: "pictures").status == 0)
        try FileManager.default.moveItem(at: bench.url("pictures"), to: bench.url("elsewhere"))
        let files = try bench.names(in: "elsewhere/pip")
        try FileManager.default.moveItem(
            at: bench.url("elsewhere/pip/\(files[0])"), to: bench.url("elsewhere/pip/renamed"))
        // A byte after the end of a picture changes nothing but its digest.
        try bench.write("elsewhere/pip/\(files[1])", bench.data("elsewhere/pip/\(files[1])") + [0])

        let report = try decode(Report.self, retrain(pictures: "elsewhere").output)
        #expect(report.bottlenecks.computed == 1 && report.bottlenecks.cached == 11)
    }

    @Test("a bad picture among good ones: it is named, the others are answered, the exit code says so")
    func classifyBadPicture() throws {
        try bench.makeClass("pictures/moss", from: "moss_the_dragon", count: 6)
        try bench.makeClass("pictures/pip", from: "pip_the_robot", count: 6)
        try #require(try retrain(pictures: "pictures").status == 0)
        try bench.write("page.jpg", "<!DOCTYPE html><html></html>")
        let good = try bench.names(in: "pictures/moss").map { "pictures/moss/\($0)" }
        let outcome = try bench.run(
            "cartoonctl", ["classify", "--graph", "model.pb", "--json", good[0], "page.jpg", good[1]])
        #expect(outcome.status == 1)
        let answers = try decode([Answer].self, outcome.output)
        #expect(answers.map(\.path) == [good[0], "page.jpg", good[1]])
        #expect(answers.map { $0.predictions != nil } == [true, false, true])
        #expect(answers[1].error?.isEmpty == false && outcome.errors.contains("cartoonctl: page.jpg: "))
    }
}
