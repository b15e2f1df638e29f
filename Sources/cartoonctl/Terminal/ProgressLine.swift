import TransferLearning

/// A progress line on the terminal with the completed share, rate and remaining time; it is not shown without
/// a terminal.
struct ProgressLine {
    private let isShown: Bool
    /// The interval of log lines without a terminal; nil for none.
    private let logInterval: Duration?
    private let unit: String
    /// The number of counted units per displayed unit, such as 1,000,000 bytes per MB.
    private let scale: Double
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private var drawn: ContinuousClock.Instant?

    init(unit: String, scale: Double = 1, quiet: Bool, logInterval: Duration? = nil) {
        isShown = Terminal.errorIsTerminal && !quiet
        self.logInterval = Terminal.errorIsTerminal || quiet ? nil : logInterval
        (self.unit, self.scale) = (unit, scale)
        start = clock.now
    }

    /// - Parameters:
    ///   - done: The completed units.
    ///   - total: The total; nil if it is unknown.
    ///   - worked: The completed units that took work, which determine the rate.
    mutating func update(done: Int, total: Int?, worked: Int) {
        guard isShown || logInterval != nil else { return }
        let now = clock.now
        let elapsed = (now - start) / .seconds(1)
        let rate = elapsed > 0 ? Double(worked) / elapsed : 0
        if let logInterval {
            guard now - (drawn ?? start) >= logInterval else { return }
            drawn = now
            Terminal.log(line(done: done, total: total, rate: rate, showsBar: false))
            return
        }
        if let drawn, now - drawn < .milliseconds(100), done < total ?? .max { return }
        drawn = now
        Terminal.note("\r\u{1B}[K" + line(done: done, total: total, rate: rate))
    }

    private func line(done: Int, total: Int?, rate: Double, showsBar: Bool = true) -> String {
        func amount(_ count: Int) -> String { scale == 1 ? "\(count)" : fixed(Double(count) / scale, 1) }
        let speed = "\(fixed(rate / scale, 1))/s"
        guard let total else { return "\(amount(done)) \(unit)  \(speed)" }
        let filled = total > 0 ? min(24, 24 * done / total) : 24
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 24 - filled)
        let left = rate > 0 ? Double(total - done) / rate : 0
        return (showsBar ? bar + " " : "")
            + "\(amount(done))/\(amount(total)) \(unit)  \(speed)  ETA \(clockText(left))"
    }

    /// Erases the line, so that other lines can be written.
    func clear() {
        if isShown, drawn != nil { Terminal.note("\r\u{1B}[K") }
    }

    private func clockText(_ seconds: Double) -> String {
        let whole = Int(seconds.rounded(.up))
        let rest = whole % 60
        return "\(whole / 60):\(rest < 10 ? "0" : "")\(rest)"
    }
}
