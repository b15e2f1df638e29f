import Mutation

/// The counts of outcomes so far.
struct Tally {
    private var read = 0, warned = 0, refused = 0
    private var longest = (seconds: 0.0, number: 0)
    private let start = ContinuousClock.now

    mutating func add(_ outcome: Trial.Outcome, seconds: Double, number: Int) {
        switch outcome {
        case .read: read += 1
        case .warned: warned += 1
        case .refused: refused += 1
        }
        if seconds > longest.seconds { longest = (seconds, number) }
    }

    var line: String {
        let elapsed = (ContinuousClock.now - start) / .seconds(1)
        let count = read + warned + refused
        return """
            \(count) files in \(Int(elapsed)) s, \(Int(Double(count) / max(elapsed, 1e-3))) a second: \(read) read, \(warned) with warnings, \
            \(refused) refused; longest \(Int(longest.seconds * 1000)) ms (number \(longest.number))
            """
    }
}
