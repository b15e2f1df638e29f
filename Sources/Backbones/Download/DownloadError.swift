import Compression

/// The errors of downloading a network.
package enum DownloadError: Error, Sendable, Equatable {
    /// The system has no `curl`.
    case noCurl
    /// No server answered; the text is curl's message.
    case unreachable(String)
    /// A server answered with an error that another attempt would not resolve.
    case refused(String)
    /// The transfer failed repeatedly without progress; the received bytes are kept.
    case brokeOff(String, received: Int)
    /// The received file has a wrong digest and was removed.
    case wrongFile(String)
    /// The archive has the right digest but cannot be unpacked.
    case archive(TarReader.Failure)
    case missingMember(String)
    /// An operation on a file in the model directory failed with the system's error number.
    case system(path: String, code: Int32)
    /// The download was interrupted; the received bytes are kept.
    case interrupted(received: Int, total: Int?)
}

/// An event of downloading a network.
public enum DownloadEvent: Sendable {
    /// The download begins; `resumed` is the number of bytes that an earlier run received.
    case began(url: String, path: String, total: Int?, resumed: Int)
    case progress(done: Int, total: Int?)
    /// Another attempt begins after the given number of seconds.
    case retrying(reason: String, seconds: Double)
    /// Another process is downloading into the directory.
    case waiting(directory: String)
    /// The digest was verified, and the graph is in place.
    case finished(path: String, bytes: Int)
    case warning(String)
}
