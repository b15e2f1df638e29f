import Backbones
import Deployment
import TensorGraph

/// `export`: a model for those who left GraphDef behind.
public struct ExportOptions: Sendable {
    public enum Format: String, Sendable, CaseIterable {
        /// Operator set 13.
        case onnx
        /// TensorFlow Lite, now LiteRT.
        case tflite
    }
    public enum Weights: String, Sendable, CaseIterable {
        case float
        /// A byte a weight of a convolution, and a factor an output channel; what is computed with are floats.
        case int8
    }

    public var input: FilePath = "output_graph.pb"
    /// nil: the labels that the model carries.
    public var labels: FilePath?
    public var output: FilePath
    public var format: Format
    public var weights = Weights.float
    /// Of graphs that say nothing of themselves: the nodes that are fed and asked for, and the height and width of the images.
    public var inputName, outputName: String?
    public var size: Int?

    public init(output: FilePath, format: Format) { (self.output, self.format) = (output, format) }
}

public struct ExportResult: Sendable, Codable {
    public let input, output, format, weights: String
    public let bytesBefore, bytesAfter: Int
    /// The tensor that is fed and the one that is asked for, with their shapes.
    public let inputTensor, outputTensor: String
    public let inputShape: [Int]

    public func json() throws -> String { try JSON.text(self) }
}

/// Writes a model in another format.
public struct Exporting: Sendable {
    private let options: ExportOptions
    public init(_ options: ExportOptions) { self.options = options }

    public func run() throws(TransferLearningError) -> ExportResult {
        let file = try DeployableGraph(options.input, labels: options.labels)
        let (inputs, outputs) = try file.ends(
            inputs: options.inputName.map { [$0] } ?? [], outputs: options.outputName.map { [$0] } ?? [])
        let shape = try inputShape(file, inputs[0])
        do {
            let network = try NetworkExport(file.graph, input: inputs[0], shape: shape, output: outputs[0])
            let name = options.input.lastComponent.description
            let bytes = network.write(
                ExportFormat(rawValue: options.format.rawValue)!,
                WeightPrecision(rawValue: options.weights.rawValue)!,
                ExportDescription(
                    name: name, producer: ("cartoonctl", Tool.version),
                    entries: try file.description.map(Self.entries) ?? []))
            guard bytes.count <= Int(Int32.max) else {
                throw TransferLearningError.option(
                    "output",
                    reason:
                        "would take \(bytes.count) bytes, and readers of \(options.format.rawValue) stop at 2 GiB"
                )
            }
            let output = try AtomicFile(options.output)
            try output.write(bytes)
            try output.commit()
            return ExportResult(
                input: "\(options.input)", output: "\(options.output)", format: options.format.rawValue,
                weights: options.weights.rawValue,
                bytesBefore: file.bytes, bytesAfter: bytes.count, inputTensor: inputs[0],
                outputTensor: outputs[0], inputShape: shape)
        } catch let error as DeploymentError {
            throw TransferLearningError(error, path: options.input)
        } catch let error as FileError {
            throw .output(error, flag: "output")
        } catch let error as TransferLearningError {
            throw error
        } catch {
            throw .internalFailure("\(error)")
        }
    }

    private func inputShape(_ file: DeployableGraph, _ input: String) throws(TransferLearningError) -> [Int] {
        if let size = options.size { return [1, size, size, 3] }
        if let backbone = file.description?.backbone { return [1, backbone.height, backbone.width, 3] }
        if case .shape(let sizes?)? = file.graph.nodes.first(where: { $0.name == input })?.attributes["shape"],
            sizes.count == 4,
            sizes.dropFirst().allSatisfy({ $0 > 0 })
        {
            return [1] + sizes.dropFirst()
        }
        throw .option(
            "size", reason: "is missing, and \(options.input) does not say how large its images are")
    }

    /// What programs need to know to feed the model and to read its answer.
    private static func entries(_ model: ModelDescription) throws -> [(key: String, value: String)] {
        var model = model
        // Of no use without the means and scales, which only a GraphDef has room for.
        model.noveltyQuantiles = nil
        let backbone = model.backbone
        return [
            (ModelDescription.nodeName, try model.json()),
            ("labels", model.labels.joined(separator: "\n")),
            ("input", backbone.input),
            ("input_layout", "NHWC, RGB, float32 [1, \(backbone.height), \(backbone.width), 3]"),
            ("mean", "\(backbone.mean)"),
            ("scale", "\(backbone.scale)"),
            ("preprocessing", "a channel's value v, 0 to 255, goes in as (v - mean) * scale"),
            ("output", model.output),
        ]
    }
}
