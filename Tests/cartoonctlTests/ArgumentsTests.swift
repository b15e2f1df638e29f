import Testing
@testable import cartoonctl

@Suite("Arguments")
struct ArgumentsTests {
    static let verb = Verb(
        name: "train", summary: "", usage: "",
        options: [.value("image_dir", "DIR", ""), .value("test_batch_size", "N", ""), .flag("quiet", "")],
        examples: [], takesFiles: true, run: { _ in 0 })
    static let other = Verb(
        name: "name", summary: "", usage: "", options: [.value("graph", "FILE", "")], examples: [],
        run: { _ in 0 })

    func parse(_ words: String...) throws -> Arguments {
        try Arguments(parsing: words, for: Self.verb, among: [Self.verb, Self.other])
    }
    func complaint(_ words: String...) -> String? {
        do {
            _ = try Arguments(parsing: words, for: Self.verb, among: [Self.verb, Self.other]); return nil
        } catch { return "\(error)" }
    }

    @Test("takes underscores and dashes, values after a space and after '='")
    func spellings() throws {
        for words in [
            ["--image_dir", "a b"], ["--image-dir", "a b"], ["--image_dir=a b"], ["-image-dir=a b"],
        ] {
            let parsed = try Arguments(parsing: words, for: Self.verb, among: [Self.verb])
            #expect(parsed.string("image_dir") == "a b")
        }
        #expect(try parse("--image_dir=a=b").string("image_dir") == "a=b")
        #expect(try parse("--test_batch_size=").string("test_batch_size") == "")
    }

    @Test("refuses empty paths, which unset variables of scripts are")
    func empty() {
        for words in [["--image_dir", ""], ["--image_dir="]] {
            do {
                _ = try Arguments(parsing: words, for: Self.verb, among: [Self.verb])
                Issue.record("\(words)")
            } catch { #expect("\(error)".hasPrefix("--image_dir: its value is empty")) }
        }
        #expect(complaint("a", "")?.hasPrefix("an argument is empty") == true)
    }

    @Test("takes a negative number as a value")
    func negative() throws {
        #expect(try parse("--test_batch_size", "-1").integer("test_batch_size", in: -1...9) == -1)
    }

    @Test("reads switches in every form")
    func switches() throws {
        #expect(try parse("--quiet").flag("quiet"))
        #expect(try parse("--quiet=true").flag("quiet"))
        #expect(try !parse("--noquiet").flag("quiet"))
        #expect(try !parse("--quiet=False").flag("quiet"))
        #expect(try !parse().flag("quiet"))
        #expect(throws: UsageError.self) { try parse("--quiet=maybe").flag("quiet") }
    }

    @Test("leaves what follows '--', and a lone '-', to the files")
    func files() throws {
        #expect(try parse("a", "-", "--quiet", "--", "--b").files == ["a", "-", "--b"])
    }

    @Test("suggests the flag that was meant")
    func suggestions() {
        #expect(complaint("--imge_dir", "x")?.contains("did you mean --image_dir?") == true)
        #expect(complaint("--images-dir=x")?.contains("did you mean --image_dir?") == true)
        #expect(complaint("--graph", "x")?.contains("flag of 'name'") == true)
        #expect(complaint("--zzzzzzzzz")?.contains("did you mean") == false)
    }

    @Test("asks for a missing value instead of eating the next flag")
    func missingValue() {
        #expect(complaint("--image_dir", "--quiet")?.contains("--image_dir DIR") == true)
        #expect(complaint("--image_dir")?.contains("needs a value") == true)
    }

    @Test("refuses numbers outside their range, and what is no number")
    func ranges() throws {
        #expect(throws: UsageError.self) {
            try parse("--test_batch_size", "ten").integer("test_batch_size", in: -1...9)
        }
        #expect(throws: UsageError.self) {
            try parse("--test_batch_size", "10").integer("test_batch_size", in: -1...9)
        }
    }

    @Test(
        "no verb lists a flag twice, and every flag is spelled with underscores",
        arguments: Program.verbs.map(\.name))
    func specifications(name: String) throws {
        let verb = try #require(Program.verbs.first { $0.name == name })
        #expect(Set(verb.options.map(\.name)).count == verb.options.count)
        for option in verb.options {
            #expect(
                !option.name.contains("-") && option.help.hasSuffix(".") || option.help.contains("Default: "))
        }
        #expect(!verb.examples.isEmpty)
    }

    @Test(
        "counts edits as a person does",
        arguments: [("graph", "grpah", 1), ("", "ab", 2), ("same", "same", 0), ("kitten", "sitting", 3)])
    func distance(first: String, second: String, edits: Int) {
        #expect(Spelling.distance(first, second) == edits)
    }
}
