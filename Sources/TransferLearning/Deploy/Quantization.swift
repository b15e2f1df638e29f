import SystemFiles
import Backbones
import Deployment
import TensorFlowFormat
import TensorGraph

/// The methods by which `quantize` compresses weights.
public enum QuantizationMode: String, Sendable, CaseIterable {
    /// quantize_graph's mode of the same name: floats with few distinct values, which compress well.
    case weightsRounded = "weights_rounded"
    /// quantize_graph's mode of the same name: bytes with a `Dequantize` node per constant.
    case weights
    /// Bytes on a grid per channel, rounded with error compensation, which give the smallest zip archive for
    /// a given loss.
    case compact
}

public struct QuantizeOptions: Sendable {
    public var input: FilePath = "output_graph.pb"
    public var output: FilePath = "quantized_graph.pb"
    public var mode = QuantizationMode.compact
    /// The names of inputs and outputs; empty uses those in a model's description.
    public var inputNames: [String] = [], outputNames: [String] = []
    /// For `weights_rounded`: the binary logarithm of the number of distinct values per constant.
    public var bitDepth = 8
    /// For `compact`: the average bits per weight in the package; nil uses 5.5, or the value that
    /// `calibration` determines.
    public var bits: Double?
    /// A folder of images with one subfolder per class.
    public var calibration: FilePath?
    /// For `compact`: whether to keep the final layer although there are images to retrain it.
    public var keepsLayer = false
    /// The bottleneck cache for the original model's bottlenecks; nil uses the user's cache folder.
    public var bottleneckDirectory: FilePath?
    /// The maximum loss of accuracy on these images, in percentage points.
    public var maximumAccuracyDrop = 0.5
    public var threads: Int?
    public init() {}
}

public struct QuantizeResult: Sendable, Codable {
    public let input, output, mode: String
    public let bytesBefore, bytesAfter: Int
    /// The sizes of the files in a zip archive.
    public let zippedBefore, zippedAfter: Int
    /// For `compact`: the bits per weight.
    public let bits: Double?
    /// The accuracies on the calibration images; nil without them.
    public let accuracyBefore, accuracyAfter: Double?
    /// The loss in the worst cross-validation, in percentage points.
    public let worstDrop: Double?
    /// Whether the final layer was retrained; the accuracies are then means of three cross-validations.
    public let isLayerRenewed: Bool
    /// The root mean square of the changes of the final layer's input, each in units of the feature's standard
    /// deviation between images; nil if it is not finite, or the network's input for images is unknown.
    public let featureError: Double?
    /// Whether much accuracy was lost on the calibration images or, without them, is in danger by `featureError`.
    public let isDamaged: Bool
    /// The flags of the setting that changes the features least, and its figure; nil unless the model is
    /// damaged, and if no setting is clearly better.
    public let betterSetting: String?
    public let betterFeatureError: Double?

    public func json() throws -> String { try JSON.text(self) }
}

/// Compresses a model's weights.
public struct Quantization {
    private let options: QuantizeOptions
    private let context: RunContext

    public init(_ options: QuantizeOptions, context: RunContext = RunContext()) {
        (self.options, self.context) = (options, context)
    }

    /// The average bits per weight if nothing determines them.
    private static let bits = 5.5

    /// A quantized graph with its properties.
    private struct Outcome {
        var graph: Graph
        var bits: Double?
        var accuracies: Accuracies?
        var isLayerRenewed = false
    }

    /// The accuracies before and after quantization; several of each if they come from several
    /// cross-validations.
    private struct Accuracies {
        let before, after: [Double]

        /// The loss of the worst pair, in percentage points.
        var worstDrop: Double { zip(before, after).map { 100 * ($0 - $1) }.max() ?? 0 }

        static func mean(_ shares: [Double]) -> Double { shares.reduce(0, +) / Double(max(shares.count, 1)) }

        var text: String {
            "\(fixed(100 * Self.mean(after), 2))%"
                + (after.count > 1 ? ", at worst \(fixed(worstDrop, 2)) points lost" : "")
        }
    }

