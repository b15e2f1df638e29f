import Inference
import ONNXFormat
import SystemFiles
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
    /// Whether the output is logits, of which the softmax is taken; nil is false.
    package var isWithoutSoftmax: Bool?

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
    package let network: NetworkFile
    package let description: ModelDescription
    package let notes: [NetworkNote]

    /// Reads a model that `retrain` wrote, or one by retrain.py, whose labels come from `labels`; both may be
    /// in a package.
    ///
    /// - Parameters:
    ///   - path: The path of the model or package.
    ///   - labels: Names that replace those in the model, one per output.
    ///   - stated: What replaces the model's description of its input and output.
    package init(path: String, labels: [String]?, stated: StatedEnds = StatedEnds()) throws(BackboneError) {
        try self.init(GraphFile(path), labels: labels, stated: stated)
    }

    package init(
        _ file: GraphFile, labels: [String]?, stated: StatedEnds = StatedEnds()
    ) throws(BackboneError) {
        try self.init(
            try NetworkFile(file.region, path: file.path), path: file.path, labels: labels,
            packaged: file.labels, stated: stated)
    }

    /// - Parameters:
    ///   - network: The network.
    ///   - path: The path of its file, beside which descriptions and labels are searched.
    ///   - labels: Names that replace those in the model, one per output.
    ///   - packaged: The names in the package for a model without labels.
    ///   - stated: What replaces the model's description of its input and output.
    package init(
        _ network: NetworkFile, path: String, labels: [String]? = nil, packaged: [String]? = nil,
        stated: StatedEnds = StatedEnds()
    ) throws(BackboneError) {
        (self.network, self.path) = (network, path)
        var description: ModelDescription
        (description, notes) = try Self.describe(network, path, labels ?? packaged, stated)
        if let labels {
            guard labels.count == description.labels.count else {
                throw .labels(
                    path: path,
                    reason: "has \(description.labels.count) classes, the labels file \(labels.count) lines")
            }
            description.labels = labels
        }
        let names = Set(network.tensorNames)
        for tensor in [description.backbone.input, description.output] where !names.contains(tensor) {
            throw .noSuchTensor(path: path, name: tensor, nearest: network.nearest(to: tensor))
        }
        self.description = description
    }

    /// The parameters of novelty detection from `retrain`; nil in other models.
    package var novelty: NoveltyTable? {
        func floats(_ name: String) -> [Float]? {
            switch network {
            case .graph(let graph):
                let tensor = graph.nodes.first { $0.name == name }?.constant
                return tensor?.doubles?.map { Float($0) } ?? tensor?.floats
            case .onnx(let model): return model.numbers(name)
            }
        }
        guard let quantiles = description.noveltyQuantiles, quantiles.count == 101,
            let means = floats(ModelDescription.meansName),
            let scales = floats(ModelDescription.scalesName), means.count == scales.count,
            network.tensorNames.contains(description.bottleneck)
        else { return nil }
        return NoveltyTable(means: means, scales: scales, quantiles: quantiles)
    }

    private static func describe(
        _ network: NetworkFile, _ path: String, _ labels: [String]?, _ stated: StatedEnds
    ) throws(BackboneError) -> (ModelDescription, notes: [NetworkNote]) {
        if let text = network.ownDescription {
            var own = try ModelDescription(json: text, of: path)
            try stated.apply(to: &own, of: network, path: path)
            return (own, [])
        }
        let described = try DescriptionFile.describe(
            network, path: path, prefersKnown: true, stated: stated)
        let found: [String]?
        if let labels { found = labels } else { found = Self.labels(beside: path) }
        guard let labels = found else {
            throw .labels(
                path: path,
                reason: "carries no labels; give the labels file that was made with it by --labels")
        }
        var about = ModelDescription(
            tool: "", labels: labels, output: described.output, bottleneck: "",
            backbone: described.description, seed: 0)
        if !described.endsInSoftmax { about.isWithoutSoftmax = true }
        return (about, described.notes)
    }

    /// Reads the labels beside a model: `net.txt` for `net.pb`.
    private static func labels(beside path: String) -> [String]? {
        let place = DescriptionFile.stem(of: path) + ".txt"
        guard let bytes = try? FileSystem.read(FilePath(place)) else { return nil }
        return LabelsText.names(in: bytes)
    }
}

extension NetworkFile {
    /// The labels in the description that `retrain` wrote; nil in other networks.
    package var carriedLabels: [String]? {
        ownDescription.flatMap { try? ModelDescription(json: $0, of: "") }?.labels
    }

    /// The JSON description in a model that `retrain` wrote.
    fileprivate var ownDescription: [UInt8]? {
        switch self {
        case .graph(let graph):
            guard let node = graph.nodes.first(where: { $0.name == ModelDescription.nodeName }),
                case .strings(let strings)? = node.constant?.contents
            else { return nil }
            return strings.first
        case .onnx(let model):
            return model.metadata.first { $0.key == ModelDescription.nodeName }.map { Array($0.value.utf8) }
        }
    }
}
