import TransferLearning

/// Shows a download on standard error: bytes, speed and remaining time on a terminal, otherwise lines at its
/// begin and end.
struct DownloadReporter {
    private let quiet: Bool
    private var progress: ProgressLine
    private var resumed = 0

    init(quiet: Bool) {
        self.quiet = quiet
        progress = ProgressLine(unit: "MB", scale: 1e6, quiet: quiet)
    }

    mutating func show(_ event: DownloadEvent) {
        switch event {
        case .began(let url, let path, let total, let resumed):
            progress = ProgressLine(unit: "MB", scale: 1e6, quiet: quiet)
            self.resumed = resumed
            let size = total.map { " (\(megabytes($0)))" } ?? ""
            say("downloading \(url)\(size) to \(path)" + (resumed > 0 ? ", from byte \(resumed) on" : ""))
        case .progress(let done, let total):
            progress.update(done: done, total: total, worked: max(0, done - resumed))
        case .retrying(let reason, let seconds):
            say("\(reason); trying again" + (seconds > 0 ? " in \(fixed(seconds, 1)) s" : ""))
        case .waiting(let directory): say("waiting for another process that downloads to \(directory)")
        case .finished(let path, let bytes): say("\(path)  \(megabytes(bytes)), downloaded and verified")
        case .warning(let text):
            progress.clear()
            Terminal.log("warning: \(text)")
        }
    }

    private func say(_ line: String) {
        progress.clear()
        if !quiet { Terminal.log(line) }
    }
}
