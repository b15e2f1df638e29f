import Foundation
import Inference
import ONNXFormat
import TensorFlowFormat
import TensorGraph
import TestSupport
import Testing

@testable import Backbones

@Suite("Networks that describe themselves")
struct NetworkSurveyTests {
    private static func floats(_ count: Int) -> [Float] { (0..<count).map { Float($0 % 7) / 7 - 0.4 } }

    /// A classifier of 8 × 8 pictures: convolution, mean, product, softmax.
    static func graph(placeholder shape: [Int]? = [-1, 8, 8, 3], scalesItself: Bool = false) -> Graph {
        let input = Node(
            "Placeholder", name: "image", attributes: ["dtype": .type(.float32), "shape": .shape(shape)])
        let attributes: [String: Attribute] = [
            "strides": .ints([1, 1, 1, 1]), "padding": .bytes(Array("SAME".utf8)), "T": .type(.float32),
        ]
        return Graph(nodes: [
            input, .constant("half", Tensor([Float(0.5)], shape: [])),
            Node("Mul", name: "scaled", inputs: ["image", "half"]),
            .constant("w", Tensor(floats(3 * 3 * 3 * 5), shape: [3, 3, 3, 5])),
            Node(
                "Conv2D", name: "conv", inputs: [scalesItself ? "scaled" : "image", "w"],
                attributes: attributes),
            Node("Relu", name: "relu", inputs: ["conv"]),
            .constant("axes", Tensor([Int32(1), 2], shape: [2])),
            Node("Mean", name: "pooled", inputs: ["relu", "axes"]),
            .constant("v", Tensor(floats(5 * 4), shape: [5, 4])),
            Node("MatMul", name: "product", inputs: ["pooled", "v"]),
            .constant("b", Tensor(floats(4), shape: [4])),
            Node("BiasAdd", name: "logits", inputs: ["product", "b"]),
            Node("Softmax", name: "scores", inputs: ["logits"]),
        ])
    }

