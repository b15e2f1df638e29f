import FinalLayer
import SystemFiles
import Testing

@testable import TransferLearning

@Suite("Lists and ready-made splits")
struct ImageListTests {
    private func list(_ text: String, isZeroSeparated: Bool = false, in directory: FilePath? = nil)
        throws(TransferLearningError) -> ImageList
    {
        try ImageList(Array(text.utf8), source: "L", isZeroSeparated: isZeroSeparated, in: directory)
    }

    @Test("reads paths, labels and parts, with either kind of end")
    func reading() throws {
        let lines = try list("\u{FEFF}a/1.jpg\tcat\r\n\r\n/b 2.jpg\tbig dog\r\n", in: "root")
        #expect(lines.entries.map(\.path) == ["root/a/1.jpg", "/b 2.jpg"])
        #expect(lines.entries.map(\.label) == ["cat", "big dog"])
        #expect(lines.entries.allSatisfy { $0.part == nil })
        let records = try list("a\n1.jpg\tcat\tTrain\0b\tdog\tval\0c\tdog\ttesting\0d\tcat\tvalid\0")
        #expect(records.entries.map(\.path) == ["a\n1.jpg", "b", "c", "d"])
        #expect(records.entries.map(\.part) == [.training, .validation, .testing, .validation])
        #expect(try list("a\tb", isZeroSeparated: true).entries.count == 1)
    }

    @Test(
        "names the line that is wrong",
        arguments: [
            ("a\tcat\nb\n", "line 2 is not PATH"), ("a\t\n", "line 1 is not PATH"),
            ("a\tb\tc\td\n", "line 1 is not PATH"), ("\n\na\tcat\tdev\n", "line 3 has 'dev' for its part"),
            ("a\tcat\ttrain\nb\tdog\n", "line 2 has no part"),
            ("a\tcat\nb\tdog\ttest\n", "line 2 has a part"),
            ("\n\n", "names no pictures"), ("a\tcat\0b\0", "record 2 is not PATH"),
        ])
    func refusals(text: String, words: String) throws {
        do {
            _ = try list(text)
            Issue.record("accepted")
        } catch {
            guard case .option = error else { throw error }
            #expect("\(error)".contains("L: ") && "\(error)".contains(words), "\(error)")
        }
    }

    @Test("a list's labels stay as they are, in order; each class needs pictures to train on")
    func classes() throws {
        let text = "z/1\tBig_Dog\ttrain\nz/2\tcat\ttrain\ny/3\tBig_Dog\ttest\n"
        let folder = try ImageFolder(list(text), ImageFolder.Rules())
        #expect(folder.labels == ["Big_Dog", "cat"] && folder.fileCount == 3 && folder.isSplit)
        #expect(folder.path(class: 0, file: 1) == "y/3" && folder.name(class: 0, file: 1) == "y/3")
        #expect(folder.classes[0].parts == [.training, .testing])
        #expect(folder.without(.testing).fileCount == 2)
        var rules = ImageFolder.Rules()
        rules.labelling = .retrain
        #expect(try ImageFolder(list(text), rules).labels == ["big dog", "cat"])
        #expect(throws: TransferLearningError.self) {
            try ImageFolder(list("a\tcat\ttrain\nb\tdog\ttest\n"), ImageFolder.Rules())
        }
        do { _ = try ImageFolder(list("a\tcat\nb\tcat\n"), ImageFolder.Rules()) } catch {
            guard case .dataset(.oneClass) = error else { throw error }
        }
        do { _ = try ImageList(reading: "/no/such/list") } catch {
            guard case .file = error else { throw error }
        }
    }

    @Test("folders train, val and test are one split; a part may lack classes")
    func folders() throws {
        let scratch = try Scratch()
        try scratch.make(
            "set/train/cats/1.jpg", "set/train/dogs/2.jpg", "set/valid/dogs/3.jpg", "set/test/cats/4.jpg",
            "set/test/dogs/5.jpg", "set/extra/birds/6.jpg", "set/extra/cats/7.jpg")
        var rules = ImageFolder.Rules()
        rules.takesSplits = true
        let folder = try ImageFolder.scan(scratch.path, rules)
        #expect(folder.labels == ["cats", "dogs"])
        #expect(folder.classes.map(\.parts) == [[.training, .testing], [.training, .testing, .validation]])
        #expect(folder.path(class: 1, file: 2) == scratch.path.appending("set/valid/dogs/3.jpg"))
        #expect(folder.name(class: 1, file: 2) == "dogs/3.jpg")
        #expect(folder.notes.contains { $0.contains("extra") && $0.contains("takes no part") })
        #expect(!folder.notes.contains { $0.contains("test: takes no part") })
        // Without the rule the folder to train on is the data set, as for whoever asks a model.
        #expect(try !ImageFolder.scan(scratch.path).isSplit)
        try scratch.make("set/test/fish/8.jpg")
        do {
            _ = try ImageFolder.scan(scratch.path, rules)
            Issue.record("accepted")
        } catch {
            guard case .dataset(.noTrainingPictures(let place)) = error else { throw error }
            #expect(place == scratch.path.appending("set/test/fish"))
        }
    }
}
