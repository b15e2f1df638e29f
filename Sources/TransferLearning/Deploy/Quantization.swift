import Backbones
import Compression
import Deployment
import TensorFlowFormat
import TensorGraph

/// How `quantize` makes weights small.
public enum QuantizationMode: String, Sendable, CaseIterable {
    /// As quantize_graph: floats of few values, for a small zip.
    case weightsRounded = "weights_rounded"
    /// As quantize_graph: bytes, and a `Dequantize` node a constant.
    case weights
    /// Bytes on a grid a channel, rounded with compensation: the smallest zip for a loss.
    case compact
}

public struct QuantizeOptions: Sendable {
    public var input: FilePath = "output_graph.pb"
    public var output: FilePath = "quantized_graph.pb"
    public var mode = QuantizationMode.compact
    /// Empty: what a model of `retrain`'s says of itself.
    public var inputNames: [String] = [], outputNames: [String] = []
    /// Of `weights_rounded`: how many values a constant takes, as a power of two.
    public var bitDepth = 8
    /// Of `compact`: what a weight costs in the package, on average; nil: 5.5, or what `calibration` finds.
    public var bits: Double?
    /// A folder of pictures, one sub-folder per class.
    public var calibration: FilePath?
    /// How many points of accuracy may be lost on those pictures.
    public var maximumAccuracyDrop = 0.5
    public var threads: Int?
    public init() {}
}

public struct QuantizeResult: Sendable, Codable {
    public let input, output, mode: String
    public let bytesBefore, bytesAfter: Int
    /// What the files take in a zip.
    public let zippedBefore, zippedAfter: Int
    /// Of `compact`.
    public let bits: Double?
    /// Shares of the calibration pictures that are given their own class; nil without pictures.
    public let accuracyBefore, accuracyAfter: Double?

    public func json() throws -> String { try JSON.text(self) }
}

/// Makes a model's weights small.
public struct Quantization: Sendable {
    private let options: QuantizeOptions
    private let isInterrupted: @Sendable () -> Bool

    public init(_ options: QuantizeOptions, isInterrupted: @escaping @Sendable () -> Bool = { false }) {
        (self.options, self.isInterrupted) = (options, isInterrupted)
    }

    /// - Parameter report: called with a line about each step of a search.
    public func run(report: (String) -> Void = { _ in }) throws(TransferLearningError) -> QuantizeResult {
        let file = try DeployableGraph(options.input)
        let calibration = try options.calibration.map { directory throws(TransferLearningError) in
            try Calibration(directory, threads: options.threads ?? ParallelWork.coreCount)
        }
        if calibration != nil, file.description == nil {
            throw .option("calibrate", reason: "\(options.input) does not say what its labels are; only models that retrain wrote can be calibrated")
        }
        do {
            var accuracies: (before: Double, after: Double)?
            let graph: Graph, bits: Double?
            switch options.mode {
            case .weightsRounded: (graph, bits) = (try RoundedWeights(bits: options.bitDepth).apply(to: file.graph), nil)
            case .weights: (graph, bits) = (try EightBitWeights().apply(to: file.graph), nil)
            case .compact: (graph, bits, accuracies) = try compact(file, calibration, report)
            }
            if let calibration, let model = file.description, accuracies == nil {
                accuracies = (
                    try calibration.accuracy(of: file.graph, model, path: file.path, isInterrupted: isInterrupted),
                    try calibration.accuracy(of: graph, model, path: file.path, isInterrupted: isInterrupted))
            }
            let written = try graph.write(to: options.output, flag: "output")
            return QuantizeResult(
                input: "\(options.input)", output: "\(options.output)", mode: options.mode.rawValue, bytesBefore: file.bytes,
                bytesAfter: written, zippedBefore: try zippedSize(file.graph), zippedAfter: try zippedSize(graph), bits: bits,
                accuracyBefore: accuracies?.before, accuracyAfter: accuracies?.after)
        } catch let error as DeploymentError {
            throw TransferLearningError(error, path: options.input)
        } catch let error as TransferLearningError {
            throw error
        } catch {
            throw .internalFailure("\(error)")
        }
    }

    private func compact(
        _ file: DeployableGraph, _ calibration: Calibration?, _ report: (String) -> Void
    ) throws -> (Graph, Double, (Double, Double)?) {
        let (inputs, outputs) = try file.ends(inputs: options.inputNames, outputs: options.outputNames)
        // Normalizations belong into the weights before these are rounded.
        let optimized = try Optimization(inputs: inputs, outputs: outputs, keeping: ModelDescription.nodeNames).apply(to: file.graph).0
        guard let calibration, let model = file.description else {
            let bits = options.bits ?? 5.5
            return (CompactWeights(optimized).apply(bits: bits), bits, nil)
        }
        let statistics = try calibration.statistics(of: optimized, model.backbone, path: file.path)
        let weights = CompactWeights(optimized, statistics: statistics)
        func accuracy(_ graph: Graph) throws(TransferLearningError) -> Double {
            try calibration.accuracy(of: graph, model, path: file.path, isInterrupted: isInterrupted)
        }
        let before = try accuracy(file.graph)
        report("accuracy of the original: \(fixed(100 * before, 2))%")
        func attempt(_ bits: Double) throws(TransferLearningError) -> (Graph, Double, (Double, Double)?) {
            let graph = weights.apply(bits: bits), after = try accuracy(graph)
            report("\(fixed(bits, 2)) bits a weight: \(fixed(100 * after, 2))%")
            return (graph, bits, (before, after))
        }
        if let bits = options.bits { return try attempt(bits) }
        // The coarsest setting that keeps to the limit, to a quarter of a bit; finer settings are taken to be no worse.
        var (low, high) = (10, 32)
        var best = try attempt(Double(high) / 4)
        while high - low > 1 {
            let middle = (low + high) / 2
            let tried = try attempt(Double(middle) / 4)
            if let accuracies = tried.2, 100 * (accuracies.0 - accuracies.1) <= options.maximumAccuracyDrop {
                (best, high) = (tried, middle)
            } else {
                low = middle
            }
        }
        return best
    }

    private func zippedSize(_ graph: Graph) throws(GraphDefError) -> Int {
        Deflate.compress(try GraphDef.write(graph), level: 9, container: .raw).count
    }
}
