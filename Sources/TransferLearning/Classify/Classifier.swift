import SystemFiles
import Backbones
import Imaging
import Inference
import Synchronization

/// Which model, and how to run it.
public struct ClassifyOptions: Sendable {
    public var graph: FilePath = "output_graph.pb"
    /// A labels file, used in place of the labels inside the model.
    public var labels: FilePath?
    /// nil: as many as there are cores.
    public var threads: Int?
    public var isStrict = false
    public var limits = PictureLimits()
    /// A picture is unknown when a smaller share of the training pictures was as unusual as it; nil: every picture gets a label.
    public var unknownThreshold: Float? = ClassifyOptions.usualUnknownThreshold
    /// nil: the one that the model was trained in.
    public var precision: PrecisionChoice?
    public static let usualUnknownThreshold: Float = 0.002
    public init() {}
}

/// A label with its probability.
public struct Prediction: Sendable, Codable, Equatable {
    public let label: String
    public let score: Float
}

/// Why a picture could not be classified.
public struct PictureFailure: Error, Sendable {
    public let reason: String
    /// Where not the picture is at fault but the network.
    public var network: NetworkError?
}

/// What a model says about one picture.
public struct Answer: Sendable {
    public let path: FilePath
    /// All labels, best first.
    public let outcome: Result<[Prediction], PictureFailure>
    /// The share of training pictures that were at least as unusual, 0...1; nil where the model cannot tell.
    public let familiarity: Float?
    /// Whether the picture is unlike all that trained the model, so that its labels mean nothing.
    public let isUnknown: Bool
    /// What was wrong with the file and could be worked around.
    public let warnings: [String]
}

/// Names what pictures show.
///
///     let classifier = try Classifier(options, pictures: paths.count)
///     try classifier.classify(paths) { answer in print(answer.path, answer.outcome) }
///
/// One picture is spread over all threads; of many, each thread takes one at a time. The scores are the same either way.
public struct Classifier: Sendable {
    private let model: LoadedModel
    private let threads: Int
    private let isStrict: Bool
    private let limits: PictureLimits
    private let unknownThreshold: Float?

    /// - Parameters:
    ///   - options: which model, and how to run it.
    ///   - pictures: how many there will be, about; decides how the threads are used.
    public init(_ options: ClassifyOptions, pictures: Int) throws(TransferLearningError) {
        let threads = options.threads ?? ParallelWork.coreCount
        model = try LoadedModel(
            graph: options.graph, labels: options.labels, tellsUnknown: options.unknownThreshold != nil,
            precision: options.precision,
            threadsPerPicture: pictures == 1 ? threads : 1)
        unknownThreshold = options.unknownThreshold
        self.threads = threads
        (isStrict, limits) = (options.isStrict, options.limits)
    }

    /// Labels in the model's order.
    public var labels: [String] { model.labels }

    /// Answers in the order of `pictures`, on the calling thread, each as soon as those before it are there.
    ///
    /// - Parameters:
    ///   - pictures: files; `-` stands for standard input.
    ///   - standardInput: the bytes of the picture that is called `-`.
    ///   - isInterrupted: asked between pictures, from any thread.
    ///   - report: called on the calling thread.
    public func classify(
        _ pictures: [FilePath], standardInput: [UInt8]? = nil,
        isInterrupted: @escaping @Sendable () -> Bool = { false },
        report: (Answer) throws -> Void
    ) throws {
        let answers = Answers(count: pictures.count)
        var reported = 0
        let pool = pictures.count == 1 ? ThreadPool(threads: threads) : nil
        let done = try ParallelWork.run(
            count: pictures.count, threads: pool == nil ? threads : 1, isCancelled: isInterrupted,
            makeWorker: {
                let reader = PictureReader(
                    model.file.description.backbone, Executor(model.plan, pool: pool), isStrict: isStrict,
                    limits: limits)
                return { index in
                    let answer = self.answer(pictures[index], standardInput, reader)
                    answers.list.withLock { $0[index] = answer }
                }
            },
            report: { _ in
                while reported < pictures.count, let answer = answers.list.withLock({ $0[reported] }) {
                    try report(answer)
                    reported += 1
                }
            })
        if done < pictures.count {
            throw TransferLearningError.interrupted("\(reported) of \(pictures.count) pictures were answered")
        }
    }

    private final class Answers: Sendable {
        let list: Mutex<[Answer?]>
        init(count: Int) { list = Mutex([Answer?](repeating: nil, count: count)) }
    }

    private func answer(_ path: FilePath, _ standardInput: [UInt8]?, _ reader: PictureReader) -> Answer {
        do {
            let bytes: [UInt8]
            if let standardInput, path == "-" {
                bytes = standardInput
            } else {
                bytes = try FileSystem.read(path)
            }
            let warnings = try reader.run(bytes)
            let scores = reader.executor.output(0)
            guard Array(scores).areFinite, model.novelty == nil || Array(reader.executor.output(1)).areFinite
            else {
                let fault = NetworkError.notFinite(
                    FilePath(model.file.path), tensor: model.file.description.output, picture: path)
                return failure(
                    path,
                    "the network \(model.file.path) makes NaN or infinity of it in '\(model.file.description.output)'",
                    network: fault)
            }
            let ranked = scores.indices.sorted {
                scores[$0] > scores[$1] || (scores[$0] == scores[$1] && $0 < $1)
            }
            let predictions = ranked.map { Prediction(label: model.labels[$0], score: scores[$0]) }
            let familiarity = model.novelty.map { $0.familiarity($0.score(reader.executor.output(1))) }
            return Answer(
                path: path, outcome: .success(predictions), familiarity: familiarity,
                isUnknown: familiarity.map { $0 < unknownThreshold ?? 0 } ?? false,
                warnings: warnings.map(\.description))
        } catch let error as FileError {
            return failure(path, error.reason)
        } catch let error as ImageError {
            return failure(path, error.reason)
        } catch {
            return failure(path, "\(error)")
        }
    }

    private func failure(_ path: FilePath, _ reason: String, network: NetworkError? = nil) -> Answer {
        Answer(
            path: path, outcome: .failure(PictureFailure(reason: reason, network: network)), familiarity: nil,
            isUnknown: false,
            warnings: [])
    }
}

extension Answer {
    private struct Encoded: Encodable {
        let path: String
        let predictions: [Prediction]?
        let error: String?
        let warnings: [String]?
        let familiarity: Float?
        let unknown: Bool?
    }

    /// `{"path": …, "predictions": [{"label": …, "score": …}, …], "unknown": …, "familiarity": …}`, or with `error` in place of these.
    public func json(top: Int, threshold: Float) throws -> String {
        let warnings = warnings.isEmpty ? nil : warnings
        switch outcome {
        case .success(let all):
            let shown = all.prefix(top).filter { $0.score >= threshold }
            return try JSON.text(
                Encoded(
                    path: "\(path)", predictions: shown, error: nil, warnings: warnings,
                    familiarity: familiarity, unknown: familiarity.map { _ in isUnknown }), pretty: false)
        case .failure(let failure):
            return try JSON.text(
                Encoded(
                    path: "\(path)", predictions: nil, error: failure.reason, warnings: warnings,
                    familiarity: nil, unknown: nil), pretty: false)
        }
    }
}