    public func run() throws(TransferLearningError)
        -> QuantizeResult
    {
        try FileSystem.checkOutput(options.output, flag: "output")
        // The file is read once, so that what changes it meanwhile is noticed.
        let network = try DeployableNetwork(options.input)
        if let result = try ONNXQuantization(file: network, options: options, context: context).run() {
            return result
        }
        let file = try DeployableGraph(network)
        let calibration = try options.calibration.map { directory throws(TransferLearningError) in
            try Calibration(
                directory, threads: options.threads ?? ParallelWork.coreCount, context: context)
        }
        if calibration != nil, file.description == nil {
            throw .option(
                "calibrate",
                reason:
                    "\(options.input) does not say what its labels are; only models that retrain wrote can be calibrated"
            )
        }
        do {
            // One grid for all channels needs the powers that optimization multiplies out.
            let isOurs = file.graph.nodes.contains { $0.name == ModelDescription.nodeName }
            let balanced = isOurs ? file.graph.balancingModel() : file.graph
            var outcome =
                switch options.mode {
                case .weightsRounded:
                    Outcome(graph: try RoundedWeights(bits: options.bitDepth).apply(to: balanced))
                case .weights: Outcome(graph: try EightBitWeights().apply(to: balanced))
                case .compact: try compact(file, calibration)
                }
            if let calibration, let model = file.description, outcome.accuracies == nil {
                outcome.accuracies = Accuracies(
                    before: [try calibration.accuracy(of: file.graph, model, path: file.path)],
                    after: [try calibration.accuracy(of: outcome.graph, model, path: file.path)])
            }
            let damage = try damage(by: outcome, to: file, calibration)
            let zipped = ZippedSizes(
                before: try GraphDef.write(file.graph), after: try GraphDef.write(outcome.graph))
            let written = try outcome.graph.write(to: options.output, flag: "output")
            return QuantizeResult(
                input: "\(options.input)", output: "\(options.output)", mode: options.mode.rawValue,
                bytesBefore: file.bytes,
                bytesAfter: written, zippedBefore: zipped.before, zippedAfter: zipped.after,
                bits: outcome.bits,
                accuracyBefore: outcome.accuracies.map { Accuracies.mean($0.before) },
                accuracyAfter: outcome.accuracies.map { Accuracies.mean($0.after) },
                worstDrop: outcome.accuracies?.worstDrop,
                isLayerRenewed: outcome.isLayerRenewed,
                featureError: damage.flatMap { $0.error.isFinite ? $0.error : nil },
                isDamaged: damage?.isSerious ?? false, betterSetting: damage?.better?.flags,
                betterFeatureError: damage?.better?.error)
        } catch let error as DeploymentError {
            throw TransferLearningError(error, path: options.input)
        } catch let error as TransferLearningError {
            throw error
        } catch {
            throw .internalFailure("\(error)")
        }
    }

    /// What quantization did to the features, and the setting that does least if that is too much.
    private struct Damage {
        let error: Double
        /// The points of accuracy that were lost on pictures of the model's classes; nil if none were given.
        let pointsLost: Double?
        var better: (flags: String, error: Double)?
        /// What pictures tell of accuracy is better than what the features do, as long as these are numbers.
        var isSerious: Bool {
            guard error.isFinite, let pointsLost else { return error > QuantizationError.limit }
            return pointsLost > QuantizationError.pointsLimit
        }
    }

    /// Measures what quantization did to the features; nil if the network cannot be shown images.
    private func damage(
        by outcome: Outcome, to file: DeployableGraph, _ calibration: Calibration?
    ) throws(TransferLearningError) -> Damage? {
        let measure: QuantizationError
        context.phase("measuring what changed in the network's features")
        do {
            let backbone =
                try file.description?.backbone
                ?? NetworkFile.graph(file.graph).described(path: file.path.description).backbone
            measure = try QuantizationError(
                of: file.graph, backbone, calibration.map { .files($0.files(count: 64)) } ?? .leaves(32),
                threads: options.threads ?? ParallelWork.coreCount, path: file.path)
        } catch {
            let reason = (error as? BackboneError).map { TransferLearningError($0) } ?? error
            context.note("what this does to the network's features was not measured: \(reason)")
            return nil
        }
        var damage = Damage(
            error: try measure.error(of: outcome.graph), pointsLost: outcome.accuracies?.worstDrop)
        guard damage.isSerious else { return damage }
        for (flags, graph) in alternatives(to: file) {
            guard let graph = graph() else { continue }
            let error = try measure.error(of: graph)
            if error < min(damage.error / 2, damage.better?.error ?? .infinity) {
                damage.better = (flags, error)
            }
        }
        return damage
    }

