import FinalLayer
import Foundation
import Imaging
import SystemFiles
import TestSupport
import Testing

@testable import TransferLearning

@Suite("Report page")
struct ReportPageTests {
    /// A folder for one test, removed afterwards.
    private final class Scratch {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("report-\(UUID().uuidString)")
        init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }
        deinit { try? FileManager.default.removeItem(at: url) }
        func path(_ name: String) -> FilePath { FilePath(url.appendingPathComponent(name).path) }
    }

    @Test("a thumbnail has at most the asked size, and looks as the picture does")
    func thumbnail() throws {
        let folder = SharedData.project.appendingPathComponent("Fixtures/characters/moss_the_dragon")
        let name = try #require(
            try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().first)
        let file = folder.appendingPathComponent(name).path, bytes = try FileSystem.read(FilePath(file))
        let small = try #require(Thumbnail.make(bytes, sides: [50, 20], limits: PictureLimits()).first)
        let large = try Image(contentsOf: file)
        #expect(max(small.width, small.height) == 50)
        func mean(_ pixels: [UInt8]) -> Double {
            Double(pixels.reduce(0) { $0 + Int($1) }) / Double(pixels.count)
        }
        #expect((mean(small.pixels) - mean(large.pixels)).magnitude < 3)
        #expect(Thumbnail.make([1, 2, 3], sides: [50], limits: PictureLimits()).isEmpty)
    }

    @Test("thumbnails lie on the sheet where the page looks for them")
    func sheets() throws {
        let images = (0..<7).map { index in
            let gray = [UInt8](repeating: UInt8(index * 36), count: 90 * 60)
            let file = gray.withUnsafeBytes { PNGEncoder.encode($0, width: 90, height: 60, channels: 1) }
            return Thumbnail.make(file, sides: [64], limits: PictureLimits()).first
        }
        var sheets = ContactSheets()
        let places = sheets.add(images + [nil], side: 64, quality: 90)
        #expect(places.last == .some(nil) && sheets.sheets.count == 1)
        let sheet = try #require(sheets.sheets.first), file = try #require(Data(base64Encoded: sheet.image))
        let drawn = try Image(decoding: Array(file))
        #expect(drawn.width == sheet.columns * 64 && drawn.height == sheet.rows * 64)
        for index in 0..<7 {
            let place = try #require(places[index])
            #expect(place == [0, index, 64, 42])
            let (x, y) = (index % sheet.columns * 64 + 32, index / sheet.columns * 64 + 20)
            #expect(abs(Int(drawn.pixels[(y * drawn.width + x) * 3]) - index * 36) < 4)
        }
    }

    @Test("the quality of thumbnails is the highest that keeps within the bytes")
    func quality() throws {
        var random = RandomSource(seed: 1)
        let thumbnails = try (0..<40).map { _ in
            let noise = (0..<64 * 64).map { _ in UInt8(255 * random.unit()) }
            let file = noise.withUnsafeBytes { PNGEncoder.encode($0, width: 64, height: 64, channels: 1) }
            return try #require(Thumbnail.make(file, sides: [64], limits: PictureLimits()).first)
        }
        func bytes(_ quality: Int) -> Int {
            var sheets = ContactSheets()
            _ = sheets.add(thumbnails, side: 64, quality: quality)
            return sheets.bytes
        }
        func chosen(_ budget: Int) -> Int {
            ContactSheets.quality(of: thumbnails, side: 64, among: [60, 40, 20], within: budget)
        }
        #expect(bytes(60) > bytes(40) && bytes(40) > bytes(20))
        #expect(chosen(bytes(60)) == 60 && chosen(bytes(60) - 1) == 40 && chosen(bytes(40) - 1) == 20)
        #expect(chosen(1) == 20 && ContactSheets.quality(of: [], side: 64, among: [60, 20], within: 1) == 60)
    }

    @Test("a page tells a plan's files by their pictures, and in full where they differ")
    func plan() throws {
        let scratch = try Scratch(), folder = FileManager.default
        let image = [UInt8](repeating: 90, count: 32 * 32).withUnsafeBytes {
            PNGEncoder.encode($0, width: 32, height: 32, channels: 1)
        }
        for name in ["a", "b"] {
            try folder.createDirectory(
                atPath: "\(scratch.path(name))", withIntermediateDirectories: true)
            for index in 0..<2 {
                try Data(image).write(to: scratch.url.appending(path: "\(name)/\(index).png"))
            }
        }
        let paths = ["a/0.png", "a/1.png", "b/0.png"].map { "\(scratch.path($0))" }
        let audit = AuditReport(
            pictures: 4,
            classes: ["a", "b"].map { .init(label: $0, count: 2, folders: ["\(scratch.path($0))"]) },
            accuracy: nil,
            findings: [
                Finding(kind: .tiny, path: paths[0], label: "a", reason: "is tiny"),
                Finding(kind: .blank, path: paths[0], label: "a", reason: "is blank"),
                Finding(kind: .unreadable, path: paths[1], label: "", reason: "is empty"),
                Finding(kind: .tiny, path: paths[2], label: "b", reason: "is tiny"),
            ])
        var plan = CurationPlan(audit, directory: scratch.path("."))
        plan.files[2].reason = "a person's"
        try audit.writeHTML(to: scratch.path("r.html"), title: "t", plan: plan)
        let data = try Self.data(of: String(contentsOfFile: "\(scratch.path("r.html"))", encoding: .utf8))
        let told = try #require((data["plan"] as? [String: Any])?["files"] as? [[String: Any]])
        #expect(told.count == 3)
        // The first has its reasons in the findings; the second is no picture of the page.
        #expect(told[0]["picture"] as? Int == 0 && told[0].count == 2, "\(told[0])")
        #expect(told[0]["action"] as? String == "set_aside")
        #expect(told[1]["path"] as? String == paths[1] && told[1]["bytes"] as? Int == image.count)
        #expect(told[2]["picture"] as? Int == 1 && told[2]["reason"] as? String == "a person's")
        let findings = try #require(data["findings"] as? [[String: Any]])
        for kind in findings {
            let items = try #require(kind["items"] as? [[String: Any]])
            #expect(items.allSatisfy { ($0["path"] == nil) != ($0["picture"] == nil) })
        }
    }

    @Test("names are data, whatever they hold, and nothing is fetched")
    func escapes() throws {
        let scratch = try Scratch(), odd = "</script><img src=http://x>{{DATA}}\u{202E}"
        let report = EvaluationReport(
            labels: [odd, "b"], paths: ["/p/\(odd)/1.png", "/p/b/2.png"], classes: [0, 1],
            probabilities: [0.2, 0.8, 0.4, 0.6])
        try report.writeHTML(to: scratch.path("r.html"), title: odd, directory: "/p")
        let page = try String(contentsOfFile: "\(scratch.path("r.html"))", encoding: .utf8)
        #expect(!page.contains("<img") && !page.contains("\u{202E}"))
        #expect(page.components(separatedBy: "</script>").count == 3)
        #expect(page.contains("<title>&lt;/script&gt;&lt;img"))
        let data = try Self.data(of: page)
        #expect(data["labels"] as? [String] == [odd, "b"])
        let pictures = try #require(data["pictures"] as? [String: Any])
        #expect(pictures["root"] as? String == "/p/")
        #expect(pictures["paths"] as? [String] == ["\(odd)/1.png", "b/2.png"])
        let plan = try #require(data["plan"] as? [String: Any])
        #expect(plan["setAside"] as? String == "/p.set_aside")
    }

    /// The data that a page's script reads.
    static func data(of page: String) throws -> [String: Any] {
        let begin = try #require(page.range(of: "<script type=\"application/json\" id=\"data\">"))
        let end = try #require(page.range(of: "</script>", range: begin.upperBound..<page.endIndex))
        let object = try JSONSerialization.jsonObject(
            with: Data(page[begin.upperBound..<end.lowerBound].utf8))
        return try #require(object as? [String: Any])
    }

    @Test("the page is told every answer, the JSON text of a report only the mistakes")
    func answers() throws {
        let scratch = try Scratch()
        var report = EvaluationReport(
            labels: ["a", "b"], paths: ["1", "2", "3"], classes: [0, 0, 1],
            probabilities: [0.9, 0.1, 0.25, 0.75, 0.4, 0.6])
        report.skipped = [SkippedPicture(path: "4", reason: "an empty file")]
        try report.writeHTML(to: scratch.path("r.html"), title: "t")
        let data = try Self.data(of: String(contentsOfFile: "\(scratch.path("r.html"))", encoding: .utf8))
        let answers = try #require(data["answers"] as? [String: Any])
        #expect(answers["predicted"] as? [Int] == [0, 1, 1])
        #expect(answers["scores"] as? [Int] == [9000, 7500, 6000])
        #expect(answers["own"] as? [Int] == [9000, 2500, 6000])
        #expect(data["plan"] == nil)
        let findings = try #require(data["findings"] as? [[String: Any]])
        #expect(findings.count == 1 && findings[0]["kind"] as? String == "unreadable")
        let text = try JSON.text(report)
        #expect(!text.contains("judgements") && text.contains("mistakes"))
        let decoded = try JSONDecoder().decode(
            EvaluationReport.self, from: JSONEncoder().encode(report))
        #expect(decoded.mistakes == report.mistakes)
    }

    @Test("paths are cut where all of them agree, at a slash")
    func root() {
        #expect(ReportPage.sharedFolder(["a/b/c.png", "a/bd/c.png"]) == "a/")
        #expect(ReportPage.sharedFolder(["a/b.png"]) == "a/")
        #expect(ReportPage.sharedFolder(["a.png", "b.png"]) == "" && ReportPage.sharedFolder([]) == "")
    }

    @Test(
        "advice names what is worth most: doubtful labels, then the pair that is confused, then more pictures"
    )
    func advice() {
        // Class 2 is taken for class 1 in five of ten pictures.
        let classes = (0..<30).map { $0 / 10 }
        let probabilities = classes.enumerated().flatMap { row, label -> [Float] in
            let said = label == 2 && row % 2 == 0 ? 1 : label
            return (0..<3).map { $0 == said ? 0.8 : 0.1 }
        }
        var report = EvaluationReport(
            labels: ["x", "y", "z"], paths: classes.indices.map { "\($0)" }, classes: classes,
            probabilities: probabilities)
        let plain = Advice(report, nil).sentences
        #expect(plain.first?.contains("confused in 5 of 5 mistakes") == true)
        #expect(plain.last?.contains("in 5 of 10 pictures") == true)
        report.learningCurve = [
            .init(pictures: 10, accuracy: 0.7, interval: [0.6, 0.8]),
            .init(pictures: 20, accuracy: 0.8, interval: [0.7, 0.9]),
        ]
        #expect(Advice(report, nil).sentences.contains { $0.contains("raised the accuracy by 10.0 points") })
        let audit = AuditReport(
            pictures: 30, classes: [], accuracy: nil,
            findings: (0..<3).map {
                Finding(
                    kind: .mislabelled, path: "\($0)", label: "z", suggestion: "y", score: 0.95, reason: "")
            })
        #expect(Advice(report, audit).sentences.first?.contains("3 pictures") == true)
        let tidy = AuditReport(
            pictures: 2, classes: [], accuracy: nil,
            findings: [Finding(kind: .unreadable, path: "x", label: "", reason: "an empty file")])
        #expect(Advice(nil, tidy).sentences.first?.hasPrefix("1 file can be set aside") == true)
        let right = EvaluationReport(
            labels: ["x", "y"], paths: ["1", "2"], classes: [0, 1], probabilities: [1, 0, 0, 1])
        #expect(Advice(right, nil).sentences == ["Nothing is wrong with these pictures."])
    }

    @Test("the learning curve rises with the rows of an easy task, and ends with all of them")
    func learning() throws {
        var features = FeatureMatrix(columns: 4), labels: [Int] = []
        var random = RandomSource(seed: 1)
        for row in 0..<240 {
            let label = row % 2
            labels.append(label)
            features.append(
                row: (0..<4).map { _ in 2 * random.unit() - 1 + (label == 0 ? 0.4 : -0.4) })
        }
        let curve = LearningCurve(solver: SoftmaxRegression(), features: features, labels: labels, classes: 2)
        let rows = Array(0..<240)
        let points = try curve.points(
            [.init(training: rows.filter { $0 % 3 != 0 }, testing: rows.filter { $0 % 3 == 0 })],
            correctByAll: 77)
        #expect(points.map(\.pictures) == [40, 80, 120, 160])
        #expect(points.allSatisfy { $0.accuracy > 0.7 && $0.interval[0] < $0.accuracy })
        #expect(points[3].accuracy == 77.0 / 80)
    }
}
