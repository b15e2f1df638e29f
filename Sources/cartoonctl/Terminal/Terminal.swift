import Synchronization
import SystemFiles
import TransferLearning

/// Output to standard output for results, and to standard error for everything about the work.
///
/// Every line is made `printable`, so that no file name or label can control the terminal or forge a line.
enum Terminal {
    static let errorIsTerminal = isatty(STDERR_FILENO) == 1
    static let outputIsTerminal = isatty(STDOUT_FILENO) == 1

    /// Whether standard error takes colors; `NO_COLOR` (no-color.org) turns them off.
    static let errorHasColors: Bool = {
        func value(_ name: String) -> String { getenv(name).map { String(cString: $0) } ?? "" }
        return errorIsTerminal && value("NO_COLOR").isEmpty && value("TERM") != "dumb"
    }()

    /// The number of columns of the terminal on standard error now; 80 where it is none, or does not say.
    static var errorWidth: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// Whether the last thing on standard error is a line that the next one replaces.
    private static let isPassing = Atomic<Bool>(false)

    /// Shows a line that the next one replaces, cut to the width of the terminal.
    static func pass(_ line: (_ width: Int) -> String) {
        WorkingLine.stop()
        draw(line)
    }

    /// Shows a passing line without ending the one that tells the time.
    static func draw(_ line: (_ width: Int) -> String) {
        replace()
        // The last column stays free: a terminal may begin a new line when it is filled. The cursor waits at the
        // beginning, behind which everything is erased: a narrowed terminal may have broken the line into several.
        note(line(max(1, errorWidth - 1)) + "\r")
        isPassing.store(true, ordering: .relaxed)
    }

    /// Erases the line that `pass` has shown, if it is still there.
    static func erase() {
        WorkingLine.stop()
        replace()
    }

    private static func replace() {
        if isPassing.exchange(false, ordering: .relaxed) { note("\r\u{1B}[J") }
    }

    /// Prints a line of the results.
    static func print(_ line: String) { result(line.printable + "\n") }

    /// Prints lines that are already printable or contain no user data.
    static func printBlock(_ text: String) { result(text + "\n") }

    /// Prints a part of lines like those of `printBlock`, without an end of line.
    static func printPart(_ text: String) { result(text) }

    /// Prints a path in an exact list: its bytes and a zero byte with `zero`, otherwise a printable line.
    static func print(path: String, zero: Bool) {
        if zero { result(FilePath(path).bytes + [0]) } else { print(path) }
    }

    /// Logs a line about the work; on a terminal, it replaces a progress line.
    static func log(_ line: String) {
        erase()
        note(line.printable + "\n")
    }

    /// Writes text to standard error unchanged; a failure cannot be reported and is ignored.
    static func note(_ text: String) { _ = Descriptors.writeAll(STDERR_FILENO, Array(text.utf8)) }

    private static func result(_ text: String) { result(Array(text.utf8)) }

    /// Writes bytes at once, so that lines of several processes do not mix.
    ///
    /// A failure ends the program: with exit code 31 and a message, or with 141 and silently, like SIGPIPE,
    /// if the reader has closed the pipe.
    private static func result(_ bytes: [UInt8]) {
        erase()
        let failure = Descriptors.writeAll(STDOUT_FILENO, bytes)
        if failure == 0 { return }
        if failure == EPIPE { exitProcess(128 + SIGPIPE) }
        log(
            "cartoonctl: the result could not be written to standard output (\(String(cString: strerror(failure))))"
        )
        exitProcess(31)
    }
}
