import Compression
import Inference
import SystemFiles
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

/// A frozen feature extractor: a graph with the description of its input and bottleneck.
package struct Backbone: Sendable {
    package let description: BackboneDescription
    package let graph: Graph
    /// The path of the file, or a name for the embedded graph.
    package let path: String
    private let file: ByteRegion

    /// Finds a network by the values of `--architecture` and `--model_dir`.
    ///
    /// - Parameters:
    ///   - architecture: `efficientnet_lite0`, `inception_v3`, or the path of a frozen graph; nil is
    ///     `inception_v3` with a model directory and otherwise the embedded network.
    ///   - modelDirectory: The directory of downloaded networks.
    ///   - install: Installs the network of an archive into a model directory that lacks it.
    package static func find(
        architecture: String?, modelDirectory: String?,
        install: (NetworkArchive, String) throws(BackboneError) -> Void = { _, _ in }
    ) throws(BackboneError) -> Backbone {
        switch architecture ?? (modelDirectory == nil ? "efficientnet_lite0" : "inception_v3") {
        case "efficientnet_lite0":
            return try Backbone(.efficientNetLite0, EmbeddedGraph.region, path: "efficientnet_lite0")
        case "inception_v3":
            return try Backbone(.inceptionV3, in: modelDirectory, install)
        case let path:
            return try Backbone(describe(path), map(path), path: path)
        }
    }

    /// Opens a network that can be downloaded as an archive.
    private init(
        _ description: BackboneDescription, in directory: String?,
        _ install: (NetworkArchive, String) throws(BackboneError) -> Void
    ) throws(BackboneError) {
        let archive = NetworkArchive.known[description.name]!
        let path =
            (directory.map { $0.hasSuffix("/") || $0.isEmpty ? $0 : $0 + "/" } ?? "") + archive.graph.name
        do throws(BackboneError) {
            try self.init(description, Self.map(path), path: path)
        } catch .missing {
            guard let directory else { throw .noModelDirectory(path: path, archive) }
            try install(archive, directory)
            try self.init(description, Self.map(path), path: path)
        }
    }

    /// Returns the network inside a model that `retrain` wrote, or that was derived from one.
    package static func inModel(_ path: String) throws(BackboneError) -> Backbone {
        let file = try ModelFile(path: path, labels: nil)
        return try Backbone(file.description.backbone, in: file.graph, path: path)
    }

    /// Extracts the nodes on which a model's taps depend, so that its final layer does not affect the
    /// fingerprint.
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

    /// Returns the same network with another bottleneck.
    package func with(taps: [BackboneDescription.Tap]) throws(BackboneError) -> Backbone {
        var description = description
        description.taps = taps
        return try Backbone(description, file, path: path)
    }

    /// Returns a text with everything besides the image that determines a bottleneck, up to the last bits, in
    /// which instruction sets differ.
    package func fingerprint(precision: Precision) -> String {
        let d = description
        let taps = d.taps.map { "\($0.tensor)/\($0.reduction.rawValue)" }.joined(separator: " ")
        let digest = file.withUnsafeBytes { SHA256.hash($0) }
        file.releasePages()
        return
            "\(digest) \(d.input) \(d.height)x\(d.width) \(d.mean) \(d.scale) \(d.inverseDCT.rawValue) \(d.resize.rawValue) upright \(Self.fingerprint(of: precision)): \(taps)"
    }

    private static func fingerprint(of precision: Precision) -> String {
        guard case .int8(let ranges) = precision else { return precision.name }
        var bytes: [UInt8] = []
        for name in ranges.ranges.keys.sorted() { bytes += Array(name.utf8) + [0] }
        for number in ranges.numbers { withUnsafeBytes(of: number.bitPattern.littleEndian) { bytes += $0 } }
        return "\(precision.name) \(SHA256.hash(bytes))"
    }

    static func map(_ path: String) throws(BackboneError) -> ByteRegion {
        do { return try ByteRegion(mapping: path) } catch {
            if error.errno == ENOENT || error.errno == ENOTDIR { throw .missing(path: path) }
            throw .inputOutput(path: path, code: error.errno)
        }
    }

    /// Reads the description beside a graph: `net.json` for `net.pb`.
    static func describe(_ path: String) throws(BackboneError) -> BackboneDescription {
        let stem = path.hasSuffix(".pb") ? String(path.dropLast(3)) : path
        let place = stem + ".json"
        guard let data = (try? FileSystem.read(FilePath(place))).map({ Data($0) }) else {
            throw .description(
                path: place,
                reason:
                    "describes the network and is not there; write one such as {\"name\": \"mine\", \"input\": \"input\", \"height\": 224, "
                    + "\"width\": 224, \"mean\": 127.5, \"scale\": 0.00784, \"taps\": [{\"tensor\": \"features\"}]}"
            )
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
            context.codingPath.isEmpty
                ? "is not JSON"
                : "\"\(context.codingPath.map(\.stringValue).joined(separator: "."))\" \(context.debugDescription)"
        default: "\(error)"
        }
    }

    /// Returns up to three tensors with similar names.
    static func nearest(to name: String, in graph: Graph) -> [String] {
        let wanted = name.lowercased()
        let last = wanted.split(separator: "/").last.map(String.init) ?? wanted
        return Array(
            graph.nodes.lazy.filter { $0.operation != "Const" }.map(\.name)
                .filter { $0.lowercased().contains(last) || wanted.contains($0.lowercased()) }.prefix(3))
    }
}
