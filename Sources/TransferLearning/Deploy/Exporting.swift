import SystemFiles
import Backbones
import Deployment
import TensorFlowFormat
import TensorGraph

/// The options of `export`.
public struct ExportOptions: Sendable {
    public enum Format: String, Sendable, CaseIterable {
        /// ONNX with operator set 13.
        case onnx
        /// TensorFlow Lite, now LiteRT.
        case tflite
        /// A Core ML package, a folder with an ML Program, for Xcode and Vision.
        case coreml
        /// A folder with a `saved_model.pb`, for TensorFlow and TensorFlow Serving.
        case savedmodel
        /// One HTML page with the model and an engine in it, for any browser.
        case html

        /// The suffix of the format's files.
        public var pathExtension: String { self == .coreml ? "mlpackage" : rawValue }
    }
    /// The order of the axes of an ONNX model's input: TensorFlow's, or that of OpenCV's `blobFromImage`.
    public enum Layout: String, Sendable, CaseIterable { case nhwc, nchw }
    public enum Weights: String, Sendable, CaseIterable {
        case float
        /// One byte per convolution weight and a factor per output channel; the computation uses floats.
        case int8
    }

    public var input: FilePath = "output_graph.pb"
    public enum Quantization: String, Sendable, CaseIterable {
        /// Convolutions compute with 8-bit integers, and pictures go in as bytes.
        case full
    }

    /// A labels file; nil uses the labels in the model.
    public var labels: FilePath?
    public var output: FilePath
    public var format: Format
    public var weights = Weights.float
    /// For `tflite`: what computes with integers; nil for nothing.
    public var quantization: Quantization?
    /// For `quantization` and weights of `int8`: a folder of images with one subfolder per class.
    public var calibration: FilePath?
    /// For what looks at images: the number of threads; nil uses all cores.
    public var threads: Int?
    /// The input and output nodes and the height and width of the images, for graphs without a description.
    public var inputName, outputName: String?
    public var size: Int?
    public var layout = Layout.nhwc
    /// Whether the exported model takes raw channel values, 0 to 255.
    public var normalizes = false
    /// Whether the exported model has a second output with the familiarity of an image.
    public var tellsFamiliarity = false
    /// The title of a page; nil takes the name of the model.
    public var title: String?

    public init(output: FilePath, format: Format) { (self.output, self.format) = (output, format) }
}

public struct ExportResult: Sendable, Codable {
    public let input, output, format, weights: String
    public let bytesBefore, bytesAfter: Int
    /// The input and output tensors; their shapes follow.
    public let inputTensor, outputTensor: String
    public let inputShape: [Int]
    /// The output with the familiarity; nil if it was not requested.
    public let familiarityTensor: String?

    public func json() throws -> String { try JSON.text(self) }
}

/// Exports a model to another format.
public struct Exporting {
    private let options: ExportOptions
    private let context: RunContext

    public init(_ options: ExportOptions, context: RunContext = RunContext()) {
        (self.options, self.context) = (options, context)
    }

    public func run() throws(TransferLearningError) -> ExportResult { try run(comparingLabels: true) }

    /// - Parameter comparesLabels: Whether to report that the labels file names classes otherwise than the model.
    func run(comparingLabels comparesLabels: Bool) throws(TransferLearningError) -> ExportResult {
        do { return try exported(comparesLabels) } catch { throw error.blaming(size: options.size) }
    }

