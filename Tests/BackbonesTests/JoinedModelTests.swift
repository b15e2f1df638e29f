import Foundation
import ONNXFormat
import TensorFlowFormat
import TensorGraph
import Testing

@testable import Backbones

@Suite("Networks joined with a final layer")
struct JoinedModelTests {
    /// The network of a file with a layer of two classes after its features.
    private func joined(_ network: [UInt8], name: String, features: Int) throws -> NetworkFile {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent(name)
        try Data(network).write(to: file)
        return try Backbone.find(architecture: file.path, modelDirectory: nil).joined(
            weights: [Float](repeating: 1, count: 2 * features), biases: [0, 0], labels: ["a", "b"],
            output: "final_result", tool: "test", seed: 0)
    }

    @Test("ONNX models of half precision are widened before the layer, others are not")
    func halfPrecision() throws {
        for (type, operations) in [
            (ElementType.float16, ["Flatten", "Cast", "MatMul", "Add", "Softmax"]),
            (.float32, ["Flatten", "MatMul", "Add", "Softmax"]),
        ] {
            var model = NetworkSurveyTests.model()
            model.graph.inputs[0] = ONNXValue("image", type, shape: model.graph.inputs[0].shape)
            guard case .onnx(let whole) = try joined(model.write(), name: "net.onnx", features: 4) else {
                Issue.record("no ONNX model")
                return
            }
            #expect(whole.graph.nodes.suffix(operations.count).map(\.operation) == operations)
            #expect(whole.graph.nodes.last?.outputs == ["final_result"])
        }
    }

    @Test("graphs of mixed precision are widened before the layer")
    func mixedPrecision() throws {
        var graph = NetworkSurveyTests.graph()
        let pooled = try #require(graph.nodes.firstIndex { $0.name == "pooled" })
        graph.nodes[pooled].attributes["T"] = .type(.float16)
        guard case .graph(let whole) = try joined(GraphDef.write(graph), name: "net.pb", features: 5) else {
            Issue.record("no graph")
            return
        }
        let product = try #require(whole.nodes.first { $0.name == "final_training_ops/Wx_plus_b/MatMul" })
        let cast = try #require(whole.nodes.first { $0.name == product.inputs[0] })
        #expect(cast.operation == "Cast" && cast.inputs == ["pooled"])
        guard case .type(.float32)? = cast.attributes["DstT"] else {
            Issue.record("no cast to float32")
            return
        }
    }
}
