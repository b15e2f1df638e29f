import Backbones
import Compression
import Deployment
import Inference
import Network
import SystemFiles
import TensorGraph
import WebPage
#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// `WebPageExport` writes a model as one HTML page that classifies pictures in a browser: the template, the
/// engine, the model, the labels and the novelty rule in one file.
struct WebPageExport {
    private let file: DeployableNetwork
    private let model: ModelDescription
    private let options: ExportOptions

    init(
        _ file: DeployableNetwork, _ options: ExportOptions
    ) throws(TransferLearningError) {
        guard let model = file.description else {
            throw .option(
                "format",
                reason: "html needs a model of retrain's, or --labels for one of retrain.py's; "
                    + "\(file.path) does not say what it recognizes")
        }
        guard !options.normalizes, !options.tellsFamiliarity else {
            throw .option(
                options.normalizes ? "normalize" : "familiarity",
                reason: "is not for html: a page prepares its pictures and tells strangers by itself")
        }
        guard options.size == nil, options.inputName == nil, options.outputName == nil else {
            throw .option("format", reason: "html takes input, output and size from the model itself")
        }
        guard model.backbone.framing == nil else {
            throw .option("format", reason: "html cannot crop pictures as \(file.path) asks for")
        }
        (self.file, self.model, self.options) = (file, model, options)
    }

    func run() throws -> ExportResult {
        let page = try bytes()
        let output = try AtomicFile(options.output)
        try output.write(page)
        try MappedFiles.checkUnchanged()
        try output.commit()
        return ExportResult(
            input: "\(options.input)", output: "\(options.output)", format: options.format.rawValue,
            weights: options.weights.rawValue, bytesBefore: file.bytes, bytesAfter: page.count,
            inputTensor: model.backbone.input, outputTensor: model.output, inputShape: inputShape,
            familiarityTensor: nil)
    }

    /// The `Facts` are what the script of the page reads as JSON.
    struct Facts: Codable {
        let labels: [String]
        /// What is subtracted from each channel's values, and the factor of the differences.
        var mean: [Float]?
        var scale: [Float]?
        /// The familiarity below which a picture is unknown.
        let threshold: Float
        let made: String
    }

    private func bytes() throws -> [UInt8] {
        let title = options.title ?? Self.stem(options.input.lastComponent.description)
        let facts = Facts(
            labels: model.labels, mean: model.backbone.means, scale: model.backbone.scales,
            threshold: ClassifyOptions.usualUnknownThreshold,
            made: "cartoonctl \(Tool.version)")
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let engine = Array(UnsafeBufferPointer(start: web_engine_bytes(), count: web_engine_count()))
        let relaxedEngine = Array(
            UnsafeBufferPointer(start: web_relaxed_engine_bytes(), count: web_relaxed_engine_count()))
        let parts: [String: [UInt8]] = try [
            "TITLE": Array(PageTemplate.escaped(title).utf8),
            // A label with a tag in it would end the script that holds it.
            "FACTS": Array(
                String(decoding: encoder.encode(facts), as: UTF8.self)
                    .replacing("<", with: "\\u003c").utf8),
            "ENGINE": Self.packed(engine), "RELAXED_ENGINE": Self.packed(relaxedEngine),
            "MODEL": Self.packed(program()),
        ]
        return PageTemplate.fill(
            UnsafeBufferPointer(start: web_page_bytes(), count: web_page_count()), with: parts)
    }

    /// `[1, height, width, 3]`.
    private var inputShape: [Int] { [1, model.backbone.height, model.backbone.width, 3] }

    private func program() throws(TransferLearningError) -> [UInt8] {
        let backbone = model.backbone
        let novelty = file.novelty.map {
            PortablePlan.NoveltyRule(means: $0.means, scales: $0.scales, quantiles: $0.quantiles)
        }
        let merged: NetworkFile
        do {
            merged = try file.network.graph.map { .graph(try $0.mergingSquaredDifferences()) } ?? file.network
        } catch let error as DeploymentError {
            throw TransferLearningError(error, path: file.path)
        } catch { throw .internalFailure("\(error)") }
        let network: Network
        do {
            network = try merged.network(
                backbone, outputs: [model.output] + (novelty == nil ? [] : [model.bottleneck]),
                path: file.path.description)
        } catch { throw TransferLearningError(error) }
        do {
            return try PortablePlan(
                network, novelty: novelty,
                preparation: .init(
                    mean: backbone.mean, scale: backbone.scale, resize: backbone.resize.inProgram),
                packed: file.network.graph?.packedTensors() ?? PackedTensors(),
                roundsWeights: options.weights == .int8
            ).bytes
        } catch {
            switch error {
            case .plan(let error): throw TransferLearningError(error, path: file.path.description)
            case .tooLarge:
                throw .network(.unsupported(file.path, reason: "takes more memory than a page is given"))
            case .noInstruction(let node, let operation):
                let others =
                    (try? ExportSource(file, options)).map { _ in
                        "; formats that can: onnx, tflite, savedmodel"
                    }
                    ?? ""
                throw .network(
                    .unsupported(
                        file.path,
                        reason: "node '\(node)' (\(operation)) cannot be written as html\(others)"))
            }
        }
    }

    // MARK: - Text

    /// Compresses bytes by DEFLATE in zlib's container, and encodes them as the text that the page decodes.
    private static func packed(_ bytes: [UInt8]) -> [UInt8] {
        PageText.encode(Deflate.compress(bytes, level: 9, container: .zlib))
    }

    private static func stem(_ name: String) -> String {
        let suffix = [".pb", ".onnx"].first { name.hasSuffix($0) && name.count > $0.count }
        return suffix.map { String(name.dropLast($0.count)) } ?? name
    }
}
