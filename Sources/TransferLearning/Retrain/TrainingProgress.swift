import FinalLayer

/// Between a solver, which knows nothing of runs, and what a run reports.
enum TrainingProgress {
    /// Calls a solver, passes its progress on, and turns its errors into those of a run.
    ///
    /// - Throws: `TransferLearningError`, or what `report` throws.
    static func reported<Value>(
        _ report: (RetrainEvent) throws -> Void,
        _ train: (((SoftmaxRegression.Progress) -> Void)?) throws(TrainingError) -> Value
    ) throws -> Value {
        var failure: (any Error)?
        // The solver's observer is optional and so escapes in the type system; it does not outlive the call.
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
    /// - Parameter error: of a solver whose rows and labels were checked before.
    init(_ error: TrainingError) {
        self = error == .cancelled ? Interrupted.error : .internalFailure("\(error)")
    }
}

/// The end of a run that was asked to stop when all bottlenecks were there.
enum Interrupted {
    static let error = TransferLearningError.interrupted(
        "no output was written; the bottlenecks are cached, and the same command continues from there")

    /// - Throws: `TransferLearningError.interrupted` once the run was asked to stop: what was computed since may be incomplete.
    static func check(_ isInterrupted: () -> Bool) throws(TransferLearningError) {
        if isInterrupted() { throw error }
    }
}
