import Backbones
import Imaging
import Inference
import Synchronization
import SystemFiles

/// What in a picture spoke for a label.
public struct Explanation: Sendable, Codable {
    /// The label that is explained, and the one it is compared with; nil stands for all others, weighted by their
    /// probabilities.
    public let label: String, against: String?
    /// The contribution of each place to the difference of the scores (natural logarithms of odds), `[rows][columns]`
    /// from the upper left corner of what the network sees of the upright picture. Positive places spoke for the label.
    public let grid: [[Float]]
}

/// Tells which places of a picture spoke for a model's answer.
///
///     let explainer = try Explainer(options)
///     let explanation = try explainer.explain(bytes, label: "homer simpson")
///
/// The final layer is linear in means, maxima and deviations of images inside the network, so that the contribution of
/// each place is known: exactly for means and maxima, to the first order for deviations. Where there is more between the
/// last mean and the scores, it is known to the first order too. It costs one more run of the network. Several threads
/// may use an explainer at the same time.
public struct Explainer: Sendable {
    private let readings: PlaceReadings
    private let labels: [String]
    private let drawing: HeatMapDrawing
    private let readers: Readers

    /// - Parameters:
    ///   - options: Which model, and how it reads pictures.
    ///   - pictures: The approximate number of pictures. A single one is divided among all threads.
    /// - Throws: `.network` if the scores of the model depend on no mean of an image.
    public init(_ options: ClassifyOptions, pictures: Int = 1) throws(TransferLearningError) {
        let file = try LabelsFile.model(
            options.graph, labels: options.labels, stated: options.ends
        ).file
        try self.init(
            file, threads: pictures == 1 ? options.threads ?? ParallelWork.coreCount : 1,
            isStrict: options.isStrict, limits: options.limits)
    }

    /// - Parameter threads: The number of threads that share the work on a picture.
    init(
        _ file: ModelFile, threads: Int, isStrict: Bool, limits: PictureLimits
    ) throws(TransferLearningError) {
        let plan: Plan
        do {
            var network = try file.network(outputs: [file.description.output])
            readings = try PlaceReadings(&network, of: file)
            plan = try Plan(network, threads: threads)
        } catch let error as BackboneError {
            throw TransferLearningError(error)
        } catch let error as PlanError {
            throw TransferLearningError(error, path: file.path)
        } catch let error as TransferLearningError {
            throw error
        } catch { throw .internalFailure("\(error)") }
        labels = file.description.labels
        let backbone = file.description.backbone
        drawing = HeatMapDrawing(backbone, limits)
        readers = Readers {
            PictureReader(
                backbone, Executor(plan, pool: threads > 1 ? ThreadPool(threads: threads) : nil),
                isStrict: isStrict, limits: limits)
        }
    }

    /// The readers that no thread is using.
    private final class Readers: Sendable {
        /// A reader in the hands of one thread at a time.
        private struct Idle: @unchecked Sendable { let reader: PictureReader }
        private let idle = Mutex<[Idle]>([])
        private let make: @Sendable () -> PictureReader

        init(make: @escaping @Sendable () -> PictureReader) { self.make = make }

        func with<Result>(_ body: (PictureReader) throws -> Result) rethrows -> Result {
            let own = idle.withLock { $0.popLast() } ?? Idle(reader: make())
            defer { idle.withLock { $0.append(own) } }
            return try body(own.reader)
        }
    }

    /// Explains one picture.
    ///
    /// - Parameters:
    ///   - bytes: The picture's file.
    ///   - label: The label to explain; nil for the most probable one.
    ///   - against: The label to compare it with; nil for all others.
    ///   - frame: The index of the frame of an animation or of the page of a TIFF.
    /// - Throws: `.option` if there is no such label, `ImageError` if the picture cannot be read.
    public func explain(
        _ bytes: [UInt8], label: String? = nil, against: String? = nil, frame: Int = 0
    ) throws -> Explanation {
        let chosen = try label.map { try labels.index(of: $0, flag: "label") }
        let other = try against.map { try labels.index(of: $0, flag: "against") }
        return try readers.with { reader in
            _ = try reader.run(bytes, frame: frame)
            return readings.explanation(reader.executor, labels: labels, of: chosen, against: other)
        }
    }

    /// Draws what the network sees of a picture, at most 640 pixels a side, with the places that spoke for the label
    /// in red and those that spoke against it in blue.
    ///
    /// - Parameters:
    ///   - bytes: The picture's file.
    ///   - explanation: The explanation of it.
    ///   - frame: The index of the frame of an animation or of the page of a TIFF.
    /// - Returns: The bytes of a PNG.
    /// - Throws: `ImageError` if the picture cannot be read.
    public func picture(_ bytes: [UInt8], _ explanation: Explanation, frame: Int = 0) throws -> [UInt8] {
        try drawing.picture(bytes, explanation, frame: frame)
    }
}

extension [String] {
    /// Returns the index of a label.
    ///
    /// - Parameter flag: The option that an error names.
    /// - Throws: `.option` if there is no such label.
    func index(of label: String, flag: String) throws(TransferLearningError) -> Int {
        guard let index = firstIndex(of: label) else {
            throw .option(
                flag, reason: "'\(label)' is no label of the model; it has \(joined(separator: ", "))")
        }
        return index
    }
}
