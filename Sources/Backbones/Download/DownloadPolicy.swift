/// How patient a download is.
package struct DownloadPolicy: Sendable {
    /// Tries one after the other without a single new byte before it gives up; fewer where no server has answered yet.
    package var attempts = 6, unansweredAttempts = 2
    /// Before the second try; doubled before each other, up to `longestDelay`.
    package var firstDelay = 1.0, longestDelay = 30.0
    /// Without a byte; until a connection stands.
    package var stallSeconds = 30.0, connectSeconds = 20.0
    /// The program, looked for in `PATH`.
    package var curl = "curl"
    package init() {}
}
