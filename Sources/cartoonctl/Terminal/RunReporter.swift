import TransferLearning

/// Shows the events of a run on standard error: one bar at a time, and lines above it.
final class RunReporter {
    /// What is counted, each with a rate of its own.
    private enum Work: Equatable {
        case pictures, fits, drawing
        case units(String)
    }

    let quiet: Bool
    private let unit: String
    private let logsProgress: Bool
    private var bar: (work: Work, done: Int, line: ProgressLine)?
    private var download: DownloadReporter

    /// - Parameter logsProgress: Whether to write log lines without a terminal.
    init(quiet: Bool, unit: String = "bottlenecks", logsProgress: Bool = false) {
        (self.quiet, self.unit, self.logsProgress) = (quiet, unit, logsProgress)
        download = DownloadReporter(quiet: quiet)
    }

    /// The context of a run whose events are shown and which signals interrupt.
    var context: RunContext {
        RunContext(report: { self.show($0) }, isInterrupted: Interruption.context.isInterrupted)
    }

    func show(_ event: RetrainEvent) {
        switch event {
        case .download(let event):
            download.show(event)
            return
        case .bottlenecks(let done, let total, let computed):
            update(.pictures, done: done, total: total, worked: computed)
            return
        case .training(let done, let total):
            update(.fits, done: done, total: total, worked: done)
            return
        case .drawing(let done, let total):
            update(.drawing, done: done, total: total, worked: done)
            return
        case .counted(let done, let total, let unit):
            update(.units(unit), done: done, total: total, worked: done)
            return
        case .phase(let text):
            show(phase: text)
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
                // Of a flat folder, its own pictures are the only class.
                let place = entry.folder.bytes.isEmpty ? "" : " in '\(entry.folder)'"
                log("\(entry.files.count) files\(place), label '\(entry.label)'")
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

    private func update(_ work: Work, done: Int, total: Int, worked: Int) {
        // Another kind of work, or the same anew, begins a bar of its own in place of the old one.
        if let bar, bar.work != work || done < bar.done {
            bar.line.clear()
            self.bar = nil
        }
        var line = bar?.line ?? newLine(work)
        line.update(done: done, total: total, worked: worked)
        if done == total { line.clear() }
        bar = done == total ? nil : (work, done, line)
    }

    private func newLine(_ work: Work) -> ProgressLine {
        switch work {
        case .pictures:
            ProgressLine(unit: unit, quiet: quiet, logInterval: logsProgress ? .seconds(10) : nil)
        case .fits: ProgressLine(unit: "fits", quiet: quiet)
        case .drawing: ProgressLine(unit: "pictures of the report", quiet: quiet)
        case .units("bytes"): ProgressLine(unit: "MB", scale: 1e6, quiet: quiet)
        case .units(let unit): ProgressLine(unit: unit, quiet: quiet)
        }
    }

    /// Shows a phase, on a terminal only, where the next line replaces it.
    private func show(phase: String) {
        guard Terminal.errorIsTerminal, !quiet else { return }
        PassingLine.show(working: phase.printable)
    }

    private func log(_ line: String) { Terminal.log(line) }
}
