import SystemFiles
import TransferLearning

/// Results go to standard output; everything about the work, to standard error.
///
/// One rule for what is shown: each line is `printable`, so that no file name or label moves the cursor or forges a line.
enum Terminal {
    static let errorIsTerminal = isatty(STDERR_FILENO) == 1

    /// One line of the results.
    static func print(_ line: String) { result(line.printable + "\n") }

    /// Lines that were made printable one by one, or that hold nothing of a user's.
    static func printBlock(_ text: String) { result(text + "\n") }

    /// A path of an exact list: its bytes with a zero behind (`zero`), else a printable line.
    static func print(path: String, zero: Bool) {
        if zero { result(FilePath(path).bytes + [0]) } else { print(path) }
    }

    /// One line about the work; on a terminal in place of a progress line that an error left there.
    static func log(_ line: String) { note((errorIsTerminal ? "\r\u{1B}[K" : "") + line.printable + "\n") }

    /// Text for standard error as it is. A standard error that cannot be written to has nobody to tell.
    static func note(_ text: String) { _ = Descriptors.writeAll(STDERR_FILENO, Array(text.utf8)) }

    private static func result(_ text: String) { result(Array(text.utf8)) }

    /// Bytes written at once, so that lines of several processes do not mix.
    ///
    /// A result that cannot be written ends the program: with 31 and a line, or at once and quietly, as SIGPIPE would
    /// (141), where the reader has left.
    private static func result(_ bytes: [UInt8]) {
        let failure = Descriptors.writeAll(STDOUT_FILENO, bytes)
        if failure == 0 { return }
        if failure == EPIPE { exitProcess(128 + SIGPIPE) }
        log(
            "cartoonctl: the result could not be written to standard output (\(String(cString: strerror(failure))))"
        )
        exitProcess(31)
    }
}
