import TensorGraph
import TestSupport
import Testing

@testable import ONNXFormat

@Suite("Writing ONNX models")
struct ONNXWritingTests {
    @Test("what was not changed is written as it came")
    func unchanged() throws {
        #expect(try ONNXModel.read(ByteRegion(Message.example)).write() == Message.example)
        let unknown =
            Message.model(
                Message.field(1, Message.node("Relu", inputs: ["x"], outputs: ["y"]))
                    + Message.field(16, Message.field(1, "graph's metadata")))
            + Message.field(25, Message.field(1, "function"))
        let model = try ONNXModel.read(ByteRegion(unknown))
        #expect(model.hasFunctions)
        #expect(try model.write() == unknown)
    }

    @Test("nodes, weights and metadata that are added are read again; the others keep their bytes")
    func additions() throws {
        var model = try ONNXModel.read(ByteRegion(Message.example))
        let before = model.graph.nodes[0].encoded
        model.graph.nodes.append(
            ONNXNode(
                "Gemm", name: "logits", inputs: ["y", "w2"], outputs: ["z"],
                attributes: [
                    "alpha": .float(0.5), "transB": .int(1), "mode": .string(Array("m".utf8)),
                    "axes": .ints([-1, 300]), "scales": .floats([1, 2]), "names": .strings([[65], []]),
                    "value": .tensor(ONNXInitializer("", Tensor([Int32(7)], shape: [1]))),
                ]))
        model.graph.initializers.append(
            ONNXInitializer("w2", Tensor((0..<200).map(Float.init), shape: [2, 100])))
        model.graph.outputs = [ONNXValue("z", .float32, shape: [.symbol("batch"), .size(100), .unknown])]
        model.setMetadata("key", "new")
        model.setMetadata("labels", "a\nb")
        let again = try ONNXModel.read(ByteRegion(try model.write()))
        #expect(again.graph.nodes.count == 3)
        let node = again.graph.nodes[2]
        #expect(node.operation == "Gemm" && node.inputs == ["y", "w2"] && node.outputs == ["z"])
        #expect(node.attributes.count == 7)
        #expect("\(node.attributes["axes"]!)" == "ints([-1, 300])")
        #expect("\(node.attributes["alpha"]!)" == "float(0.5)")
        if case .tensor(let tensor)? = node.attributes["value"] {
            #expect(tensor.tensor?.integers == [7])
        } else {
            Issue.record("no tensor")
        }
        #expect(again.graph.initializers[1].tensor?.floats?.last == 199)
        #expect(again.graph.outputs[0].shape == [.symbol("batch"), .size(100), .unknown])
        #expect(again.metadata.map(\.value) == ["new", "a\nb"])
        #expect(try #require(before).hasSameBytes(as: try #require(again.graph.nodes[0].encoded)))
        #expect(model.encodedSize == (try model.write()).count)
    }
}
