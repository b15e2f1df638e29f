import Synchronization
import SystemFiles
import Threads

/// The line on standard error that tells how far the work is, and which whatever is printed next replaces.
///
/// It is drawn anew every second while nothing changes, so that a terminal is never silent for longer and a new width is
/// followed soon.
enum PassingLine {
    /// Returns the line for a number of columns and the seconds since it was shown.
    typealias Text = @Sendable (_ width: Int, _ seconds: Int) -> String

    private struct State {
        /// The line that is shown; nil if there is none.
        var text: Text?
        var start = ContinuousClock.now
        var isTicking = false
        /// The number of columns of the terminal when the line was drawn.
        var columns = 0

        /// Erases the line, which a terminal that was narrowed since may have broken into several.
        ///
        /// Everything below is erased in that case alone, because terminals keep what they clear from their first
        /// line on.
        func erase() { Terminal.note(Terminal.errorWidth < columns ? "\r\u{1B}[J" : "\r\u{1B}[K") }

        mutating func draw(_ text: Text, seconds: Int) {
            erase()
            columns = Terminal.errorWidth
            // The last column stays free: a terminal may begin a new line when it is filled. The cursor waits at
            // the beginning.
            Terminal.note(text(max(1, columns - 1), seconds) + "\r")
        }
    }
    private static let state = Mutex(State())

    /// Shows a line in place of the one that is shown.
    static func show(_ text: @escaping Text) {
        state.withLock { state in
            if !state.isTicking { tick() }
            (state.text, state.start, state.isTicking) = (text, .now, true)
            state.draw(text, seconds: 0)
        }
    }

    /// Shows what is being done and for how many seconds, for work that cannot tell how far it is.
    static func show(working text: String) {
        guard Terminal.errorIsTerminal else { return }
        show { width, seconds in "\(text) …\(seconds > 0 ? " \(seconds) s" : "")".fitted(width) }
    }

    /// Erases the line.
    static func erase() {
        state.withLock { state in
            if state.text != nil { state.erase() }
            state.text = nil
        }
    }

    /// Begins to draw the line again and again, until the process ends.
    private static func tick() {
        // Without a thread the line stays as it is.
        _ = SystemThread.start {
            while true {
                sleep(1)
                state.withLock { state in
                    let seconds = Int((ContinuousClock.now - state.start) / .seconds(1))
                    if let text = state.text, seconds > 0 { state.draw(text, seconds: seconds) }
                }
            }
        }
    }
}
