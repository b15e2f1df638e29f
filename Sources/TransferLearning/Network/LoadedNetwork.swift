import SystemFiles
import Backbones
import FinalLayer
import Inference
import Network
import TensorGraph

/// A feature extractor that is ready to run: found, read, validated and planned.
struct FeatureExtractor: Sendable {
    let backbone: Backbone
    let plan: Plan
    /// The number of elements in a bottleneck.
    let size: Int
    /// The columns of each tap with their factor in the final layer's penalty.
    let groups: [FeatureGroup]
    /// The fingerprint under which the cache stores these bottlenecks.
    let fingerprint: String
    /// The number of pictures that share a pass over large weights, more than which gain little.
    static let mostPictures = 8

    /// - Throws: `TransferLearningError`, or errors of the receiver of events.
    init(
        _ options: BottleneckOptions, context: RunContext = RunContext()
    ) throws {
        let backbone: Backbone
        do {
            guard options.model == nil || options.quality == .standard else {
                throw TransferLearningError.option(
                    "quality", reason: "a model has the quality that it was trained with; give --architecture"
                )
            }
            var found =
                try options.model.map { path throws(BackboneError) in try Backbone.inModel(path.description) }
                ?? NetworkProvision(options).find(context: context)
            if options.quality == .fast { found = try found.fast() }
            if let size = options.inputSize { found = try found.sized(size) }
            if let transform = options.jpeg {
                guard options.model == nil else {
                    throw TransferLearningError.option(
                        "jpeg", reason: "a model decodes as it was trained to; give --architecture")
                }
                found = try found.decoding(by: transform == .fast ? .fast : .accurate)
            }
            if let resizing = options.resizing { found = try found.resizing(by: resizing, options) }
            if let text = options.taps {
                guard let taps = BackboneDescription.taps(text) else {
                    throw TransferLearningError.option(
                        "taps",
                        reason:
                            "\(text) is not TENSOR:mean, TENSOR:max, TENSOR:deviation, TENSOR:first or TENSOR, joined by commas"
                    )
                }
                backbone = try found.with(taps: taps)
            } else {
                backbone = found
            }
        } catch let error as BackboneError {
            throw TransferLearningError(error)
        }
        for note in backbone.notes { try context.report(.warning("\(backbone.path): \(note.text)")) }
        if options.precision == .int8 { try context.report(.phase("measuring the ranges for int8")) }
        try self.init(backbone, options)
    }

    /// - Throws: `TransferLearningError`, also if images cannot be read to calibrate the precision.
    init(_ backbone: Backbone, _ options: BottleneckOptions = BottleneckOptions())
        throws(TransferLearningError)
    {
        self.backbone = backbone
        let taps = backbone.description.taps, features: FeatureNetwork
        do { features = try backbone.featureNetwork() } catch { throw TransferLearningError(error) }
        let precision = try PrecisionCalibration(backbone, features.network).precision(options)
        do { plan = try Plan(features.network, precision: precision, mostPictures: Self.mostPictures) } catch
        {
            throw TransferLearningError(error, path: backbone.path)
        }
        size = features.widths.reduce(0, +)
        var (begin, groups) = (0, [FeatureGroup]())
        for (tap, width) in zip(taps, features.widths) {
            // Taps have equal influence regardless of their number of channels; together they vary as much as
            // standardized features.
            groups.append(
                FeatureGroup(
                    begin..<begin + width, factor: (Float(size) / Float(taps.count * width)).squareRoot(),
                    isLastLayer: taps.count > 1 && tap.reduction == .none))
            begin += width
        }
        self.groups = groups
        fingerprint = backbone.fingerprint(precision: precision)
    }

    /// - Parameter path: The path of the graph's file, for errors.
    init(_ graph: Graph, _ description: BackboneDescription, path: FilePath) throws(TransferLearningError) {
        let backbone: Backbone
        do { backbone = try Backbone(description, in: .graph(graph), path: path.description) } catch {
            throw TransferLearningError(error)
        }
        try self.init(backbone)
    }
}

extension Backbone {
    /// Returns this network for images that are resized as the options ask.
    ///
    /// - Throws: `BackboneError`; `TransferLearningError` where something else determines the resizing.
    fileprivate func resizing(by resizing: Resizing, _ options: BottleneckOptions) throws -> Backbone {
        guard options.model == nil else {
            throw TransferLearningError.option(
                "resize", reason: "a model resizes as it was trained to; give --architecture")
        }
        guard description.framing == nil else {
            throw TransferLearningError.option(
                "resize", reason: "the file beside \(path) tells how the network's pictures are resized")
        }
        let resize: BackboneDescription.Resize =
            switch resizing {
            case .bilinear: .bilinear
            case .antialiased: .antialiased
            case .mediapipe: .mediapipe
            }
        return try self.resizing(by: resize)
    }
}

