import Foundation

/// Saves the current file if the process traps or takes more than two seconds of CPU time.
///
/// A signal handler may call only async-signal-safe functions: all data is prepared before the trial, and the
/// handler calls `open`, `write` and `_exit` or `raise`. Only one thread runs trials, so the data does not
/// change meanwhile.
enum Watchdog {
    /// The limit in seconds of CPU time, so that a busy machine is not mistaken for a hang.
    static let seconds = 2

    nonisolated(unsafe) private static var file: [UInt8] = []
    nonisolated(unsafe) private static var path: [CChar] = []
    nonisolated(unsafe) private static var trapped: [UInt8] = []
    nonisolated(unsafe) private static var hung: [UInt8] = []

    /// Handles signals that indicate a fault. A sanitizer reports some of them itself, followed by this
    /// report.
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

    /// The function that sets AddressSanitizer's callback; nil without it.
    private static var deathCallbackSetter: UnsafeMutableRawPointer? {
        dlopen(nil, RTLD_NOW).flatMap { dlsym($0, "__asan_set_death_callback") }
    }

    /// - Parameter path: The path under which to save the file in case of a fault.
    static func watch(_ file: [UInt8], number: Int, path: String) {
        (self.file, self.path) = (file, Array(path.utf8CString))
        trapped = Array("fuzz: number \(number) ends the program; kept as \(path)\n".utf8)
        hung = Array("fuzz: number \(number) takes over \(seconds) s; kept as \(path)\n".utf8)
        setTimer(seconds)
    }

    /// The CPU time of this thread in seconds.
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
        // Unsafe: these arrays do not change while a trial runs.
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
