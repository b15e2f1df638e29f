import FinalLayer

/// What connects a run to its caller: the caller receives the run's events, and may ask it to stop.
///
///     let context = RunContext { event in print(event) }
///     try Retraining(options).run(context: context)
public struct RunContext {
    /// Returns whether the run should stop; it is called often and from any thread.
    public let isInterrupted: @Sendable () -> Bool
    private let receive: (RetrainEvent) throws -> Void

    /// - Parameters:
    ///   - report: Receives events on the thread that runs; an error that it throws ends the run.
    ///   - isInterrupted: Returns whether the run should stop. It is called from any thread, between images, training
    ///     steps and drawn pictures, and should return within microseconds. A run that stops throws
    ///     `TransferLearningError.interrupted`; computed bottlenecks stay in the cache.
    public init(
        report: @escaping (RetrainEvent) throws -> Void = { _ in },
        isInterrupted: @escaping @Sendable () -> Bool = { false }
    ) {
        (receive, self.isInterrupted) = (report, isInterrupted)
    }

    func report(_ event: RetrainEvent) throws { try receive(event) }
    /// Reports a line of information, in work that does not end when its receiver throws.
    func note(_ line: String) { try? receive(.note(line)) }
    /// Reports what follows, in such work.
    func phase(_ text: String) { try? receive(.phase(text)) }
    /// Reports how much of a phase is done, in such work.
    func counted(_ done: Int, of total: Int, _ unit: String) {
        try? receive(.counted(done: done, total: total, unit: unit))
    }

    /// Returns a context with the same interruption whose events `report` receives.
    func reporting(_ report: @escaping (RetrainEvent) throws -> Void) -> RunContext {
        RunContext(report: report, isInterrupted: isInterrupted)
    }

    /// A context with the same interruption that receives no events.
    var silent: RunContext { reporting { _ in } }
    /// A context with the same interruption that receives only events of progress.
    var onlyProgress: RunContext { reporting { if $0.isProgress { try report($0) } } }

    /// - Throws: `TransferLearningError.interrupted` if the run was interrupted after all bottlenecks were computed;
    ///   results since then may be incomplete.
    func checkInterruption() throws(TransferLearningError) {
        if isInterrupted() { throw .interruptedTraining }
    }

    /// Calls a solver, reports its progress, and throws its errors as those of a run.
    ///
    /// - Throws: `TransferLearningError`, or errors of the receiver of events.
    func train<Value>(
        _ solve: (((SoftmaxRegression.Progress) -> Void)?) throws(TrainingError) -> Value
    ) throws -> Value {
        try report(.phase("training the final layer"))
        var failure: (any Error)?
        let value: Value
        do throws(TrainingError) {
            value = try solve { progress in
                guard failure == nil else { return }
                do { try report(.training(done: progress.done, total: progress.total)) } catch {
                    failure = error
                }
            }
        } catch { throw failure ?? TransferLearningError(error) }
        if let failure { throw failure }
        return value
    }
}

extension TransferLearningError {
    /// The interruption of a run after all bottlenecks were computed.
    static let interruptedTraining = TransferLearningError.interrupted(
        "no output was written; the bottlenecks are cached, and the same command continues from there")

    /// - Parameter error: The error of a solver whose rows and labels were checked before.
    init(_ error: TrainingError) {
        self = error == .cancelled ? .interruptedTraining : .internalFailure("\(error)")
    }
}
