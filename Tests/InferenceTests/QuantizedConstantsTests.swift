import TensorGraph
import Testing

@testable import Inference

@Suite("Quantized constants")
struct QuantizedConstantsTests {
    @Test("bytes and steps are the weights they stand for", arguments: [true, false])
    func dequantized(isDepthwise: Bool) throws {
        let attributes: [String: Attribute] = [
            "T": .type(.float32), "strides": .ints([1, 1, 1, 1]), "padding": .bytes(Array("VALID".utf8)),
        ]
        let shape = isDepthwise ? [1, 1, 2, 1] : [1, 1, 2, 2],
            codes: [UInt8] = isDepthwise ? [130, 126] : [129, 130, 127, 126]
        let graph = Graph(nodes: [
            Node("Placeholder", name: "x"), .constant("low", Tensor([Float(-128)], shape: [])),
            .constant("high", Tensor([Float(127)], shape: [])),
            .constant("q", Tensor(type: .quint8, shape: shape, contents: .dense(ByteRegion(codes)))),
            .constant("s", Tensor([Float(0.5), 10], shape: isDepthwise ? [2, 1] : [2])),
            Node(
                "Dequantize", name: "d", inputs: ["q", "low", "high"],
                attributes: ["mode": .bytes(Array("MIN_COMBINED".utf8))]),
            Node("Mul", name: "w", inputs: ["d", "s"]),
            Node(
                isDepthwise ? "DepthwiseConv2dNative" : "Conv2D", name: "y", inputs: ["x", "w"],
                attributes: attributes),
        ])
        let executor = Executor(try Plan(graph, input: "x", inputShape: [1, 1, 1, 2], outputs: ["y"]))
        (executor.input[0], executor.input[1]) = (3, 4)
        executor.run()
        #expect(Array(executor.output(0)) == (isDepthwise ? [3, -80] : [-0.5, -20]))
    }
}
