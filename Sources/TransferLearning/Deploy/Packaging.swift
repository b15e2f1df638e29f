import SystemFiles
import Backbones
import Compression
import Deployment
import TensorFlowFormat
import TensorGraph
#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

public struct PackageOptions: Sendable {
    /// The path of a model, or of an export of one.
    public var model: FilePath = "output_graph.pb"
    public var labels: FilePath = "output_labels.txt"
    public var output: FilePath = "model.zip"
    /// The level of DEFLATE, 1 to 10.
    public var level = 10
    /// The platform whose export of the model is packed; nil packs the file as it is.
    public var platform: PackagePlatform?
    /// For `platform`: the storage of weights.
    public var weights = ExportOptions.Weights.float
    /// For 8-bit weights of `platform`: a folder of images by which they are rounded.
    public var calibration: FilePath?
    public var threads: Int?
    public init() {}
}

public struct PackageResult: Sendable, Codable {
    public let output: String
    public let bytesBefore, bytesAfter: Int

    public func json() throws -> String { try JSON.text(self) }
}

/// Puts a model, its labels and a description for programs into a zip archive.
public struct Packaging: Sendable {
    private let options: PackageOptions
    public init(_ options: PackageOptions) { self.options = options }

    /// Writes the archive.
    ///
    /// - Parameter context: Receives how much is compressed.
    public func run(context: RunContext = RunContext()) throws(TransferLearningError) -> PackageResult {
        for (name, input) in [("model", options.model), ("labels", options.labels)]
        where FileSystem.areOneOutput(input, options.output) {
            throw .option(
                "output",
                reason: "\(options.output) is the file of the \(name); give the package another name")
        }
        try FileSystem.checkOutput(options.output, flag: "output")
        let labels = try LabelsFile.bytes(of: options.labels), file: GraphFile
        do { file = try GraphFile(options.model.description) } catch { throw TransferLearningError(error) }
        let model = file.region.bytes, format = ExportedFile.format(of: file.region)
        let name =
            file.member ?? Self.name(of: options.model, otherwise: "model.\(format?.rawValue ?? "pb")")
        let description = try describe(file, format, labels: LabelsText.names(in: labels), context)
        let labelsName = Self.name(of: options.labels, otherwise: "labels.txt")
        var page = readMe(description, name, labels: labelsName, format), parts = [(name: name, bytes: model)]
        if let platform = options.platform {
            guard format == nil else {
                throw .option(
                    "for", reason: "takes a model of retrain's; \(options.model) is an export of one")
            }
            let stem = name.hasSuffix(".pb") ? String(name.dropLast(3)) : name
            let export = "\(stem).\(platform.format.pathExtension)"
            parts = try exported(to: platform.format, name: export, context)
            page =
                PlatformGuide(
                    platform: platform, name: export, labels: labelsName, backbone: description.backbone
                ).text + "\n" + pictures(description.backbone)
        }
        do {
            var zip = Zip()
            try zip.add("README.txt", Array(page.utf8), level: options.level)
            try zip.add(labelsName, labels, level: options.level)
            let total = parts.reduce(0) { $0 + $1.bytes.count }
            var done = 0
            for part in parts {
                try zip.add(part.name, part.bytes, level: options.level) {
                    context.counted(done + $0, of: total, "bytes")
                }
                done += part.bytes.count
            }
            let archive = try zip.finish()
            let output = try AtomicFile(options.output)
            try output.write(archive)
            try output.commit()
            return PackageResult(
                output: "\(options.output)", bytesBefore: model.count + labels.count,
                bytesAfter: archive.count)
        } catch let error as FileError {
            throw .output(error, flag: "output")
        } catch Zip.Failure.duplicateName(let name), Zip.Failure.unsafeName(let name) {
            throw .option("output", reason: "a package cannot hold a file of the name '\(name)'; rename it")
        } catch {
            throw .internalFailure("\(error)")
        }
    }

    /// Returns the name of a file in the archive.
    ///
    /// - Parameter usual: The name of what is read from a pipe, whose own is a number.
    private static func name(of path: FilePath, otherwise usual: String) -> String {
        let isStream =
            (try? FileSystem.kind(of: path)) == .other
            || ["/dev/", "/proc/"].contains { path.description.hasPrefix($0) }
        return isStream ? usual : path.lastComponent.description
    }

