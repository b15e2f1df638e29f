import Foundation

/// What became of the files so far.
struct Tally {
    private var read = 0, warned = 0, refused = 0
    private(set) var slow = 0
    private var longest = (seconds: 0.0, number: 0)
    private let start = ContinuousClock.now

    mutating func add(_ outcome: Trial.Outcome, seconds: Double, number: Int) {
        switch outcome {
        case .read: read += 1
        case .warned: warned += 1
        case .refused: refused += 1
        }
        if seconds > longest.seconds { longest = (seconds, number) }
        if seconds > 2 { slow += 1 }
    }

    var line: String {
        let elapsed = (ContinuousClock.now - start) / .seconds(1)
        return """
            \(read + warned + refused) files in \(Int(elapsed)) s: \(read) read, \(warned) with warnings, \(refused) refused; \
            longest \(Int(longest.seconds * 1000)) ms (number \(longest.number)), over 2 s: \(slow); peak memory \(Self.peakMegabytes) MB
            """
    }

    private static var peakMegabytes: Int {
        var usage = rusage()
        #if canImport(Darwin)
        getrusage(RUSAGE_SELF, &usage)
        return usage.ru_maxrss >> 20
        #else
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss >> 10
        #endif
    }
}
