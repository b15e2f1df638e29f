import Backbones
import Deployment
import TensorGraph

/// Rounds the weights of a model's convolutions to bytes for an export, by what the layers see in pictures:
/// those of `--calibrate`, else painted ones.
struct WeightRounding {
    /// The numbers of pictures and of painted ones that are looked at.
    private static let pictures = 128, leaves = 32

    let options: ExportOptions
    let context: RunContext

    /// Returns the model with rounded weights. A network that does not say how its pictures are prepared, or
    /// that no graph can express, stays as it is, and its weights are rounded without pictures.
    func rounded(_ file: DeployableNetwork) throws -> DeployableNetwork {
        guard var model = file.description, model.isWithoutSoftmax != true else {
            guard options.calibration == nil else {
                throw TransferLearningError.option(
                    "calibrate",
                    reason: "is not possible: \(file.path) does not say how its pictures are prepared")
            }
            return file
        }
        let graph: Graph, source: DeployableNetwork
        if let own = file.network.graph {
            (graph, source) = (own, file)
        } else {
            guard
                let conversion = try? ModelConversion(
                    file.network, model, novelty: file.novelty, path: file.path),
                let converted = try? conversion.model(".pb"), let own = converted.graph
            else { return file }
            model = conversion.description
            (graph, source) = (own, DeployableNetwork(file, converted, model))
        }
        let (inputs, outputs) = try source.ends(
            inputs: options.inputName.map { [$0] } ?? [], outputs: options.outputName.map { [$0] } ?? [])
        guard TensorReference(inputs[0]) == TensorReference(model.backbone.input) else { return file }
        let rounded = try self.graph(
            graph, inputs: inputs, outputs: outputs, keeping: source.keptNames, model.backbone)
        return DeployableNetwork(source, .graph(rounded), model)
    }

    /// Returns a graph with rounded weights.
    ///
    /// - Parameters:
    ///   - graph: The frozen graph.
    ///   - inputs: The names of the nodes that are fed.
    ///   - outputs: The names of the nodes to compute.
    ///   - kept: Names of nodes to keep besides.
    ///   - backbone: What the network wants of pictures.
    func graph(
        _ graph: Graph, inputs: [String], outputs: [String], keeping kept: [String],
        _ backbone: BackboneDescription
    ) throws -> Graph {
        let weights = try CompensatedWeights(graph, inputs: inputs, outputs: outputs, keeping: kept)
        let threads = options.threads ?? ParallelWork.coreCount
        let samples = try options.calibration.map { directory throws(TransferLearningError) in
            SampleImages.files(
                try Calibration(directory, threads: threads, context: context).files(count: Self.pictures))
        }
        context.phase("looking at what the layers see")
        let survey = LayerSurvey(
            description: backbone, samples: samples ?? .leaves(Self.leaves), threads: threads,
            path: options.input, context: context)
        let statistics = try survey.statistics(of: weights.layers, in: weights.graph)
        guard !statistics.isEmpty || weights.layers.isEmpty || samples == nil else {
            throw TransferLearningError.option("calibrate", reason: "has no picture that can be read")
        }
        return weights.apply(statistics)
    }
}
