import Backbones
import FinalLayer
import Foundation
import SystemFiles
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

    @Test("warns of many small classes in one line")
    func smallClasses() throws {
        let scratch = try Scratch()
        for index in 0..<11 { try scratch.make("\(index)/a.png") }
        let many = BottleneckSource.fewPictures(try ImageFolder.scan(scratch.path))
        #expect(many.count == 1 && many[0].hasPrefix("11 classes"))
        try FileManager.default.removeItem(atPath: scratch.path.appending("10").description)
        #expect(BottleneckSource.fewPictures(try ImageFolder.scan(scratch.path)).count == 10)
    }

    @Test("a relative XDG_CACHE_HOME is ignored, as the specification has it")
    func cacheLocation() {
        func place(_ cache: FilePath) -> FilePath {
            CacheLocation.directory(nil) { $0 == "HOME" ? "/home/a" : cache }
        }
        #expect(place("/var/cache") == "/var/cache/cartoonctl")
        #expect(place("relative") == "/home/a/.cache/cartoonctl")
        #expect(place("") == "/home/a/.cache/cartoonctl")
    }

    func refusal(_ directory: FilePath, _ rules: ImageFolder.Rules = .init()) -> DatasetError? {
        do { _ = try ImageFolder.scan(directory, rules); return nil } catch {
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
        var rules = ImageFolder.Rules()
        rules.labelling = .retrain
        guard case .sameLabel("a", let first, let second)? = refusal(scratch.path, rules) else {
            Issue.record("same label"); return
        }
        #expect([first, second] == [scratch.path.appending("A"), scratch.path.appending("a")])
    }

    @Test(
        "finds the level on which the classes lie and says so",
        arguments: [
            (["set/cats/1.jpg", "set/dogs/1.jpg"], "set", ["cats", "dogs"]),
            (["x/y/cats/1.jpg", "x/y/dogs/1.jpg", "x/readme.txt"], "x/y", ["cats", "dogs"]),
            (["cats/images/1.jpg", "dogs/images/1.jpg"], "", ["cats", "dogs"]),
            (
                [
                    "test/cats/1.jpg", "test/dogs/1.jpg", "train/cats/1.jpg", "train/dogs/1.jpg",
                    "train/labels.csv",
                ],
                "train", ["cats", "dogs"]
            ),
        ])
    func levels(files: [String], level: String, labels: [String]) throws {
        let scratch = try Scratch()
        for file in files { try scratch.make(file) }
        let folder = try ImageFolder.scan(scratch.path)
        #expect(folder.labels == labels)
        #expect(folder.directory == (level.isEmpty ? scratch.path : scratch.path.appending(FilePath(level))))
        #expect(!folder.notes.isEmpty)
        #expect(FileSystem.identity(of: folder.path(class: 0, file: 0)) != nil)
    }

    @Test("asks which of several data sets is meant")
    func severalSets() throws {
        let scratch = try Scratch()
        try scratch.make("one/cats/1.jpg", "one/dogs/1.jpg", "two/cats/1.jpg", "two/dogs/1.jpg")
        guard case .nestedTooDeep(_, let inner, _)? = refusal(scratch.path) else {
            Issue.record("not recognized"); return
        }
        #expect(inner == scratch.path.appending("one"))
    }

    @Test("leaves out what is a system's, the run's own or empty, with a line for each")
    func leftOut() throws {
        let scratch = try Scratch()
        try scratch.make(
            "a/1", "b/1", "@eaDir/x", "$RECYCLE.BIN/x", "lost+found/x", "b/__MACOSX/x", "b/THUMBS.DB",
            "own/x",
            "b/desktop.ini")
        try FileSystem.makeDirectory(scratch.path.appending("empty"))
        var rules = ImageFolder.Rules()
        rules.excluded = [scratch.path.appending("own")]
        let folder = try ImageFolder.scan(scratch.path, rules)
        #expect(folder.labels == ["a", "b"] && folder.fileCount == 2)
        #expect(folder.classes.allSatisfy { $0.nested.isEmpty })
        for name in ["@eaDir", "$RECYCLE.BIN", "lost+found", "b/__MACOSX", "own", "empty"] {
            let place = scratch.path.appending(FilePath(name)).description
            #expect(folder.notes.count { $0.hasPrefix(place + ": ") } == 1, "\(name) in \(folder.notes)")
        }
        rules.isStrict = true
        guard
            case .noReadablePictures(scratch.path.appending("empty"), tried: 0)? = refusal(
                scratch.path, rules)
        else { Issue.record("empty class under strict"); return }
    }

    @Test("takes one class, or a flat folder, where that is enough")
    func fewClasses() throws {
        let scratch = try Scratch()
        try scratch.make("a/1", "a/2")
        var rules = ImageFolder.Rules()
        rules.minimumClasses = 1
        #expect(try ImageFolder.scan(scratch.path, rules).labels == ["a"])
        rules.minimumClasses = 0
        let flat = try ImageFolder.scan(scratch.path.appending("a"), rules)
        #expect(flat.labels == ["a"] && flat.fileCount == 2)
        #expect(flat.path(class: 0, file: 1) == scratch.path.appending("a/2"))
    }

    @Test(
        "keeps the folders' own names where retrain.py's rule tells nothing apart",
        arguments: [
            (["A+", "A-", "AB+"], ["A+", "A-", "AB+"]), (["C", "C#", "C++"], ["c", "C#", "C++"]),
            (["+1", "-1"], ["+1", "-1"]), (["Cat", "cat"], ["Cat", "cat"]), (["😀", "😺"], ["😀", "😺"]),
            (["(other)", "Big_cat"], ["(other)", "big cat"]),
            (["cafe\u{301}", "caf\u{E9}"], ["caf\u{E9} (NFD)", "caf\u{E9}"]),
        ])
    func ownNames(folders: [String], expected: [String]) throws {
        let unreachable = TransferLearningError.internalFailure("collision")
        let (labels, note) = try ClassLabelling.automatic.labels(
            for: folders.map { FilePath($0) }, collision: { _, _, _ in unreachable })
        #expect(labels == expected)
        #expect(note != nil)
        #expect(Set(labels).count == labels.count)
    }

    @Test("says nothing where the rule does well")
    func quietRule() throws {
        let unreachable = TransferLearningError.internalFailure("collision")
        let (labels, note) = try ClassLabelling.automatic.labels(
            for: ["Big_Cat", "dog"], collision: { _, _, _ in unreachable })
        #expect(labels == ["big cat", "dog"] && note == nil)
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

    @Test("keeps copies in one part wherever their files lie, and leaves no class without training")
    func groups() throws {
        var halves: Set<Bool> = []
        for salt in 0..<40 {
            let keys = (0..<12).map { Array("\(salt) \($0 / 3)".utf8) }, classes = (0..<12).map { $0 / 6 }
            let groups = RowGroups(rows: 12, pairs: [], equal: (0..<12).map { $0 / 3 * 3 })
            let split = try DatasetSplit(
                keys: keys, classes: classes, folders: ["c0", "c1"], rule: Split(), groups: groups)
            for part in [split.training, split.validation, split.testing] {
                for leader in [0, 3, 6, 9] {
                    let members = part.filter { $0 / 3 * 3 == leader }
                    #expect(members.isEmpty || members.count == 3)
                }
            }
            for c in 0..<2 { #expect(split.training.contains { classes[$0] == c }) }
            #expect(groups.count(of: split.testing + split.validation, alikeIn: split.training) == 0)
            // The order in which pictures are listed has no say.
            let turned = try DatasetSplit(
                keys: keys.reversed(), classes: classes.reversed(), folders: ["c0", "c1"], rule: Split(),
                groups: groups)
            if split.movedCount == 0 {
                #expect(turned.testing.map { 11 - $0 }.sorted() == split.testing)
                halves.insert(split.testing.isEmpty)
            }
        }
        #expect(!halves.isEmpty)
    }

    @Test("a class of copies alone trains, and a ready-made split is taken as it is")
    func copiesAlone() throws {
        let split = try DatasetSplit(
            keys: (0..<9).map { [UInt8($0)] }, classes: [0, 0, 0, 1, 1, 1, 1, 1, 1], folders: ["c0", "c1"],
            rule: Split(), groups: RowGroups(rows: 9, pairs: [], equal: [0, 0, 0, 3, 4, 5, 6, 7, 8]))
        #expect(Set(split.training).isSuperset(of: [0, 1, 2]) && !split.testing.isEmpty)
        let made = DatasetSplit(parts: [.testing, .training, .validation, .training])
        #expect(made.training == [1, 3] && made.validation == [2] && made.testing == [0])
        #expect(made.movedCount == 0)
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

@Suite("LabelsFile")
struct LabelsFileTests {
    @Test("reads labels as other programs write them")
    func variants() {
        func utf16(_ text: String, _ mark: [UInt8], bigEndian: Bool) -> [UInt8] {
            mark
                + text.utf16.flatMap {
                    bigEndian ? [UInt8($0 >> 8), UInt8($0 & 255)] : [UInt8($0 & 255), UInt8($0 >> 8)]
                }
        }
        let text = "cat\r\nbig dog \n\n"
        for bytes in [
            Array(text.utf8), [0xEF, 0xBB, 0xBF] + Array(text.utf8),
            utf16(text, [0xFF, 0xFE], bigEndian: false),
            utf16(text, [0xFE, 0xFF], bigEndian: true), utf16(text, [], bigEndian: false),
            utf16(text, [], bigEndian: true), Array("0 cat\n1 big dog\n".utf8),
        ] { #expect(LabelsText.names(in: bytes) == ["cat", "big dog"]) }
        // Numbers that do not count are names.
        #expect(LabelsText.names(in: Array("0 cat\n2 dog\n".utf8)) == ["0 cat", "2 dog"])
        #expect(LabelsText.names(in: Array("7\n8\n".utf8)) == ["7", "8"])
    }
}
