import Inference
import TensorFlowFormat
import TensorGraph
#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The description of a model, stored as JSON in a constant that no node reads.
package struct ModelDescription: Sendable, Codable, Equatable {
    /// The version of the description's format.
    package var format = 1
    /// The name and version of the program that wrote the model.
    package var tool: String
    package var labels: [String]
    /// The tensor of the probabilities, `[N, labels]`.
    package var output: String
    /// The tensor that the final layer reads.
    package var bottleneck: String
    package var backbone: BackboneDescription
    package var seed: UInt64
    /// The 0th to 100th percentile of the training images' novelty; nil in models without novelty detection.
    package var noveltyQuantiles: [Float]?
    /// The precision in which the training bottlenecks were computed; nil for single precision.
    package var precision: Precision?

    package init(
        tool: String, labels: [String], output: String, bottleneck: String, backbone: BackboneDescription,
        seed: UInt64
    ) {
        (self.tool, self.labels, self.output, self.bottleneck, self.backbone, self.seed) = (
            tool, labels, output, bottleneck, backbone, seed
        )
    }

    /// The name of the constant, which exports to other formats use as a key.
    package static let nodeName = "cartoonctl/description"
    /// The constants, which no node reads, with the mean of each feature and the factor of its deviation.
    static let meansName = "cartoonctl/novelty/means", scalesName = "cartoonctl/novelty/scales"
    /// The nodes that no other node reads but that must be kept.
    package static let nodeNames = [nodeName, meansName, scalesName]

    /// - Parameter path: The path of the file, for errors.
    package init(json: some Sequence<UInt8>, of path: String) throws(BackboneError) {
        do { self = try JSONDecoder().decode(ModelDescription.self, from: Data(json)) } catch {
            throw .description(path: path, reason: "carries a description that this version cannot read")
        }
    }

    /// Returns the description as JSON; equal descriptions give equal bytes.
    package func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}

/// The parameters of novelty detection: means `[D]`, scales `[D]` and 101 quantiles.
package struct NoveltyTable: Sendable, Equatable {
    package var means, scales, quantiles: [Float]
    package init(means: [Float], scales: [Float], quantiles: [Float]) {
        (self.means, self.scales, self.quantiles) = (means, scales, quantiles)
    }
}

/// A trained classifier: the network with the final layer, and its description.
package struct ModelFile: Sendable {
    package let path: String
    package let graph: Graph
    package let description: ModelDescription

    /// Reads a model that `retrain` wrote, or one by retrain.py, whose labels come from `labels`; both may be
    /// in a package.
    ///
    /// - Parameters:
    ///   - path: The path of the model or package.
    ///   - labels: Names that replace those in the model, one per output.
    package init(path: String, labels: [String]?) throws(BackboneError) {
        try self.init(GraphFile(path), labels: labels)
    }

    package init(_ file: GraphFile, labels: [String]?) throws(BackboneError) {
        path = file.path
        do { graph = try GraphDef.read(file.region) } catch { throw .graph(path: path, error) }
        var description = try Self.describe(graph, path, labels ?? file.labels)
        if let labels {
            guard labels.count == description.labels.count else {
                throw .labels(
                    path: path,
                    reason: "has \(description.labels.count) classes, the labels file \(labels.count) lines")
            }
            description.labels = labels
        }
        let names = Set(graph.nodes.map(\.name))
        for tensor in [description.backbone.input, description.output] where !names.contains(tensor) {
            throw .noSuchTensor(path: path, name: tensor, nearest: Backbone.nearest(to: tensor, in: graph))
        }
        self.description = description
    }

    /// The parameters of novelty detection from `retrain`; nil in other models.
    package var novelty: NoveltyTable? {
        func floats(_ name: String) -> [Float]? {
            let tensor = graph.nodes.first { $0.name == name }?.constant
            return tensor?.doubles?.map { Float($0) } ?? tensor?.floats
        }
        guard let quantiles = description.noveltyQuantiles, quantiles.count == 101,
            let means = floats(ModelDescription.meansName),
            let scales = floats(ModelDescription.scalesName), means.count == scales.count,
            graph.nodes.contains(where: { $0.name == description.bottleneck })
        else { return nil }
        return NoveltyTable(means: means, scales: scales, quantiles: quantiles)
    }

    private static func describe(_ graph: Graph, _ path: String, _ labels: [String]?) throws(BackboneError)
        -> ModelDescription
    {
        if let node = graph.nodes.first(where: { $0.name == ModelDescription.nodeName }),
            case .strings(let strings)? = node.constant?.contents,
            let text = strings.first
        {
            return try ModelDescription(json: text, of: path)
        }
        // A model by retrain.py is recognized by its network.
        let backbone: BackboneDescription
        if let known = BackboneDescription.recognized(in: graph) {
            backbone = known
        } else {
            backbone = try Backbone.describe(path)
        }
        let isNamed = graph.nodes.contains { $0.name == "final_result" }
        guard
            let output = isNamed
                ? "final_result" : graph.nodes.last(where: { $0.operation == "Softmax" })?.name
        else {
            throw .noSuchTensor(path: path, name: "final_result", nearest: [])
        }
        guard let labels else {
            throw .labels(
                path: path,
                reason: "carries no labels; give the labels file that was made with it by --labels")
        }
        return ModelDescription(
            tool: "", labels: labels, output: output, bottleneck: "", backbone: backbone, seed: 0)
    }
}

