import Compression
import TensorFlowFormat
import TensorGraph
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif
#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// A frozen feature extractor: a graph and what it wants.
package struct Backbone: Sendable {
    package let description: BackboneDescription
    package let graph: Graph
    /// The file, or a name for the embedded graph.
    package let path: String
    private let file: ByteRegion

    /// Where Google's archive unpacks the Inception v3 graph of retrain.py.
    package static let inceptionFileName = "classify_image_graph_def.pb"

    /// Finds a network by what `--architecture` and `--model_dir` say.
    ///
    /// - Parameters:
    ///   - architecture: `efficientnet_lite0`, `inception_v3`, or the path of a frozen graph; nil: `inception_v3` where there is a
    ///     model directory, else the embedded network.
    package static func find(architecture: String?, modelDirectory: String?) throws(BackboneError) -> Backbone {
        switch architecture ?? (modelDirectory == nil ? "efficientnet_lite0" : "inception_v3") {
        case "efficientnet_lite0":
            return try Backbone(.efficientNetLite0, EmbeddedGraph.region, path: "efficientnet_lite0")
        case "inception_v3":
            let path = (modelDirectory.map { $0.hasSuffix("/") ? $0 : $0 + "/" } ?? "") + inceptionFileName
            return try Backbone(.inceptionV3, map(path, isInception: true), path: path)
        case let path:
            let region = try map(path, isInception: false)
            return try Backbone(describe(path), region, path: path)
        }
    }

    /// The network inside a model that `retrain` wrote, or that was made of one.
    package static func inModel(_ path: String) throws(BackboneError) -> Backbone {
        let file = try ModelFile(path: path, labels: nil)
        return try Backbone(file.description.backbone, in: file.graph, path: path)
    }

    /// What a model's taps need; its final layer has no say in the fingerprint.
    package init(_ description: BackboneDescription, in model: Graph, path: String) throws(BackboneError) {
        let network = model.reachable(from: description.taps.map(\.tensor) + [description.input])
        let bytes: [UInt8]
        do { bytes = try GraphDef.write(network) } catch { throw .graph(path: path, error) }
        try self.init(description, ByteRegion(bytes), path: path)
    }

    package init(_ description: BackboneDescription, _ file: ByteRegion, path: String) throws(BackboneError) {
        (self.description, self.file, self.path) = (description, file, path)
        do { graph = try GraphDef.read(file) } catch { throw .graph(path: path, error) }
        let names = Set(graph.nodes.map(\.name))
        for tensor in [description.input] + description.taps.map(\.tensor) where !names.contains(tensor) {
            throw .noSuchTensor(path: path, name: tensor, nearest: Self.nearest(to: tensor, in: graph))
        }
    }

    /// The same network with another bottleneck.
    package func with(taps: [BackboneDescription.Tap]) throws(BackboneError) -> Backbone {
        var description = description
        description.taps = taps
        return try Backbone(description, file, path: path)
    }

    /// Everything but the picture that decides a bottleneck's bits, as far as they are promised: instruction sets differ in the last.
    package func fingerprint(precision: String) -> String {
        let d = description
        let taps = d.taps.map { "\($0.tensor)/\($0.reduction.rawValue)" }.joined(separator: " ")
        let digest = file.withUnsafeBytes { SHA256.hash($0) }
        return "\(digest) \(d.input) \(d.height)x\(d.width) \(d.mean) \(d.scale) \(d.inverseDCT.rawValue) \(d.resize.rawValue) upright \(precision): \(taps)"
    }

    static func map(_ path: String, isInception: Bool) throws(BackboneError) -> ByteRegion {
        do { return try ByteRegion(mapping: path) } catch {
            if error.errno == ENOENT || error.errno == ENOTDIR { throw .missing(path: path, isInception: isInception) }
            throw .inputOutput(path: path, code: error.errno)
        }
    }

    /// The description beside a graph: `net.json` for `net.pb`.
    static func describe(_ path: String) throws(BackboneError) -> BackboneDescription {
        let stem = path.hasSuffix(".pb") ? String(path.dropLast(3)) : path
        let place = stem + ".json"
        guard let data = FileManager.default.contents(atPath: place) else {
            throw .description(
                path: place,
                reason: "describes the network and is not there; write one such as {\"name\": \"mine\", \"input\": \"input\", \"height\": 224, "
                    + "\"width\": 224, \"mean\": 127.5, \"scale\": 0.00784, \"taps\": [{\"tensor\": \"features\"}]}")
        }
        do { return try JSONDecoder().decode(BackboneDescription.self, from: data) } catch {
            throw .description(path: place, reason: Self.reason(error))
        }
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case DecodingError.keyNotFound(let key, _): "lacks \"\(key.stringValue)\""
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
            "\"\(context.codingPath.map(\.stringValue).joined(separator: "."))\" is of the wrong type"
        case DecodingError.dataCorrupted(let context):
            context.codingPath.isEmpty ? "is not JSON" : "\"\(context.codingPath.map(\.stringValue).joined(separator: "."))\" \(context.debugDescription)"
        default: "\(error)"
        }
    }

    /// Up to three tensors with names like the one looked for.
    static func nearest(to name: String, in graph: Graph) -> [String] {
        let wanted = name.lowercased()
        let last = wanted.split(separator: "/").last.map(String.init) ?? wanted
        return Array(
            graph.nodes.lazy.filter { $0.operation != "Const" }.map(\.name)
                .filter { $0.lowercased().contains(last) || wanted.contains($0.lowercased()) }.prefix(3))
    }
}
