import Foundation
import TestSupport
import Testing

@Suite("Inspect", .tags(.endToEnd))
struct InspectTests {
    let bench: Workbench
    init() throws { bench = try Workbench() }

    func inspect(_ arguments: String...) throws -> Workbench.Outcome {
        try bench.run("cartoonctl", ["inspect"] + arguments)
    }

    /// The JSON of an inspection.
    func object(_ arguments: String...) throws -> [String: Any] {
        let outcome = try bench.run("cartoonctl", ["inspect", "--json"] + arguments)
        return try #require(
            try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any],
            "\(outcome.errors)")
    }

    func train(_ name: String, _ more: String...) throws {
        let trained = try bench.run(
            "cartoonctl",
            [
                "retrain", "--quiet", "--image_dir",
                Workbench.fixtures.appendingPathComponent("characters").path, "--bottleneck_dir", "cache",
                "--output_graph", "\(name).pb", "--output_labels", "\(name).txt",
            ] + more)
        try #require(trained.status == 0, "\(trained.errors)")
    }

    @Test("says of JSON that it is no model, and what it holds")
    func json() throws {
        try bench.write("a.json", #" {"name": "net", "taps": [{"tensor": "x"}], "width": 3}"#)
        try bench.write("b.json", "\u{FEFF}[1, 2, 3]")
        try bench.write("c.json", #"{"name": "#)
        for (name, words) in [
            ("a.json", "the fields name, taps, width"), ("b.json", "list of 3"), ("c.json", "cut short"),
        ] {
            let outcome = try inspect(name)
            #expect(outcome.status == 21 && outcome.errors.contains(words), "\(outcome.errors)")
            #expect(outcome.errors.contains("no model"), "\(outcome.errors)")
        }
    }

    @Test("names a NumPy array, and its shape")
    func array() throws {
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 1280), }\n"
        try bench.write(
            "vectors.npy",
            Data([0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0] + Array(header.utf8)))
        let plain = try inspect("vectors.npy")
        #expect(plain.status == 0 && plain.output.contains("NumPy array"), "\(plain.errors)")
        #expect(plain.output.contains("0, 1280") && plain.output.contains("<f4"), "\(plain.output)")
    }

    @Test("names every file that the tool writes, and what is in it")
    func kinds() throws {
        try train(
            "model", "--report", "report.html", "--summaries_dir", "summaries", "--how_many_training_steps",
            "20")
        try #require(
            try bench.run(
                "cartoonctl", ["package", "model.pb", "model.txt", "--output", "model.zip", "--level", "1"]
            ).status == 0)

        let plain = try inspect("model.pb")
        #expect(
            plain.status == 0 && plain.output.contains("pip the robot")
                && plain.output.contains("final_result"))
        #expect(!plain.output.contains("GFLOP/s"))
        // The blocks are drawn, with their parameters, and with times where they are asked for.
        let lines = plain.output.split(separator: "\n").map(String.init)
        #expect(lines.contains { $0.hasPrefix("┌ input") && $0.contains("224×224×3") }, "\(plain.output)")
        #expect(lines.contains { $0.hasPrefix("├ block_9") && !$0.contains(" ms ") })
        #expect(lines.contains { $0.hasPrefix("└ ") } && plain.output.contains("mean       127"))
        let profiled = try inspect("model.pb", "--profile")
        #expect(
            profiled.status == 0 && profiled.output.contains("depthwise 5×5")
                && profiled.output.contains("ms in all"))
        #expect(
            profiled.output.split(separator: "\n").contains {
                $0.hasPrefix("├ block_9") && $0.contains(" ms ")
            })
        let graph = try object("model.pb")
        #expect(
            graph["kind"] as? String == "graph" && (graph["labels"] as? [String])?.count == 3
                && graph["multiply_adds"] as? Int ?? 0 > 300_000_000)
        let blocks = try #require(graph["blocks"] as? [[String: Any]])
        // The final layer is a matrix and a bias of three classes.
        #expect(blocks.contains { $0["name"] as? String == "block_0" } && blocks.count < 65)
        #expect(blocks.reduce(0) { $0 + ($1["parameters"] as? Int ?? 0) } > 3_000_000)

        for (format, name) in [
            ("onnx", "m.onnx"), ("tflite", "m.tflite"), ("coreml", "m.mlpackage"), ("savedmodel", "m.saved"),
            ("html", "m.html"),
        ] {
            let made = try bench.run(
                "cartoonctl", ["export", "model.pb", "--format", format, "--output", name])
            try #require(made.status == 0, "\(made.errors)")
            let export = try object(name)
            #expect(export["kind"] as? String == (format == "html" ? "page" : format), "\(export)")
            let network = export["network"] as? [String: Any] ?? export
            #expect((network["labels"] as? [String])?.count == 3, "\(format): \(export)")
            for number in ["mean", "scale"] {
                let value = (network[number] as? [Any])?.first.map { "\($0)" } ?? ""
                #expect(Double(value) != nil, "\(format): \(export)")
            }
        }

        let package = try object("model.zip")
        #expect(package["kind"] as? String == "package" && (package["members"] as? [String])?.count == 3)
        #expect((package["model"] as? [String: Any])?["nodes"] as? Int == graph["nodes"] as? Int)
        #expect(
            try object("model.txt")["labels"] as? [String] == [
                "moss the dragon", "pip the robot", "professor quill",
            ])
        let manifest = try object("model.pb.manifest.json")
        #expect(
            manifest["kind"] as? String == "manifest" && manifest["seed"] as? String == "0"
                && manifest["state"] as? String == "finished")
        let report = try object("report.html")
        #expect(
            report["kind"] as? String == "report"
                && (report["sections"] as? [String])?.contains("Classes") == true
                && report["pictures"] as? Int ?? 0 > 0)
        let cache = try object("cache")
        #expect(
            cache["kind"] as? String == "bottleneck cache" && cache["vectors"] as? Int == 109
                && cache["segments"] as? Int == 1)
        let segment = try #require(try bench.names(in: "cache").first { $0.hasSuffix(".bottlenecks") })
        #expect(try object("cache/\(segment)")["vectors"] as? Int == 109)
        let events = try #require(try bench.names(in: "summaries/run-1/train").first)
        let summary = try object("summaries/run-1/train/\(events)")
        #expect(summary["kind"] as? String == "event file" && summary["events"] as? Int == 22)
        #expect(
            (summary["scalars"] as? [String])?.contains { $0.hasPrefix("cross_entropy (20, last ") } == true)
    }

    @Test(
        "finds the input and the output of a graph that nothing describes",
        .tags(.oracle), .enabled(if: SharedData.isPresent, SharedData.absence))
    func bareGraphs() throws {
        for (path, least) in [
            ("inception_v3_2015/classify_image_graph_def.pb", 5_000_000_000),
            ("googlenet/googlenet.pb", 1_500_000_000),
        ] {
            let graph = try object(SharedData.url("models/\(path)").path)
            #expect(graph["multiply_adds"] as? Int ?? 0 > least)
        }
    }

    @Test("says what differs between two, and exits with 1")
    func comparison() throws {
        try bench.writeTinyNetwork("tiny", channels: 48)
        try train("a", "--architecture", "tiny.pb")
        try train(
            "b", "--architecture", "tiny.pb", "--seed", "1", "--image_dir",
            Workbench.fixtures.appendingPathComponent("holdout").path, "--testing_percentage", "0")
        for (command, output) in [
            (["quantize", "--mode", "weights", "--quiet"], "w.pb"),
            (["quantize", "--quiet", "--bits", "5"], "c.pb"),
        ] {
            try #require(
                try bench.run("cartoonctl", command + ["--input", "a.pb", "--output", output]).status == 0)
        }
        try #require(
            try bench.run("cartoonctl", ["package", "a.pb", "a.txt", "--output", "a.zip", "--level", "1"])
                .status == 0)

        for name in ["a.pb", "a.txt", "a.zip", "cache", "a.pb.manifest.json"] {
            let same = try inspect(name, "--compare", name)
            #expect(same.status == 0 && same.output.contains("are the same"), "\(same.output)")
        }
        let trained = try inspect("a.pb", "--compare", "b.pb")
        #expect(trained.status == 1 && trained.output.contains("seed: 0 → 1"))
        #expect(
            trained.output.contains("final_training_ops/weights/final_weights/balanced: float32 [48, 3], ")
                && !trained.output.contains("only in the"))

        // The weights are compared with what is dequantized: 8 bits of a range differ by half a step at most.
        let quantized = try object("a.pb", "--compare", "w.pb")
        let changes = try #require(quantized["graph"] as? [String: Any])
        let constants = try #require(changes["constants"] as? [[String: Any]])
        let stem = try #require(
            constants.first { $0["node"] as? String == "weights" }?["maximum"] as? Double)
        #expect(stem > 0 && stem < 0.02, "\(stem)")
        #expect(
            (changes["operations"] as? [[String: Any]])?.contains {
                $0["first"] as? String == "Const" && $0["second"] as? String == "Dequantize"
            } == true)
        let compact = try inspect("a.pb", "--compare", "c.pb", "--limit", "3")
        #expect(
            compact.status == 1 && compact.output.contains("Const → Mul") && compact.output.contains("… and"))

        let packaged = try inspect("a.pb", "--compare", "a.zip")
        #expect(packaged.status == 1 && packaged.output.contains("their graphs are the same, node by node"))
        #expect(
            try inspect("a.pb.manifest.json", "--compare", "b.pb.manifest.json").output.contains(
                "seed: 0 → 1"))

        try bench.write("other.txt", "moss the dragon\npip\nprofessor quill\n")
        let labels = try inspect("a.txt", "--compare", "other.txt")
        #expect(labels.status == 1 && labels.output.contains("label 1: pip the robot → pip"))
        #expect(try inspect("a.txt", "--compare", "a.pb").status == 1)
    }

    @Test("classify, evaluate and package take a package; a damaged one is refused")
    func packages() throws {
        try train("model")
        try #require(
            try bench.run(
                "cartoonctl", ["package", "model.pb", "model.txt", "--output", "model.zip", "--level", "1"]
            ).status == 0)
        let pictures = Workbench.fixtures.appendingPathComponent("holdout").path
        let plain = try bench.run("cartoonctl", ["classify", pictures, "--graph", "model.pb"])
        let packaged = try bench.run("cartoonctl", ["classify", pictures, "--graph", "model.zip"])
        #expect(plain.status == 0 && packaged.output == plain.output)
        #expect(
            try bench.run(
                "cartoonctl", ["evaluate", "--quiet", "--graph", "model.zip", "--image_dir", pictures]
            ).status == 0)
        #expect(
            try bench.run(
                "cartoonctl", ["package", "model.zip", "model.txt", "--output", "again.zip", "--level", "1"]
            ).status == 0)
        #expect(try bench.data("again.zip") == bench.data("model.zip"))

        var damaged = try bench.data("model.zip")
        damaged[damaged.count / 2] ^= 1
        try bench.write("damaged.zip", damaged)
        let refused = try bench.run("cartoonctl", ["classify", pictures, "--graph", "damaged.zip"])
        #expect(
            refused.status == 22 && refused.errors.contains("damaged.zip")
                && refused.errors.contains("in it"), "\(refused.errors)")
        try bench.write("cut.zip", damaged.prefix(1000))
        #expect(try bench.run("cartoonctl", ["classify", pictures, "--graph", "cut.zip"]).status == 22)
    }

    @Test("reads retrain.py's bottlenecks, one and all")
    func bottlenecks() throws {
        try bench.write("tree/moss/1.jpg.txt", "0.5,1,2.25")
        try bench.write("tree/pip/1.jpg.txt", "0.5,1,3")
        try bench.write("tree/pip/2.jpg.txt", "0.5,x,3")
        let one = try object("tree/moss/1.jpg.txt")
        #expect(
            one["kind"] as? String == "bottleneck" && one["numbers"] as? Int == 3
                && one["maximum"] as? Double == 2.25)
        let all = try object("tree")
        #expect(
            all["bottlenecks"] as? Int == 2 && (all["classes"] as? [String]) == ["moss (1)", "pip (1)"]
                && (all["problems"] as? [String])?.count == 1)
        let differing = try inspect("tree/moss/1.jpg.txt", "--compare", "tree/pip/1.jpg.txt")
        #expect(
            differing.status == 1 && differing.output.contains("1 of 3 numbers differ, by 0.75 at most"),
            "\(differing.output)")
    }

    /// `irVersion` 8, producer "t", a graph of one Relu from x to y, operator set 13.
    let onnx = Data(
        [8, 8, 0x12, 1, 0x74, 0x3a, 17, 0x0a, 6, 0x22, 4] + Array("Relu".utf8) + [
            0x5a, 3, 0x0a, 1, 0x78, 0x62, 2, 0x0a, 0, 0x42, 2, 0x10, 13,
        ])

    @Test("names exports for ONNX and TensorFlow Lite")
    func exports() throws {
        try bench.write("model.onnx", onnx)
        let read = try object("model.onnx")
        #expect(
            read["kind"] as? String == "onnx" && read["ir_version"] as? Int == 8
                && read["operator_sets"] as? [String] == ["ai.onnx 13"])
        #expect(read["operations"] as? [String] == ["Relu 1"] && read["inputs"] as? [String] == ["x"])
        try bench.write("model.tflite", tflite())
        let lite = try object("model.tflite")
        #expect(
            lite["kind"] as? String == "tflite" && lite["version"] as? Int == 3
                && lite["subgraphs"] as? Int == 1 && lite["operators"] as? Int == 2)
        for (name, whole) in [("cut.onnx", onnx), ("cut.tflite", tflite())] {
            for count in stride(from: 8, to: whole.count, by: 3) {
                try bench.write(name, whole.prefix(count))
                // An error or what could be read, and no trap.
                #expect(try inspect(name).status < 128)
            }
        }
    }

    /// A FlatBuffer by hand: the model's table of offsets and table, a vector of one subgraph, its tables, a vector of two operators.
    func tflite() -> Data {
        var bytes: [UInt8] = []
        func half(_ value: Int) { bytes += [UInt8(value & 255), UInt8(value >> 8)] }
        func word(_ value: Int) {
            for shift in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
        }
        word(20)
        bytes += Array("TFL3".utf8)
        // At 8, the offsets of the model: 12 bytes, of version, operator codes, subgraphs.
        for value in [10, 12, 4, 0, 8, 0] { half(value) }
        // At 20, the model: 12 bytes back, version 3, the vector 4 bytes on.
        for value in [12, 3, 4] { word(value) }
        // At 32, one element, the subgraph 16 bytes on from 36.
        for value in [1, 16] { word(value) }
        // At 40, the offsets of the subgraph: tensors, inputs, outputs, operators.
        for value in [12, 8, 0, 0, 0, 4] { half(value) }
        // At 52, the subgraph: 12 bytes back, its operators 4 bytes on from 56; at 60, two of them.
        for value in [12, 4, 2, 0, 0] { word(value) }
        return Data(bytes)
    }

    @Test("refuses what is no graph, with the codes of the others")
    func errors() throws {
        try bench.write("page.pb", "<html></html>")
        try bench.write("net.json", "{\"name\": 1}")
        try bench.makeFolder("empty")
        #expect(try inspect("page.pb").status == 21)
        #expect(try inspect("net.json").status == 21)
        #expect(try inspect("empty").status == 21)
        #expect(try inspect("absent.pb").status == 20)
        #expect(try inspect("page.pb", "--compare", "page.pb").status == 21)
        #expect(try inspect().status == 2)
        try bench.write("labels.txt", "a\nb\n")
        #expect(try inspect("labels.txt", "--profile").status == 2)
    }
}
