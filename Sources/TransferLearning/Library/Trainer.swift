import Dispatch
import Synchronization
import SystemFiles

/// Trains a model on a folder of images, for use in a program.
///
///     let trainer = Trainer(images: "cartoon", model: "cartoon.pb")
///     let result = try await trainer.train { event in print(event) }
///     print(result.testAccuracy ?? .nan)
///
/// Cancelling the task that waits stops the training; computed bottlenecks stay in the cache, and no output is left
/// incomplete.
public struct Trainer: Sendable {
    /// All options of `cartoonctl retrain`.
    public var options: RetrainOptions

    /// - Parameters:
    ///   - images: The folder with one subfolder of images per class.
    ///   - model: The path of the model to be written; the labels file beside it has the same name with the suffix
    ///     `txt`.
    public init(images: FilePath, model: FilePath) {
        var options = RetrainOptions()
        options.pictures.imageDirectory = images
        options.outputGraph = model
        options.outputLabels = model.replacingSuffix(with: "txt")
        self.init(options)
    }

    public init(_ options: RetrainOptions) { self.options = options }

    /// Trains on a thread of its own.
    ///
    /// - Parameter report: Called with each event of the run, on that thread.
    /// - Returns: The accuracies of the model that was written.
    /// - Throws: `CancellationError` after the task was cancelled, else `TransferLearningError`.
    public func train(report: @escaping @Sendable (RetrainEvent) -> Void = { _ in }) async throws
        -> RetrainResult
    {
        let cancellation = Cancellation()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                // Training computes for seconds to hours and would block the pool of Swift's concurrency.
                DispatchQueue.global().async {
                    continuation.resume(
                        with: Result {
                            do {
                                return try Retraining(options).run(
                                    context: RunContext(
                                        report: report,
                                        isInterrupted: { cancellation.isRequested.load(ordering: .relaxed) }))
                            } catch TransferLearningError.interrupted {
                                throw CancellationError()
                            }
                        })
                }
            }
        } onCancel: {
            cancellation.isRequested.store(true, ordering: .relaxed)
        }
    }

    /// The events of a training that begins at once; the last one is `.finished`.
    ///
    /// Ending the loop early stops the training.
    public var events: AsyncThrowingStream<Event, any Error> {
        AsyncThrowingStream { continuation in
            let task = Task {
                do {
                    let result = try await train { continuation.yield(.progress($0)) }
                    continuation.yield(.finished(result))
                    continuation.finish()
                } catch { continuation.finish(throwing: error) }
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    /// An event of a training.
    public enum Event: Sendable {
        case progress(RetrainEvent)
        case finished(RetrainResult)
    }

    private final class Cancellation: Sendable {
        let isRequested = Atomic<Bool>(false)
    }
}

extension FilePath {
    /// Replaces what follows the last dot of the last component, or adds a suffix where there is none.
    fileprivate func replacingSuffix(with suffix: String) -> FilePath {
        let name = lastComponent.bytes, dot = UInt8(ascii: ".")
        let kept = name.lastIndex(of: dot).map { $0 > 0 ? name.count - $0 : 0 } ?? 0
        return FilePath(bytes: bytes[..<(bytes.count - kept)] + [dot] + Array(suffix.utf8))
    }
}
