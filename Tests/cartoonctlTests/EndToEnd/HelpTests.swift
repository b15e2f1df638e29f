import Foundation
import TestSupport
import Testing

@testable import cartoonctl

/// What the program says of itself, tried out.
@Suite("Help, completions and the manual", .tags(.endToEnd))
struct HelpTests {
    /// A folder in which the examples find what they name.
    private func prepared() throws -> Workbench {
        let bench = try Workbench()
        for folder in ["cartoon", "cartoon_test"] {
            try bench.makeClass("\(folder)/bart simpson", from: "moss_the_dragon", count: 24)
            try bench.makeClass("\(folder)/lisa simpson", from: "pip_the_robot", count: 24)
        }
        try bench.makeClass("holiday", from: "moss_the_dragon", count: 2)
        let name = try bench.names(in: "holiday")[0]
        try bench.write("photo.jpg", bench.data("holiday/\(name)"))
        let trained = try bench.run(
            "cartoonctl",
            [
                "retrain", "--image_dir", "cartoon", "--output_graph", "cartoon.pb", "--output_labels",
                "cartoon.txt",
            ])
        try #require(trained.status == 0, "\(trained.errors)")
        let clip = SharedData.project.appendingPathComponent("Tests/Pictures/sound/gif_animated.gif")
        try bench.write("clip.gif", try Data(contentsOf: clip))
        for file in ["small.pb", "output_graph.pb"] { try bench.write(file, bench.data("cartoon.pb")) }
        for words in [
            ["export", "cartoon.pb", "--output", "cartoon.tflite"],
            ["package", "cartoon.pb", "cartoon.txt", "--output", "cartoon.zip", "--level", "1"],
            ["audit", "--image_dir", "cartoon", "--plan", "plan.json"],
        ] {
            let made = try bench.run("cartoonctl", words)
            try #require(made.status == 0, "\(made.errors)")
        }
        return bench
    }

    /// What an example needs that a test has not: the network of 2015, folders of the system, other programs, or
    /// a person who ends it.
    private static let missing = [
        "/data/", "/mnt/", "/shared/", "/etc/", "/tmp/", "~/.config", "jq", "--watch", "imported", "net.pb",
        "plan.undo.json", "--input_names Mul",
    ]

    @Test("help on what is no command is an error")
    func unknownTopic() throws {
        let outcome = try Workbench().run("cartoonctl", ["help", "clasify"])
        #expect(
            outcome.status == 2 && outcome.errors.contains("did you mean 'classify'?"), "\(outcome.errors)")
    }

    @Test("every example of every help page is a command that works")
    func examples() throws {
        let bench = try prepared()
        var count = 0
        for verb in Program.verbs {
            let help = try bench.run("cartoonctl", [verb.name, "--help"])
            let lines =
                help.output.components(separatedBy: "\nexamples:\n").last?.split(separator: "\n") ?? []
            #expect(help.status == 0 && lines.count == verb.examples.count && !lines.isEmpty)
            for line in lines.map({ $0.trimmingCharacters(in: .whitespaces) })
            where !Self.missing.contains(where: line.contains) {
                let outcome = try bench.run(
                    "/bin/sh", ["-c", "PATH=\"$PROGRAMS:$PATH\"; " + line],
                    environment: ["PROGRAMS": Workbench.programs.path])
                #expect(outcome.status == 0, "\(line): \(outcome.errors)")
                count += 1
            }
        }
        #expect(count >= 25)
    }

    @Test("an example that cannot be run here has flags that exist")
    func parsed() throws {
        for verb in Program.verbs {
            for example in verb.examples where !example.contains("|") && !example.contains("'") {
                let words = example.split(separator: " ").map(String.init).prefix { $0 != ">" }
                let named = try #require(Program.verbs.first { $0.name == words[0] })
                #expect(throws: Never.self) {
                    try Arguments(parsing: Array(words.dropFirst()), for: named, among: Program.verbs)
                }
            }
        }
        #expect(classifyVerb.commandLines.contains { $0.hasPrefix("find . ") })
    }

    @Test("colors and bars stay out of files")
    func plain() throws {
        let bench = try Workbench()
        try bench.makeClass("cartoon/moss", from: "moss_the_dragon", count: 12)
        try bench.makeClass("cartoon/pip", from: "pip_the_robot", count: 12)
        let trained = try bench.run("cartoonctl", ["retrain", "--image_dir", "cartoon"])
        #expect(trained.status == 0 && !trained.errors.contains("\u{1B}"))
        #expect(trained.errors.contains("class") && trained.errors.contains("test accuracy"))
        let quiet = try bench.run("cartoonctl", ["retrain", "--image_dir", "cartoon", "--quiet"])
        #expect(!quiet.errors.contains("test accuracy") && quiet.output.contains("Final test accuracy"))
    }
}
