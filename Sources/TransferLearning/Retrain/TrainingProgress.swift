import FinalLayer

/// Translates the progress and errors of a solver to those of a run.
enum TrainingProgress {
    /// Calls a solver, reports its progress, and throws its errors as those of a run.
    ///
    /// - Throws: `TransferLearningError`, or errors of `report`.
    static func reported<Value>(
        _ report: (RetrainEvent) throws -> Void,
        _ train: (((SoftmaxRegression.Progress) -> Void)?) throws(TrainingError) -> Value
    ) throws -> Value {
        var failure: (any Error)?
        // The solver's observer is optional and therefore escaping, but it does not outlive the call.
        let value = try withoutActuallyEscaping(report) { report in
            do throws(TrainingError) {
                return try train { progress in
                    guard failure == nil else { return }
                    do { try report(.training(done: progress.done, total: progress.total)) } catch {
                        failure = error
                    }
                }
            } catch { throw failure ?? TransferLearningError(error) }
        }
        if let failure { throw failure }
        return value
    }
}

extension TransferLearningError {
    /// - Parameter error: The error of a solver whose rows and labels were checked before.
    init(_ error: TrainingError) {
        self = error == .cancelled ? Interrupted.error : .internalFailure("\(error)")
    }
}

/// The interruption of a run after all bottlenecks were computed.
enum Interrupted {
    static let error = TransferLearningError.interrupted(
        "no output was written; the bottlenecks are cached, and the same command continues from there")

    /// - Throws: `TransferLearningError.interrupted` if the run was interrupted, because results since then
    ///   may be incomplete.
    static func check(_ isInterrupted: () -> Bool) throws(TransferLearningError) {
        if isInterrupted() { throw error }
    }
}
