import Foundation

/// Whether a long run keeps what it takes, and whether one file takes too much.
struct Memory {
    /// The most a file may make the program reserve beyond what it has at start: a few buffers of the trial's limit.
    static let allowance = 256 << 20
    /// What the memory in use may differ by, which is how the allocator keeps it.
    static let tolerance = 16 << 20

    /// The least memory in use in each stretch of the run.
    private var least: [Int] = []

    /// Makes an allocation beyond the allowance fail, which traps. A sanitizer reserves terabytes, so not under one.
    static func limit() {
        #if os(Linux)
        let reserved = (statistics()?.reserved ?? 1 << 30) + allowance
        var limit = rlimit(rlim_cur: rlim_t(reserved), rlim_max: rlim_t(reserved))
        setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
        #endif
    }

    mutating func beginStretch() { least.append(Int.max) }

    mutating func sample() {
        guard let used = Self.statistics()?.used, let last = least.last else { return }
        least[least.count - 1] = min(last, used)
    }

    /// Bytes by which the later stretches use more than the second one, in which everything that is made once is there.
    var growth: Int {
        let known = least.filter { $0 != Int.max }
        guard known.count > 2, let last = known.last else { return 0 }
        return max(0, last - known[1])
    }

    /// Reserved address space and resident memory (proc(5), `statm`, in pages).
    private static func statistics() -> (reserved: Int, used: Int)? {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .ascii) else { return nil }
        let pages = text.split(separator: " ").prefix(2).compactMap { Int($0) }
        return pages.count == 2 ? (pages[0] * Int(getpagesize()), pages[1] * Int(getpagesize())) : nil
    }
}
