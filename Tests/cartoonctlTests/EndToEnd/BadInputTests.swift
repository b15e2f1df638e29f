import Foundation
import TestSupport
import Testing

/// What a user gets who gives `retrain` and `classify` something they cannot work with: the real program, run to its end.
///
/// Each case: an exit code of its own, one line that names the file and says what to do, and nothing written.
@Suite("Bad input", .tags(.endToEnd))
struct BadInputTests {
    let bench: Workbench

    init() throws { bench = try Workbench() }

    /// Runs `retrain` on `pictures`, with outputs and cache in the test's folder.
    func retrain(_ more: String..., pictures: String = "pictures", fileBlocks: Int? = nil) throws
        -> Workbench.Outcome
    {
        try bench.run(
            "cartoonctl",
            [
                "retrain", "--quiet", "--image_dir", pictures, "--output_graph", "model.pb",
                "--output_labels", "labels.txt", "--bottleneck_dir", "cache",
            ] + more,
            fileBlocks: fileBlocks)
    }

    /// The checks every failure has to pass.
    func expect(
        _ outcome: Workbench.Outcome, status: Int32, naming name: String, remedy: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        #expect(outcome.status == status, "\(outcome.errors)", sourceLocation: sourceLocation)
        #expect(outcome.output.isEmpty, sourceLocation: sourceLocation)
        let complaints = outcome.errorLines.filter { $0.hasPrefix("cartoonctl: ") }
        #expect(complaints.count == 1, "\(outcome.errors)", sourceLocation: sourceLocation)
        let line = String(complaints.last ?? "")
        #expect(line.contains(name) && line.contains(remedy), "\(line)", sourceLocation: sourceLocation)
        let outputs = try bench.names().filter { $0.hasPrefix("model.pb") || $0.hasPrefix("labels.txt") }
        #expect(outputs.isEmpty, sourceLocation: sourceLocation)
    }

    func makeTwoClasses(count: Int = 6) throws {
        try bench.makeClass("pictures/moss", from: "moss_the_dragon", count: count)
        try bench.makeClass("pictures/pip", from: "pip_the_robot", count: count)
    }

    // MARK: The folder of pictures

    @Test("a folder that is not there")
    func noFolder() throws {
        try expect(
            retrain(), status: 10, naming: "pictures",
            remedy: "--image_dir needs a folder with one sub-folder of pictures per class")
    }

    @Test("a folder of bottlenecks that is not there")
    func noTree() throws {
        try expect(
            bench.run("cartoonctl", ["bottlenecks", "import", "none", "--bottleneck_dir", "cache"]),
            status: 10,
            naming: "none", remedy: "that retrain.py was given as --bottleneck_dir")
    }

    @Test("a file in place of the folder")
    func fileForFolder() throws {
        try bench.write("pictures", "not a folder")
        try expect(retrain(), status: 10, naming: "pictures", remedy: "--image_dir needs a folder")
    }

    @Test("an empty folder")
    func emptyFolder() throws {
        try bench.makeFolder("pictures")
        try expect(
            retrain(), status: 11, naming: "pictures",
            remedy: "put each class's pictures into a sub-folder of its own")
    }

    @Test("one class")
    func oneClass() throws {
        try bench.makeClass("pictures/pip", from: "pip_the_robot", count: 4)
        try expect(retrain(), status: 12, naming: "'pip'", remedy: "needs at least two sub-folders")
    }

    @Test("a class without files")
    func emptyClass() throws {
        try bench.makeClass("pictures/pip", from: "pip_the_robot", count: 4)
        try bench.makeFolder("pictures/moss")
        try expect(
            retrain(), status: 13, naming: "pictures/moss",
            remedy: "add JPEG or PNG files, or remove the folder")
    }

    @Test("a class in which nothing is a picture")
    func unreadableClass() throws {
        try bench.makeClass("pictures/pip", from: "pip_the_robot", count: 6)
        for name in [
            "moss_the_dragon/page-not-found.jpg", "moss_the_dragon/empty.png",
            "professor_quill/lfs-pointer.jpg",
        ] {
            let data = try Data(contentsOf: Workbench.fixtures.appendingPathComponent("characters/\(name)"))
            try bench.write("pictures/strays/\(URL(fileURLWithPath: name).lastPathComponent)", data)
        }
        let outcome = try retrain()
        try expect(
            outcome, status: 13, naming: "pictures/strays", remedy: "replace them, or remove the folder")
        for name in ["page-not-found.jpg", "empty.png", "lfs-pointer.jpg"] {
            #expect(outcome.errors.contains("skipped pictures/strays/\(name): "), "\(outcome.errors)")
        }
    }

