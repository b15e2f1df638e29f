#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif
import TransferLearning

/// Results go to standard output; everything about the work, to standard error.
enum Terminal {
    static let errorIsTerminal = isatty(STDERR_FILENO) == 1

    static func print(_ line: String) { write(line + "\n", to: STDOUT_FILENO) }
    /// On a terminal in place of a progress line that an error left there.
    static func log(_ line: String) {
        write((errorIsTerminal ? "\r\u{1B}[K" : "") + line + "\n", to: STDERR_FILENO)
    }

    /// Bytes written at once, so that lines of several processes do not mix.
    static func write(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { buffer in
                systemWrite(descriptor, buffer.baseAddress, buffer.count)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }

    private static func systemWrite(_ descriptor: Int32, _ base: UnsafeRawPointer?, _ count: Int) -> Int {
        #if canImport(Darwin)
        Darwin.write(descriptor, base, count)
        #elseif canImport(Musl)
        Musl.write(descriptor, base, count)
        #else
        Glibc.write(descriptor, base, count)
        #endif
    }
}