    private func exported(_ comparesLabels: Bool) throws(TransferLearningError) -> ExportResult {
        guard !FileSystem.areOneOutput(options.input, options.output) else {
            throw .option(
                "output", reason: "\(options.output) is the model itself; give the export another name")
        }
        switch options.format {
        case .coreml, .savedmodel: try FileSystem.checkOutputFolder(options.output, flag: "output")
        case .onnx, .tflite, .html: try FileSystem.checkOutput(options.output, flag: "output")
        }
        var file = try DeployableNetwork(options.input, labels: options.labels)
        if comparesLabels, let note = file.labelsNote { context.note("warning: " + note) }
        if let size = options.size { file = file.sized(size) }
        do {
            if options.format == .html { return try WebPageExport(file, options).run() }
            if options.weights == .int8, options.quantization == nil, options.format != .savedmodel {
                let calibration = try options.calibration.map { directory throws(TransferLearningError) in
                    try Calibration(
                        directory, threads: options.threads ?? ParallelWork.coreCount, context: context)
                }
                file = try WeightRounding(options: options, calibration: calibration, context: context)
                    .rounded(file)
            }
            let source: ExportSource
            switch file.network {
            case .graph(let graph): source = try ExportSource(graph, of: file, options)
            case .onnx: source = try ExportSource(file, options)
            }
            let bytes =
                switch options.format {
                case .savedmodel: try writeSavedModel(source)
                case .coreml: try writeCoreML(source)
                case .tflite where options.quantization == .full: try writeIntegers(file)
                case .onnx, .tflite, .html: try writeFile(source)
                }
            let shape = source.shape
            return ExportResult(
                input: "\(options.input)", output: "\(options.output)", format: options.format.rawValue,
                weights: options.weights.rawValue,
                bytesBefore: file.bytes, bytesAfter: bytes, inputTensor: source.input,
                outputTensor: source.outputs[0],
                inputShape: options.layout == .nchw ? [shape[0], shape[3], shape[1], shape[2]] : shape,
                familiarityTensor: source.familiarity)
        } catch let error as DeploymentError {
            if case .tooLarge(let bytes) = error { try check(size: bytes) }
            throw TransferLearningError(error, path: options.input)
        } catch let error as FileError {
            throw .output(error, flag: "output")
        } catch let error as BackboneError {
            throw TransferLearningError(error)
        } catch let error as TransferLearningError {
            throw error
        } catch {
            throw .internalFailure("\(error)")
        }
    }

    /// - Returns: The size of the file in bytes.
    private func writeFile(_ source: ExportSource) throws -> Int {
        let bytes = try source.network.write(
            ExportFormat(rawValue: options.format.rawValue)!,
            WeightPrecision(rawValue: options.weights.rawValue)!,
            description(
                try source.description.map { try entries($0, familiarity: source.familiarity) } ?? [], source),
            layout: ImageLayout(rawValue: options.layout.rawValue)!)
        return try write(bytes)
    }

    private func write(_ bytes: [UInt8]) throws -> Int {
        try check(size: bytes.count)
        let output = try AtomicFile(options.output)
        try output.write(bytes)
        try MappedFiles.checkUnchanged()
        try output.commit()
        return bytes.count
    }

    /// - Returns: The size of the file in bytes.
    private func writeIntegers(_ network: DeployableNetwork) throws -> Int {
        guard !options.tellsFamiliarity, !options.normalizes else {
            throw TransferLearningError.option(
                options.normalizes ? "normalize" : "familiarity",
                reason: options.normalizes
                    ? "goes without saying: --quantize full takes bytes" : "is not for --quantize full")
        }
        let file = try DeployableGraph(network)
        let (inputs, outputs) = try file.ends(
            inputs: options.inputName.map { [$0] } ?? [], outputs: options.outputName.map { [$0] } ?? [])
        let export = IntegerExport(file: file, options: options, context: context)
        let size = file.description.map { ($0.backbone.height, $0.backbone.width) } ?? (0, 0)
        return try write(
            export.bytes(input: inputs[0], shape: [1, size.0, size.1, 3], output: outputs[0]) { model in
                let name = options.input.lastComponent.description
                return ExportDescription(
                    name: name, producer: ("cartoonctl", Tool.version),
                    entries: try entries(model, familiarity: nil, type: "uint8"),
                    classifier: Self.classifier(model, name: name))
            })
    }

    private func description(
        _ entries: [(key: String, value: String)], _ source: ExportSource
    ) -> ExportDescription {
        let name = options.input.lastComponent.description
        return ExportDescription(
            name: name, producer: ("cartoonctl", Tool.version), entries: entries,
            classifier: source.description.map { Self.classifier($0, name: name) })
    }

