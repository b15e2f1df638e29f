import Foundation

/// Whether a long run keeps what it takes, and whether one file takes too much.
struct Memory {
    /// The most a file may make the program reserve beyond what it has at start: a few buffers of the trial's limit.
    static let allowance = 256 << 20
    /// What the memory in use may differ by: pages that hold a little of what is kept.
    static let tolerance = 4 << 20

    private var samples: [Int] = []

    /// Makes an allocation beyond the allowance fail, which traps. A sanitizer reserves terabytes, so not under one.
    static func limit() {
        #if os(Linux)
        let reserved = (statistics()?.reserved ?? 1 << 30) + allowance
        var limit = rlimit(rlim_cur: rlim_t(reserved), rlim_max: rlim_t(reserved))
        setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
        #endif
    }

    /// Notes the memory in use, now and then in a run.
    mutating func sample() {
        #if canImport(Glibc)
        // What was freed and kept for later is not in use. The function has no header that Swift imports.
        typealias Trim = @convention(c) (Int) -> Int32
        if let trim = dlsym(dlopen(nil, RTLD_NOW), "malloc_trim") {
            _ = unsafeBitCast(trim, to: Trim.self)(0)
        }
        #endif
        if let used = Self.statistics()?.used { samples.append(used) }
    }

    /// Bytes by which more is used at the end than a tenth into the run, when everything that is made once was there.
    var growth: Int {
        guard samples.count > 4, let last = samples.last else { return 0 }
        return max(0, last - samples[samples.count / 10 + 1])
    }

    /// Reserved address space and resident memory (proc(5), `statm`, in pages).
    private static func statistics() -> (reserved: Int, used: Int)? {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .ascii) else { return nil }
        let pages = text.split(separator: " ").prefix(2).compactMap { Int($0) }
        return pages.count == 2 ? (pages[0] * Int(getpagesize()), pages[1] * Int(getpagesize())) : nil
    }
}
