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
        let (status, lines) = try watching(["--json"]) { answered in
            try arrive("moss_the_dragon", as: "0.png")
            try answered(1)
            try arrive("moss_the_dragon", as: "1.png")
            try answered(2)
        }
        #expect(status == 130)
        #expect(lines.count == 2)
        for (line, name) in zip(lines, ["incoming/0.png", "incoming/1.png"]) {
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            #expect(object?["path"] as? String == name)
        }
    }

    @Test("a picture that changes while it is watched is sorted once, into the class of its last answer")
    func changing() throws {
        for flags in [[], ["--copy"]] {
            try bench.makeFolder("incoming")
            let words = ["--csv", "--unknown_threshold", "0", "--sort_into", "sorted"] + flags
            let (_, lines) = try watching(words) { answered in
                try arrive("moss_the_dragon", as: "a.png")
                try answered(2)
                #expect(try bench.names(in: "sorted/moss the dragon") == ["a.png"])
                try arrive("pip_the_robot", as: "a.png")
                try answered(3)
            }
            #expect(lines.count == 3)
            #expect(try bench.names(in: "sorted/moss the dragon") == [])
            #expect(try bench.names(in: "sorted/pip the robot") == ["a.png"])
            #expect(try bench.data("sorted/pip the robot/a.png") == bench.data("incoming/a.png"))
            for name in ["incoming", "sorted", "answers"] {
                try FileManager.default.removeItem(at: bench.url(name))
            }
        }
    }

    @Test("--watch does not write into the folder that it watches", arguments: ["--explain", "--sort_into"])
    func watchingItself(flag: String) throws {
        try bench.makeFolder("incoming")
        for place in ["incoming", "incoming/a/b", "./pictures/../incoming/a"] {
            let outcome = try bench.run(
                "cartoonctl", ["classify", "--watch", "incoming", "--graph", "m.pb", flag, place])
            #expect(outcome.status == 2 && outcome.errors.contains("\(flag) \(place)"), "\(outcome.errors)")
        }
        #expect(try bench.names(in: "incoming") == [])
    }

    @Test("--watch ends when its folder is gone")
    func vanished() throws {
        try bench.makeFolder("incoming")
        let (status, lines) = try watching(["--csv"]) { answered in
            try arrive("moss_the_dragon", as: "0.png")
            try answered(2)
            try FileManager.default.removeItem(at: bench.url("incoming"))
            // Two scans are half a second apart; the interruption that follows is no matter then.
            sleep(3)
        }
        #expect(status == 33)
        #expect(lines.count == 2)
    }

    @Test("what a run writes into the folder that it answers is no picture of the next run")
    func ownOutputs() throws {
        for words in [["--sort_into", "pictures/sorted", "--copy"], ["--explain", "pictures/maps"]] {
            var paths: [String] = []
            for _ in 0..<2 {
                let outcome = try bench.run(
                    "cartoonctl", ["classify", "pictures", "--graph", "m.pb", "--csv"] + words)
                #expect(outcome.status == 0, "\(outcome.errors)")
                let lines = outcome.output.split(separator: "\n").count
                paths.append("\(lines)")
            }
            #expect(paths[0] == paths[1])
            try FileManager.default.removeItem(at: bench.url(words[1]))
        }
        for flag in ["--sort_into", "--explain"] {
            let outcome = try bench.run(
                "cartoonctl", ["classify", "pictures", "--graph", "m.pb", flag, "./pictures"])
            #expect(outcome.status == 2 && outcome.errors.contains("\(flag) ./pictures"), "\(outcome.errors)")
        }
    }

    @Test("labels that contradict the model's own are refused or told of, by all verbs alike")
    func contradictingLabels() throws {
        try bench.write("swapped.txt", "pip the robot\nmoss the dragon\n")
        try bench.write("short.txt", "moss the dragon\n")
        try bench.write("other.txt", "Drache\nRoboter\n")
        let name = try #require(try bench.names(in: "pictures/pip_the_robot").first)
        func run(_ labels: String) throws -> [Workbench.Outcome] {
            [
                try bench.run(
                    "cartoonctl",
                    ["classify", "pictures/pip_the_robot/\(name)", "--graph", "m.pb", "--labels", labels]),
                try bench.run(
                    "cartoonctl", ["package", "m.pb", labels, "--output", "m.zip", "--level", "1"]),
                try bench.run(
                    "cartoonctl", ["export", "m.pb", "--output", "m.onnx", "--labels", labels]),
            ]
        }
        for (labels, word) in [("swapped.txt", "in another order"), ("short.txt", "1 labels")] {
            for outcome in try run(labels) {
                #expect(outcome.status == 25, "\(outcome.errors)")
                #expect(outcome.errors.contains("\(labels): has") && outcome.errors.contains(word))
            }
        }
        for outcome in try run("other.txt") {
            #expect(outcome.status == 0 && outcome.errors.contains("line 1 is 'Drache'"), "\(outcome.errors)")
        }
        for outcome in try run("m.txt") { #expect(!outcome.errors.contains("m.txt"), "\(outcome.errors)") }
    }

    @Test("optimize --size changes what the model says of itself, and refuses what it cannot take")
    func sizedModel() throws {
        let sized = try bench.run(
            "cartoonctl", ["optimize", "m.pb", "--output", "small.pb", "--size", "160"])
        #expect(sized.status == 0, "\(sized.errors)")
        let package = try bench.run(
            "cartoonctl", ["package", "small.pb", "m.txt", "--output", "small.zip", "--level", "1"])
        #expect(package.status == 0, "\(package.errors)")
        let inspected = try bench.run("cartoonctl", ["inspect", "small.pb"])
        #expect(inspected.output.contains("160×160×3"), "\(inspected.output)")
        let answer = try bench.run(
            "cartoonctl", ["classify", "pictures/pip_the_robot", "--graph", "small.pb", "--csv"])
        #expect(answer.status == 0 && answer.output.contains("pip the robot"), "\(answer.errors)")
    }

    /// Puts the first picture of a class into the watched folder, at once and in place of one of that name.
    private func arrive(_ folder: String, as name: String) throws {
        let first = try #require(try bench.names(in: "pictures/\(folder)").first)
        try bench.write("incoming/\(name)", bench.data("pictures/\(folder)/\(first)"))
    }

    /// Watches the folder `incoming` until `body` has ended.
    ///
    /// - Parameters:
    ///   - words: Further words of the command line.
    ///   - body: Called with a function that waits for a number of lines.
    /// - Returns: The exit code and the lines of the answers.
    private func watching(
        _ words: [String], _ body: ((Int) throws -> Void) throws -> Void
    ) throws -> (Int32, [Substring]) {
        let answers = bench.url("answers")
        func lines() -> [Substring] {
            ((try? String(contentsOf: answers, encoding: .utf8)) ?? "").split(separator: "\n")
        }
        let outcome = try bench.run(
            "/bin/sh",
            [
                "-c",
                "exec \(Workbench.programs.path)/cartoonctl classify --watch incoming --graph m.pb "
                    + "\(words.joined(separator: " ")) > answers",
            ],
            meanwhile: { process in
                defer { process.interrupt() }
                try body { count in
                    for _ in 0..<600 where lines().count < count { usleep(50_000) }
                    if lines().count < count { Issue.record("no answer within 30 s") }
                }
            })
        return (outcome.status, lines())
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

    @Test(
        "--explain changes no answer, and draws the same maps with one thread as with four, of one picture as of many"
    )
    func explanationOfMany() throws {
        func classify(_ what: String, _ flags: String...) throws -> [[String: Any]] {
            let outcome = try bench.run(
                "cartoonctl", ["classify", what, "--graph", "m.pb", "--json", "--quiet"] + flags)
            #expect(outcome.status == 0, "\(outcome.errors)")
            return try #require(
                JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [[String: Any]])
        }
        func text(_ answer: [String: Any]) throws -> String {
            String(
                decoding: try JSONSerialization.data(withJSONObject: answer, options: .sortedKeys),
                as: UTF8.self)
        }
        let plain = try classify("pictures")
        let explained = try classify("pictures", "--explain", "serial", "--threads", "1")
        #expect(plain.count > 8 && explained.count == plain.count)
        for (answer, other) in zip(plain, explained) {
            var other = other
            #expect(other.removeValue(forKey: "explanation") is [String: Any])
            #expect(try text(answer) == text(other))
        }
        _ = try classify("pictures", "--explain", "parallel", "--threads", "4")
        let names = try bench.names(in: "serial")
        #expect(names.count == plain.count)
        #expect(try bench.names(in: "parallel") == names)
        for name in names {
            #expect(
                try Data(contentsOf: bench.url("serial/\(name)"))
                    == Data(contentsOf: bench.url("parallel/\(name)")), "\(name)")
        }
        let name = try #require(try bench.names(in: "pictures/pip_the_robot").first)
        let one = try classify("pictures/pip_the_robot/\(name)", "--explain", "one", "--threads", "4")
        let same = try #require(explained.first { ($0["path"] as? String)?.hasSuffix(name) == true })
        #expect(try text(one[0]) == text(same))
    }

    /// The frames are two pictures of different classes.
    @Test("--frames answers each frame of an animation, and the file by their mean, in every format")
    func frames() throws {
        let names = try ["pip_the_robot", "moss_the_dragon"].map {
            "pictures/\($0)/" + (try bench.names(in: "pictures/\($0)")[0])
        }
        let images = try names.map { try Image(contentsOf: bench.url($0).path) }
        try bench.write("clip.gif", Data(animation(of: images)))
        func classify(_ flags: [String]) throws -> Workbench.Outcome {
            let outcome = try bench.run(
                "cartoonctl",
                ["classify", "clip.gif", "--graph", "m.pb", "--unknown_threshold", "0", "--quiet"] + flags)
            #expect(outcome.status == 0, "\(outcome.errors)")
            return outcome
        }
        #expect(try classify(["--top", "1"]).output.hasPrefix("pip the robot"))
        let text = try classify(["--frames", "2", "--top", "1"]).output.split(separator: "\n")
        try #require(text.count == 3)
        #expect(
            text[1].hasPrefix("frame 0: pip the robot (") && text[2].hasPrefix("frame 1: moss the dragon ("))
        let table = try classify(["--frames", "4", "--csv"]).output.split(separator: "\n")
        try #require(table.count == 4)
        #expect(table[0].hasSuffix(",frame") && table[1].hasSuffix(",,") && table[2].hasSuffix(",,0"))
        #expect(table[3].contains(",moss the dragon,") && table[3].hasSuffix(",,1"))
        let answers =
            try JSONSerialization.jsonObject(
                with: Data(
                    classify(["--frames", "9", "--json", "--explain", "why", "--against", "pip the robot"])
                        .output.utf8)) as? [[String: Any]]
        let answer = try #require(answers?.first), frames = try #require(answer["frames"] as? [[String: Any]])
        #expect(frames.compactMap { $0["frame"] as? Int } == [0, 1])
        func score(_ object: [String: Any], _ label: String) -> Double {
            let all = object["predictions"] as? [[String: Any]] ?? []
            return all.first { $0["label"] as? String == label }?["score"] as? Double ?? -1
        }
        let mean = (score(frames[0], "pip the robot") + score(frames[1], "pip the robot")) / 2
        #expect(abs(score(answer, "pip the robot") - mean) < 1e-6)
        #expect(bench.exists("why/clip.gif.png"))
    }

    /// Returns an animation of uncompressed pixels in 256 colors, with a frame of 64 × 64 pixels for each image.
    private func animation(of images: [Image]) -> [UInt8] {
        let side = 64
        var file = Array("GIF89a".utf8) + [64, 0, 64, 0, 0xF7, 0, 0]
        for index in 0..<256 {
            file += [(index >> 5) * 36, (index >> 2 & 7) * 36, (index & 3) * 85].map(UInt8.init)
        }
        for image in images {
            file += [0x21, 0xF9, 4, 4, 10, 0, 0, 0, 0x2C, 0, 0, 0, 0, 64, 0, 64, 0, 0, 8]
            // Codes of nine bits: 256 clears the table, which therefore never grows beyond them; 257 ends the data.
            var codes: [Int] = []
            for place in 0..<side * side {
                if place % 200 == 0 { codes.append(256) }
                let (x, y) = (place % side * image.width / side, place / side * image.height / side)
                let pixel = image.pixels[((y * image.width + x) * image.channels)...]
                let color = pixel.prefix(3).map { Int($0) }
                codes.append(color[0] & 0xE0 | (color[1] & 0xE0) >> 3 | color[2] >> 6)
            }
            var bytes: [UInt8] = [], (buffer, count) = (0, 0)
            for code in codes + [257, 0] {
                buffer |= code << count
                count += 9
                while count >= 8 {
                    bytes.append(UInt8(truncatingIfNeeded: buffer))
                    (buffer, count) = (buffer >> 8, count - 8)
                }
            }
            for start in stride(from: 0, to: bytes.count, by: 255) {
                let part = bytes[start..<min(start + 255, bytes.count)]
                file += [UInt8(part.count)] + part
            }
            file.append(0)
        }
        return file + [0x3B]
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