    /// A folder with a network, and perhaps the JSON beside it.
    private func withFile<Result>(
        _ name: String, _ bytes: [UInt8], json: String? = nil, _ body: (String) throws -> Result
    ) throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent(name)
        try Data(bytes).write(to: file)
        if let json {
            try Data(json.utf8).write(to: file.deletingPathExtension().appendingPathExtension("json"))
        }
        return try body(file.path)
    }

    @Test("a graph with one placeholder and one softmax needs no JSON; what was assumed is said")
    func graphWithoutDescription() throws {
        try withFile("net.pb", GraphDef.write(Self.graph())) { path in
            let backbone = try Backbone.find(architecture: path, modelDirectory: nil)
            let about = backbone.description
            #expect(about.input == "image" && about.height == 8 && about.width == 8)
            #expect(about.taps == [.init("pooled")])
            #expect(about.mean == 127.5 && about.scale == 1 / 127.5)
            #expect(backbone.notes.map(\.subject) == [.scaling, .bottleneck])
            #expect(backbone.notes[0].text.contains("net.json"))
            #expect(try backbone.featureNetwork().widths == [5])
            // Other taps are what was said, not assumed.
            #expect(try backbone.with(taps: [.init("relu", .max)]).notes.map(\.subject) == [.scaling])
            let model = try ModelFile(path: path, labels: ["a", "b", "c", "d"])
            #expect(model.description.output == "scores" && model.description.isWithoutSoftmax == nil)
        }
    }

    @Test(
        "what timm's or Hugging Face's file beside a network says of pictures is followed, and said; our own JSON comes first"
    )
    func publishedDescription() throws {
        let published = """
            {"image_processor_type": "ViTImageProcessor", "do_resize": true, "size": {"height": 8, "width": 8},
             "resample": 2, "image_mean": [0.5, 0.25, 0.75], "image_std": [0.5, 0.5, 0.25],
             "do_flip_channel_order": true}
            """
        try withFile("net.pb", GraphDef.write(Self.graph())) { path in
            let place = URL(fileURLWithPath: path).deletingLastPathComponent()
                .appendingPathComponent("preprocessor_config.json")
            try Data(published.utf8).write(to: place)
            let backbone = try Backbone.find(architecture: path, modelDirectory: nil)
            let about = backbone.description
            #expect(about.framing?.resizedHeight == 8 && about.framing?.isBGR == true)
            // The network's first channel is blue.
            let scaling = try #require(about.channelScaling)
            #expect(abs(scaling.mean[0] - 191.25) < 1e-3 && abs(scaling.mean[2] - 127.5) < 1e-3)
            #expect(abs(scaling.scale[0] - 4 / 255) < 1e-6)
            #expect(backbone.notes.contains { $0.text.contains("preprocessor_config.json") })
            #expect(backbone.fingerprint(precision: .fp32).contains("framed"))
            let text = try JSONEncoder().encode(about)
            #expect(try JSONDecoder().decode(BackboneDescription.self, from: text) == about)
            try Data(#"{"mean": 0, "scale": 1}"#.utf8).write(
                to: URL(fileURLWithPath: path).deletingPathExtension().appendingPathExtension("json"))
            #expect(try Backbone.find(architecture: path, modelDirectory: nil).description.framing == nil)
        }
    }

    @Test("a SavedModel folder without its variables is an error that names the file")
    func damagedSavedModel() throws {
        try withFile("saved_model.pb", [0x0A, 0xFF]) { path in
            let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
            #expect {
                try Backbone.find(architecture: folder, modelDirectory: nil)
            } throws: { error in
                if case .savedModel(folder, .malformed(file: "saved_model.pb", _))? = error as? BackboneError
                {
                    true
                } else {
                    false
                }
            }
        }
    }

    @Test("JSON needs to say only what the network does not; three numbers are one a channel")
    func partialDescription() throws {
        let json =
            #"{"mean": [1, 2, 3], "scale": [0.5, 1, 2], "taps": [{"tensor": "relu", "reduction": "mean"}]}"#
        try withFile("net.pb", GraphDef.write(Self.graph()), json: json) { path in
            let backbone = try Backbone.find(architecture: path, modelDirectory: nil)
            #expect(backbone.notes.isEmpty && backbone.description.height == 8)
            #expect(backbone.description.channelScaling == .init(mean: [1, 2, 3], scale: [0.5, 1, 2]))
            let coded = try JSONDecoder().decode(
                BackboneDescription.self, from: JSONEncoder().encode(backbone.description))
            #expect(coded == backbone.description)
            // The same bottleneck as for numbers that are scaled before they go in.
            func bottleneck(_ backbone: Backbone, _ pixel: (Int) -> Float) throws -> [Float] {
                let executor = Executor(try Plan(backbone.featureNetwork().network))
                for index in 0..<8 * 8 * 3 { executor.input[index] = pixel(index) }
                executor.run()
                return Array(executor.output(0))
            }
            var plain = backbone.description
            plain.setScaling(.init(0), .init(1))
            let bytes = ByteRegion(try GraphDef.write(Self.graph()))
            let scaled = try bottleneck(backbone) { Float($0 * 37 % 256) }
            let expected = try bottleneck(Backbone(plain, bytes, path: path)) { index in
                (Float(index * 37 % 256) - [1, 2, 3][index % 3]) * [0.5, 1, 2][index % 3]
            }
            #expect(zip(scaled, expected).allSatisfy { abs($0 - $1) < 1e-3 * (1 + abs($1)) })
        }
    }

    @Test("what neither the network nor JSON says is an error with the remedy")
    func openQuestions() throws {
        func reason(_ graph: Graph, json: String? = nil) throws -> String {
            try withFile("net.pb", GraphDef.write(graph), json: json) { path in
                do {
                    _ = try Backbone.find(architecture: path, modelDirectory: nil)
                    return ""
                } catch BackboneError.description(_, let reason) { return reason }
            }
        }
        var two = Self.graph()
        two.nodes.append(
            Node("Placeholder", name: "other", attributes: ["shape": .shape([1, 8, 8, 3])]))
        #expect(try reason(two).contains("image, other"))
        #expect(try reason(two, json: #"{"input": "image"}"#).isEmpty)
        #expect(try reason(Self.graph(placeholder: [-1, -1, -1, 3])).contains("\"height\""))
        #expect(try reason(Self.graph(), json: #"{"mean": 3}"#).contains("alone"))
        for size in [0, -1, 4097, Int.max] {
            #expect(try reason(Self.graph(), json: "{\"height\": \(size)}").contains("1 to 4096"))
        }
        #expect(try reason(Self.graph(), json: "[]").contains("no JSON object"))
        #expect(try reason(Self.graph(), json: #"{"mean": 3, "scale": 0}"#).contains("other than 0"))
    }

    @Test("a network that scales its input is given a channel's values as they are")
    func scaling() throws {
        try withFile("net.pb", GraphDef.write(Self.graph(scalesItself: true))) { path in
            let backbone = try Backbone.find(architecture: path, modelDirectory: nil)
            #expect(backbone.description.mean == 0 && backbone.description.scale == 1)
        }
    }

    @Test("networks for gray pictures take the luma of red, green and blue")
    func gray() throws {
        var graph = Self.graph(placeholder: [-1, 8, 8, 1])
        let place = try #require(graph.nodes.firstIndex { $0.name == "w" })
        graph.nodes[place] = .constant("w", Tensor(Self.floats(3 * 3 * 5), shape: [3, 3, 1, 5]))
        try withFile("net.pb", GraphDef.write(graph)) { path in
            let backbone = try Backbone.find(architecture: path, modelDirectory: nil)
            let network = try backbone.featureNetwork().network
            #expect(network.shape(try #require(network.input)) == [1, 8, 8, 3])
            // Equal channels are the gray picture itself.
            let values = Self.floats(64), weights = [Float(0.299), 0.587, 0.114]
            let color = (0..<64).flatMap { place in weights.map { _ in values[place] } }
            let luma = (0..<64).flatMap { place in
                (0..<3).map { $0 == 1 ? values[place] / weights[1] : 0 }
            }
            let (even, green) = (
                try NetworkEvaluator.run(network, color)[0].values,
                try NetworkEvaluator.run(network, luma)[0].values
            )
            #expect(even.contains { $0 != 0 })
            for (a, b) in zip(even, green) { #expect(abs(a - b) < 1e-5) }
        }
        var model = Self.model()
        model.graph.inputs = [
            ONNXValue("image", .float32, shape: [.size(1), .size(1), .size(8), .size(8)])
        ]
        model.graph.initializers = model.graph.initializers.map {
            $0.name == "w" ? ONNXInitializer("w", Tensor(Self.floats(36), shape: [4, 1, 3, 3])) : $0
        }
        try withFile("net.onnx", model.write()) { path in
            let about = try Backbone.find(architecture: path, modelDirectory: nil).description
            #expect(about.mean == 0 && about.scale == 1 / 255 && about.channelScaling == nil)
        }
    }

    @Test("bytes go into a network that takes them as they are, resized to whole values")
    func bytesAsTheyAre() throws {
        var graph = Self.graph()
        graph.nodes[0].attributes["dtype"] = .type(.uint8)
        try withFile("net.pb", GraphDef.write(graph)) { path in
            let about = try Backbone.find(architecture: path, modelDirectory: nil).description
            #expect(about.mean == 0 && about.scale == 1 && about.resize == .mediapipe)
        }
        var model = Self.model()
        model.graph.inputs = [ONNXValue("image", .uint8, shape: [.size(1), .size(3), .size(8), .size(8)])]
        try withFile("net.onnx", model.write()) { path in
            let about = try Backbone.find(architecture: path, modelDirectory: nil).description
            #expect(about.mean == 0 && about.scale == 1 && about.channelScaling == nil)
        }
    }

    @Test("the 32 MobileNets of retrain.py are known by name")
    func mobileNets() {
        let names = MobileNet.widths.flatMap { width in
            MobileNet.sizes.flatMap { ["mobilenet_\(width)_\($0)", "mobilenet_\(width)_\($0)_quantized"] }
        }
        #expect(Set(names).count == 32)
        for name in names { #expect(MobileNet(name)?.name == name) }
        #expect(
            MobileNet("mobilenet_0.5_160")?.archive.url
                == "http://download.tensorflow.org/models/mobilenet_v1_0.50_160_frozen.tgz")
        for name in ["mobilenet", "mobilenet_2.0_224", "mobilenet_1.0_225", "mobilenet_1.0_224_x"] {
            #expect(MobileNet(name) == nil)
        }
    }

    // MARK: - ONNX

    /// Pictures `[1, 3, 8, 8]` through a convolution to tokens `[1, 64, 4]`, their mean, a product: logits.
    static func model(operatorSet: Int64 = 17) -> ONNXModel {
        func weight(_ name: String, _ shape: [Int]) -> ONNXInitializer {
            ONNXInitializer(name, Tensor(floats(shape.reduce(1, *)), shape: shape))
        }
        let shape = ONNXInitializer(
            "shape",
            Tensor(type: .int64, shape: [3], contents: .dense(ByteRegion(of: [Int64(1), 4, 64]))))
        return ONNXModel(
            operatorSets: [.init(version: operatorSet)],
            graph: ONNXGraph(
                name: "net",
                nodes: [
                    ONNXNode(
                        "Conv", inputs: ["image", "w"], outputs: ["conv"],
                        attributes: ["pads": .ints([1, 1, 1, 1]), "kernel_shape": .ints([3, 3])]),
                    ONNXNode("Relu", inputs: ["conv"], outputs: ["relu"]),
                    ONNXNode("Reshape", inputs: ["relu", "shape"], outputs: ["rows"]),
                    ONNXNode(
                        "Transpose", inputs: ["rows"], outputs: ["tokens"],
                        attributes: ["perm": .ints([0, 2, 1])]),
                    ONNXNode("GlobalAveragePool", inputs: ["relu"], outputs: ["pool"]),
                    ONNXNode("Flatten", inputs: ["pool"], outputs: ["pooled"]),
                    ONNXNode("Gemm", inputs: ["pooled", "v", "b"], outputs: ["logits"]),
                ],
                initializers: [weight("w", [4, 3, 3, 3]), weight("v", [4, 6]), weight("b", [6]), shape],
                inputs: [
                    ONNXValue("image", .float32, shape: [.symbol("n"), .size(3), .size(8), .size(8)])
                ],
                outputs: [ONNXValue("logits", .float32, shape: [.symbol("n"), .size(6)])]))
    }

    @Test(
        "an ONNX model takes ImageNet's scaling where nothing says another, and its logits become probabilities"
    )
    func onnx() throws {
        try withFile("net.onnx", Self.model().write()) { path in
            let backbone = try Backbone.find(architecture: path, modelDirectory: nil)
            #expect(backbone.description.taps == [.init("pooled")])
            #expect(backbone.description.channelScaling?.mean == [123.675, 116.28, 103.53])
            #expect(backbone.notes.map(\.subject) == [.scaling, .bottleneck])
            let model = try ModelFile(path: path, labels: ["a", "b", "c", "d", "e", "f"])
            #expect(model.description.isWithoutSoftmax == true)
            let executor = Executor(try Plan(model.network(outputs: ["logits"])))
            for index in 0..<8 * 8 * 3 { executor.input[index] = Float(index % 256) }
            executor.run()
            #expect(abs(executor.output(0).reduce(0, +) - 1) < 1e-5)
        }
    }

    @Test(
        "the model of an ONNX network gives what its bottleneck and layer give, in any operator set",
        arguments: [Int64(13), 18])
    func joinedModel(operatorSet: Int64) throws {
        var description = try NetworkFile.onnx(Self.model()).described(path: "/nowhere/net.onnx").backbone
        description.taps = [
            .init("relu", .mean), .init("relu", .deviation), .init("tokens", .first), .init("tokens", .max),
            .init("pooled"),
        ]
        let bytes = ByteRegion(try Self.model(operatorSet: operatorSet).write())
        let backbone = try Backbone(description, bytes, path: "net.onnx")
        let features = try backbone.featureNetwork()
        #expect(features.widths == [4, 4, 4, 4, 4])
        let weights = Self.floats(20 * 3), biases: [Float] = [0.1, 0.2, -0.3]
        let joined = try backbone.joined(
            weights: weights, biases: biases, labels: ["x", "y", "z"],
            novelty: NoveltyTable(
                means: Self.floats(20), scales: Self.floats(20), quantiles: Self.floats(101)),
            output: "final_result", tool: "test", seed: 3)
        guard case .onnx(let model) = joined else { throw CocoaError(.fileReadUnknown) }
        #expect(!model.graph.nodes.contains { $0.outputs == ["logits"] })
        #expect(model.graph.outputs.map(\.name) == ["final_result"])
        try withFile("model.onnx", model.write()) { path in
            let file = try ModelFile(path: path, labels: nil)
            #expect(file.description.labels == ["x", "y", "z"] && file.notes.isEmpty)
            #expect(file.novelty?.means == Self.floats(20))
            let plan = try Plan(file.network(outputs: ["final_result", file.description.bottleneck]))
            let whole = Executor(plan), part = Executor(try Plan(features.network))
            for index in 0..<8 * 8 * 3 {
                whole.input[index] = Float(index * 31 % 256)
                part.input[index] = Float(index * 31 % 256)
            }
            whole.run()
            part.run()
            let bottleneck = Array(part.output(0))
            #expect(
                zip(bottleneck, whole.output(1)).allSatisfy { abs($0 - $1) <= 1e-5 * (1 + abs($0)) })
            let logits = (0..<3).map { label in
                (0..<20).reduce(biases[label]) { $0 + bottleneck[$1] * weights[$1 * 3 + label] }
            }
            let greatest = logits.max() ?? 0, powers = logits.map { exp($0 - greatest) }
            for (score, power) in zip(whole.output(0), powers) {
                #expect(abs(score - power / powers.reduce(0, +)) < 1e-5)
            }
            // The network inside has the taps still.
            #expect(try Backbone.inModel(path).featureNetwork().widths == features.widths)
        }
    }
}
