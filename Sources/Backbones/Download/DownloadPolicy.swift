/// The retry policy of a download.
package struct DownloadPolicy: Sendable {
    /// The number of consecutive attempts without a new byte, and the smaller number if no server has
    /// answered yet.
    package var attempts = 6, unansweredAttempts = 2
    /// The delay in seconds before the second attempt, which doubles for each further one up to
    /// `longestDelay`.
    package var firstDelay = 1.0, longestDelay = 30.0
    /// The time limits in seconds without receiving a byte, and for connecting.
    package var stallSeconds = 30.0, connectSeconds = 20.0
    /// The program, searched in `PATH`.
    package var curl = "curl"
    package init() {}
}
