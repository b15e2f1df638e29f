import Backbones
import FinalLayer
import SystemFiles

/// The layers of a cross-validation, which explain what each of them said of pictures that it was not trained on.
struct HeldOutLayers: Sendable {
    private let backbone: Backbone
    private let labels: [String]
    private let layers: [TrainedLayer]
    /// The mean of each feature.
    private let means: [Float]
    /// The fold in which each picture was held out, by path.
    private let folds: [String: Int]

    /// Creates the layers; nil if they were not kept, or if no network computed the features.
    init?(_ judged: OutOfSample, _ source: BottleneckSource) {
        guard let backbone = source.backbone, judged.layers.count == judged.foldCount else { return nil }
        (self.backbone, labels, layers) = (backbone, source.data.labels, judged.layers)
        let features = source.data.features
        var sums = [Double](repeating: 0, count: features.columns)
        for row in 0..<features.rows {
            for (column, value) in features[row].enumerated() { sums[column] += Double(value) }
        }
        means = sums.map { Float($0 / Double(max(1, features.rows))) }
        folds = Dictionary(
            zip(source.data.paths.map(\.description), judged.folds), uniquingKeysWith: { first, _ in first })
    }

    /// The fold in which a picture was held out; nil for a picture that took no part.
    func fold(of path: String) -> Int? { folds[path] }

    /// Returns the explainer of the layer that was not trained on a fold.
    ///
    /// - Throws: `.network` if the layer reads no image of the network linearly.
    func explainer(fold: Int, limits: PictureLimits) throws(TransferLearningError) -> Explainer {
        let file: ModelFile
        do {
            let layer = layers[fold]
            let novelty = NoveltyTable(
                means: means, scales: [Float](repeating: 0, count: means.count),
                quantiles: [Float](repeating: 0, count: 101))
            let network = try backbone.joined(
                weights: layer.weights, biases: layer.biases, labels: labels, novelty: novelty,
                output: "final_result", tool: "cartoonctl \(Tool.version)", seed: 0)
            file = try ModelFile(network, path: backbone.path)
        } catch { throw TransferLearningError(error) }
        return try Explainer(file, threads: 1, isStrict: false, limits: limits)
    }
}
