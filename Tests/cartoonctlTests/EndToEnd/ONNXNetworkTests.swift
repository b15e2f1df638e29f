import Foundation
import TestSupport
import Testing

/// What every command does with an ONNX network and the model that is trained on it.
@Suite("ONNX networks from end to end", .tags(.endToEnd))
struct ONNXNetworkTests {
    let bench: Workbench

    init() throws {
        bench = try Workbench()
        try bench.makeClass("pictures/moss", from: "moss_the_dragon", count: 6)
        try bench.makeClass("pictures/pip", from: "pip_the_robot", count: 6)
        try bench.write("net.onnx", TinyONNXNetwork.file())
        try run(
            "retrain --image_dir pictures --architecture net.onnx --taps output --output_graph model.onnx "
                + "--output_labels labels.txt --bottleneck_dir cache")
    }

    /// Runs a command that must succeed, and returns what it prints.
    @discardableResult
    private func run(_ line: String) throws -> String {
        let outcome = try bench.run("cartoonctl", line.split(separator: " ").map(String.init))
        try #require(outcome.status == 0, "\(line): \(outcome.errors)")
        return outcome.output
    }

    /// The probabilities of each picture by label.
    private func scores(_ model: String, _ more: String = "") throws -> [[String: Double]] {
        struct Answer: Decodable {
            struct Prediction: Decodable { let label: String, score: Double }
            let predictions: [Prediction]
        }
        let json = try run("classify pictures --graph \(model) --json --quiet --unknown_threshold 0 \(more)")
        return try JSONDecoder().decode([Answer].self, from: Data(json.utf8)).map { answer in
            Dictionary(uniqueKeysWithValues: answer.predictions.map { ($0.label, $0.score) })
        }
    }

    private func expectEqual(_ a: [[String: Double]], _ b: [[String: Double]], _ tolerance: Double) {
        #expect(a.count == b.count && !a.isEmpty)
        for (one, other) in zip(a, b) {
            for (label, score) in one {
                #expect(abs(score - (other[label] ?? -1)) <= tolerance, "\(label) \(score) \(other)")
            }
        }
    }

    @Test("a model trained on one is judged, audited and inspected")
    func judged() throws {
        #expect(try run("evaluate --graph model.onnx --image_dir pictures").contains("accuracy"))
        try run("evaluate --folds 3 --graph model.onnx --image_dir pictures --bottleneck_dir cache")
        try run("audit --image_dir pictures --architecture net.onnx --taps output --bottleneck_dir cache")
        #expect(try run("inspect net.onnx --profile").contains("Softmax 1"))
        let inspected = try run("inspect model.onnx --profile --json")
        #expect(inspected.contains("\"moss\"") && inspected.contains("milliseconds"))
    }

    @Test("its optimized, converted and packaged forms answer the same")
    func forms() throws {
        let expected = try scores("model.onnx")
        try run("optimize --input model.onnx --output optimized.onnx")
        try run("optimize --input model.onnx --output optimized.pb")
        try run("package model.onnx labels.txt --output model.zip --level 1")
        for name in ["optimized.onnx", "optimized.pb", "model.zip"] {
            expectEqual(try scores(name), expected, 1e-5)
        }
        let compared = try bench.run(
            "cartoonctl", ["inspect", "model.onnx", "--compare", "optimized.onnx"])
        #expect(compared.status == 1 && compared.output.contains("BatchNormalization"), "\(compared.output)")
    }

    @Test(
        "its quantized forms are smaller and nearly answer the same",
        arguments: ["weights", "weights_rounded", "compact"])
    func quantized(mode: String) throws {
        try run("quantize --input model.onnx --output small.onnx --mode \(mode) --quiet")
        expectEqual(try scores("small.onnx"), try scores("model.onnx"), 0.1)
        try run("optimize --input small.onnx --output optimized.onnx")
        expectEqual(try scores("optimized.onnx"), try scores("small.onnx"), 1e-5)
    }

    @Test(
        "it is exported where the format has its operations, and a SavedModel folder takes the model's place")
    func exported() throws {
        for name in ["e.onnx", "e.tflite", "e.html"] {
            try run("export model.onnx --output \(name)")
            #expect(bench.exists(name))
        }
        let refused = try bench.run(
            "cartoonctl", ["export", "model.onnx", "--format", "coreml", "--output", "refused"])
        #expect(refused.status != 0 && !bench.exists("refused"))
        #expect(refused.errors.contains("(normalization)"), "\(refused.errors)")
        try run("export model.onnx --format savedmodel --output saved")
        try bench.write(
            "saved.json",
            """
            {"height": 32, "width": 32, "mean": [123.675, 116.28, 103.53], "std": [58.395, 57.12, 57.375],
             "resize": "antialiased", "inverse_dct": "accurate"}
            """)
        expectEqual(try scores("saved"), try scores("model.onnx"), 1e-5)
        #expect(
            try run("evaluate --graph saved --labels labels.txt --image_dir pictures").contains("accuracy"))
        #expect(try run("inspect saved --profile --json").contains("milliseconds"))
        try run("optimize --input saved --output frozen.pb --input_names input --output_names final_result")
        try run("export saved --labels labels.txt --output again.onnx")
        try run("package saved labels.txt --output saved.zip --level 1")
    }
}
