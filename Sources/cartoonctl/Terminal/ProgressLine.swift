import TransferLearning

/// A progress line on the terminal with the completed share, rate and remaining time; it is not shown without
/// a terminal.
struct ProgressLine {
    private let isShown: Bool
    /// The interval of log lines without a terminal; nil for none.
    private let logInterval: Duration?
    private let amounts: ProgressText
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private var drawn: ContinuousClock.Instant?
    private var speed = RecentSpeed()

    /// - Parameter scale: The number of counted units per displayed unit, such as 1,000,000 bytes per MB.
    init(unit: String, scale: Double = 1, quiet: Bool, logInterval: Duration? = nil) {
        isShown = Terminal.errorIsTerminal && !quiet
        self.logInterval = Terminal.errorIsTerminal || quiet ? nil : logInterval
        amounts = ProgressText(unit: unit, scale: scale)
        start = clock.now
    }

    /// - Parameters:
    ///   - done: The completed units.
    ///   - total: The total; nil if it is unknown.
    ///   - worked: The completed units that took work, which determine the rate.
    mutating func update(done: Int, total: Int?, worked: Int) {
        guard isShown || logInterval != nil else { return }
        let now = clock.now
        let rate = speed.update(worked, at: (now - start) / .seconds(1))
        if let logInterval {
            guard now - (drawn ?? start) >= logInterval else { return }
            drawn = now
            Terminal.log(amounts.line(done: done, total: total, rate: rate, width: .max, showsBar: false))
            return
        }
        if let drawn, now - drawn < .milliseconds(100), done < total ?? .max { return }
        drawn = now
        PassingLine.show { [amounts] width, seconds in
            amounts.line(done: done, total: total, rate: rate, waited: seconds, width: width)
        }
    }

    /// Erases the line, so that other lines can be written.
    func clear() {
        if isShown, drawn != nil { PassingLine.erase() }
    }
}

/// The speed of the last seconds, by which what remains is estimated: cached items at the beginning, or another load
/// of the machine, do not count for ever.
struct RecentSpeed {
    /// The seconds that count.
    private static let window = 10.0
    private var samples: [(time: Double, worked: Int)] = [(0, 0)]

    /// Records the completed units.
    ///
    /// - Parameter time: Seconds since the beginning.
    /// - Returns: Units per second.
    mutating func update(_ worked: Int, at time: Double) -> Double {
        // A second phase under the same name counts from the beginning.
        if worked < samples[samples.count - 1].worked { samples = [(time, worked)] }
        if samples.count < 2 || time - samples[samples.count - 1].time >= 0.25 {
            samples.append((time, worked))
        }
        while samples.count > 2, time - samples[1].time >= Self.window { samples.removeFirst() }
        let elapsed = time - samples[0].time
        // The first moment tells nothing yet.
        return elapsed >= 0.2 ? Double(worked - samples[0].worked) / elapsed : 0
    }
}

/// The text of a progress line, as much of it as fits.
struct ProgressText {
    let unit: String
    /// The number of counted units per displayed unit.
    var scale = 1.0

    private static let longestBar = 24, shortestBar = 6

    /// - Parameters:
    ///   - rate: Counted units per second; 0 where it is not known yet, or where everything so far was cached.
    ///   - waited: The seconds since `done` was counted, by which the remaining time is shorter.
    ///   - width: The columns that may be used; what fits least is left out first: bar, unit, speed.
    func line(
        done: Int, total: Int?, rate: Double, waited: Int = 0, width: Int, showsBar: Bool = true
    ) -> String {
        let speed = "\(fixed(rate / scale, 1))/s"
        guard let total else {
            let known = rate > 0 ? ["\(amount(done)) \(unit)  \(speed)"] : []
            let texts = known + ["\(amount(done)) \(unit)", amount(done)]
            return texts.first { $0.columns <= width } ?? amount(done).fitted(width)
        }
        let count = "\(amount(done))/\(amount(total))"
        var texts = ["\(count) \(unit)", count]
        if rate > 0 {
            let left = "ETA " + Self.clock(max(0, Double(total - done) / rate - Double(waited)))
            texts = [
                "\(count) \(unit)  \(speed)  \(left)", "\(count) \(unit)  \(left)", "\(count)  \(left)",
                count,
            ]
        }
        let text = texts.first { $0.columns <= width } ?? count.fitted(width)
        let room = min(Self.longestBar, width - text.columns - 1)
        guard showsBar, room >= Self.shortestBar else { return text }
        let filled = total > 0 ? min(room, room * done / total) : room
        return Self.bar(filled, of: room) + " " + text
    }

    static func bar(_ filled: Int, of length: Int) -> String {
        String(repeating: "█", count: filled) + String(repeating: "░", count: max(0, length - filled))
    }

    private func amount(_ count: Int) -> String {
        scale == 1 ? "\(count)" : fixed(Double(count) / scale, 1)
    }

    private static func clock(_ seconds: Double) -> String {
        let whole = Int(min(seconds, 1e7).rounded(.up)), rest = whole % 60, minutes = whole / 60
        func two(_ number: Int) -> String { (number < 10 ? "0" : "") + "\(number)" }
        return minutes < 60 ? "\(minutes):\(two(rest))" : "\(minutes / 60):\(two(minutes % 60)):\(two(rest))"
    }
}
