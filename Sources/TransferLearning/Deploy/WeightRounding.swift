import Backbones
import Deployment
import TensorGraph

/// Rounds the weights of a model's convolutions to bytes for an export, by what the layers see in pictures:
/// those of `--calibrate`, else painted ones.
struct WeightRounding {
    let options: ExportOptions
    /// The pictures; nil for painted ones.
    let calibration: Calibration?
    let context: RunContext

    /// Returns the model with rounded weights. A network that does not say how its pictures are prepared, or
    /// that no graph can express, stays as it is, and its weights are rounded without pictures.
    ///
    /// - Throws: `TransferLearningError` if that happens although there are pictures.
    func rounded(_ file: DeployableNetwork) throws -> DeployableNetwork {
        if let (source, graph, model) = source(of: file) {
            let (inputs, outputs) = try source.ends(
                inputs: options.inputName.map { [$0] } ?? [],
                outputs: options.outputName.map { [$0] } ?? [])
            if TensorReference(inputs[0]) == TensorReference(model.backbone.input) {
                let rounded = try self.graph(
                    graph, inputs: inputs, outputs: outputs, keeping: source.keptNames, model.backbone)
                return DeployableNetwork(source, .graph(rounded), model)
            }
        }
        guard calibration == nil else {
            throw TransferLearningError.option(
                "calibrate",
                reason:
                    "is not possible: \(file.path) does not say how its pictures are prepared, or has operations "
                    + "that no graph has")
        }
        return file
    }

    /// Returns the model as a graph with its description; nil if it has none or cannot be a graph.
    private func source(
        of file: DeployableNetwork
    ) -> (DeployableNetwork, graph: Graph, model: ModelDescription)? {
        guard let model = file.description, model.isWithoutSoftmax != true else { return nil }
        if let graph = file.network.graph { return (file, graph, model) }
        guard
            let conversion = try? ModelConversion(
                file.network, model, novelty: file.novelty, path: file.path),
            let converted = try? conversion.model(".pb"), let graph = converted.graph
        else { return nil }
        return (DeployableNetwork(file, converted, conversion.description), graph, conversion.description)
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
        context.phase("looking at what the layers see")
        let survey = LayerSurvey(
            description: backbone, samples: SampleImages(forRounding: calibration),
            threads: options.threads ?? ParallelWork.coreCount, path: options.input, context: context)
        let statistics = try survey.statistics(of: weights.layers, in: weights.graph)
        guard !statistics.isEmpty || weights.layers.isEmpty || calibration == nil else {
            throw TransferLearningError.option("calibrate", reason: "has no picture that can be read")
        }
        return weights.apply(statistics)
    }
}
