import SystemFiles
import Backbones
import Compression
import Deployment
import TensorFlowFormat
import TensorGraph

public struct PackageOptions: Sendable {
    /// The path of a model, or of an export of one.
    public var model: FilePath = "output_graph.pb"
    public var labels: FilePath = "output_labels.txt"
    public var output: FilePath = "model.zip"
    /// The level of DEFLATE, 1 to 10.
    public var level = 10
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

    public func run() throws(TransferLearningError) -> PackageResult {
        let labels: [UInt8], file: GraphFile
        do { labels = try FileSystem.read(options.labels) } catch {
            throw .file(error, while: "reading the labels")
        }
        do { file = try GraphFile(options.model.description) } catch { throw TransferLearningError(error) }
        let model = file.region.bytes, name = file.member ?? options.model.lastComponent.description
        let format = ExportedFile.format(of: file.region)
        let description = try describe(file, format, labels: LabelsText.names(in: labels))
        do {
            var zip = Zip()
            try zip.add("README.txt", Array(readMe(description, name, format).utf8), level: options.level)
            try zip.add(options.labels.lastComponent.description, labels, level: options.level)
            try zip.add(name, model, level: options.level)
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

    /// Returns the model's description with the names from the labels file.
    private func describe(_ file: GraphFile, _ format: ExportFormat?, labels: [String])
        throws(TransferLearningError) -> ModelDescription
    {
        let path = options.model.description
        do throws(BackboneError) {
            guard format != nil else { return try ModelFile(file, labels: labels).description }
            guard let json = ExportedFile.entry(ModelDescription.nodeName, of: file.region) else {
                throw .description(
                    path: path,
                    reason:
                        "does not say what it takes and gives; package an export of a model that retrain wrote"
                )
            }
            var description = try ModelDescription(json: json.utf8, of: path)
            guard labels.count == description.labels.count else {
                throw .labels(
                    path: path,
                    reason: "has \(description.labels.count) classes, the labels file \(labels.count) lines")
            }
            description.labels = labels
            return description
        } catch { throw TransferLearningError(error) }
    }

    private func readMe(_ model: ModelDescription, _ name: String, _ format: ExportFormat?) -> String {
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
            labels   \(options.labels.lastComponent), one a line, in the order of the output

            """
    }
}
