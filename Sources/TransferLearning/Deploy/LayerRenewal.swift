import SystemFiles
import Backbones
import BottleneckCache
import Deployment
import FinalLayer
import TensorGraph

/// Retrains a model's final layer on the bottlenecks of its quantized network, to compensate for rounding
/// errors.
struct LayerRenewal {
    let calibration: Calibration
    let model: ModelDescription
    let path: FilePath

    /// The number of images per class below which retraining does not improve the layer.
    static let leastPictures = 50

    /// The number of different divisions, because a single one depends on chance: one network of 1 MB lost
    /// 0.3, 0 and 0.7 points in three.
    static let divisions: UInt64 = 3

    /// - Returns: nil if the images' classes are not the model's, or if there are too few images to train on.
    init?(_ calibration: Calibration, _ model: ModelDescription, path: FilePath) {
        guard Set(calibration.folder.labels) == Set(model.labels),
            calibration.folder.classes.allSatisfy({ $0.files.count >= Self.leastPictures })
        else { return nil }
        (self.calibration, self.model, self.path) = (calibration, model, path)
    }

    /// The levels of the layer's weights, each row of which is scaled by a power of two to the same magnitude, so that
    /// the step is a 64th of its bound. Their bytes take half the room of floats with mantissas of 7 bits.
    private static let levels = 130
    /// The bits of the mantissas of the bottlenecks' means and deviations.
    private static let noveltyBits = 5

    /// A network with its bottlenecks of all images.
    struct Candidate {
        let backbone: Backbone
        let data: LabelledBottlenecks
        let groups: [FeatureGroup]
        /// The 5-fold cross-validated accuracies, one per seed.
        let accuracies: [Double]
    }

    /// Evaluates a network.
    ///
    /// - Parameters:
    ///   - graph: A model, whose final layer is ignored.
    ///   - cache: The cache; nil for a network that is used only once.
    func candidate(_ graph: Graph, cache: BottleneckCache?) throws -> Candidate {
        let backbone: Backbone
        do { backbone = try Backbone(model.backbone, in: .graph(graph), path: path.description) } catch {
            throw TransferLearningError(error)
        }
        let extractor = try FeatureExtractor(backbone)
        let data = try calibration.bottlenecks(of: extractor, cache: cache)
        let source = BottleneckSource(
            data: data, groups: extractor.groups, workers: ParallelWork.workers(threads: calibration.threads))
        let copies = data.copies(groups: source.groups, workers: source.workers)
        let accuracies = try (0..<Self.divisions).map {
            try OutOfSample(source, copies: copies, folds: 5, seed: model.seed &+ $0).metrics.accuracy
        }
        return Candidate(backbone: backbone, data: data, groups: extractor.groups, accuracies: accuracies)
    }

    /// Returns the network with a layer trained on all its bottlenecks.
    func renewed(_ candidate: Candidate) throws -> Graph {
        let workers = ParallelWork.workers(threads: calibration.threads), data = candidate.data
        let places = Dictionary(uniqueKeysWithValues: model.labels.enumerated().map { ($1, $0) })
        let classes = data.classes.map { places[data.labels[$0]]! }, all = Array(classes.indices)
        var solver = SoftmaxRegression()
        (solver.seed, solver.groups, solver.workers) = (model.seed, candidate.groups, workers)
        let result = try solver.train(
            data.features, labels: classes, classes: model.labels.count, training: all)
        let layer = result.layer.cooled(to: result.temperature)
        let novelty =
            model.noveltyQuantiles == nil
            ? nil : Novelty(data.features, rows: all, groups: candidate.groups, workers: workers)
        do {
            let joined = try candidate.backbone.joined(
                weights: layer.weights, biases: layer.biases, labels: model.labels,
                novelty: novelty.map {
                    NoveltyTable(means: $0.means, scales: $0.scales, quantiles: $0.quantiles)
                },
                output: model.output, tool: "cartoonctl \(Tool.version)", seed: model.seed)
            guard let graph = joined.graph else { return Graph(nodes: []) }
            return try Self.compact(graph)
        } catch let error as BackboneError { throw TransferLearningError(error) }
    }

    /// Returns the graph with the layer's weights as bytes and the parameters of novelty detection as short floats.
    private static func compact(_ graph: Graph) throws(DeploymentError) -> Graph {
        var names = Set(graph.nodes.map(\.name)), nodes: [Node] = []
        func fresh(_ wish: String) -> String {
            var name = wish
            while !names.insert(name).inserted { name += "_" }
            return name
        }
        for node in graph.nodes {
            if let tensor = node.constant, let numbers = tensor.doubles, !numbers.isEmpty {
                let floats = Tensor(numbers.map { Float($0) }, shape: tensor.shape)
                nodes.append(.constant(node.name, floats).withShortMantissas(bits: noveltyBits))
            } else if node.name.hasPrefix(FinalLayerNodes.scope), let weights = node.constant?.floats,
                weights.count >= EightBitWeights.minimumCount
            {
                nodes += try node.asBytes(levels: levels, fresh: fresh)
            } else {
                nodes.append(node)
            }
        }
        return Graph(nodes: nodes, trailer: graph.trailer)
    }
}
