import TransferLearning

/// Shows the events of a run on standard error.
struct RunReporter {
    let quiet: Bool
    private var progress: ProgressLine
    /// The progress line of training, which has its own rate.
    private var training: ProgressLine?
    /// The progress line of the report's pictures.
    private var drawing: ProgressLine?
    private var download: DownloadReporter

    /// - Parameter logsProgress: Whether to write log lines without a terminal.
    init(quiet: Bool, unit: String = "bottlenecks", logsProgress: Bool = false) {
        self.quiet = quiet
        progress = ProgressLine(unit: unit, quiet: quiet, logInterval: logsProgress ? .seconds(10) : nil)
        download = DownloadReporter(quiet: quiet)
    }

    mutating func show(_ event: RetrainEvent) {
        switch event {
        case .download(let event):
            download.show(event)
            return
        case .bottlenecks(let done, let total, let computed):
            progress.update(done: done, total: total, worked: computed)
            if done == total { progress.clear() }
            return
        case .training(let done, let total):
            var line = training ?? ProgressLine(unit: "fits", quiet: quiet)
            line.update(done: done, total: total, worked: done)
            if done == total { line.clear() }
            training = done == total ? nil : line
            return
        case .drawing(let done, let total):
            var line = drawing ?? ProgressLine(unit: "pictures drawn", quiet: quiet)
            line.update(done: done, total: total, worked: done)
            if done == total { line.clear() }
            drawing = done == total ? nil : line
            return
        case .phase(let text):
            log(phase: text)
            return
        case .skipped(let picture):
            // Skipped files are results, so quiet runs list them too.
            log("skipped \(picture.path): \(picture.reason)")
            return
        case .damaged(let path, let fault):
            log("warning: \(path): \(fault)")
            return
        case .warning(let text):
            log("warning: \(text)")
            return
        default: break
        }
        guard !quiet else { return }
        switch event {
        case .scanned(let folder):
            for entry in folder.classes {
                log("\(entry.files.count) files in '\(entry.folder)', label '\(entry.label)'")
            }
        case .bottlenecksReady(let summary):
            log(
                "\(summary.computed) bottlenecks computed in \(fixed(summary.seconds, 1)) s, \(summary.cached) from the cache, \(summary.skipped) files skipped"
            )
        case .step(let step):
            log("Step \(step.number): Train accuracy = \(fixed(100 * step.trainAccuracy, 1))%")
            log("Step \(step.number): Cross entropy = \(fixed(step.crossEntropy, 6))")
            if let accuracy = step.validationAccuracy {
                log(
                    "Step \(step.number): Validation accuracy = \(fixed(100 * accuracy, 1))% (N=\(step.validationCount))"
                )
            }
        case .note(let text): log(text)
        case .trained(let summary):
            log("trained in \(fixed(summary.seconds, 2)) s: \(summary.detail)")
        default: break
        }
    }

    /// Shows a phase, on a terminal only, where the next line replaces it.
    private func log(phase: String) {
        guard Terminal.errorIsTerminal, !quiet else { return }
        Terminal.note("\r\u{1B}[K\(phase) …")
    }

    private func log(_ line: String) {
        if Terminal.errorIsTerminal, !quiet { Terminal.note("\r\u{1B}[K") }
        progress.clear()
        Terminal.log(line)
    }
}
