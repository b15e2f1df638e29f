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

    /// Whether results go to standard error, because standard output is a file that is written.
    static let resultsAreNotes = Atomic<Bool>(false)

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
        PassingLine.erase()
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
        PassingLine.erase()
        let stream = resultsAreNotes.load(ordering: .relaxed) ? STDERR_FILENO : STDOUT_FILENO
        let failure = Descriptors.writeAll(stream, bytes)
        if failure == 0 { return }
        if failure == EPIPE { exitProcess(128 + SIGPIPE) }
        log(
            "cartoonctl: the result could not be written to standard output (\(String(cString: strerror(failure))))"
        )
        exitProcess(31)
    }
}
