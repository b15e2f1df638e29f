import Backbones
import Compression
import Deployment
import TensorFlowFormat
import TensorGraph

public struct PackageOptions: Sendable {
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
        let labels: [UInt8]
        do { labels = try FileSystem.read(options.labels) } catch { throw .file(error, while: "reading the labels") }
        let names = LabelsFile.names(in: labels)
        let model: ModelFile
        do { model = try ModelFile(path: options.model.description, labels: names) } catch { throw TransferLearningError(error) }
        do {
            let graph = try FileSystem.read(options.model)
            var zip = Zip()
            try zip.add("README.txt", Array(Self.readMe(model.description, options).utf8), level: options.level)
            try zip.add(options.labels.lastComponent.description, labels, level: options.level)
            try zip.add(options.model.lastComponent.description, graph, level: options.level)
            let archive = try zip.finish()
            let file = try AtomicFile(options.output)
            try file.write(archive)
            try file.commit()
            return PackageResult(output: "\(options.output)", bytesBefore: graph.count + labels.count, bytesAfter: archive.count)
        } catch let error as FileError {
            throw error.path == options.model ? .file(error, while: "reading the model") : .output(error, flag: "output")
        } catch Zip.Failure.duplicateName(let name), Zip.Failure.unsafeName(let name) {
            throw .option("output", reason: "a package cannot hold a file of the name '\(name)'; rename it")
        } catch {
            throw .internalFailure("\(error)")
        }
    }

    private static func readMe(_ model: ModelDescription, _ options: PackageOptions) -> String {
        let backbone = model.backbone
        return """
            \(options.model.lastComponent): a frozen TensorFlow graph that names what pictures show.

            input    \(backbone.input), float32 [1, \(backbone.height), \(backbone.width), 3]
            size     \(backbone.width) x \(backbone.height) pixels, RGB, the whole picture squeezed to it
            mean     \(backbone.mean)
            scale    \(backbone.scale)  a channel's value v, 0 to 255, goes in as (v - mean) * scale
            output   \(model.output), float32 [1, \(model.labels.count)], probabilities
            labels   \(options.labels.lastComponent), one a line, in the order of the output

            """
    }
}
