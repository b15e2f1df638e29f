import Backbones
import Foundation
import Imaging
import Inference
import TestSupport
import Testing

/// From a file's bytes to features: decoding, resizing and the network together, against TensorFlow's answers.
@Suite("Features of pictures", .tags(.oracle), .enabled(if: SharedData.isPresent, SharedData.absence))
struct PictureFeaturesTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let graph: String
        let oracle: String
        let tap: BackboneDescription.Tap
        var description: BackboneDescription
        var testDescription: String { "\(oracle)" }
    }

    static let googlenet = BackboneDescription(
        name: "googlenet", input: "input", size: 224, mean: 0, scale: 1, inverseDCT: .fast,
        taps: [.init("features")])
    static let cases =
        [
            Case(
                graph: "efficientnet_lite0/efficientnet_lite0.pb", oracle: "efficientnet_lite0.features",
                tap: .init("features"),
                description: .efficientNetLite0),
            Case(
                graph: "efficientnet_lite0/efficientnet_lite0.pb",
                oracle: "efficientnet_lite0.block_11_expand_max",
                tap: .init("block_11/expand/Relu6", .max), description: .efficientNetLite0),
            Case(
                graph: "efficientnet_lite0/efficientnet_lite0.pb",
                oracle: "efficientnet_lite0.block_15_depthwise_avg",
                tap: .init("block_15/depthwise/Relu6", .mean), description: .efficientNetLite0),
            Case(
                graph: "googlenet/googlenet.pb", oracle: "googlenet.features", tap: .init("features"),
                description: googlenet),
            Case(
                graph: "googlenet/googlenet.pb", oracle: "googlenet.prob", tap: .init("prob"),
                description: googlenet),
        ]
        + [
            ("pool_3", "pool_3/_reshape", BackboneDescription.Reduction.none),
            ("mixed_7_avg", "mixed_7/join", .mean), ("mixed_8_avg", "mixed_8/join", .mean),
            ("mixed_8_max", "mixed_8/join", .max),
        ].map {
            Case(
                graph: "inception_v3_2015/classify_image_graph_def.pb", oracle: "inception_v3_2015.\($0.0)",
                tap: .init($0.1, $0.2),
                description: .inceptionV3)
        }

    @Test("are TensorFlow's within 1e-3, from the bytes of the files", arguments: cases)
    func features(_ subject: Case) throws {
        var description = subject.description
        description.taps = [subject.tap]
        let backbone = try Backbone(
            description, .init(mapping: SharedData.url("models/" + subject.graph).path), path: subject.graph)
        let plan = try Plan(backbone.featureNetwork().network)
        let executor = Executor(plan, pool: ThreadPool(threads: 2))
        let expected = try NumPyArray(SharedData.data("oracles/\(subject.oracle).npy"))
        let files = try String(decoding: SharedData.data("oracles/images.txt"), as: UTF8.self).split(
            separator: "\n")
        #expect(files.count == expected.shape[0])
        var options = DecodingOptions()
        options.inverseDCT = .fast
        var worst: Float = 0
        for (row, file) in files.enumerated() {
            let bytes = try SharedData.data(String(file))
            var resizer = InputResizer(
                output: executor.input, width: description.width, height: description.height,
                mean: description.mean,
                scale: description.scale, appliesOrientation: false)
            _ = try bytes.withUnsafeBytes { try decode($0, options: options, into: &resizer) }
            executor.run()
            for (column, value) in executor.output(0).enumerated() {
                let right = expected.values[row * expected.shape[1] + column]
                worst = max(worst, abs(value - right) / (1 + abs(right)))
            }
        }
        #expect(worst < 1e-3, "\(worst)")
    }
}
