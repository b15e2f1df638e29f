import Foundation
import Imaging
import TestSupport
import Testing

@Suite("Answers in use", .tags(.endToEnd))
struct ClassifyOutputTests {
    let bench: Workbench

    init() throws {
        bench = try Workbench()
        for name in ["moss_the_dragon", "pip_the_robot"] {
            try bench.makeClass("pictures/\(name)", from: name, count: 12)
        }
        let trained = try bench.run(
            "cartoonctl",
            [
                "retrain", "--quiet", "--image_dir", "pictures", "--bottleneck_dir", "cache",
                "--output_graph", "m.pb", "--output_labels", "m.txt",
            ])
        try #require(trained.status == 0, "\(trained.errors)")
    }

    @Test(
        "--csv prints a table with a header, quotes where a path needs them, and tells of what cannot be read"
    )
    func table() throws {
        try bench.makeClass("a, \"b\"", from: "moss_the_dragon", count: 1)
        try bench.write("page.jpg", "<html>")
        let outcome = try bench.run(
            "cartoonctl", ["classify", "--csv", "--graph", "m.pb", "a, \"b\"", "page.jpg"])
        #expect(outcome.status == 1)
        let lines = outcome.output.split(separator: "\n")
        try #require(lines.count == 3)
        #expect(lines[0] == "path,rank,label,score,familiarity,unknown,error")
        #expect(lines[1].hasPrefix("\"a, \"\"b\"\"/") && lines[1].contains(",1,moss the dragon,"))
        #expect(lines[2].hasPrefix("page.jpg,,,,,,"))
        let both = try bench.run(
            "cartoonctl",
            ["classify", "--csv", "--top", "2", "--graph", "m.pb", "--image", "pictures/moss_the_dragon"])
        #expect(both.output.split(separator: "\n").count == 25)
        let clash = try bench.run(
            "cartoonctl", ["classify", "--csv", "--json", "--graph", "m.pb", "page.jpg"])
        #expect(clash.status == 2)
    }

    @Test("--sort_into links or copies pictures by label, again without change, and numbers equal names")
    func sorted() throws {
        try bench.makeFolder("two/a")
        try bench.makeFolder("two/b")
        let source = bench.url("pictures/pip_the_robot")
        let names = try bench.names(in: "pictures/pip_the_robot")
        for (folder, name) in [("a", names[0]), ("b", names[1])] {
            try FileManager.default.copyItem(
                at: source.appendingPathComponent(name), to: bench.url("two/\(folder)/same.png"))
        }
        for _ in 0..<2 {
            let outcome = try bench.run(
                "cartoonctl",
                ["classify", "two", "--graph", "m.pb", "--sort_into", "sorted", "--unknown_threshold", "0"])
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(try bench.names(in: "sorted/pip the robot") == ["same-2.png", "same.png"])
        }
        #expect(try bench.data("sorted/pip the robot/same-2.png") == bench.data("two/b/same.png"))
        let link = try FileManager.default.destinationOfSymbolicLink(
            atPath: bench.url("sorted/pip the robot/same.png").path)
        #expect(link.hasSuffix("two/a/same.png") && link.hasPrefix("/"))
        for _ in 0..<2 {
            let copied = try bench.run(
                "cartoonctl",
                [
                    "classify", "two", "--graph", "m.pb", "--sort_into", "copies", "--copy",
                    "--unknown_threshold", "0",
                ])
            #expect(copied.status == 0)
            #expect(try bench.names(in: "copies/pip the robot") == ["same-2.png", "same.png"])
        }
        let kind = try FileManager.default.attributesOfItem(
            atPath: bench.url("copies/pip the robot/same.png").path)
        #expect(kind[.type] as? FileAttributeType == .typeRegular)
    }

    @Test("--watch answers what is there and what arrives, a line an object, until it is interrupted")
    func watch() throws {
        try bench.makeFolder("incoming")
        let pictures = try bench.names(in: "pictures/moss_the_dragon")
        func arrive(_ index: Int) throws {
            try FileManager.default.copyItem(
                at: bench.url("pictures/moss_the_dragon/\(pictures[index])"),
                to: bench.url("incoming/\(index).png"))
        }
        try arrive(0)
        let answers = bench.url("answers")
        let outcome = try bench.run(
            "/bin/sh",
            [
                "-c",
                "exec \(Workbench.programs.path)/cartoonctl classify --watch incoming --graph m.pb --json > answers",
            ],
            meanwhile: { process in
                func wait(for lines: Int) throws {
                    for _ in 0..<600 {
                        let text = (try? String(contentsOf: answers, encoding: .utf8)) ?? ""
                        if text.split(separator: "\n").count >= lines { return }
                        usleep(50_000)
                    }
                    Issue.record("no answer within 30 s")
                }
                try wait(for: 1)
                try arrive(1)
                try wait(for: 2)
                process.interrupt()
            })
        #expect(outcome.status == 130)
        let lines = try String(contentsOf: answers, encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 2)
        for (line, name) in zip(lines, ["incoming/0.png", "incoming/1.png"]) {
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            #expect(object?["path"] as? String == name)
        }
    }

