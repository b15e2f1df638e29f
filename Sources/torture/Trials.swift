import Foundation

/// A trial that sends a signal at a random time during a command.
struct Interruptions: TrialKind {
    let name = "signals"
    private let workplace: Workplace
    init(_ workplace: Workplace) { self.workplace = workplace }

    func run(_ random: inout SplitMix64) throws -> [String] {
        let job = workplace.jobs.randomElement(using: &random)!
        let (signal, code) = [(SIGINT, Int32(130)), (SIGTERM, 143), (SIGHUP, 129)].randomElement(
            using: &random)!
        let after = Double.random(in: 0...(job.isEndless ? 2 : job.seconds * 1.1), using: &random)
        workplace.clear(job)
        let outcome = try workplace.run(job.arguments, signal: (signal, after))
        var found = workplace.violations(after: job, mayBeAbsent: outcome.status != 0)
        // A signal before the program has installed its handlers terminates it by default.
        if outcome.status == nil
            || ![job.isEndless ? code : 0, code, 1000 + signal].contains(outcome.status!)
        {
            found.append("exit code \(outcome.status.map(String.init) ?? "none"): \(outcome.lastLine)")
        }
        if outcome.status == 1000 + signal, after > 0.1 {
            found.append("killed by the signal after \(after) s")
        }
        // The program promises to end within one second; a loaded machine is granted two more.
        if outcome.secondsAfterSignal > 3 {
            found.append("ended \(outcome.secondsAfterSignal) s after the signal")
        }
        try workplace.restore()
        return found.map {
            "\(job.arguments.joined(separator: " ")), signal \(signal) after \(after) s: \($0)"
        }
    }
}

/// A trial with closed descriptors and full devices.
struct Descriptors: TrialKind {
    let name = "descriptors"
    private let workplace: Workplace
    init(_ workplace: Workplace) { self.workplace = workplace }

    func run(_ random: inout SplitMix64) throws -> [String] {
        let job = workplace.jobs.filter { !$0.isEndless }.randomElement(using: &random)!
        var redirections = ["2>&-", ">&-", ">&- 2>&-", "<&- >&- 2>&-", "<&-", "2>/dev/full"]
        if FileManager.default.fileExists(atPath: "/dev/full") {
            redirections += [">/dev/full", ">/dev/full 2>&1"]
        }
        let redirection = redirections.randomElement(using: &random)!
        workplace.clear(job)
        let outcome = try workplace.run(job.arguments, redirection: redirection)
        var found = workplace.violations(after: job, mayBeAbsent: false)
        let expected: Int32 = redirection.contains(">/dev/full") && !redirection.hasPrefix("2") ? 31 : 0
        if outcome.status != expected {
            found.append("exit code \(outcome.status.map(String.init) ?? "none"), not \(expected)")
        }
        try workplace.restore()
        return found.map { "\(job.arguments.joined(separator: " ")) \(redirection): \($0)" }
    }
}
