import Foundation
import SystemFiles
import TestSupport
import Testing

@testable import TransferLearning

@Suite("Curation plans")
struct CurationPlanTests {
    /// A folder with a ready-made split of two classes, removed afterwards.
    private final class Scratch {
        let path = FilePath(
            FileManager.default.temporaryDirectory.appendingPathComponent("plan-\(UUID().uuidString)").path)
        init() throws {
            for folder in ["train/cat", "train/dog", "val/cat", "val/dog"] {
                try FileManager.default.createDirectory(
                    atPath: "\(path)/\(folder)", withIntermediateDirectories: true)
                for name in ["1.jpg", "2.jpg"] {
                    try "\(folder)/\(name)".write(
                        toFile: "\(path)/\(folder)/\(name)", atomically: false, encoding: .utf8)
                }
            }
        }
        deinit {
            for end in ["", ".set_aside"] { try? FileManager.default.removeItem(atPath: "\(path)\(end)") }
        }
        func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }
    }

    private func report(_ findings: [Finding], _ place: Scratch) -> AuditReport {
        AuditReport(
            pictures: 8,
            classes: [
                .init(label: "cat", count: 4, folders: [place("train/cat"), place("val/cat")]),
                .init(label: "dog", count: 4, folders: [place("train/dog"), place("val/dog")]),
            ], accuracy: nil, findings: findings)
    }

    @Test("a file is listed once with all reasons, and the strongest action counts")
    func merges() throws {
        let place = try Scratch(), first = place("train/cat/1.jpg"), second = place("train/dog/2.jpg")
        let plan = CurationPlan(
            report(
                [
                    Finding(kind: .misnamed, path: first, label: "cat", reason: "is a png"),
                    Finding(
                        kind: .mislabelled, path: first, label: "cat", suggestion: "dog", score: 0.95,
                        reason: "looks like 'dog'"),
                    Finding(
                        kind: .mislabelled, path: second, label: "dog", suggestion: "cat", score: 0.3,
                        reason: "looks like 'cat'"),
                    Finding(kind: .imbalance, path: place("train/cat"), label: "cat", reason: "is small"),
                ], place), directory: place.path)
        #expect(plan.files.map(\.path) == [first, second])
        #expect(plan.files.map(\.action) == [.move, .keep] && plan.files[0].to == "dog")
        #expect(plan.files[0].reason == "is a png; looks like 'dog'")
        #expect(plan.setAside == "\(place.path).set_aside")
    }

    @Test("of a picture in two classes the doubtful one is set aside")
    func copies() throws {
        let place = try Scratch(), first = place("train/cat/1.jpg"), second = place("train/dog/1.jpg")
        let plan = CurationPlan(
            report(
                [
                    Finding(
                        kind: .duplicate, path: second, label: "dog", other: first, otherLabel: "cat",
                        score: 1,
                        reason: "again"),
                    Finding(
                        kind: .mislabelled, path: first, label: "cat", suggestion: "dog", score: 0.99,
                        reason: "dog"),
                ], place), directory: place.path)
        #expect(plan.files.map(\.path) == [first] && plan.files[0].action == .setAside)
    }

    @Test("a picture of a ready-made split stays in its part")
    func split() throws {
        let place = try Scratch(), first = place("val/cat/1.jpg")
        var plan = CurationPlan(
            report([Finding(kind: .tiny, path: first, label: "cat", reason: "is small")], place),
            directory: place.path)
        (plan.files[0].action, plan.files[0].to) = (.move, "dog")
        let file = FilePath(place("p.json"))
        try plan.write(to: file)
        #expect(try CurationPlan.read(file) == plan)
        #expect(try PlanApplication(file).moves.map(\.to) == [place("val/dog/1-2.jpg")])
    }

    @Test("names that are no UTF-8 survive a plan, relative links are refused")
    func oddNames() throws {
        let place = try Scratch(),
            odd = FilePath(bytes: FilePath(place("train/cat/")).bytes + [0xE9, 0x0A, 0x22])
        try #require(
            odd.withCString { name in
                open(name, O_WRONLY | O_CREAT, 0o600) >= 0
            })
        try FileManager.default.createSymbolicLink(
            atPath: place("train/cat/link.jpg"), withDestinationPath: "1.jpg")
        var plan = CurationPlan(
            report(
                [Finding(kind: .unreadable, path: "\(odd)", label: "", reason: "is empty")], place),
            directory: place.path)
        let file = FilePath(place("p.json"))
        try plan.write(to: file)
        let result = try PlanApplication(file).run()
        #expect(result.moves.count == 1 && !FileSystem.exists(odd))
        _ = try PlanApplication(FilePath(try #require(result.undo))).run()
        #expect(FileSystem.exists(odd))

        plan = CurationPlan(
            report(
                [Finding(kind: .blank, path: place("train/cat/link.jpg"), label: "cat", reason: "blank")],
                place),
            directory: place.path)
        try plan.write(to: file)
        #expect(throws: TransferLearningError.self) { try PlanApplication(file) }
    }

    @Test("a file that is listed twice is refused, however its path is written")
    func twice() throws {
        let place = try Scratch(), file = FilePath(place("p.json")), folder = place("link")
        try FileManager.default.createSymbolicLink(atPath: folder, withDestinationPath: "train")
        let spellings = ["train/cat/1.jpg", "train/./cat//1.jpg", "link/cat/1.jpg"].map { place($0) }
        for other in spellings.dropFirst() {
            var plan = CurationPlan(
                report(
                    [spellings[0], other].map {
                        Finding(kind: .unreadable, path: $0, label: "cat", reason: "is empty")
                    }, place), directory: place.path)
            try plan.write(to: file)
            #expect(throws: TransferLearningError.self, "\(other)") { try PlanApplication(file) }
            plan.files.removeLast()
            try plan.write(to: file)
            #expect(try PlanApplication(file).moves.count == 1)
        }
    }

    @Test(
        "what is set aside lies beside the data set, never in it",
        arguments: [("a/b", "a/b.set_aside"), ("a/b//", "a/b.set_aside"), ("x", "x.set_aside")])
    func besides(_ folder: String, _ aside: String) {
        #expect("\(CurationPlan.setAsideFolder(beside: FilePath(folder)))" == aside)
        let here = "\(CurationPlan.setAsideFolder(beside: "."))"
        #expect(here == FileManager.default.currentDirectoryPath + ".set_aside")
    }
}
