import Foundation
import TensorFlowFormat
import TensorGraph
import TestSupport
import Testing

@testable import Compression

@Suite("Deployment", .tags(.endToEnd))
struct DeployTests {
    let bench: Workbench
    init() throws { bench = try Workbench() }

    @Test("a model is optimized, quantized, exported and packaged, and still answers")
    func flow() throws {
        let pictures = Workbench.fixtures.appendingPathComponent("characters").path
        let trained = try bench.run(
            "cartoonctl",
            [
                "retrain", "--quiet", "--image_dir", pictures, "--bottleneck_dir", "cache", "--output_graph",
                "model.pb", "--output_labels", "labels.txt",
            ])
        try #require(trained.status == 0, "\(trained.errors)")
        let optimized = try bench.run(
            "cartoonctl", ["optimize", "--input", "model.pb", "--output", "optimized.pb"])
        #expect(optimized.status == 0 && optimized.output.contains("nodes"), "\(optimized.errors)")
        let quantized = try bench.run(
            "cartoonctl",
            [
                "quantize", "--input", "optimized.pb", "--output", "small.pb", "--calibrate", pictures,
                "--bits", "5", "--bottleneck_dir", "cache", "--quiet",
            ])
        #expect(quantized.status == 0 && quantized.output.contains("accuracy"), "\(quantized.errors)")
        #expect(try bench.data("small.pb").count * 3 < bench.data("model.pb").count)
        let packaged = try bench.run(
            "cartoonctl", ["package", "small.pb", "labels.txt", "--output", "model.zip"])
        #expect(packaged.status == 0, "\(packaged.errors)")
        #expect(try bench.data("model.zip").count < 2_600_000)
        for export in ["small.onnx", "small.tflite"] {
            let exported = try bench.run(
                "cartoonctl", ["export", "small.pb", "--output", export, "--weights", "int8"])
            #expect(exported.status == 0 && exported.output.contains("final_result"), "\(exported.errors)")
            #expect(try bench.data(export).count * 3 < bench.data("model.pb").count)
            let packaged = try bench.run(
                "cartoonctl",
                ["package", export, "labels.txt", "--output", "\(export).zip", "--level", "6"])
            #expect(packaged.status == 0, "\(packaged.errors)")
        }
        let apple = try bench.run("cartoonctl", ["export", "small.pb", "--output", "Small.mlpackage"])
        #expect(apple.status == 0, "\(apple.errors)")
        #expect(try bench.data("Small.mlpackage/Manifest.json").count > 0)
        for (platform, part, word) in [
            ("web", "small.html", "iframe"), ("android", "small.tflite", "ImageClassifier"),
            ("ios", "small.mlpackage/Data/com.apple.CoreML/weights/weight.bin", "VNCoreMLRequest"),
        ] {
            let packaged = try bench.run(
                "cartoonctl",
                [
                    "package", "small.pb", "labels.txt", "--for", platform, "--output", "for.zip", "--level",
                    "1",
                ])
            #expect(packaged.status == 0, "\(packaged.errors)")
            try bench.data("for.zip").withUnsafeBytes { bytes in
                let zip = try ZipReader(bytes)
                #expect(zip.entries.contains { $0.name == part } && zip.entries[1].name == "labels.txt")
                let page = try zip.contents(of: zip.entries[0], limit: 10_000)
                let text = String(decoding: page, as: UTF8.self)
                #expect(text.contains(word) && text.contains("ISLOW"))
            }
        }
        for more in [[], ["--calibrate", pictures]] {
            let exported = try bench.run(
                "cartoonctl",
                ["export", "model.pb", "--output", "bytes\(more.count).tflite", "--weights", "int8"] + more)
            #expect(exported.status == 0, "\(exported.errors)")
            #expect(try bench.data("bytes\(more.count).tflite").count * 3 < bench.data("model.pb").count)
        }
        #expect(try bench.data("bytes0.tflite") != bench.data("bytes2.tflite"))
        let android = try bench.run(
            "cartoonctl",
            [
                "package", "model.pb", "labels.txt", "--for", "android", "--weights", "int8", "--calibrate",
                pictures, "--output", "android.zip", "--level", "1",
            ])
        #expect(android.status == 0, "\(android.errors)")
        try bench.data("android.zip").withUnsafeBytes { bytes in
            let zip = try ZipReader(bytes)
            let member = try #require(zip.entries.first { $0.name == "model.tflite" })
            #expect(try zip.contents(of: member, limit: 10_000_000) == Array(bench.data("bytes2.tflite")))
        }
        let refused = try bench.run(
            "cartoonctl", ["export", "model.pb", "--output", "x.tflite", "--calibrate", pictures])
        #expect(refused.status == 2 && refused.errors.contains("--weights int8"), "\(refused.errors)")
        let whole = try bench.run(
            "cartoonctl",
            ["export", "small.pb", "--output", "full.tflite", "--quantize", "full", "--calibrate", pictures])
        #expect(whole.status == 0, "\(whole.errors)")
        #expect(try bench.data("full.tflite").count * 3 < bench.data("model.pb").count)
        let inspected = try bench.run("cartoonctl", ["inspect", "small.pb"])
        #expect(inspected.output.contains("ISLOW"))
        let answer = try bench.run(
            "cartoonctl",
            [
                "classify", "--graph", "small.pb", "--top", "1",
                Workbench.fixtures.appendingPathComponent("holdout").path,
            ])
        #expect(answer.status == 0 && answer.output.contains("score"))
    }

