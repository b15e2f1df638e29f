import FinalLayer
import Foundation
import Testing
@testable import TransferLearning

@Suite("ImageFolder")
struct ImageFolderTests {
    @Test("finds classes and files in the order of their bytes, and leaves hidden files alone")
    func scanning() throws {
        let scratch = try Scratch()
        try scratch.make(
            "b/2.png", "b/10.jpg", "b/.DS_Store", "A b/x", "A b/Thumbs.db", "notes.txt", ".git/x",
            "b/deep/y.jpg")
        let folder = try ImageFolder.scan(scratch.path)
        #expect(folder.classes.map(\.folder) == ["A b", "b"])
        #expect(folder.labels == ["a b", "b"])
        #expect(folder.classes[1].files == ["10.jpg", "2.png"])
        #expect(folder.classes[1].nested == ["deep"])
        #expect(folder.path(class: 1, file: 0) == scratch.path.appending("b/10.jpg"))
    }

    func refusal(_ directory: FilePath) -> DatasetError? {
        do { _ = try ImageFolder.scan(directory); return nil } catch {
            if case .dataset(let reason) = error { return reason }
            return nil
        }
    }

    @Test("says what is wrong with a folder that cannot be trained on")
    func refusals() throws {
        let scratch = try Scratch()
        guard case .noFolder? = refusal(scratch.path.appending("none")) else {
            Issue.record("missing folder"); return
        }
        guard case .noClasses? = refusal(scratch.path) else { Issue.record("empty folder"); return }
        try scratch.make("a/1")
        guard case .notAFolder? = refusal(scratch.path.appending("a/1")) else { Issue.record("file"); return }
        guard case .oneClass(_, "a")? = refusal(scratch.path) else { Issue.record("one class"); return }
        try scratch.make("A/1")
        guard case .sameLabel("a", let first, let second)? = refusal(scratch.path) else {
            Issue.record("same label"); return
        }
        #expect([first, second] == [scratch.path.appending("A"), scratch.path.appending("a")])
    }

    @Test("recognizes a folder one level too high")
    func nested() throws {
        let scratch = try Scratch()
        try scratch.make("set/cats/1.jpg", "set/dogs/1.jpg")
        guard case .nestedTooDeep(_, let inner)? = refusal(scratch.path) else {
            Issue.record("not recognized"); return
        }
        #expect(inner == scratch.path.appending("set"))
    }

    @Test(
        "labels folders as retrain.py, and keeps letters that are not ASCII",
        arguments: [
            ("Homer_Simpson", "homer simpson"), ("A--b  C", "a b c"), ("x_", "x "),
            ("Café-Ünal", "café ünal"), ("漫画", "漫画"),
        ])
    func labels(folder: String, expected: String) { #expect(label(forFolder: FilePath(folder)) == expected) }
}

@Suite("DatasetSplit")
struct DatasetSplitTests {
    @Test("is retrain.py's rule where every class has pictures in every part")
    func parity() throws {
        let paths = (0..<400).map { FilePath("images/c\($0 % 2)/\($0).jpg") }
        let split = try DatasetSplit(
            paths: paths, classes: paths.indices.map { $0 % 2 }, folders: ["c0", "c1"], rule: Split())
        for (part, members) in [
            (SplitPart.training, split.training), (.validation, split.validation), (.testing, split.testing),
        ] {
            #expect(!members.isEmpty)
            for index in members { #expect(Split().part(ofPath: paths[index].bytes) == part) }
        }
        #expect(split.movedCount == 0)
        #expect((split.training + split.validation + split.testing).sorted() == Array(0..<400))
    }

    @Test("gives every class a training and a validation picture, and the test at least one")
    func tiny() throws {
        for salt in 0..<40 {
            let paths = (0..<6).map { FilePath("s\(salt)/c\($0 % 2)/\($0).jpg") }
            let split = try DatasetSplit(
                paths: paths, classes: paths.indices.map { $0 % 2 }, folders: ["c0", "c1"], rule: Split())
            for c in 0..<2 {
                #expect(split.training.contains { $0 % 2 == c })
                #expect(split.validation.contains { $0 % 2 == c })
            }
            #expect(!split.testing.isEmpty)
        }
    }

    @Test("refuses a class with fewer pictures than there are parts")
    func tooFew() throws {
        let paths = (0..<5).map { FilePath("c\($0 % 2)/\($0).jpg") }
        do {
            _ = try DatasetSplit(
                paths: paths, classes: paths.indices.map { $0 % 2 }, folders: ["c0", "c1"], rule: Split())
            Issue.record("accepted")
        } catch {
            guard case .dataset(.tooFewPictures("c1", readable: 2, needed: 3)) = error else {
                Issue.record("\(error)"); return
            }
        }
        _ = try DatasetSplit(
            paths: paths, classes: paths.indices.map { $0 % 2 }, folders: ["c0", "c1"],
            rule: Split(testingPercentage: 0, validationPercentage: 10))
    }
}