    /// Exports the model.
    ///
    /// - Parameter name: The name of the file or folder.
    /// - Returns: The files with their names in the archive.
    private func exported(
        to format: ExportOptions.Format, name: String, _ context: RunContext
    ) throws(TransferLearningError) -> [(name: String, bytes: [UInt8])] {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "cartoonctl-" + UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: folder) }
        let place = folder.appendingPathComponent(name)
        do { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) } catch {
            throw .internalFailure("\(error)")
        }
        var export = ExportOptions(output: FilePath(place.path), format: format)
        (export.input, export.labels, export.weights) = (options.model, options.labels, options.weights)
        (export.calibration, export.threads) = (options.calibration, options.threads)
        _ = try Exporting(export, context: context).run(comparingLabels: false)
        // A Core ML package is a folder; what other paths begin with are folders in it.
        let paths =
            format == .coreml
            ? (try? FileManager.default.subpathsOfDirectory(atPath: place.path)) ?? [] : [""]
        let files = paths.filter { path in !paths.contains { $0.hasPrefix(path + "/") } }.sorted()
        do throws(FileError) {
            var parts: [(name: String, bytes: [UInt8])] = []
            for file in files {
                let suffix = file.isEmpty ? "" : "/" + file
                parts.append((name + suffix, try FileSystem.read(FilePath(place.path + suffix))))
            }
            return parts
        } catch { throw .file(error, while: "reading the export") }
    }

    /// Returns the model's description with the names from the labels file.
    private func describe(
        _ file: GraphFile, _ format: ExportFormat?, labels: [String], _ context: RunContext
    ) throws(TransferLearningError) -> ModelDescription {
        let path = options.model.description
        func compare(_ own: [String]) throws(TransferLearningError) {
            let note = try LabelsFile.note(labels, options.labels, replacing: own, of: options.model)
            if let note { context.note("warning: " + note) }
        }
        guard format != nil else {
            let network: NetworkFile
            do { network = try NetworkFile(file.region, path: path) } catch {
                throw TransferLearningError(error)
            }
            if let own = network.carriedLabels { try compare(own) }
            do { return try ModelFile(network, path: path, labels: labels).description } catch {
                throw TransferLearningError(error)
            }
        }
        var description: ModelDescription
        do throws(BackboneError) {
            guard let json = ExportedFile.entry(ModelDescription.nodeName, of: file.region) else {
                throw .description(
                    path: path,
                    reason:
                        "does not say what it takes and gives; package an export of a model that retrain wrote"
                )
            }
            description = try ModelDescription(json: json.utf8, of: path)
        } catch { throw TransferLearningError(error) }
        try compare(description.labels)
        description.labels = labels
        return description
    }

    private func readMe(
        _ model: ModelDescription, _ name: String, labels: String, _ format: ExportFormat?
    ) -> String {
        let backbone = model.backbone
        let kind =
            switch format {
            case nil: "a frozen TensorFlow graph"
            case .onnx: "an ONNX model"
            case .tflite: "a TensorFlow Lite (LiteRT) model"
            }
        return """
            \(name): \(kind) that names what pictures show.

            input    \(backbone.input), float32 [1, \(backbone.height), \(backbone.width), 3]
            size     \(backbone.width) x \(backbone.height) pixels, RGB: \(backbone.part)
            mean     \(backbone.means.map { "\($0)" }.joined(separator: ", "))
            scale    \(backbone.scales.map { "\($0)" }.joined(separator: ", "))  a channel's value v, 0 to 255, goes in as (v - mean) * scale
            output   \(model.output), float32 [1, \(model.labels.count)], probabilities
            labels   \(labels), one a line, in the order of the output

            \(pictures(backbone))
            """
    }

    /// A paragraph about the decoding and resizing that the model was trained with.
    private func pictures(_ backbone: BackboneDescription) -> String {
        """
        \(backbone.preparation)
        Another JPEG decoder or another resizing changes pixels and so the probabilities: of single pictures
        by up to 0.25 was seen.

        """
    }
}
