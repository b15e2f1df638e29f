import Network
import TensorFlowFormat
import TensorGraph
import TestSupport
import Testing

@testable import NetworkReading

@Suite(
    "Reading genuine graphs as networks", .tags(.oracle),
    .enabled(if: SharedData.isPresent, SharedData.absence))
struct SharedGraphTests {
    @Test(
        "every node is read and the output has its shape",
        arguments: [
            (
                "mobilenet_v1_025/mobilenet_0.25_224_frozen.pb", 224, "MobilenetV1/Predictions/Softmax",
                [1, 1001]
            ),
            (
                "mobilenet_v1_025/mobilenet_0.25_224_quantized.pb", 224, "MobilenetV1/Predictions/Softmax",
                [1, 1001]
            ),
            ("efficientnet_lite0/efficientnet_lite0.pb", 224, "features", [1, 1280]),
            ("googlenet/googlenet.pb", 224, "prob", [1, 1000]),
        ])
    func shapes(file: String, size: Int, output: String, shape: [Int]) throws {
        let graph = try GraphDef.read(path: SharedData.url("models/" + file).path)
        let network = try GraphReader.read(
            graph, input: "input", inputShape: [1, size, size, 3], outputs: [output])
        try network.verify()
        #expect(network.shape(network.outputs[0]) == shape)
    }

    @Test("a graph that retrain.py made is read")
    func retrained() throws {
        let graph = try GraphDef.read(path: SharedData.url("models/mobilenet_v1_025/retrained.pb").path)
        let network = try GraphReader.read(
            graph, input: "input", inputShape: [1, 224, 224, 3], outputs: ["final_result"])
        try network.verify()
        #expect(network[network.outputs[0]].operation.name == "softmax")
        #expect(network.shape(network.outputs[0]).count == 2)
    }
}
