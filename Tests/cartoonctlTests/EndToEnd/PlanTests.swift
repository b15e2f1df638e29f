import Foundation
import TestSupport
import Testing

/// `audit --plan` and `audit --apply` through the real program.
@Suite("Plans of audit", .tags(.endToEnd))
struct PlanTests {
    let bench: Workbench

    init() throws {
        bench = try Workbench()
        try bench.makeClass("pictures/moss", from: "moss_the_dragon", count: 10)
        try bench.makeClass("pictures/pip", from: "pip_the_robot", count: 10)
    }

    private func plan(_ name: String = "plan.json") throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: bench.data(name)) as? [String: Any])
    }

    private func entries(_ name: String = "plan.json") throws -> [String: [String: Any]] {
        let files = try #require(try plan(name)["files"] as? [[String: Any]])
        return Dictionary(uniqueKeysWithValues: files.map { ($0["path"] as? String ?? "", $0) })
    }

    /// All regular files below a folder with their contents.
    private func contents(_ folder: String = "") throws -> [String: Data] {
        var result: [String: Data] = [:]
        for path in try FileManager.default.subpathsOfDirectory(atPath: bench.url(folder).path) {
            guard !path.contains(".cache"),
                let data = FileManager.default.contents(atPath: bench.url(folder).path + "/" + path)
            else { continue }
            result[path] = data
        }
        return result
    }

    /// A plan that moves the first picture of moss to pip and sets the second aside.
    private func writePlan() throws -> [String] {
        let names = try bench.names(in: "pictures/moss")
        try bench.write(
            "pictures/pip/\(names[0])", bench.data("pictures/pip/\(try bench.names(in: "pictures/pip")[0])"))
        let made = try bench.run(
            "cartoonctl", ["audit", "--image_dir", "pictures", "--plan", "plan.json", "--quiet"])
        try #require(made.status == 0, "\(made.errors)")
        var object = try plan()
        object["files"] = try zip(names.prefix(2), ["move", "set_aside"]).map { name, action in
            let data = try bench.data("pictures/moss/\(name)")
            return [
                "path": "pictures/moss/\(name)", "action": action, "to": action == "move" ? "pip" : nil,
                "bytes": data.count, "sha256": try digest(of: "pictures/moss/\(name)"),
            ] as [String: Any?]
        }.map { $0.compactMapValues { $0 } }
        try bench.write("plan.json", JSONSerialization.data(withJSONObject: object))
        return Array(names.prefix(2))
    }

    @Test("a link to nothing is found, and no plan is made for it; inspect reads the plan")
    func dangling() throws {
        try FileManager.default.createSymbolicLink(
            atPath: bench.url("pictures/moss/dangling.png").path, withDestinationPath: "nowhere")
        let outcome = try bench.run(
            "cartoonctl",
            ["audit", "--image_dir", "pictures", "--quiet", "--list", "unreadable", "--plan", "plan.json"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("pictures/moss/dangling.png"))
        #expect(try entries()["pictures/moss/dangling.png"] == nil)
        let inspected = try bench.run("cartoonctl", ["inspect", "plan.json"])
        #expect(inspected.status == 0 && inspected.output.contains("plan of audit"), "\(inspected.errors)")
        #expect(inspected.output.contains("moss, pip"))
    }

    private func digest(of path: String) throws -> String {
        let outcome = try bench.run("/usr/bin/env", ["sha256sum", path])
        return String(outcome.output.prefix(64))
    }

    @Test("a plan says for each file that was found what to do, and audit changes nothing")
    func plans() throws {
        let moss = try bench.names(in: "pictures/moss")
        try bench.write("pictures/moss/again.png", bench.data("pictures/moss/\(moss[0])"))
        try bench.write("pictures/moss/page.png", "<!DOCTYPE html><html></html>")
        let before = try contents("pictures")
        let outcome = try bench.run(
            "cartoonctl", ["audit", "--image_dir", "pictures/", "--plan", "pictures/plan.json"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let found = try entries("pictures/plan.json")
        #expect(found["pictures/moss/page.png"]?["action"] as? String == "set_aside")
        #expect(found["pictures/moss/page.png"]?["bytes"] as? Int == 28)
        let copies = [found["pictures/moss/again.png"], found["pictures/moss/\(moss[0])"]].compactMap { $0 }
        #expect(copies.filter { $0["action"] as? String == "set_aside" }.count == 1)
        #expect(try plan("pictures/plan.json")["set_aside"] as? String == "pictures.set_aside")
        #expect(try contents("pictures").filter { $0.key != "plan.json" } == before)
    }

    @Test("a plan is carried out as its preview says, replaces nothing, and is undone to the byte")
    func applies() throws {
        let names = try writePlan(), before = try contents("pictures")
        let preview = try bench.run("cartoonctl", ["audit", "--apply", "plan.json", "--dry_run"])
        #expect(preview.status == 0 && preview.output.contains("2 files would be moved"), "\(preview.errors)")
        #expect(try contents("pictures") == before)

        let done = try bench.run("cartoonctl", ["audit", "--apply", "plan.json", "--json"])
        #expect(done.status == 0, "\(done.errors)")
        let after = try contents("pictures")
        #expect(after.count == before.count - 1 && !bench.exists("pictures/moss/\(names[0])"))
        // The name was taken in the other class.
        #expect(after["pip/\(names[0])"] == before["pip/\(names[0])"])
        let stem = (names[0] as NSString).deletingPathExtension, suffix = (names[0] as NSString).pathExtension
        #expect(after["pip/\(stem)-2.\(suffix)"] == before["moss/\(names[0])"])
        #expect(try bench.data("pictures.set_aside/moss/\(names[1])") == before["moss/\(names[1])"])

        // A second time the files are not where the plan says.
        let again = try bench.run("cartoonctl", ["audit", "--apply", "plan.json"])
        #expect(again.status == 42 && again.errors.contains("is not there any more"))
        let undone = try bench.run("cartoonctl", ["audit", "--apply", "plan.undo.json"])
        #expect(undone.status == 0, "\(undone.errors)")
        #expect(try contents("pictures") == before)
        // An undo that was carried out already has nothing left to do.
        let idle = try bench.run("cartoonctl", ["audit", "--apply", "plan.undo.json"])
        #expect(idle.status == 0 && idle.output.contains("0 files moved"), "\(idle.errors)")
    }

    @Test("a file that changed, even in one byte of the same size, stops the whole plan")
    func changed() throws {
        let names = try writePlan()
        var bytes = try bench.data("pictures/moss/\(names[1])")
        bytes[bytes.count - 1] ^= 1
        try bench.write("pictures/moss/\(names[1])", bytes)
        let before = try contents()
        for words in [["--dry_run"], []] {
            let outcome = try bench.run("cartoonctl", ["audit", "--apply", "plan.json"] + words)
            #expect(outcome.status == 42, "\(outcome.errors)")
            #expect(outcome.errors.contains("pictures/moss/\(names[1]): has changed"))
            #expect(outcome.errors.contains("nothing was moved"))
            #expect(try contents() == before)
        }
    }

    @Test("a move that fails takes the earlier ones back")
    func failing() throws {
        let names = try writePlan()
        // A file where the folder of what is set aside should be.
        try bench.write("pictures.set_aside", "in the way")
        let before = try contents()
        let outcome = try bench.run("cartoonctl", ["audit", "--apply", "plan.json"])
        #expect(outcome.status == 33 && outcome.errors.contains("moved back"), "\(outcome.errors)")
        #expect(try contents() == before && bench.exists("pictures/moss/\(names[0])"))
    }

    @Test(
        "what is no plan is refused by name",
        arguments: [
            ("{}", "'plan' is missing"), ("nonsense", "no plan"), ("[1]", "no plan"),
            (#"{"plan":2,"started_in":"","classes":[],"set_aside":"x","files":[]}"#, "version 2"),
            (
                #"{"plan":1,"started_in":"","classes":[],"set_aside":"x","files":[{"path":"a","action":"burn","bytes":1,"sha256":""}]}"#,
                "'files 1 action' may not be 'burn'"
            ),
            (#"{"plan":"one"}"#, "'plan' is of the wrong type"),
            (
                #"{"plan":1,"started_in":"","classes":[],"set_aside":"x","files":[{"path":"a","action":"move","to":"b","bytes":1,"sha256":""}]}"#,
                "'b' is no class"
            ),
        ])
    func refused(_ text: String, _ words: String) throws {
        try bench.write("plan.json", text)
        let outcome = try bench.run("cartoonctl", ["audit", "--apply", "plan.json"])
        #expect(outcome.status == 2 && outcome.errors.contains(words), "\(outcome.errors)")
        #expect(
            try bench.run("cartoonctl", ["audit", "--apply", "plan.json", "--image_dir", "pictures"]).status
                == 2)
        #expect(try bench.run("cartoonctl", ["audit", "--image_dir", "pictures", "--dry_run"]).status == 2)
    }
}
