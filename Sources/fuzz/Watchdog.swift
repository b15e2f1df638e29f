import Foundation

/// Writes the file at hand where the process traps, or does not come back within two seconds of its own time.
///
/// A signal handler may only call what is safe there: everything it needs lies ready before the trial, and it calls `open`, `write`
/// and `_exit` or `raise`. One thread runs trials, so nothing changes under it.
enum Watchdog {
    /// The limit in seconds of processor time, so that a busy machine is not taken for a hang.
    static let seconds = 2

    nonisolated(unsafe) private static var file: [UInt8] = []
    nonisolated(unsafe) private static var path: [CChar] = []
    nonisolated(unsafe) private static var trapped: [UInt8] = []
    nonisolated(unsafe) private static var hung: [UInt8] = []

    /// Signals that end a process which has done something wrong. A sanitizer has its own words for some, and ours after them.
    static func install() {
        let sanitizer = deathCallbackSetter
        for number in sanitizer == nil
            ? [SIGILL, SIGTRAP, SIGABRT, SIGSEGV, SIGBUS, SIGFPE] : [SIGILL, SIGTRAP, SIGABRT]
        {
            signal(number) { number in
                Watchdog.keep(Watchdog.trapped)
                signal(number, SIG_DFL)
                raise(number)
            }
        }
        signal(SIGVTALRM) { _ in
            Watchdog.keep(Watchdog.hung)
            _exit(1)
        }
        if let sanitizer {
            typealias Setter = @convention(c) (@convention(c) () -> Void) -> Void
            unsafeBitCast(sanitizer, to: Setter.self)({ Watchdog.keep(Watchdog.trapped) })
        }
    }

    static var isSanitized: Bool { deathCallbackSetter != nil }

    /// There is one where AddressSanitizer is.
    private static var deathCallbackSetter: UnsafeMutableRawPointer? {
        dlopen(nil, RTLD_NOW).flatMap { dlsym($0, "__asan_set_death_callback") }
    }

    /// - Parameter path: where the file goes if it is one to keep.
    static func watch(_ file: [UInt8], number: Int, path: String) {
        (self.file, self.path) = (file, Array(path.utf8CString))
        trapped = Array("fuzz: number \(number) ends the program; kept as \(path)\n".utf8)
        hung = Array("fuzz: number \(number) takes over \(seconds) s; kept as \(path)\n".utf8)
        setTimer(seconds)
    }

    /// What the thread has used of a processor.
    static var processorSeconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    static func rest() { setTimer(0) }

    private static func setTimer(_ seconds: Int) {
        var timer = itimerval(it_interval: timeval(), it_value: timeval(tv_sec: seconds, tv_usec: 0))
        #if canImport(Darwin)
        setitimer(ITIMER_VIRTUAL, &timer, nil)
        #else
        setitimer(__itimer_which_t(ITIMER_VIRTUAL.rawValue), &timer, nil)
        #endif
    }

    private static func keep(_ message: [UInt8]) {
        // Unsafe: these arrays are not changed while a trial runs.
        let descriptor = path.withUnsafeBufferPointer {
            open($0.baseAddress!, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        }
        if descriptor >= 0 {
            _ = file.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            close(descriptor)
        }
        _ = message.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
    }
}
