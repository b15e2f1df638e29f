import Network
import NetworkReading
import ONNXFormat
import TensorGraph
import TestSupport
import Testing

@testable import Deployment

@Suite("ONNX models rewritten")
struct ONNXRewritingTests {
    private static func numbers(_ shape: [Int], _ seed: UInt64, from low: Float = -1, to high: Float = 1)
        -> Tensor
    {
        ExportCase.numbers(shape, seed: seed, from: low, to: high)
    }

    /// x → Pad → Conv → BatchNormalization → Identity → Mul by channel → Relu → GlobalAveragePool → Flatten → MatMul with
    /// the transpose of a weight → Add, as exporters leave it.
    private static func model(version: Int64 = 17, formatVersion: Int64 = 8) -> ONNXModel {
        var model = ONNXModel(
            formatVersion: formatVersion, operatorSets: [.init(domain: nil, version: version)],
            graph: ONNXGraph(name: "net"))
        model.graph.inputs = [
            ONNXValue("x", .float32, shape: [.symbol("N"), .size(3), .size(6), .size(6)])
        ]
        model.graph.outputs = [ONNXValue("y", .float32, shape: [.symbol("N"), .size(40)])]
        let integers = Tensor(
            type: .int64, shape: [8], contents: .dense(ByteRegion(of: [0, 0, 1, 1, 0, 0, 1, 1] as [Int64])))
        for (name, tensor) in [
            ("pads", integers), ("weights", numbers([32, 3, 3, 3], 1)), ("bias", numbers([32], 2)),
            ("scale", numbers([32], 3, from: 0.5, to: 2)), ("shift", numbers([32], 4)),
            ("mean", numbers([32], 5)), ("variance", numbers([32], 6, from: 0.5, to: 2)),
            ("factor", numbers([1, 32, 1, 1], 7)), ("matrix", numbers([40, 32], 8)),
            ("end", numbers([40], 9)), ("copy", numbers([40], 9)),
        ] { model.add(name, tensor) }
        func node(
            _ operation: String, _ inputs: [String], _ output: String,
            _ attributes: [String: ONNXAttribute] = [:]
        ) {
            model.graph.nodes.append(
                ONNXNode(operation, name: output, inputs: inputs, outputs: [output], attributes: attributes))
        }
        node("Pad", ["x", "pads"], "padded")
        node("Conv", ["padded", "weights", "bias"], "c", ["kernel_shape": .ints([3, 3])])
        node(
            "BatchNormalization", ["c", "scale", "shift", "mean", "variance"], "n", ["epsilon": .float(1e-3)])
        node("Identity", ["n"], "same")
        node("Mul", ["same", "factor"], "m")
        node("Relu", ["m"], "r")
        node("GlobalAveragePool", ["r"], "p")
        node("Flatten", ["p"], "f")
        node("Transpose", ["matrix"], "turned", ["perm": .ints([1, 0])])
        node("MatMul", ["f", "turned"], "d")
        node("Add", ["d", "end"], "e")
        node("Sub", ["e", "copy"], "y")
        node("Relu", ["e"], "unused")
        return model
    }

    private static func run(_ model: ONNXModel) throws -> [Float] {
        let read = try ONNXModel.read(ByteRegion(try model.write()))
        let network = try ONNXReader.read(read, size: (6, 6))
        return try NetworkEvaluator.run(network, numbers([1, 6, 6, 3], 11).floats!)[0].values
    }

