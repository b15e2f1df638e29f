import Synchronization
import SystemFiles
import TransferLearning

/// A line with what is being done and for how many seconds, for work that cannot tell how far it is. Whatever else is
/// printed ends it.
final class WorkingLine: Sendable {
    private let text: String
    /// A pipe that is written to when the line ends.
    private let ends: (read: Int32, write: Int32)
    private static let current = Mutex<(line: WorkingLine, thread: pthread_t)?>(nil)

    private init?(_ text: String) {
        var both: [Int32] = [-1, -1]
        guard pipe(&both) == 0 else { return nil }
        for end in both { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        (self.text, ends) = (text, (both[0], both[1]))
    }

    deinit {
        close(ends.read)
        close(ends.write)
    }

    /// Shows a line on a terminal until something else is printed.
    static func start(_ text: String) {
        stop()
        guard Terminal.errorIsTerminal, let line = WorkingLine(text) else { return }
        let own = Unmanaged.passRetained(line).toOpaque()
        let body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
            if let argument { Unmanaged<WorkingLine>.fromOpaque(argument).takeRetainedValue().show() }
            return nil
        }
        Terminal.draw { "\(text) …".fitted($0) }
        #if canImport(Darwin)
        var identifier: pthread_t?
        let failure = pthread_create(&identifier, nil, { body($0) }, own)
        #else
        var identifier = pthread_t()
        let failure = pthread_create(&identifier, nil, body, own)
        #endif
        guard failure == 0 else { return Unmanaged<WorkingLine>.fromOpaque(own).release() }
        let thread: pthread_t? = identifier
        current.withLock { current in current = thread.map { (line, $0) } }
    }

    /// Ends the line that is shown; it is erased with the next one.
    static func stop() {
        let shown = current.withLock { current in
            defer { current = nil }
            return current
        }
        guard let shown else { return }
        var byte: UInt8 = 0
        _ = write(shown.line.ends.write, &byte, 1)
        pthread_join(shown.thread, nil)
    }

    private func show() {
        var end = pollfd(fd: ends.read, events: Int16(POLLIN), revents: 0), seconds = 0
        while poll(&end, 1, 1000) == 0 {
            seconds += 1
            Terminal.draw { "\(text) … \(seconds) s".fitted($0) }
        }
    }
}
