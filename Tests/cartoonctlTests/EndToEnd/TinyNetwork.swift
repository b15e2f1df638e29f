import Foundation
import TensorFlowFormat
import TensorGraph

/// A network of one convolution that is run in microseconds: `[N, 32, 32, 3]` to some features.
enum TinyNetwork {
    static let description = """
        {"name": "tiny", "input": "input", "height": 32, "width": 32, "mean": 128, "scale": 0.0078125,
         "taps": [{"tensor": "features"}]}
        """

    /// Returns a GraphDef.
    ///
    /// - Parameters:
    ///   - weight: One of the convolution's weights.
    ///   - variance: One of the normalization's variances.
    ///   - channels: The number of features; the weights of fewer than 38 are too few to be quantized.
    static func graph(weight: Float = 0.5, variance: Float = 1, channels: Int = 16) throws -> Data {
        var weights = (0..<(3 * 3 * 3 * channels)).map { sin(Float($0) * 1.7) / 4 }
        weights[7] = weight
        var variances = [Float](repeating: 1, count: channels)
        variances[5] = variance
        let float: [String: Attribute] = ["T": .type(.float32)]
        let nodes: [Node] = [
            Node(
                "Placeholder", name: "input", inputs: [],
                attributes: ["dtype": .type(.float32), "shape": .shape([-1, 32, 32, 3])]),
            .constant("weights", Tensor(weights, shape: [3, 3, 3, channels])),
            Node(
                "Conv2D", name: "conv", inputs: ["input", "weights"],
                attributes: float.merging([
                    "strides": .ints([1, 2, 2, 1]), "padding": .bytes(Array("SAME".utf8)),
                    "data_format": .bytes(Array("NHWC".utf8)),
                ]) { $1 }),
            .constant("gamma", Tensor([Float](repeating: 1, count: channels), shape: [channels])),
            .constant("beta", Tensor([Float](repeating: 0, count: channels), shape: [channels])),
            .constant("mean", Tensor([Float](repeating: 0, count: channels), shape: [channels])),
            .constant("variance", Tensor(variances, shape: [channels])),
            Node(
                "FusedBatchNorm", name: "norm", inputs: ["conv", "gamma", "beta", "mean", "variance"],
                attributes: float.merging([
                    "epsilon": .float(0.001), "is_training": .bool(false),
                    "data_format": .bytes(Array("NHWC".utf8)),
                ]) { $1 }),
            Node("Relu", name: "relu", inputs: ["norm"], attributes: float),
            .constant("axes", Tensor([Int32(1), 2], shape: [2])),
            Node(
                "Mean", name: "features", inputs: ["relu", "axes"],
                attributes: float.merging(["Tidx": .type(.int32), "keep_dims": .bool(false)]) { $1 }),
        ]
        return Data(try GraphDef.write(Graph(nodes: nodes)))
    }
}

extension Workbench {
    /// Writes a network and its description.
    func writeTinyNetwork(
        _ name: String, weight: Float = 0.5, variance: Float = 1, channels: Int = 16
    ) throws {
        try write("\(name).pb", TinyNetwork.graph(weight: weight, variance: variance, channels: channels))
        try write("\(name).json", TinyNetwork.description)
    }
}
