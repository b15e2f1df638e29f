import Foundation
import TestSupport
import Testing

/// The drawings in the repository and the program that draws them.
@Suite("make-fixtures", .tags(.endToEnd))
struct FixturesTests {
    @Test("draws the very bytes that are in the repository")
    func committedPicturesAreCurrent() throws {
        let outcome = try Workbench().run("make-fixtures", ["--check", Workbench.fixtures.path])
        #expect(outcome.status == 0, "\(outcome.output)")
    }

    @Test("names what is missing, what differs and what is a stranger, and exits 1")
    func differencesAreNamed() throws {
        let bench = try Workbench()
        #expect(try bench.run("make-fixtures", ["drawn"]).status == 0)
        try FileManager.default.removeItem(at: bench.url("drawn/characters/moss_the_dragon/empty.png"))
        try bench.write("drawn/characters/pip_the_robot/really-a-png.jpg", "something else")
        try bench.write("drawn/holdout/professor_quill/selfie.jpg", "")

        let outcome = try bench.run("make-fixtures", ["--check", "drawn"])
        #expect(outcome.status == 1)
        #expect(
            outcome.output.split(separator: "\n").dropLast() == [
                "differs: characters/pip_the_robot/really-a-png.jpg",
                "missing: characters/moss_the_dragon/empty.png",
                "not one of them: holdout/professor_quill/selfie.jpg",
            ])
    }
}