    @Test("two folders that make one label")
    func sameLabel() throws {
        try bench.makeClass("pictures/Pip the Robot", from: "pip_the_robot", count: 4)
        try bench.makeClass("pictures/pip_the_robot", from: "moss_the_dragon", count: 4)
        let outcome = try retrain("--labels_as", "retrain")
        try expect(outcome, status: 14, naming: "pictures/Pip the Robot", remedy: "rename one of the folders")
        #expect(
            outcome.errors.contains("pictures/pip_the_robot") && outcome.errors.contains("'pip the robot'"))
    }

    @Test("fewer pictures than the splits need")
    func tooFewPictures() throws {
        try makeTwoClasses()
        try bench.makeClass("pictures/quill", from: "professor_quill", count: 2)
        try expect(
            retrain(), status: 15, naming: "pictures/quill",
            remedy: "--testing_percentage 0 or --validation_percentage 0")
    }

    @Test("a picture that cannot be read, under --strict")
    func strict() throws {
        try makeTwoClasses()
        try bench.write("pictures/pip/00-page.jpg", "<!DOCTYPE html><html></html>")
        try expect(
            retrain("--strict"), status: 16, naming: "pictures/pip/00-page.jpg", remedy: "leave out --strict")
    }

    @Test("a picture beyond a limit of the command line", arguments: ["pixels", "bytes"])
    func overLimit(what: String) throws {
        try makeTwoClasses()
        try expect(
            retrain("--strict", "--max_\(what)", "99"), status: 16, naming: "pictures/moss/",
            remedy: "\(what), more than the limit of 99; --max_\(what) sets another")
    }

    // MARK: Outputs

    @Test("an output in a folder that is not there, found before any picture is read")
    func unwritableOutput() throws {
        try makeTwoClasses()
        try expect(
            retrain("--output_graph", "absent/m.pb"), status: 30, naming: "absent/m.pb",
            remedy: "give --output_graph a path in a folder that exists and is writable")
        try expect(
            retrain("--output_labels", "absent/l.txt"), status: 30, naming: "absent/l.txt",
            remedy: "give --output_labels a path")
        try expect(
            retrain("--output_graph", "pictures"), status: 30, naming: "pictures", remedy: "--output_graph")
        #expect(try bench.names().filter { $0 != "cache" } == ["pictures"])
    }

    @Test("a disk that fills up while the model is written: the bottlenecks stay, the old model stays")
    func fullDisk() throws {
        try makeTwoClasses()
        // Room for the cache, not for the 14 MB of the model.
        try expect(
            retrain(fileBlocks: 8192), status: 31, naming: "model.pb",
            remedy: "Free some space and run the same command again")

        let first = try bench.run(
            "cartoonctl",
            [
                "retrain", "--image_dir", "pictures", "--bottleneck_dir", "cache", "--output_graph",
                "model.pb", "--output_labels", "labels.txt",
            ])
        #expect(first.status == 0 && first.errors.contains("0 bottlenecks computed"), "\(first.errors)")

        let model = try bench.data("model.pb")
        #expect(try retrain(fileBlocks: 8192).status == 31)
        #expect(try bench.data("model.pb") == model)
        #expect(
            try bench.names() == ["cache", "labels.txt", "model.pb", "model.pb.manifest.json", "pictures"])
    }

    @Test("a disk that is full before the first bottleneck is cached")
    func fullDiskForCache() throws {
        try makeTwoClasses()
        let outcome = try retrain(fileBlocks: 8)
        #expect(outcome.status == 31 || outcome.status == 32, "\(outcome.errors)")
        try expect(
            outcome, status: outcome.status, naming: outcome.status == 32 ? "cache" : "model.pb",
            remedy: "space")
        let later = try retrain()
        #expect(later.status == 0, "\(later.errors)")
    }

    // MARK: Models

    func classify(_ model: String) throws -> Workbench.Outcome {
        try makeTwoClasses(count: 1)
        return try bench.run("cartoonctl", ["classify", "pictures/pip/01.jpg", "--graph", model])
    }

    /// Each test's own, whole model; removed from the outputs that must not appear.
    func makeModel() throws -> Data {
        try makeTwoClasses()
        let outcome = try retrain()
        #expect(outcome.status == 0, "\(outcome.errors)")
        defer {
            for name in ["model.pb", "model.pb.manifest.json", "labels.txt", "pictures"] {
                try? FileManager.default.removeItem(at: bench.url(name))
            }
        }
        return try bench.data("model.pb")
    }

    @Test("a model that is not there")
    func missingModel() throws {
        try expect(classify("absent.pb"), status: 20, naming: "absent.pb", remedy: "retrain")
    }

    @Test(
        "a file that is no graph",
        arguments: [
            "<!DOCTYPE html><html><body>404</body></html>", "version https://git-lfs.github.com/spec/v1\n",
            "",
        ])
    func notAGraph(_ text: String) throws {
        try bench.write("page.pb", text)
        try expect(classify("page.pb"), status: 21, naming: "page.pb", remedy: "give a GraphDef")
    }

    @Test("a picture in place of a graph")
    func pictureForGraph() throws {
        try bench.write(
            "photo.pb",
            Data(
                contentsOf: Workbench.fixtures.appendingPathComponent(
                    "characters/pip_the_robot/really-a-png.jpg")))
        try expect(classify("photo.pb"), status: 21, naming: "photo.pb", remedy: "give a GraphDef")
    }

    @Test("a truncated graph, wherever it was cut")
    func truncatedGraph() throws {
        let whole = try makeModel()
        for length in [whole.count - 1, whole.count / 2, 5000] {
            try bench.write("cut.pb", whole.prefix(length))
            try expect(classify("cut.pb"), status: 22, naming: "cut.pb", remedy: "copy or download it again")
            try FileManager.default.removeItem(at: bench.url("pictures"))
        }
    }

    @Test("a graph with an operation nobody knows: named with its node, before any work")
    func unknownOperation() throws {
        var model = try makeModel()
        // NodeDef field 2, seven bytes: the length stays, so the rest of the graph does too.
        let operation = try #require(
            model.range(of: Data([0x12, 7] + Array("Softmax".utf8)), options: .backwards))
        model.replaceSubrange(operation, with: Data([0x12, 7] + Array("Softmux".utf8)))
        try bench.write("odd.pb", model)
        let outcome = try classify("odd.pb")
        try expect(
            outcome, status: 23, naming: "odd.pb",
            remedy: "frozen graph or an ONNX model of supported operations")
        #expect(
            outcome.errors.contains("Softmux") && outcome.errors.contains("final_result"), "\(outcome.errors)"
        )
    }

    @Test("a missing folder is named with the flag that gave it")
    func missingCalibration() throws {
        try bench.write("m.pb", makeModel())
        try expect(
            bench.run("cartoonctl", ["quantize", "m.pb", "--output", "q.pb", "--calibrate", "none"]),
            status: 10, naming: "none", remedy: "--calibrate needs a folder")
    }

    // MARK: Command lines

    @Test("an unknown flag, the nearest one suggested")
    func unknownFlag() throws {
        try expect(
            retrain("--output_grahp", "x"), status: 2, naming: "--output_grahp",
            remedy: "did you mean --output_graph?")
    }

    @Test(
        "an output's name that TensorFlow does not allow, or that the model has itself",
        arguments: [
            "", "final_result:0", "a b", "^a", "_a", "é", "cartoonctl/description",
            "final_training_ops/Wx_plus_b/add",
        ])
    func finalTensorName(_ name: String) throws {
        try expect(
            retrain("--final_tensor_name", name), status: 2, naming: "--final_tensor_name: '\(name)'",
            remedy: name.hasSuffix("/add") || name.hasPrefix("cartoonctl")
                ? "give another" : "letters, digits")
    }

    @Test("a tensor that is not in the network: the flag that may have named it is named")
    func missingTensor() throws {
        try makeTwoClasses()
        try expect(
            retrain("--taps", "absent_tensor"), status: 24, naming: "'absent_tensor'", remedy: "--taps")
    }

    @Test("a folder where a file is expected")
    func folderForFile() throws {
        try bench.makeFolder("folder")
        try makeTwoClasses()
        for flag in ["--architecture", "--image_list", "--resume"] {
            try expect(
                retrain(flag, "folder"), status: 33, naming: "folder: is a folder",
                remedy: "give the path of a file")
        }
    }
}