    /// The other settings, with functions that return their graphs.
    private func alternatives(to file: DeployableGraph) -> [(flags: String, graph: () -> Graph?)] {
        var others: [(flags: String, graph: () -> Graph?)] = []
        if options.mode != .weights {
            others.append(("--mode weights", { try? EightBitWeights().apply(to: file.graph) }))
        }
        if options.mode != .compact {
            others.append(("--mode compact", { try? compact(file, nil).graph }))
        } else if let bits = options.bits, bits < Self.bits {
            others.append(
                ("--bits \(Self.bits)", { try? compact(file, nil, bits: Self.bits).graph }))
        }
        if options.mode == .weightsRounded, options.bitDepth < 8 {
            others.append(("--bitdepth 8", { try? RoundedWeights().apply(to: file.graph) }))
        }
        return others
    }

    private func compact(
        _ file: DeployableGraph, _ calibration: Calibration?,
        bits wanted: Double? = nil
    ) throws -> Outcome {
        let (inputs, outputs) = try file.ends(inputs: options.inputNames, outputs: options.outputNames)
        // Normalizations must be folded into the weights before rounding.
        let optimized = try Optimization(
            inputs: inputs, outputs: outputs, keeping: file.keptNames, unpacksWeights: true
        ).apply(to: file.graph).0
        guard let model = file.description else {
            let bits = wanted ?? options.bits ?? Self.bits
            return Outcome(graph: CompactWeights(optimized).apply(bits: bits), bits: bits)
        }
        let clock = ContinuousClock(), start = clock.now
        func seconds() -> String { "\(fixed((clock.now - start) / .seconds(1), 0)) s" }
        context.phase("looking at what the layers see")
        let survey = LayerSurvey(
            description: model.backbone,
            samples: SampleImages(forRounding: calibration),
            threads: options.threads ?? ParallelWork.coreCount, path: file.path, context: context)
        var weights = CompactWeights(
            optimized,
            statistics: try survey.statistics(of: CompactWeights.layers(of: optimized), in: optimized))
        context.note("looked at what \(weights.count) layers see (\(seconds()))")
        context.phase("finding what errors in each of them do")
        weights.weigh(try survey.sensitivities(of: weights))
        context.note("found what errors in each of them do (\(seconds()))")
        guard let calibration else {
            let bits = wanted ?? options.bits ?? Self.bits
            return Outcome(graph: weights.apply(bits: bits), bits: bits)
        }
        let renewal = options.keepsLayer ? nil : LayerRenewal(calibration, model, path: file.path)

        guard let renewal else {
            context.phase("classifying the pictures with the model")
            let before = try calibration.accuracy(of: file.graph, model, path: file.path)
            context.note("accuracy of the model: \(fixed(100 * before, 2))% (\(seconds()))")
            return try search { bits in
                context.phase("trying \(fixed(bits, 3)) bits a weight")
                let graph = weights.apply(bits: bits)
                let accuracies = Accuracies(
                    before: [before], after: [try calibration.accuracy(of: graph, model, path: file.path)])
                context.note("\(fixed(bits, 3)) bits a weight: \(accuracies.text) (\(seconds()))")
                return Outcome(graph: graph, bits: bits, accuracies: accuracies)
            }
        }
        context.phase("cross-validating the final layer")
        let cache = try CacheLocation.open(options.bottleneckDirectory)
        let before = try renewal.candidate(file.graph, cache: cache).accuracies
        cache.close()
        context.note(
            "cross-validated accuracy of the model: \(fixed(100 * Accuracies.mean(before), 2))% (\(seconds()))"
        )
        return try search { bits in
            context.phase("trying \(fixed(bits, 3)) bits a weight")
            let candidate = try renewal.candidate(weights.apply(bits: bits), cache: nil)
            let accuracies = Accuracies(before: before, after: candidate.accuracies)
            context.note("\(fixed(bits, 3)) bits a weight: \(accuracies.text) (\(seconds()))")
            return Outcome(
                graph: try renewal.renewed(candidate), bits: bits, accuracies: accuracies,
                isLayerRenewed: true)
        }
    }

    /// Finds the coarsest setting within the limit, to an eighth of a bit, assuming that finer settings are
    /// not worse.
    private func search(_ attempt: (Double) throws -> Outcome) throws -> Outcome {
        if let bits = options.bits { return try attempt(bits) }
        var (low, high) = (17, 48), best: Outcome?
        while high - low > 1 {
            let middle = (low + high) / 2
            let tried = try attempt(Double(middle) / 8)
            if let drop = tried.accuracies?.worstDrop, drop <= options.maximumAccuracyDrop {
                (best, high) = (tried, middle)
            } else {
                low = middle
            }
        }
        return try best ?? attempt(Double(high) / 8)
    }
}
