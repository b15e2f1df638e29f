import Dispatch
import Synchronization
import TransferLearning

/// A line with what is being done and for how many seconds, for work that cannot tell how far it is. Whatever else is
/// printed ends it.
final class WorkingLine: Sendable {
    private let end = DispatchSemaphore(value: 0), ended = DispatchSemaphore(value: 0)
    private static let current = Mutex<WorkingLine?>(nil)

    /// Shows a line on a terminal until something else is printed.
    static func start(_ text: String) {
        stop()
        guard Terminal.errorIsTerminal else { return }
        let line = WorkingLine()
        Terminal.draw { "\(text) …".fitted($0) }
        // A queue of its own gets a thread even while the work holds all cores.
        DispatchQueue(label: "working line").async {
            var seconds = 0
            while line.end.wait(timeout: .now() + 1) == .timedOut {
                seconds += 1
                Terminal.draw { [seconds] in "\(text) … \(seconds) s".fitted($0) }
            }
            line.ended.signal()
        }
        current.withLock { $0 = line }
    }

    /// Ends the line that is shown; it is erased with the next one.
    static func stop() {
        let shown = current.withLock { current in
            defer { current = nil }
            return current
        }
        shown?.end.signal()
        shown?.ended.wait()
    }
}
