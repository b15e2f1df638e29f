import Foundation
import TensorFlowFormat
import TensorGraph
import TestSupport
import Testing

/// What every verb does with a network whose weights or statistics make NaN or infinity.
@Suite("Numbers that are not finite", .tags(.endToEnd))
struct NotFiniteTests {
    let bench: Workbench

    init() throws {
        bench = try Workbench()
        try bench.makeClass("pictures/moss", from: "moss_the_dragon", count: 5)
        try bench.makeClass("pictures/pip", from: "pip_the_robot", count: 5)
    }

    private func run(_ line: String) throws -> Workbench.Outcome {
        try bench.run("cartoonctl", line.split(separator: " ").map(String.init))
    }

    @Test(
        "a network that makes them is named with the picture and the tensor, and nothing is cached",
        arguments: [
            "retrain --output_graph m.pb --output_labels m.txt",
            "retrain --output_graph m.pb --precision int8",
            "retrain --output_graph m.pb --precision bf16 --output_labels m.txt", "evaluate --folds 3",
            "audit",
            "bottlenecks compute", "bottlenecks export vectors",
        ])
    func network(line: String) throws {
        try bench.writeTinyNetwork("nan", weight: .nan)
        try bench.writeTinyNetwork("infinite", weight: 3e38)
        try bench.writeTinyNetwork("variance", variance: -1)
        for name in ["nan", "infinite", "variance"] {
            let outcome = try run(
                "\(line) --image_dir pictures --architecture \(name).pb --bottleneck_dir cache --quiet")
            #expect(outcome.status == 28, "\(name): \(outcome.errors)")
            let complaint = outcome.errorLines.last ?? ""
            for part in ["pictures/", "\(name).pb", "'features'"] {
                #expect(complaint.contains(part), "\(complaint)")
            }
            #expect(!bench.exists("m.pb") && !bench.exists("vectors/bottlenecks.npy"))
        }
        let cache = try run("inspect cache --json")
        #expect(cache.status != 0 || cache.output.contains("\"vectors\" : 0"), "\(cache.output)")
    }

    @Test("a model in bytes does not pass a weight that is no number for one")
    func bytes() throws {
        try bench.writeTinyNetwork("tiny")
        let trained = try run(
            "retrain --image_dir pictures --architecture tiny.pb --precision int8 --bottleneck_dir cache --quiet --output_graph m.pb --output_labels m.txt"
        )
        try #require(trained.status == 0, "\(trained.errors)")
        var graph = try GraphDef.read(ByteRegion([UInt8](bench.data("m.pb"))))
        let place = try #require(graph.nodes.firstIndex { $0.constant?.shape.count == 4 })
        let tensor = try #require(graph.nodes[place].constant)
        var values = try #require(tensor.floats)
        for number in [Float.nan, .infinity] {
            values[0] = number
            graph.nodes[place].attributes["value"] = .tensor(Tensor(values, shape: tensor.shape))
            try bench.write("bad.pb", Data(try GraphDef.write(graph)))
            for line in ["classify pictures", "evaluate --image_dir pictures"] {
                let outcome = try run("\(line) --graph bad.pb --quiet")
                #expect(outcome.status == 22 && outcome.output.isEmpty, "\(outcome.output)")
                #expect(outcome.errors.contains("holds NaN or infinity"), "\(outcome.errors)")
            }
        }
    }

    @Test("a model that makes them answers nothing, is no good, and is not written in other forms")
    func model() throws {
        try bench.writeTinyNetwork("tiny")
        let trained = try run(
            "retrain --image_dir pictures --architecture tiny.pb --bottleneck_dir cache --quiet --output_graph m.pb --output_labels m.txt"
        )
        try #require(trained.status == 0, "\(trained.errors)")
        var graph = try GraphDef.read(ByteRegion([UInt8](bench.data("m.pb"))))
        let place = try #require(
            graph.nodes.firstIndex { $0.name.contains("final_weights") && $0.operation == "Const" })
        let tensor = try #require(graph.nodes[place].constant)
        var values = try #require(tensor.floats)
        values[1] = .nan
        graph.nodes[place].attributes["value"] = .tensor(Tensor(values, shape: tensor.shape))
        try bench.write("nan.pb", Data(try GraphDef.write(graph)))

        let answer = try run("classify pictures --graph nan.pb --json")
        #expect(answer.status == 1 && !answer.output.contains("score"), "\(answer.output)")
        for part in ["pictures/", "nan.pb", "'final_result'"] { #expect(answer.errors.contains(part)) }
        let judged = try run("evaluate --graph nan.pb --image_dir pictures --quiet")
        #expect(judged.status == 28 && judged.output.isEmpty, "\(judged.errors)")
        let compared = try run("inspect m.pb --compare nan.pb")
        #expect(
            compared.status == 1 && compared.output.contains("1 of them NaN or infinite"),
            "\(compared.output)")

        let node = graph.nodes[place].name
        for line in [
            "quantize --input nan.pb --output out --mode weights",
            "quantize --input nan.pb --output out --mode compact",
            "quantize --input nan.pb --output out --mode weights_rounded",
            "quantize --input nan.pb --output out --calibrate pictures",
            "optimize --input nan.pb --output out",
            "export nan.pb --output out.onnx", "export nan.pb --output out.tflite --weights int8",
            "export nan.pb --format savedmodel --output out", "export nan.pb --output out.html",
        ] {
            let outcome = try run(line)
            #expect(outcome.status == 22 && outcome.errors.contains(node), "\(line): \(outcome.errors)")
        }
        try bench.writeTinyNetwork("variance", variance: -1)
        let folded = try run(
            "optimize --input variance.pb --output out --input_names input --output_names features")
        #expect(folded.status == 22 && folded.errors.contains("variance of -1"), "\(folded.errors)")
        #expect(try bench.names().allSatisfy { !$0.hasPrefix("out") })
    }
}
