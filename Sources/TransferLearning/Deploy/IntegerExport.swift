import Backbones
import Deployment
import SystemFiles
import TensorGraph

/// Writes a model as TensorFlow Lite with 8-bit integers, whose ranges are those of calibration pictures.
struct IntegerExport {
    /// The number of pictures that are looked at.
    private static let pictures = 128

    let file: DeployableGraph
    let options: ExportOptions
    let context: RunContext

    /// Returns the model.
    ///
    /// - Parameter describe: Returns the metadata for a network that takes raw channel values.
    func bytes(
        input: String, shape: [Int], output: String,
        describe: (ModelDescription) throws -> ExportDescription
    ) throws -> [UInt8] {
        guard let directory = options.calibration else {
            throw TransferLearningError.option(
                "calibrate", reason: "is missing: --quantize full finds its ranges on pictures")
        }
        guard var model = file.description else {
            throw TransferLearningError.option(
                "quantize",
                reason: "full is not possible: \(file.path) does not say how its pictures are prepared")
        }
        let backbone = model.backbone, mean = backbone.mean.rounded()
        guard backbone.channelScaling == nil, (0...255).contains(mean), backbone.scale > 0 else {
            throw TransferLearningError.option(
                "quantize",
                reason:
                    "full is not possible: bytes are no input of \(file.path), which scales each channel in its "
                    + "own way")
        }
        let calibration = try Calibration(
            directory, threads: options.threads ?? ParallelWork.coreCount, context: context)
        let graph = try WeightRounding(
            options: options, calibration: calibration, context: context
        ).graph(
            file.graph, inputs: [input], outputs: [output], keeping: [], backbone)
        let network = try NetworkExport(graph, input: input, shape: shape, outputs: [output])
        context.phase("finding the ranges of what the layers compute")
        let survey = ActivationSurvey(
            description: backbone, files: calibration.files(count: Self.pictures),
            threads: calibration.threads, path: file.path, context: context)
        let ranges = try survey.ranges(of: network.tensors, in: graph)
        (model.backbone.mean, model.backbone.scale) = (0, 1)
        return network.integerTFLite(
            ranges: ranges, scale: backbone.scale, mean: Int(mean), try describe(model))
    }
}
