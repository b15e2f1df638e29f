import SystemFiles
import Backbones
import Imaging
import Inference
import Synchronization

/// The model and how to run it.
public struct ClassifyOptions: Sendable {
    public var graph: FilePath = "output_graph.pb"
    /// A labels file that replaces the labels in the model.
    public var labels: FilePath?
    /// The tensors that images go into and scores come from; nil takes those that the model names.
    public var inputLayer, outputLayer: String?
    /// The size of images; nil takes the model's own.
    public var inputHeight, inputWidth: Int?
    /// The normalization of a channel's value v, 0 to 255: (v - mean) / deviation. The two are given together;
    /// nil takes the model's own.
    public var inputMean, inputDeviation: Float?
    /// The number of threads; nil uses all cores.
    public var threads: Int?
    public var isStrict = false
    public var limits = PictureLimits()
    /// The number of frames of an animation, or pages of a TIFF, that are answered, spread evenly; 1 takes the first.
    public var frames = 1
    /// The familiarity below which an image is unknown, that is, the share of training images that were as
    /// unusual; nil gives every image a label.
    public var unknownThreshold: Float? = ClassifyOptions.usualUnknownThreshold
    /// The precision; nil uses the one in which the model was trained.
    public var precision: PrecisionChoice?
    public static let usualUnknownThreshold: Float = 0.002
    public init() {}
}

extension ClassifyOptions {
    /// What replaces the model's description of its input and output.
    var ends: StatedEnds {
        var ends = StatedEnds()
        (ends.input, ends.output) = (inputLayer, outputLayer)
        (ends.height, ends.width) = (inputHeight, inputWidth)
        (ends.mean, ends.deviation) = (inputMean, inputDeviation)
        return ends
    }
}

/// Classifies images.
///
///     let classifier = try Classifier(options, pictures: paths.count)
///     try classifier.classify(paths, report: { answer in print(answer.path, answer.outcome) })
///
/// A single image is divided among all threads; with several, each thread processes one at a time. The scores
/// are the same either way.
public struct Classifier: Sendable {
    private let model: LoadedModel
    private let threads: Int
    private let isStrict: Bool
    private let limits: PictureLimits
    private let frames: Int
    private let unknownThreshold: Float?
    private let against: Int?

    /// - Parameters:
    ///   - options: The model and how to run it.
    ///   - pictures: The approximate number of images, which determines the use of threads and whether weights
    ///     are kept ready for further ones; nil for images that arrive one by one.
    ///   - explains: Whether answers say what in the image spoke for them.
    ///   - against: The label that explanations compare the answer with; nil for all others.
    /// - Throws: `.option` if there is no such label; `.network` if a model cannot be explained.
    public init(
        _ options: ClassifyOptions, pictures: Int?, explains: Bool = false, against: String? = nil
    ) throws(TransferLearningError) {
        let threads = options.threads ?? ParallelWork.coreCount
        model = try LoadedModel(
            graph: options.graph, labels: options.labels, ends: options.ends,
            tellsUnknown: options.unknownThreshold != nil,
            precision: options.precision,
            threadsPerPicture: pictures ?? 1 == 1 ? threads : 1,
            isForOnePicture: pictures == 1 && options.frames == 1, explains: explains)
        unknownThreshold = options.unknownThreshold
        self.threads = threads
        (isStrict, limits, frames) = (options.isStrict, options.limits, options.frames)
        let labels = model.labels
        self.against = try against.map { label throws(TransferLearningError) in
            try labels.index(of: label, flag: "against")
        }
    }

    /// The labels in the model's order.
    public var labels: [String] { model.labels }

    /// The assumptions about a model that does not describe itself, as sentences.
    public var notes: [String] { model.notes }

    /// Classifies images and reports the answers in order, each as soon as the earlier ones were reported.
    ///
    /// - Parameters:
    ///   - pictures: The paths of the images; `-` is standard input.
    ///   - standardInput: The bytes of the image on standard input.
    ///   - context: Stops the work between images; its receiver gets no events.
    ///   - report: Receives the answers on the calling thread.
    public func classify(
        _ pictures: [FilePath], standardInput: [UInt8]? = nil,
        context: RunContext = RunContext(), report: (Answer) throws -> Void
    ) throws {
        let pool = pictures.count == 1 ? ThreadPool(threads: threads) : nil
        // The answers of one piece are in memory, however many images there are.
        let piece = 1024
        for start in stride(from: 0, to: pictures.count, by: piece) {
            let count = min(piece, pictures.count - start), answers = Answers(count: count)
            var reported = 0
            let done = try ParallelWork.run(
                count: count, atOnce: model.plan.pictures, threads: pool == nil ? threads : 1,
                isCancelled: context.isInterrupted,
                makeWorker: {
                    let reader = PictureReader(
                        model.file.description.backbone, Executor(model.plan, pool: pool),
                        isStrict: isStrict, limits: limits)
                    return { indices in
                        let paths = pictures[start + indices.lowerBound..<start + indices.upperBound]
                        let found = self.answers(Array(paths), standardInput, reader)
                        answers.list.withLock { $0.replaceSubrange(indices, with: found) }
                    }
                },
                report: { _ in
                    while reported < count, let answer = answers.take(reported) {
                        try report(answer)
                        reported += 1
                    }
                })
            if done < count {
                throw TransferLearningError.interrupted(
                    "\(start + reported) of \(pictures.count) pictures were answered")
            }
        }
    }

