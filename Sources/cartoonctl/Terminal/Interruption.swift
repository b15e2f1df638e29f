import Synchronization
import SystemFiles

/// SIGINT, SIGTERM and SIGHUP: the work is asked to stop where nothing is lost, and stopped if it does not within 0.7 s.
///
/// The handler only notes the signal and wakes a thread, which does the rest: if the work goes on, or a second signal
/// comes, that thread removes the temporary files and ends the process. The same thread reports a mapped file that was
/// cut while it was read (SIGBUS), as a handler may do nothing of the kind.
enum Interruption {
    private static let received = Atomic<Int32>(0)
    private static let faultAddress = Atomic<UInt>(0)
    private static let pipeEnd = Atomic<Int32>(-1)
    /// What is true of an interrupted work beyond its outputs.
    private static let remark = Mutex("")

    private static let patience: Int32 = 700

    static var isRequested: Bool { received.load(ordering: .relaxed) != 0 }

    /// What an interrupted process exits with, 128 and the signal's number; nil where none came.
    static var exitCode: Int32? {
        let number = received.load(ordering: .relaxed)
        return number == 0 ? nil : 128 + number
    }

    /// Adds to what is said where the work has to be stopped.
    static func remark(_ words: String) { remark.withLock { $0 = words } }

    static func watch() {
        // A pipe closed by `head` is an error of the write that meets it, so that temporary files are removed.
        signal(SIGPIPE, SIG_IGN)
        // A limit on file sizes is reported as the error of the write that met it.
        signal(SIGXFSZ, SIG_IGN)
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        pipeEnd.store(ends[1], ordering: .sequentiallyConsistent)
        _ = (isRequested, faultAddress.load(ordering: .relaxed))
        startWatcher(reading: ends[0])

        var watched = sigset_t()
        sigemptyset(&watched)
        for number in [SIGINT, SIGTERM, SIGHUP] {
            // nohup ignores SIGHUP for the programs it starts.
            let before = unsafeBitCast(signal(number, heard), to: Int.self)
            if number == SIGHUP, before == unsafeBitCast(SIG_IGN, to: Int.self) { signal(number, SIG_IGN) }
            sigaddset(&watched, number)
        }
        // A program that starts this one from a worker thread passes on that thread's mask, which may block them.
        sigprocmask(SIG_UNBLOCK, &watched, nil)
        watchMappings()
    }

    private static let heard: @convention(c) (Int32) -> Void = { number in
        _ = Interruption.received.compareExchange(
            expected: 0, desired: number, ordering: .sequentiallyConsistent)
        Interruption.wake()
    }

    private static func wake() {
        var byte: UInt8 = 0
        let error = errno
        _ = write(pipeEnd.load(ordering: .relaxed), &byte, 1)
        errno = error
    }

    private static func watchMappings() {
        var action = sigaction()
        action.sa_flags = Int32(SA_SIGINFO)
        let handler:
            @convention(c) (Int32, UnsafeMutablePointer<siginfo_t>?, UnsafeMutableRawPointer?) -> Void = {
                _, information, _ in
                #if os(Linux)
                let address = information?.pointee._sifields._sigfault.si_addr
                #else
                let address = information?.pointee.si_addr
                #endif
                Interruption.faultAddress.store(
                    UInt(bitPattern: address) | 1, ordering: .sequentiallyConsistent)
                Interruption.wake()
                // This thread cannot go on; the watcher ends the process.
                while true { pause() }
            }
        #if os(Linux)
        action.__sigaction_handler.sa_sigaction = handler
        #else
        action.__sigaction_u.__sa_sigaction = handler
        #endif
        sigaction(SIGBUS, &action, nil)
    }

    // MARK: - The watcher

    private static func startWatcher(reading end: Int32) {
        let thread: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
            Interruption.watcher(Int32(Int(bitPattern: argument)))
            return nil
        }
        #if canImport(Darwin)
        var identifier: pthread_t?
        pthread_create(&identifier, nil, { thread($0) }, UnsafeMutableRawPointer(bitPattern: Int(end)))
        #else
        var identifier = pthread_t()
        pthread_create(&identifier, nil, thread, UnsafeMutableRawPointer(bitPattern: Int(end)))
        #endif
    }

    private static func watcher(_ end: Int32) {
        var byte: UInt8 = 0
        while read(end, &byte, 1) != 1 {}
        if faultAddress.load(ordering: .sequentiallyConsistent) == 0 {
            var more = pollfd(fd: end, events: Int16(POLLIN), revents: 0)
            _ = poll(&more, 1, patience)
        }
        let fault = faultAddress.load(ordering: .sequentiallyConsistent)
        TemporaryFiles.removeAll()
        if fault != 0 {
            let path = MappedFiles.path(at: fault).map { "\($0)" } ?? "a mapped file"
            Terminal.log("cartoonctl: \(path): was cut short while it was read; run the same command again")
            _exit(22)
        }
        let written = TemporaryFiles.committed
        Terminal.log(
            "cartoonctl: interrupted; "
                + (written.isEmpty
                    ? "no output was written"
                    : "written before: \(written.map(\.description).joined(separator: ", "))")
                + remark.withLock { $0 })
        _exit(exitCode ?? 130)
    }
}

/// Ends the process with no temporary file left.
func exitProcess(_ code: Int32) -> Never {
    TemporaryFiles.removeAll()
    exit(code)
}
