import TransferLearning

/// One line on the terminal that is drawn over itself: share done, rate and time left. Silent when there is no terminal.
struct ProgressLine {
    private let isShown: Bool
    private let unit: String
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private var drawn: ContinuousClock.Instant?

    init(unit: String, quiet: Bool) {
        isShown = Terminal.errorIsTerminal && !quiet
        self.unit = unit
        start = clock.now
    }

    /// - Parameter worked: how many of `done` took work, and so tell the rate.
    mutating func update(done: Int, total: Int, worked: Int) {
        guard isShown else { return }
        let now = clock.now
        if let drawn, now - drawn < .milliseconds(100), done < total { return }
        drawn = now
        let elapsed = (now - start) / .seconds(1)
        let rate = elapsed > 0 ? Double(worked) / elapsed : 0
        let left = rate > 0 ? Double(total - done) / rate : 0
        let filled = total > 0 ? 24 * done / total : 24
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 24 - filled)
        Terminal.write("\r\u{1B}[K\(bar) \(done)/\(total) \(unit)  \(fixed(rate, 1))/s  ETA \(clockText(left))", to: 2)
    }

    /// Takes the line off the terminal, so that other lines can be written.
    func clear() {
        if isShown, drawn != nil { Terminal.write("\r\u{1B}[K", to: 2) }
    }

    private func clockText(_ seconds: Double) -> String {
        let whole = Int(seconds.rounded(.up))
        let rest = whole % 60
        return "\(whole / 60):\(rest < 10 ? "0" : "")\(rest)"
    }
}
