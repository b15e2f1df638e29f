import Synchronization
import SystemFiles
import Threads
import TransferLearning

/// Handles SIGINT, SIGTERM and SIGHUP: the work is asked to stop at a safe point, and is ended if it has not
/// stopped after 0.7 s.
///
/// The signal handler only records the signal and wakes a thread. If the work continues or a second signal
/// arrives, this thread removes the temporary files and ends the process. It also reports what a handler cannot
/// report safely: a mapped file that was truncated while being read (SIGBUS), and memory that a limit of the
/// address space refuses.
enum Interruption {
    private static let received = Atomic<Int32>(0)
    private static let faultAddress = Atomic<UInt>(0)
    /// The `faultAddress` of a trap under a limit of memory.
    private static let noMemory = UInt.max
    private static let pipeEnd = Atomic<Int32>(-1)
    /// What prints finished results if the work must be ended, and says how many there are.
    private static let last = Mutex<(@Sendable () -> String)?>(nil)

    /// The time in milliseconds that the work has to stop.
    private static let patience: Int32 = 700

    static var isRequested: Bool { received.load(ordering: .relaxed) != 0 }
    /// The context of a run that signals interrupt and whose events are not shown.
    static var context: RunContext { RunContext(isInterrupted: { isRequested }) }

    /// The exit code of an interrupted process, 128 plus the signal's number; nil without a signal.
    static var exitCode: Int32? {
        let number = received.load(ordering: .relaxed)
        return number == 0 ? nil : 128 + number
    }

    /// Sets what is called on another thread if the work must be ended, to print the results that are finished;
    /// it returns words about them.
    static func beforeEnd(_ work: @escaping @Sendable () -> String) { last.withLock { $0 = work } }

    /// Starts to watch for signals.
    ///
    /// - Returns: The line that says what the system refuses; nil where it refuses nothing.
    static func watch() -> String? {
        // Writing to a closed pipe becomes an error, so that temporary files are removed.
        signal(SIGPIPE, SIG_IGN)
        // Exceeding a file size limit becomes an error of the write.
        signal(SIGXFSZ, SIG_IGN)
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            return "the system refuses a pipe (\(String(cString: strerror(errno))))"
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        pipeEnd.store(ends[1], ordering: .sequentiallyConsistent)
        _ = (isRequested, faultAddress.load(ordering: .relaxed))
        guard SystemThread.start({ [end = ends[0]] in watcher(end) }) else {
            return
                "the system refuses a thread; raise the limit of processes with 'ulimit -u', or that of memory with 'ulimit -v'"
        }

        var watched = sigset_t()
        sigemptyset(&watched)
        for number in [SIGINT, SIGTERM, SIGHUP] {
            // nohup ignores SIGHUP for the programs it starts, which must be preserved.
            let before = unsafeBitCast(signal(number, heard), to: Int.self)
            if number == SIGHUP, before == unsafeBitCast(SIG_IGN, to: Int.self) { signal(number, SIG_IGN) }
            sigaddset(&watched, number)
        }
        // A parent process may pass on a signal mask that blocks these signals.
        sigprocmask(SIG_UNBLOCK, &watched, nil)
        watchMappings()
        if SystemLimits.memory != nil { watchMemory() }
        return nil
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
                // This thread cannot continue; the watcher ends the process.
                while true { pause() }
            }
        #if os(Linux)
        action.__sigaction_handler.sa_sigaction = handler
        #else
        action.__sigaction_u.__sa_sigaction = handler
        #endif
        sigaction(SIGBUS, &action, nil)
    }

    /// Handles the traps of Swift's runtime and of C libraries, which cannot go on where memory is refused.
    ///
    /// Without a limit of the address space Linux refuses none, and a trap is a fault of the program.
    private static func watchMemory() {
        // The line is made while there is memory.
        guard !memoryLine.isEmpty else { return }
        for number in [SIGILL, SIGTRAP, SIGABRT, SIGSEGV] {
            signal(number) { _ in
                let before = Interruption.faultAddress.exchange(
                    Interruption.noMemory, ordering: .sequentiallyConsistent)
                if before == 0 {
                    let line = Interruption.memoryLine
                    _ = write(STDERR_FILENO, line.baseAddress, line.count)
                    Interruption.wake()
                    // The watcher may find no memory either.
                    signal(SIGALRM) { _ in _exit(33) }
                    alarm(1)
                }
                while true { pause() }
            }
        }
    }

    /// Unsafe: the memory is never changed nor released.
    nonisolated(unsafe) private static let memoryLine: UnsafeBufferPointer<UInt8> = {
        let line =
            "cartoonctl: the limit of \((SystemLimits.memory ?? 0) >> 20) MB of memory is too low for this; raise it with 'ulimit -v'\n"
        let bytes = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: line.utf8.count)
        _ = bytes.initialize(from: line.utf8)
        return UnsafeBufferPointer(bytes)
    }()

    // MARK: - The watcher

    private static func watcher(_ end: Int32) {
        var byte: UInt8 = 0
        while read(end, &byte, 1) != 1 {}
        if faultAddress.load(ordering: .sequentiallyConsistent) == 0 {
            var more = pollfd(fd: end, events: Int16(POLLIN), revents: 0)
            _ = poll(&more, 1, patience)
        }
        let fault = faultAddress.load(ordering: .sequentiallyConsistent)
        TemporaryFiles.removeAll()
        if fault == noMemory { _exit(33) }
        if fault != 0 {
            let path = MappedFiles.path(at: fault).map { "\($0)" } ?? "a mapped file"
            Terminal.log("cartoonctl: \(path): was cut short while it was read; run the same command again")
            _exit(22)
        }
        // The results and the manifest may go to a pipe that nobody empties or a disk that hangs.
        signal(SIGALRM) { _ in _exit(Interruption.exitCode ?? 130) }
        alarm(1)
        let results = last.withLock { $0 }?()
        let written = TemporaryFiles.committed, manifest = UnfinishedRun.writeManifest()
        Terminal.log(
            "cartoonctl: interrupted; "
                + (written.isEmpty
                    ? results ?? "no output was written"
                    : "written before: \(written.map(\.description).joined(separator: ", "))")
                + (manifest.map { "; 'retrain --resume \($0)' continues with what is cached" } ?? ""))
        _exit(exitCode ?? 130)
    }
}

/// Removes temporary files and ends the process.
func exitProcess(_ code: Int32) -> Never {
    TemporaryFiles.removeAll()
    exit(code)
}