    private final class Answers: Sendable {
        let list: Mutex<[Answer?]>
        init(count: Int) { list = Mutex([Answer?](repeating: nil, count: count)) }

        /// Removes an answer, whose heat map may be large; nil if there is none yet.
        func take(_ index: Int) -> Answer? { list.withLock { $0[index].take() } }
    }

    /// Answers several files; where one frame of each is asked for and no explanation, these share a run of the network.
    private func answers(_ paths: [FilePath], _ standardInput: [UInt8]?, _ reader: PictureReader) -> [Answer]
    {
        guard frames == 1, model.readings == nil else {
            return paths.map { answer($0, standardInput, reader) }
        }
        var answers = [Answer?](repeating: nil, count: paths.count)
        var waiting: [(index: Int, warnings: [String])] = []
        for (index, path) in paths.enumerated() {
            let bytes: [UInt8]
            do { bytes = try self.bytes(of: path, standardInput) } catch {
                answers[index] = failure(path, error.reason)
                continue
            }
            reader.executor.picture = waiting.count
            do { waiting.append((index, try reader.read(bytes).map(\.description))) } catch {
                answers[index] = failure(path, error.reason)
            }
        }
        if !waiting.isEmpty { reader.executor.run(0..<waiting.count) }
        for (number, one) in waiting.enumerated() {
            reader.executor.picture = number
            var answered = AnsweredFrames()
            answers[one.index] =
                fault(paths[one.index], reader.executor, frame: 0, addedTo: &answered)
                ?? answered.answer(paths[one.index], model, warnings: one.warnings, tellsFrames: false)
        }
        return answers.compactMap { $0 }
    }

    private func bytes(of path: FilePath, _ standardInput: [UInt8]?) throws(FileError) -> [UInt8] {
        if let standardInput, path == "-" { return standardInput }
        return try FileSystem.read(path)
    }

    private func answer(_ path: FilePath, _ standardInput: [UInt8]?, _ reader: PictureReader) -> Answer {
        let bytes: [UInt8]
        do { bytes = try self.bytes(of: path, standardInput) } catch { return failure(path, error.reason) }
        let count = frames > 1 ? (try? Image.frameCount(in: bytes)) ?? 1 : 1
        let indices = BottleneckExtraction.spread(frames, over: count)
        var answered = AnsweredFrames(), warnings: [String] = []
        frames: for index in indices {
            switch run(reader, bytes, frame: index) {
            case .success(let faults): warnings += faults.map(\.description)
            case .failure(let error) where answered.isEmpty || isStrict: return failure(path, error.reason)
            case .failure(let error):
                // What follows in the file is damaged too, because frames are changes of the ones before.
                warnings.append("its frames from \(index) on are not answered: \(error.reason)")
                break frames
            }
            if let fault = fault(path, reader.executor, frame: index, addedTo: &answered) { return fault }
        }
        var answer = answered.answer(path, model, warnings: warnings, tellsFrames: indices.count > 1)
        if model.readings != nil { answer.explained = explained(answer, bytes, reader) }
        return answer
    }

    /// Explains and draws an answer's first label; of an animation, on the frame that shows most clearly what it names.
    ///
    /// - Parameter reader: The reader that has run the network on the last frame of the answer.
    /// - Returns: nil for an image that could not be read.
    private func explained(
        _ answer: Answer, _ bytes: [UInt8], _ reader: PictureReader
    ) -> Result<ExplainedPicture, any Error>? {
        guard let readings = model.readings, case .success(let predictions) = answer.outcome,
            let best = predictions.first
        else { return nil }
        func score(_ answer: FrameAnswer) -> Float {
            answer.predictions.first { $0.label == best.label }?.score ?? 0
        }
        let frame = answer.frames.max { score($0) < score($1) }?.frame ?? 0
        return Result {
            if !answer.frames.isEmpty { _ = try reader.run(bytes, frame: frame) }
            let explanation = readings.explanation(
                reader.executor, labels: labels, of: labels.firstIndex(of: best.label), against: against)
            let drawing = HeatMapDrawing(model.file.description.backbone, limits)
            return ExplainedPicture(
                explanation: explanation, map: try drawing.picture(bytes, explanation, frame: frame))
        }
    }

    /// Adds the scores of a run; returns a failure where they are not finite.
    private func fault(
        _ path: FilePath, _ executor: Executor, frame: Int, addedTo answered: inout AnsweredFrames
    ) -> Answer? {
        guard let scores = model.scores(executor) else {
            let output = model.file.description.output
            return failure(
                path, "the network \(model.file.path) makes NaN or infinity of it in '\(output)'",
                network: .notFinite(FilePath(model.file.path), tensor: output, picture: path))
        }
        answered.add(scores, model.familiarity(executor), at: frame, unknownThreshold)
        return nil
    }

    /// Decodes a frame and runs the network on it.
    private func run(
        _ reader: PictureReader, _ bytes: [UInt8], frame: Int
    ) -> Result<[DecodingWarning], ImageError> {
        do { return .success(try reader.run(bytes, frame: frame)) } catch { return .failure(error) }
    }

    private func failure(_ path: FilePath, _ reason: String, network: NetworkError? = nil) -> Answer {
        Answer(
            path: path, outcome: .failure(PictureFailure(reason: reason, network: network)), familiarity: nil,
            isUnknown: false,
            warnings: [])
    }
}
