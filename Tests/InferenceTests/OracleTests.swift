import Inference
import TensorFlowFormat
import TensorGraph
import TestSupport
import Testing

@Suite(
    "Features of the real networks", .tags(.oracle), .enabled(if: SharedData.isPresent, SharedData.absence))
struct OracleTests {
    struct Tap: CustomTestStringConvertible, Sendable {
        let graph, network, input, tensor, reduction, oracle: String
        var testDescription: String { "\(network).\(oracle)" }
    }

    static let inception = "inception_v3_2015/classify_image_graph_def.pb"
    static let taps = [
        Tap(
            graph: "efficientnet_lite0/efficientnet_lite0.pb", network: "efficientnet_lite0", input: "input",
            tensor: "features", reduction: "", oracle: "features"),
        Tap(
            graph: "efficientnet_lite0/efficientnet_lite0.pb", network: "efficientnet_lite0", input: "input",
            tensor: "block_11/expand/Relu6", reduction: "Max", oracle: "block_11_expand_max"),
        Tap(
            graph: "efficientnet_lite0/efficientnet_lite0.pb", network: "efficientnet_lite0", input: "input",
            tensor: "block_15/depthwise/Relu6", reduction: "Mean", oracle: "block_15_depthwise_avg"),
        Tap(
            graph: "googlenet/googlenet.pb", network: "googlenet", input: "input", tensor: "features",
            reduction: "", oracle: "features"),
        Tap(
            graph: "googlenet/googlenet.pb", network: "googlenet", input: "input", tensor: "prob",
            reduction: "", oracle: "prob"),
        Tap(
            graph: inception, network: "inception_v3_2015", input: "Mul", tensor: "pool_3/_reshape",
            reduction: "", oracle: "pool_3"),
        Tap(
            graph: inception, network: "inception_v3_2015", input: "Mul", tensor: "mixed_7/join",
            reduction: "Mean", oracle: "mixed_7_avg"),
        Tap(
            graph: inception, network: "inception_v3_2015", input: "Mul", tensor: "mixed_8/join",
            reduction: "Mean", oracle: "mixed_8_avg"),
        Tap(
            graph: inception, network: "inception_v3_2015", input: "Mul", tensor: "mixed_8/join",
            reduction: "Max", oracle: "mixed_8_max"),
    ]

    @Test("are TensorFlow's within 1e-4, in every instruction set", arguments: taps)
    func features(_ tap: Tap) throws {
        var graph = try GraphDef.read(path: SharedData.url("models/" + tap.graph).path)
        var output = tap.tensor
        if !tap.reduction.isEmpty {
            graph.nodes.append(.constant("axes", Tensor([Int32(1), 2], shape: [2])))
            graph.nodes.append(Node(tap.reduction, name: "tap", inputs: [tap.tensor, "axes"]))
            output = "tap"
        }
        let inputs = try NumPyArray(SharedData.data("oracles/\(tap.network).input3.npy"))
        let expected = try NumPyArray(SharedData.data("oracles/\(tap.network).\(tap.oracle).npy"))
        let pixels = inputs.values.count / inputs.shape[0], columns = expected.shape[1]
        for set in InstructionSet.available {
            let plan = try Plan(
                graph, input: tap.input, inputShape: [1] + inputs.shape[1...], outputs: [output],
                instructionSet: set)
            let executor = Executor(plan)
            for picture in 0..<(set.name == "baseline" ? 1 : 3) {
                for index in 0..<pixels { executor.input[index] = inputs.values[picture * pixels + index] }
                executor.run()
                let features = executor.output(0)
                #expect(features.count == columns)
                var worst: Float = 0
                for column in 0..<columns {
                    let right = expected.values[picture * columns + column]
                    worst = max(worst, abs(features[column] - right) / (1 + abs(right)))
                }
                #expect(worst < 1e-4, "\(set.name), picture \(picture): \(worst)")
            }
        }
    }

    @Test("are bit for bit the same on any number of threads", arguments: [2, 3])
    func threads(_ threads: Int) throws {
        let graph = try GraphDef.read(path: SharedData.url("models/googlenet/googlenet.pb").path)
        let inputs = try NumPyArray(SharedData.data("oracles/googlenet.input3.npy"))
        let plan = try Plan(
            graph, input: "input", inputShape: [1, 224, 224, 3], outputs: ["features", "prob"])
        let alone = Executor(plan), together = Executor(plan, pool: ThreadPool(threads: threads))
        for executor in [alone, together] {
            executor.input.update(from: inputs.values, count: 224 * 224 * 3)
            executor.run()
        }
        #expect(Array(alone.output(0)) == Array(together.output(0)))
        #expect(Array(alone.output(1)) == Array(together.output(1)))
    }
}
