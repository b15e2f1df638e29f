import Backbones
import Compression
import Deployment
import TensorFlowFormat
import TensorGraph

public struct PackageOptions: Sendable {
    /// A model, or an export of one.
    public var model: FilePath = "output_graph.pb"
    public var labels: FilePath = "output_labels.txt"
    public var output: FilePath = "model.zip"
    /// DEFLATE's, 1 to 10.
    public var level = 10
    public init() {}
}

public struct PackageResult: Sendable, Codable {
    public let output: String
    public let bytesBefore, bytesAfter: Int

    public func json() throws -> String { try JSON.text(self) }
}

/// Puts a model, its labels and what a program needs to know of them into a zip.
public struct Packaging: Sendable {
    private let options: PackageOptions
    public init(_ options: PackageOptions) { self.options = options }

    public func run() throws(TransferLearningError) -> PackageResult {
        let labels: [UInt8], model: [UInt8]
        do { labels = try FileSystem.read(options.labels) } catch { throw .file(error, while: "reading the labels") }
        do { model = try FileSystem.read(options.model) } catch {
            if error.isMissing { throw .network(.missing(options.model, remedy: "give the path of a model that retrain or export wrote")) }
            throw .file(error, while: "reading the model")
        }
        let format = ExportedFile.format(of: ByteRegion(model))
        let description = try describe(model, format, labels: LabelsFile.names(in: labels))
        do {
            var zip = Zip()
            try zip.add("README.txt", Array(readMe(description, format).utf8), level: options.level)
            try zip.add(options.labels.lastComponent.description, labels, level: options.level)
            try zip.add(options.model.lastComponent.description, model, level: options.level)
            let archive = try zip.finish()
            let file = try AtomicFile(options.output)
            try file.write(archive)
            try file.commit()
            return PackageResult(output: "\(options.output)", bytesBefore: model.count + labels.count, bytesAfter: archive.count)
        } catch let error as FileError {
            throw .output(error, flag: "output")
        } catch Zip.Failure.duplicateName(let name), Zip.Failure.unsafeName(let name) {
            throw .option("output", reason: "a package cannot hold a file of the name '\(name)'; rename it")
        } catch {
            throw .internalFailure("\(error)")
        }
    }

    /// What the model says of itself, with the names of the labels file.
    private func describe(_ model: [UInt8], _ format: ExportFormat?, labels: [String]) throws(TransferLearningError) -> ModelDescription {
        let path = options.model.description
        do throws(BackboneError) {
            guard format != nil else { return try ModelFile(path: path, labels: labels).description }
            guard let json = ExportedFile.entry(ModelDescription.nodeName, of: ByteRegion(model)) else {
                throw .description(path: path, reason: "does not say what it takes and gives; package an export of a model that retrain wrote")
            }
            var description = try ModelDescription(json: json.utf8, of: path)
            guard labels.count == description.labels.count else {
                throw .labels(path: path, reason: "has \(description.labels.count) classes, the labels file \(labels.count) lines")
            }
            description.labels = labels
            return description
        } catch { throw TransferLearningError(error) }
    }

    private func readMe(_ model: ModelDescription, _ format: ExportFormat?) -> String {
        let backbone = model.backbone
        let kind =
            switch format {
            case nil: "a frozen TensorFlow graph"
            case .onnx: "an ONNX model"
            case .tflite: "a TensorFlow Lite (LiteRT) model"
            }
        return """
            \(options.model.lastComponent): \(kind) that names what pictures show.

            input    \(backbone.input), float32 [1, \(backbone.height), \(backbone.width), 3]
            size     \(backbone.width) x \(backbone.height) pixels, RGB, the whole picture squeezed to it
            mean     \(backbone.mean)
            scale    \(backbone.scale)  a channel's value v, 0 to 255, goes in as (v - mean) * scale
            output   \(model.output), float32 [1, \(model.labels.count)], probabilities
            labels   \(options.labels.lastComponent), one a line, in the order of the output

            """
    }
}
