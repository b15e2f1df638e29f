import Foundation

/// Detects memory leaks in a long run and excessive memory use by one file.
struct Memory {
    /// The address space in bytes that files may add to the initial size, several times the trial's limit.
    static let allowance = 256 << 20
    /// The tolerated difference of the memory in use, because pages may be partly used.
    static let tolerance = 4 << 20

    private var samples: [Int] = []

    /// Limits the address space, so that an excessive allocation fails and traps. It must not be used with a
    /// sanitizer, which reserves terabytes.
    static func limit() {
        #if os(Linux)
        let reserved = (statistics()?.reserved ?? 1 << 30) + allowance
        var limit = rlimit(rlim_cur: rlim_t(reserved), rlim_max: rlim_t(reserved))
        setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
        #endif
    }

    /// Records the memory in use at intervals.
    mutating func sample() {
        #if canImport(Glibc)
        // Freed memory that the allocator caches does not count. No header that Swift imports declares the
        // function.
        typealias Trim = @convention(c) (Int) -> Int32
        if let trim = dlsym(dlopen(nil, RTLD_NOW), "malloc_trim") {
            _ = unsafeBitCast(trim, to: Trim.self)(0)
        }
        #endif
        if let used = Self.statistics()?.used { samples.append(used) }
    }

    /// The growth in bytes from a tenth of the run, when one-time allocations are done, to its end.
    var growth: Int {
        guard samples.count > 4, let last = samples.last else { return 0 }
        return max(0, last - samples[samples.count / 10 + 1])
    }

    /// Returns the address space and the resident memory in bytes (proc(5), `statm`).
    private static func statistics() -> (reserved: Int, used: Int)? {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .ascii) else { return nil }
        let pages = text.split(separator: " ").prefix(2).compactMap { Int($0) }
        return pages.count == 2 ? (pages[0] * Int(getpagesize()), pages[1] * Int(getpagesize())) : nil
    }
}
