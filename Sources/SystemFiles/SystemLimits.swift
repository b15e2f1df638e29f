/// What the system lets this process have: open files and memory.
package enum SystemLimits {
    /// The files that are open at once, if the readers of the cache make room for others.
    private static let neededFiles = 16
    /// As many as the program can use, with many threads and a cache of many segments.
    private static let plentyOfFiles: rlim_t = 4096

    /// Raises the limit of open files as far as the system lets the program do so.
    package static func raise() {
        guard var limit = limit(of: openFiles), limit.rlim_cur < plentyOfFiles else { return }
        limit.rlim_cur = min(limit.rlim_max, plentyOfFiles)
        setrlimit(openFiles, &limit)
    }

    /// The line that says that too few files can be opened, and the remedy; nil where there are enough.
    package static var complaint: String? {
        var opened: [Int32] = []
        defer { for descriptor in opened { close(descriptor) } }
        while opened.count < neededFiles {
            let descriptor = fcntl(0, F_DUPFD_CLOEXEC, 3)
            guard descriptor >= 0 else {
                return
                    "the system lets the program open \(opened.count) more files at once, \(neededFiles) are needed; raise the limit with "
                    + "'ulimit -n 1024'"
            }
            opened.append(descriptor)
        }
        return nil
    }

    /// The limit of the address space in bytes; nil where there is none.
    package static var memory: Int? {
        guard let limit = limit(of: addressSpace), limit.rlim_cur < rlim_t(Int.max) else { return nil }
        return Int(limit.rlim_cur)
    }

    #if canImport(Glibc)
    private static let (openFiles, addressSpace) = (Int32(RLIMIT_NOFILE.rawValue), Int32(RLIMIT_AS.rawValue))
    #else
    private static let (openFiles, addressSpace) = (RLIMIT_NOFILE, RLIMIT_AS)
    #endif

    private static func limit(of resource: Int32) -> rlimit? {
        var limit = rlimit()
        return getrlimit(resource, &limit) == 0 ? limit : nil
    }
}