    /// Writes the package's folder.
    ///
    /// - Returns: The size of its files in bytes.
    private func writeCoreML(_ source: ExportSource) throws -> Int {
        if let labels = source.description?.labels,
            let twice = Dictionary(grouping: labels, by: { $0 }).first(where: { $1.count > 1 })?.key
        {
            throw TransferLearningError.option(
                "labels", reason: "has '\(twice)' twice, and Core ML tells probabilities by label")
        }
        // What tells programs how to feed a tensor is not true of an image.
        let own = try source.description.map { try entries($0, familiarity: source.familiarity) } ?? []
        let files = try source.network.coreMLPackage(
            WeightPrecision(rawValue: options.weights.rawValue)!,
            description(own.filter { [ModelDescription.nodeName, "labels"].contains($0.key) }, source))
        try MappedFiles.checkUnchanged()
        try FolderOutput(options.output).write(files.map { (FilePath($0.path), $0.bytes) })
        return files.reduce(0) { $0 + $1.bytes.count }
    }

    private func check(size: Int) throws(TransferLearningError) {
        guard size <= Int(Int32.max) else {
            throw .option(
                "output",
                reason: "would take \(size) bytes, and readers of \(options.format.rawValue) stop at 2 GiB")
        }
    }

    /// Writes the folder: `saved_model.pb`, and the labels and the description in `assets.extra`, whose files TensorFlow
    /// ignores.
    ///
    /// - Returns: The size of the files in bytes.
    private func writeSavedModel(_ source: ExportSource) throws -> Int {
        guard options.weights == .float else {
            throw TransferLearningError.option(
                "weights", reason: "int8 is not for a SavedModel; quantize the model")
        }
        let network = source.network, batch = network.takesBatches ? -1 : 1
        let model: [UInt8]
        do {
            model = try SavedModelExport.write(
                try source.graph(),
                input: .init(TensorReference(source.input).node, [batch] + source.shape.dropFirst()),
                outputs: source.outputs.map { .init($0, [batch] + network.shape(of: $0).dropFirst()) })
        } catch GraphDefError.tooLargeToWrite(let bytes) {
            try check(size: bytes)
            return bytes
        }
        var parts: [(path: FilePath, bytes: [UInt8])] = [("saved_model.pb", model)]
        if let labels = source.description?.labels {
            parts.append(("assets.extra/labels.txt", Array(labels.map { $0 + "\n" }.joined().utf8)))
        }
        if var description = source.description {
            description.noveltyQuantiles = nil
            parts.append(
                (
                    FilePath("assets.extra/" + ExportFacts.descriptionFile),
                    Array(try description.json().utf8)
                ))
        }
        try MappedFiles.checkUnchanged()
        try FolderOutput(options.output).write(parts)
        return parts.reduce(0) { $0 + $1.bytes.count }
    }

    private static func classifier(_ model: ModelDescription, name: String) -> ClassifierMetadata {
        let backbone = model.backbone
        return ClassifierMetadata(
            name: name, labels: model.labels, width: backbone.width, height: backbone.height,
            means: backbone.means, deviations: backbone.scales.map { 1 / $0 },
            isBGR: backbone.framing?.isBGR ?? false, note: backbone.preparation)
    }

    /// Returns the metadata that programs need to feed the model and to interpret its output.
    private func entries(_ model: ModelDescription, familiarity: String?, type: String = "float32") throws
        -> [(key: String, value: String)]
    {
        var model = model
        // These are useless without the means and scales, which only a GraphDef contains.
        model.noveltyQuantiles = nil
        let backbone = model.backbone, (height, width) = (backbone.height, backbone.width)
        let layout =
            options.layout == .nchw
            ? "NCHW, RGB, \(type) [N, 3, \(height), \(width)]"
            : "NHWC, RGB, \(type) [N, \(height), \(width), 3]"
        return [
            (ModelDescription.nodeName, try model.json()),
            ("labels", model.labels.joined(separator: "\n")),
            ("input", backbone.input),
            ("input_layout", layout),
            ("mean", backbone.means.map { "\($0)" }.joined(separator: ", ")),
            ("scale", backbone.scales.map { "\($0)" }.joined(separator: ", ")),
            ("preprocessing", "a channel's value v, 0 to 255, goes in as (v - mean) * scale"),
            ("output", model.output),
        ] + (familiarity.map { [("familiarity", $0)] } ?? [])
    }
}
