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
    public init() {}
}

/// A label with its probability.
public struct Prediction: Sendable, Codable, Equatable {
    public let label: String
    public let score: Float
}

/// Why a picture could not be classified.
public struct PictureFailure: Error, Sendable, Equatable {
    public let reason: String
}

/// What a model says about one picture.
public struct Answer: Sendable {
    public let path: FilePath
    /// All labels, best first.
    public let outcome: Result<[Prediction], PictureFailure>
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

    /// - Parameter pictures: how many there will be, about; decides how the threads are used.
    public init(_ options: ClassifyOptions, pictures: Int) throws(TransferLearningError) {
        let threads = options.threads ?? ParallelWork.coreCount
        model = try LoadedModel(graph: options.graph, labels: options.labels)
        self.threads = threads
        isStrict = options.isStrict
    }

    /// Labels in the model's order.
    public var labels: [String] { model.labels }

    /// Answers in the order of `pictures`, on the calling thread, each as soon as those before it are there.
    public func classify(
        _ pictures: [FilePath], isInterrupted: @escaping @Sendable () -> Bool = { false }, report: (Answer) throws -> Void
    ) throws {
        let answers = Answers(count: pictures.count)
        var reported = 0
        let pool = pictures.count == 1 ? ThreadPool(threads: threads) : nil
        let done = try ParallelWork.run(
            count: pictures.count, threads: pool == nil ? threads : 1, isCancelled: isInterrupted,
            makeWorker: {
                let reader = PictureReader(model.file.description.backbone, Executor(model.plan, pool: pool), isStrict: isStrict)
                return { index in
                    let answer = self.answer(pictures[index], reader)
                    answers.list.withLock { $0[index] = answer }
                }
            },
            report: { _ in
                while reported < pictures.count, let answer = answers.list.withLock({ $0[reported] }) {
                    try report(answer)
                    reported += 1
                }
            })
        if done < pictures.count { throw TransferLearningError.interrupted(done: done, of: pictures.count) }
    }

    private final class Answers: Sendable {
        let list: Mutex<[Answer?]>
        init(count: Int) { list = Mutex([Answer?](repeating: nil, count: count)) }
    }

    private func answer(_ path: FilePath, _ reader: PictureReader) -> Answer {
        do {
            let warnings = try reader.run(try FileSystem.read(path))
            let scores = reader.executor.output(0)
            let ranked = scores.indices.sorted { scores[$0] > scores[$1] || (scores[$0] == scores[$1] && $0 < $1) }
            let predictions = ranked.map { Prediction(label: model.labels[$0], score: scores[$0]) }
            return Answer(path: path, outcome: .success(predictions), warnings: warnings.map(\.description))
        } catch let error as FileError {
            return Answer(path: path, outcome: .failure(PictureFailure(reason: error.reason)), warnings: [])
        } catch let error as ImageError {
            return Answer(path: path, outcome: .failure(PictureFailure(reason: error.reason)), warnings: [])
        } catch {
            return Answer(path: path, outcome: .failure(PictureFailure(reason: "\(error)")), warnings: [])
        }
    }
}

extension Answer {
    private struct Encoded: Encodable {
        let path: String
        let predictions: [Prediction]?
        let error: String?
        let warnings: [String]?
    }

    /// `{"path": …, "predictions": [{"label": …, "score": …}, …]}`, or with `error` in place of `predictions`.
    public func json(top: Int, threshold: Float) throws -> String {
        let warnings = warnings.isEmpty ? nil : warnings
        switch outcome {
        case .success(let all):
            let shown = all.prefix(top).filter { $0.score >= threshold }
            return try JSON.text(Encoded(path: "\(path)", predictions: shown, error: nil, warnings: warnings), pretty: false)
        case .failure(let failure):
            return try JSON.text(Encoded(path: "\(path)", predictions: nil, error: failure.reason, warnings: warnings), pretty: false)
        }
    }
}
