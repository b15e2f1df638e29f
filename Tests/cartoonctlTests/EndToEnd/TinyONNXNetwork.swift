import Foundation
import ONNXFormat
import TensorGraph

/// An ONNX network that is run in microseconds, `[N, 3, 32, 32]` to `[N, 40]`: a convolution with a normalization,
/// squeeze-and-excitation, attention over 64 tokens, and a final matrix product.
enum TinyONNXNetwork {
    /// Returns the file, with seeded weights and the forms in which PyTorch exports.
    static func file() throws -> Data {
        var model = ONNXModel(
            operatorSets: [.init(version: 17)], graph: ONNXGraph(name: "tiny"))
        model.graph.inputs = [
            ONNXValue("input", .float32, shape: [.symbol("N"), .size(3), .size(32), .size(32)])
        ]
        model.graph.outputs = [ONNXValue("output", .float32, shape: [.symbol("N"), .size(40)])]
        var seed: Float = 0
        func weight(_ name: String, _ shape: [Int], scale: Float, center: Float = 0) {
            seed += 1
            let values = (0..<shape.reduce(1, *)).map { center + scale * sin(Float($0) * 1.7 + seed) }
            model.add(name, Tensor(values, shape: shape))
        }
        func node(
            _ operation: String, _ inputs: [String], _ output: String,
            _ attributes: [String: ONNXAttribute] = [:]
        ) {
            model.graph.nodes.append(
                ONNXNode(operation, name: output, inputs: inputs, outputs: [output], attributes: attributes))
        }
        weight("filter", [16, 3, 3, 3], scale: 0.4)
        for name in ["gamma", "variance"] { weight(name, [16], scale: 0.3, center: 1) }
        for name in ["beta", "mean"] { weight(name, [16], scale: 0.2) }
        node(
            "Conv", ["input", "filter"], "conv",
            ["kernel_shape": .ints([3, 3]), "strides": .ints([4, 4]), "pads": .ints([1, 1, 1, 1])])
        node("BatchNormalization", ["conv", "gamma", "beta", "mean", "variance"], "norm")
        node("HardSwish", ["norm"], "active")
        weight("squeeze", [16, 16, 1, 1], scale: 0.5)
        node("GlobalAveragePool", ["active"], "pooled")
        node("Conv", ["pooled", "squeeze"], "gate")
        node("Sigmoid", ["gate"], "excitation")
        node("Mul", ["active", "excitation"], "excited")
        model.add(
            "shape",
            Tensor(type: .int64, shape: [3], contents: .dense(ByteRegion(of: [0, 16, -1] as [Int64]))))
        node("Reshape", ["excited", "shape"], "flat")
        node("Transpose", ["flat"], "tokens", ["perm": .ints([0, 2, 1])])
        weight("scale", [16], scale: 0.1, center: 1)
        weight("shift", [16], scale: 0.1)
        node("LayerNormalization", ["tokens", "scale", "shift"], "normalized")
        for name in ["query", "key", "value"] {
            weight("\(name)s", [16, 16], scale: 0.3)
            node("MatMul", ["normalized", "\(name)s"], name)
        }
        node("Transpose", ["key"], "columns", ["perm": .ints([0, 2, 1])])
        node("MatMul", ["query", "columns"], "scores")
        node("Softmax", ["scores"], "attention")
        node("MatMul", ["attention", "value"], "attended")
        node("Add", ["tokens", "attended"], "sum")
        node("ReduceMean", ["sum"], "features", ["axes": .ints([1]), "keepdims": .int(0)])
        weight("head", [40, 16], scale: 0.3)
        weight("bias", [40], scale: 0.1)
        node("Gemm", ["features", "head", "bias"], "output", ["transB": .int(1)])
        return Data(try model.write())
    }
}