/// A trained model that is ready to run.
struct LoadedModel: Sendable {
    let file: ModelFile
    /// The plan, whose outputs are the probabilities and, if `novelty` is known or it was asked for, the
    /// bottleneck.
    let plan: Plan
    let novelty: Novelty?
    /// How the probabilities depend on the places of the image, if that was asked for; their images are further outputs.
    let readings: PlaceReadings?
    var labels: [String] { file.description.labels }

    /// The assumptions about a network that no description states.
    var notes: [String] {
        file.notes.filter { $0.subject != .bottleneck }.map { "\(file.path): \($0.text)" }
            + (labelsNote.map { [$0] } ?? [])
    }
    /// What tells that the labels are other words than the model's.
    private let labelsNote: String?

    /// - Parameters:
    ///   - ends: What replaces the model's description of its input and output.
    ///   - tellsUnknown: Whether the bottleneck is needed to detect images unlike the training images.
    ///   - precision: The precision; nil uses the one in which the model was trained.
    ///   - threadsPerPicture: The number of threads that share one image.
    ///   - isForOnePicture: Whether the plan is for a single run.
    ///   - givesBottleneck: Whether the bottleneck is an output even if novelty is not detected.
    ///   - explains: Whether the images that `readings` reads are outputs.
    init(
        graph: FilePath, labels: FilePath?, ends: StatedEnds = StatedEnds(), tellsUnknown: Bool,
        precision: PrecisionChoice?, threadsPerPicture: Int = 1, isForOnePicture: Bool = false,
        givesBottleneck: Bool = false, explains: Bool = false
    ) throws(TransferLearningError) {
        (file, labelsNote) = try LabelsFile.model(graph, labels: labels, stated: ends)
        let about = file.description
        novelty =
            tellsUnknown
            ? file.novelty.map { Novelty(means: $0.means, scales: $0.scales, quantiles: $0.quantiles) } : nil
        let trained = about.precision ?? .fp32, chosen: Precision
        switch precision {
        case nil: chosen = trained
        case .fp32: chosen = .fp32
        case .bf16: chosen = .bf16
        case .int8:
            guard case .int8 = trained else {
                throw .option(
                    "precision",
                    reason:
                        "int8 needs the ranges that retrain --precision int8 keeps in a model; \(graph) was trained in \(trained.name)"
                )
            }
            chosen = trained
        }
        var network: Network
        do {
            network = try file.network(
                outputs: [about.output] + (novelty != nil || givesBottleneck ? [about.bottleneck] : []))
        } catch { throw TransferLearningError(error) }
        readings = explains ? try PlaceReadings(&network, of: file) : nil
        // Bytes have no NaN: the weight would pass for a number.
        if case .int8 = chosen, let fault = network.weightFault {
            throw .network(.damaged(graph, reason: fault))
        }
        do {
            plan = try Plan(
                network, precision: chosen, threads: threadsPerPicture, isForOneRun: isForOnePicture,
                mostPictures: isForOnePicture || explains ? 1 : FeatureExtractor.mostPictures)
        } catch {
            throw TransferLearningError(error, path: file.path)
        }
        guard novelty == nil || plan.outputShapes[1] == [1, novelty?.means.count ?? 0] else {
            throw .network(.damaged(graph, reason: "its novelty table does not fit its bottleneck"))
        }
        guard plan.outputShapes[0] == [1, about.labels.count] else {
            throw .network(
                .description(
                    graph,
                    reason:
                        "gives \(plan.outputShapes[0].last ?? 0) scores for \(about.labels.count) labels; give the labels that belong to it"
                ))
        }
    }
}

extension Network {
    /// What makes the weights of a convolution or a product unfit to be stored in bytes; nil if all are finite.
    fileprivate var weightFault: String? {
        for node in nodes {
            switch node.operation {
            case .convolution, .matrixProduct: break
            default: continue
            }
            for input in node.inputs where constant(input)?.floats.map({ !$0.areFinite }) == true {
                return "node '\(self[input].name)' holds NaN or infinity"
            }
        }
        return nil
    }
}

extension Plan {
    /// Plans the computation of some tensors of a graph.
    init(
        _ graph: Graph, _ description: BackboneDescription, outputs: [String], path: FilePath
    ) throws(TransferLearningError) {
        try self.init(.graph(graph), description, outputs: outputs, path: path)
    }

    /// Plans the computation of some tensors of a network.
    init(
        _ file: NetworkFile, _ description: BackboneDescription, outputs: [String], path: FilePath
    ) throws(TransferLearningError) {
        let network: Network
        do {
            network = try file.network(
                description, outputs: outputs, path: path.description)
        } catch { throw TransferLearningError(error) }
        do { self = try Plan(network) } catch {
            throw TransferLearningError(error, path: path.description)
        }
    }
}