    @Test("--explain draws a map of each picture that holds its shape, and --json carries the grid")
    func explanation() throws {
        let name = try #require(try bench.names(in: "pictures/pip_the_robot").first)
        let picture = "pictures/pip_the_robot/\(name)"
        let outcome = try bench.run(
            "cartoonctl",
            [
                "classify", picture, "--graph", "m.pb", "--explain", "why", "--against", "moss the dragon",
                "--json",
            ])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let answers = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [[String: Any]]
        let explanation = try #require(answers?.first?["explanation"] as? [String: Any])
        #expect(explanation["label"] as? String == "pip the robot")
        #expect(explanation["against"] as? String == "moss the dragon")
        let grid = try #require(explanation["grid"] as? [[Double]])
        #expect(grid.count == 14 && grid.allSatisfy { $0.count == 14 })
        #expect(Set(grid.joined()).count > 100)
        let map = try Image(contentsOf: bench.url("why/\(name).png").path)
        let source = try Image(contentsOf: bench.url(picture).path)
        #expect(map.format == .png && map.width * source.height == map.height * source.width)
        let absent = try bench.run(
            "cartoonctl", ["classify", picture, "--graph", "m.pb", "--explain", "why", "--against", "nobody"])
        #expect(absent.status == 2 && absent.errors.contains("nobody"))
    }

    @Test("bottlenecks export writes the computed vectors as an array, a table or retrain.py's tree")
    func export() throws {
        func export(_ format: String) throws -> Workbench.Outcome {
            try bench.run(
                "cartoonctl",
                [
                    "bottlenecks", "export", format, "--format", format, "--image_dir", "pictures",
                    "--bottleneck_dir", "cache", "--quiet",
                ])
        }
        try bench.write("pictures/pip_the_robot/page.jpg", "<html>")
        for format in ["npy", "csv", "tree"] {
            let outcome = try export(format)
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(outcome.output.contains("24 bottlenecks of 9424 numbers"))
            #expect(outcome.errors.contains("page.jpg"))
        }
        let array = try bench.data("npy/bottlenecks.npy")
        #expect(array.count == 128 + 24 * 9424 * 4)
        let header = String(decoding: array[10..<128], as: UTF8.self)
        #expect(header.contains("'descr': '<f4', 'fortran_order': False, 'shape': (24, 9424), }"))
        let table = try String(contentsOf: bench.url("csv/bottlenecks.csv"), encoding: .utf8).split(
            separator: "\n")
        let list = try String(contentsOf: bench.url("npy/pictures.csv"), encoding: .utf8).split(
            separator: "\n")
        try #require(table.count == 25 && list.count == 25)
        let row = table[5].split(separator: ",")
        #expect(table[5].hasPrefix(list[5] + ",") && row.count == 9426)
        // The numbers of one picture are the same in all three.
        let start = 128 + 4 * 9424 * 4
        let vector = array[start..<(start + 9424 * 4)].withUnsafeBytes {
            Array($0.bindMemory(to: Float.self))
        }
        #expect(row[2...].map { Float($0) } == vector.map { Optional($0) })
        let name = try #require(row[0].split(separator: "/").last)
        let text = try String(
            contentsOf: bench.url("tree/moss_the_dragon/\(name)_efficientnet_lite0.txt"), encoding: .utf8)
        #expect(text.split(separator: ",").map { Float($0) } == vector.map { Optional($0) })
        #expect(try export("svg").status == 2)
    }

    #if os(Linux)
    @Test("the program needs FoundationEssentials alone; all of Foundation takes 47 MB and time to start")
    func libraries() throws {
        let program = try Data(contentsOf: Workbench.programs.appendingPathComponent("cartoonctl"))
        #expect(program.range(of: Data("libFoundationEssentials.so".utf8)) != nil)
        #expect(program.range(of: Data("libFoundation.so".utf8)) == nil)
    }
    #endif

    @Test("--version prints the number, and the commit where the build was told")
    func version() throws {
        let outcome = try bench.run("cartoonctl", ["--version"])
        #expect(outcome.output.hasPrefix("cartoonctl 0.2.0"))
    }
}