extension Backbone {
    /// Returns the network and a trained layer as one frozen graph that TensorFlow can load, with
    /// retrain.py's names for the new nodes.
    ///
    /// - Parameters:
    ///   - weights: The weights, `[D, labels]`, row-major.
    ///   - biases: The biases, `[labels]`.
    ///   - labels: The names of the classes.
    ///   - novelty: The parameters of novelty detection, stored as constants that TensorFlow never reads;
    ///     they are double, so that no quantization takes them for weights.
    ///   - output: The name of the node with the probabilities.
    ///   - tool: The name and version of this program.
    ///   - seed: The seed of the training.
    ///   - precision: The precision in which the bottlenecks were computed.
    package func joined(
        weights: [Float], biases: [Float], labels: [String], novelty: NoveltyTable? = nil, output: String,
        tool: String, seed: UInt64,
        precision: Precision = .fp32
    ) throws(BackboneError) -> Graph {
        let (whole, bottleneck, _) = featureGraph()
        var graph = whole.reachable(from: [bottleneck, description.input]).balancingConvolutions()
        let scope = "final_training_ops/"
        let new = [
            output, scope + "weights/final_weights", scope + "biases/final_biases",
            scope + "Wx_plus_b/MatMul", scope + "Wx_plus_b/add",
        ]
        let taken = Set(graph.nodes.map(\.name))
        if let name = taken.first(where: { $0 == output || $0.hasPrefix(scope) }) {
            throw .description(
                path: path, reason: "has a node '\(name)' already; give another --final_tensor_name")
        }
        let float = Attribute.type(.float32)
        let features = weights.count / biases.count
        graph.nodes += BalancedWeights(weights, channels: features, inner: biases.count)
            .nodes(new[1], shape: [features, biases.count], powersShape: [features, 1], fresh: { $0 })
        graph.nodes.append(.constant(new[2], Tensor(biases, shape: [biases.count])))
        graph.nodes.append(
            Node(
                "MatMul", name: new[3], inputs: [bottleneck, new[1]],
                attributes: ["T": float, "transpose_a": .bool(false), "transpose_b": .bool(false)]))
        graph.nodes.append(Node("Add", name: new[4], inputs: [new[3], new[2]], attributes: ["T": float]))
        graph.nodes.append(Node("Softmax", name: output, inputs: [new[4]], attributes: ["T": float]))
        var about = ModelDescription(
            tool: tool, labels: labels, output: output, bottleneck: bottleneck, backbone: description,
            seed: seed)
        if precision != .fp32 { about.precision = precision }
        if let novelty {
            about.noveltyQuantiles = novelty.quantiles
            graph.nodes.append(
                .constant(
                    ModelDescription.meansName,
                    Tensor(novelty.means.map(Double.init), shape: [novelty.means.count])))
            graph.nodes.append(
                .constant(
                    ModelDescription.scalesName,
                    Tensor(novelty.scales.map(Double.init), shape: [novelty.scales.count])))
        }
        guard let json = try? about.json() else {
            throw .description(path: path, reason: "cannot be written as JSON")
        }
        graph.nodes.append(.constant(ModelDescription.nodeName, Tensor(string: Array(json.utf8))))
        return graph
    }
}
