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

/// A frozen feature extractor: a network with the description of its input and bottleneck.
package struct Backbone: Sendable {
    package let description: BackboneDescription
    package let network: NetworkFile
    /// The path of the file, or a name for the embedded graph.
    package let path: String
    package private(set) var notes: [NetworkNote] = []
    private let bytes: ByteRegion

    /// Finds a network by the values of `--architecture` and `--model_dir`.
    ///
    /// - Parameters:
    ///   - architecture: `efficientnet_lite0`, `efficientnet_lite2`, `inception_v3`, a MobileNet's name, or the path of a network; nil is
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
        case "efficientnet_lite2":
            return try Backbone(.efficientNetLite2, in: modelDirectory, install)
        case let name where MobileNet(name) != nil:
            return try Backbone(MobileNet(name)!, in: modelDirectory, install)
        case let path where SavedModel.isPresent(in: FilePath(path)):
            return try Backbone(savedModel: path)
        case let path:
            let bytes = try map(path), network = try NetworkFile(bytes, path: path)
            let described = try DescriptionFile.describe(network, path: path)
            var backbone = try Backbone(described.description, network, bytes, path: path)
            backbone.notes = described.notes
            return backbone
        }
    }

    /// Opens a SavedModel folder, whose variables become constants.
    private init(savedModel path: String) throws(BackboneError) {
        let graph: Graph, bytes: [UInt8]
        do { graph = try SavedModel.read(folder: FilePath(path)).graph } catch {
            throw .savedModel(path: path, error)
        }
        do { bytes = try GraphDef.write(graph) } catch { throw .graph(path: path, error) }
        let network = NetworkFile.graph(graph)
        let described = try DescriptionFile.describe(network, path: path)
        try self.init(described.description, network, ByteRegion(bytes), path: path)
        notes = described.notes
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

    /// Finds a MobileNet in the model directory, or installs it there.
    private init(
        _ net: MobileNet, in directory: String?,
        _ install: (NetworkArchive, String) throws(BackboneError) -> Void
    ) throws(BackboneError) {
        let folder = directory.map { $0.hasSuffix("/") || $0.isEmpty ? $0 : $0 + "/" } ?? ""
        func open(_ name: String) throws(BackboneError) -> Backbone? {
            let path = folder + name, bytes: ByteRegion
            do throws(BackboneError) { bytes = try Self.map(path) } catch .missing { return nil }
            let network = try NetworkFile(bytes, path: path)
            return try Backbone(net.description(of: network), network, bytes, path: path)
        }
        for name in net.graphNames {
            if let found = try open(name) {
                self = found
                return
            }
        }
        let path = folder + net.graphNames[0]
        guard let directory else { throw .noModelDirectory(path: path, net.archive) }
        try install(net.archive, directory)
        guard let installed = try open(net.graphNames[0]) else { throw .missing(path: path) }
        self = installed
    }

    /// Returns the network inside a model that `retrain` wrote, or that was derived from one.
    package static func inModel(_ path: String) throws(BackboneError) -> Backbone {
        let file = try ModelFile(path: path, labels: nil)
        var backbone = try Backbone(file.description.backbone, in: file.network, path: path)
        backbone.notes = file.notes
        return backbone
    }

    /// Extracts the nodes on which a model's taps depend, so that its final layer does not affect the
    /// fingerprint.
    package init(_ description: BackboneDescription, in model: NetworkFile, path: String)
        throws(BackboneError)
    {
        let tensors = description.taps.map(\.tensor)
        let bytes: [UInt8]
        switch model {
        case .graph(let graph):
            do { bytes = try GraphDef.write(graph.reachable(from: tensors + [description.input])) } catch {
                throw .graph(path: path, error)
            }
        case .onnx(let model):
            do { bytes = try model.reachable(from: tensors).write() } catch {
                throw .onnx(path: path, error)
            }
        }
        try self.init(description, ByteRegion(bytes), path: path)
    }

    package init(_ description: BackboneDescription, _ bytes: ByteRegion, path: String) throws(BackboneError)
    {
        try self.init(description, NetworkFile(bytes, path: path), bytes, path: path)
    }

    private init(
        _ description: BackboneDescription, _ network: NetworkFile, _ bytes: ByteRegion, path: String
    ) throws(BackboneError) {
        (self.description, self.network, self.bytes, self.path) = (description, network, bytes, path)
        let names = Set(network.tensorNames)
        for tensor in [description.input] + description.taps.map(\.tensor) where !names.contains(tensor) {
            throw .noSuchTensor(path: path, name: tensor, nearest: network.nearest(to: tensor))
        }
    }

    /// Creates a variant of a backbone with the same weights, which keeps its digest.
    init(
        _ original: Backbone, _ description: BackboneDescription, _ network: NetworkFile
    ) throws(BackboneError) {
        try self.init(description, network, original.bytes, path: original.path)
        notes = original.notes
    }

    /// Returns the same network with another bottleneck.
    package func with(taps: [BackboneDescription.Tap]) throws(BackboneError) -> Backbone {
        var backbone = try changed { $0.taps = taps }
        backbone.notes.removeAll { $0.subject == .bottleneck }
        return backbone
    }

    /// Returns this network for images whose JPEGs are decoded by another inverse DCT.
    ///
    /// - Throws: `BackboneError`, as for the network itself.
    package func decoding(by transform: BackboneDescription.DCT) throws(BackboneError) -> Backbone {
        try changed { $0.inverseDCT = transform }
    }

    /// Returns this network for images that are resized by another filter.
    ///
    /// - Throws: `BackboneError`, as for the network itself.
    package func resizing(by resize: BackboneDescription.Resize) throws(BackboneError) -> Backbone {
        try changed { $0.resize = resize }
    }

    /// Returns this network with another description, and the same notes.
    private func changed(_ change: (inout BackboneDescription) -> Void) throws(BackboneError) -> Backbone {
        var description = description
        change(&description)
        var backbone = try Backbone(description, network, bytes, path: path)
        backbone.notes = notes
        return backbone
    }

    /// Returns a text with everything besides the image that determines a bottleneck, up to the last bits, in
    /// which instruction sets differ. Those that hold activations in fewer bits have a text of their own for
    /// int8.
    package func fingerprint(precision: Precision) -> String {
        let d = description
        let taps = d.taps.map { "\($0.tensor)/\($0.reduction.rawValue)" }.joined(separator: " ")
        let digest = Self.digest(of: [bytes])
        let weights = externalDigest.map { " weights \($0)" } ?? ""
        let framing = d.framing.map { " framed \($0)" } ?? ""
        let channels = d.channelScaling.map { " by channel \($0.mean) \($0.scale)" } ?? ""
        return
            "\(digest)\(weights) \(d.input) \(d.height)x\(d.width) \(d.mean) \(d.scale)\(channels) \(d.inverseDCT.rawValue) \(d.resize.rawValue)\(framing) upright \(Self.fingerprint(of: precision)): \(taps)"
    }

    /// The digest of weights that lie in other files; nil if there are none.
    private var externalDigest: SHA256.Digest? {
        guard case .onnx(let model) = network else { return nil }
        let regions = model.externalTensors.compactMap { tensor -> ByteRegion? in
            if case .dense(let region) = tensor.contents { region } else { nil }
        }
        return regions.isEmpty ? nil : Self.digest(of: regions)
    }

    /// Returns the SHA-256 over the bytes of regions, of which few pages are in memory at a time.
    private static func digest(of regions: [ByteRegion]) -> SHA256.Digest {
        var digest = SHA256()
        for region in regions {
            for start in stride(from: 0, to: region.count, by: 1 << 24) {
                let piece = region[start..<min(start + (1 << 24), region.count)]
                piece.withUnsafeBytes { digest.update($0) }
                piece.releasePages()
            }
        }
        return digest.finalize()
    }

    private static func fingerprint(of precision: Precision) -> String {
        guard case .int8(let ranges) = precision else { return precision.name }
        var bytes: [UInt8] = []
        for name in ranges.ranges.keys.sorted() { bytes += Array(name.utf8) + [0] }
        for number in ranges.numbers { withUnsafeBytes(of: number.bitPattern.littleEndian) { bytes += $0 } }
        let highest = InstructionSet.preferred.highestByte
        return "\(precision.name) \(SHA256.hash(bytes))\(highest < 255 ? " to \(highest)" : "")"
    }

    static func map(_ path: String) throws(BackboneError) -> ByteRegion {
        do { return try PipedFiles.region(FilePath(path)) } catch {
            if error.errno == ENOENT || error.errno == ENOTDIR { throw .missing(path: path) }
            throw .inputOutput(path: path, code: error.errno)
        }
    }
}