    private static func isClose(_ a: [Float], _ b: [Float], _ tolerance: Float) -> Bool {
        let largest = b.map { abs($0) }.max()!
        return a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= tolerance * largest }
    }

    @Test(
        "optimizing folds padding, normalization and factors into the convolution, and weights into weights")
    func optimization() throws {
        let model = Self.model()
        let (small, report) = try ONNXOptimization(outputs: ["y"]).apply(to: model)
        #expect(
            small.graph.nodes.map(\.operation)
                == ["Conv", "Relu", "GlobalAveragePool", "Flatten", "MatMul", "Add", "Sub"])
        #expect(report.nodesBefore == 13 && report.nodesAfter == 7 && report.spliced == 1)
        #expect(report.folded == 2 && report.paddings == 1 && report.duplicates == 1)
        #expect(Self.isClose(try Self.run(small), try Self.run(model), 1e-5))
        // An input that is free stays free.
        #expect(small.graph.inputs.map(\.name) == ["x"] && small.graph.inputs[0].shape?[0] == .symbol("N"))
    }

    @Test("optimizing keeps the values that are to be kept")
    func keptValues() throws {
        let (small, _) = try ONNXOptimization(outputs: ["y"], keeping: ["n", "absent"]).apply(
            to: Self.model())
        #expect(small.graph.nodes.contains { $0.outputs == ["n"] && $0.operation == "Conv" })
        #expect(small.graph.nodes.contains { $0.operation == "Mul" })
        #expect(Self.isClose(try Self.run(small), try Self.run(Self.model()), 1e-5))
    }

    @Test("an output that the model lacks is named, and control flow is refused")
    func refusals() {
        #expect(throws: DeploymentError.noSuchTensor("z", node: "")) {
            try ONNXOptimization(outputs: ["z"]).apply(to: Self.model())
        }
        var model = Self.model()
        model.graph.nodes[0].attributes["then_branch"] = .encoded(kind: 5, ByteRegion([]))
        #expect(throws: DeploymentError.self) { try ONNXOptimization(outputs: ["y"]).apply(to: model) }
    }

    @Test(
        "bytes with steps by channel are converted back by DequantizeLinear, before it existed by a cast and a product",
        arguments: [(17, "DequantizeLinear"), (11, "DequantizeLinear"), (9, "Cast")])
    func eightBits(_ version: Int64, _ operation: String) throws {
        // Pads are an attribute before operator set 11.
        var model = Self.model(version: version)
        if version < 11 {
            model.graph.nodes[0].inputs = ["x"]
            model.graph.nodes[0].attributes["pads"] = .ints([0, 0, 1, 1, 0, 0, 1, 1])
        }
        // The matrix has 1280 numbers, the filter 864.
        let small = try EightBitWeights().apply(to: model)
        #expect(small.graph.nodes.filter { $0.operation == operation }.count == 1)
        #expect(small.graph.initializers.filter { $0.tensor?.type == .int8 }.map(\.name) == ["matrix/codes"])
        #expect(Self.isClose(try Self.run(small), try Self.run(model), 0.02))
        // The matrix is read by a Transpose, and so has one step.
        #expect(small.graph.initializers.first { $0.name == "matrix/steps" }?.shape == [])
    }

    @Test("weights of a matrix product have a step for each output, and the folded model is as close")
    func steps() throws {
        let (folded, _) = try ONNXOptimization(outputs: ["y"]).apply(to: Self.model())
        let small = try EightBitWeights().apply(to: folded)
        let node = try #require(small.graph.nodes.first { $0.operation == "DequantizeLinear" })
        let steps = try #require(small.graph.initializers.first { $0.name == node.inputs[1] })
        #expect(steps.shape == [40])
        // The product's matrix is stored transposed.
        guard case .int(0)? = node.attributes["axis"] else { Issue.record("no axis"); return }
        #expect(small.graph.initializers.first { $0.name == node.inputs[0] }?.shape == [40, 32])
        #expect(small.graph.nodes.contains { $0.operation == "Transpose" && $0.inputs == node.outputs })
        #expect(Self.isClose(try Self.run(small), try Self.run(folded), 0.01))
    }

    @Test("initializers of old files, which are inputs too, stay so")
    func oldFormat() throws {
        let model = Self.model(version: 12, formatVersion: 3)
        let small = try EightBitWeights().apply(to: model)
        let inputs = Set(small.graph.inputs.map(\.name))
        #expect(
            small.graph.initializers.allSatisfy { inputs.contains($0.name) } && !inputs.contains("matrix"))
        #expect(Self.isClose(try Self.run(small), try Self.run(model), 0.02))
    }

    @Test("rounded weights have at most so many values")
    func rounded() throws {
        let small = try RoundedWeights(bits: 4).apply(to: Self.model())
        let matrix = try #require(small.graph.initializers.first { $0.name == "matrix" }?.tensor?.floats)
        #expect(Set(matrix).count <= 16)
    }

    @Test("bytes that a graph stores are kept by a conversion to ONNX")
    func storedBytes() throws {
        let shape = [1, 1, 32, 32], count = 1024
        let codes = Tensor(
            type: .quint8, shape: shape, contents: .dense(ByteRegion(noise(count, seed: 5))))
        let graph = Graph(nodes: [
            .input(), .constant("q", codes), .values("low", [-128], []), .values("high", [127], []),
            .constant("steps", Self.numbers([32], 3, from: 0.1, to: 0.2)),
            .dequantize("levels", ["q", "low", "high"]), Node("Mul", name: "w", inputs: ["levels", "steps"]),
            Node(
                "Conv2D", name: "y", inputs: ["x", "w"],
                attributes: ["strides": .ints([1, 1, 1, 1]), "padding": .bytes(Array("SAME".utf8))]),
        ])
        let network = try GraphReader.read(graph, input: "x", inputShape: [1, 4, 4, 32], outputs: ["y"])
        let model = try NetworkExport(network, outputs: ["y"], quantizedIn: graph).onnxModel(
            ExportDescription(name: "net", producer: ("us", "1"), entries: []), visible: 1)
        #expect(model.graph.initializers.contains { $0.tensor?.type == .int8 && $0.tensor?.count == count })
    }
}