    @Test("says what it cannot do")
    func errors() throws {
        try bench.write("page.pb", "<html></html>")
        #expect(try bench.run("cartoonctl", ["optimize", "--input", "page.pb"]).status == 21)
        #expect(try bench.run("cartoonctl", ["optimize", "--input", "absent.pb"]).status == 20)
        #expect(try bench.run("cartoonctl", ["quantize", "--mode", "eightbit"]).status == 2)
        #expect(try bench.run("cartoonctl", ["package", "page.pb"]).status == 2)
        try bench.write("labels.txt", "a\nb\n")
        #expect(try bench.run("cartoonctl", ["package", "absent.pb", "labels.txt"]).status == 20)
        #expect(try bench.run("cartoonctl", ["package", "page.pb", "labels.txt"]).status == 21)
        #expect(try bench.run("cartoonctl", ["package", "page.pb", "labels.txt", "--for", "tv"]).status == 2)
        let pointless = try bench.run(
            "cartoonctl",
            ["package", "page.pb", "labels.txt", "--for", "web", "--weights", "int8", "--calibrate", "."])
        #expect(pointless.status == 2 && pointless.errors.contains("--calibrate is for"))
        #expect(try bench.run("cartoonctl", ["export", "page.pb"]).status == 2)
        #expect(
            try bench.run("cartoonctl", ["export", "page.pb", "--format", "tflite", "--quantize", "full"])
                .status
                == 2)
        for format in ["html", "savedmodel"] {
            let refused = try bench.run(
                "cartoonctl",
                ["export", "page.pb", "--format", format, "--weights", "int8", "--calibrate", "pictures"])
            #expect(refused.status == 2 && refused.errors.contains("--calibrate is for"))
        }
        #expect(try bench.run("cartoonctl", ["export", "page.pb", "--format", "keras"]).status == 2)
        #expect(try bench.run("cartoonctl", ["export", "page.pb", "--format", "onnx"]).status == 21)
        #expect(try bench.names() == ["labels.txt", "page.pb"])
    }

    @Test("an export of another size says that size, and classify feeds it so")
    func size() throws {
        for name in ["moss_the_dragon", "pip_the_robot"] {
            try bench.makeClass("pictures/\(name)", from: name, count: 5)
        }
        try bench.writeTinyNetwork("tiny", channels: 48)
        let trained = try bench.run(
            "cartoonctl",
            [
                "retrain", "--quiet", "--image_dir", "pictures", "--bottleneck_dir", "cache",
                "--architecture", "tiny.pb", "--output_graph", "m.pb", "--output_labels", "m.txt",
            ])
        try #require(trained.status == 0, "\(trained.errors)")
        let exported = try bench.run(
            "cartoonctl", ["export", "m.pb", "--output", "m.onnx", "--size", "48"])
        #expect(exported.status == 0 && exported.output.contains("[1, 48, 48, 3]"), "\(exported.errors)")
        let text = String(decoding: try bench.data("m.onnx"), as: UTF8.self)
        #expect(text.contains("float32 [N, 48, 48, 3]") && text.contains("\"height\":48"))
        let answered = try bench.run("cartoonctl", ["classify", "pictures", "--graph", "m.onnx"])
        #expect(answered.status == 0, "\(answered.errors)")
    }

    @Test("a size that leaves a layer nothing is refused by that name, of a graph without a description too")
    func tooSmall() throws {
        let ones: Attribute = .ints([1, 1, 1, 1]), format: Attribute = .bytes(Array("NHWC".utf8))
        let pool = Node(
            "AvgPool", name: "pool", inputs: ["input"],
            attributes: [
                "T": .type(.float32), "ksize": .ints([1, 7, 7, 1]), "strides": ones, "data_format": format,
                "padding": .bytes(Array("VALID".utf8)),
            ])
        let input = Node(
            "Placeholder", name: "input", inputs: [],
            attributes: ["dtype": .type(.float32), "shape": .shape([-1, 32, 32, 3])])
        try bench.write("plain.pb", Data(try GraphDef.write(Graph(nodes: [input, pool]))))
        for verb in [["optimize", "--output", "o.pb"], ["export", "--output", "o.onnx"]] {
            let refused = try bench.run("cartoonctl", verb + ["plain.pb", "--size", "6"])
            #expect(
                refused.status == 2
                    && refused.errors.contains("--size: plain.pb does not take pictures of 6 × 6"),
                "\(refused.errors)")
            let taken = try bench.run("cartoonctl", verb + ["plain.pb", "--size", "7"])
            #expect(taken.status == 0, "\(taken.errors)")
        }
    }

    @Test("an ending that contradicts --format is refused")
    func contradiction() throws {
        let outcome = try bench.run(
            "cartoonctl", ["export", "m.pb", "--format", "onnx", "--output", "m.tflite"])
        #expect(outcome.status == 2 && outcome.errors.contains("ends as tflite does"), "\(outcome.errors)")
    }
}
