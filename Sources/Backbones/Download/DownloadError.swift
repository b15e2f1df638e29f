import Compression

/// Why a network could not be fetched.
package enum DownloadError: Error, Sendable, Equatable {
    /// The system has no `curl`.
    case noCurl
    /// No server answered; curl's words.
    case unreachable(String)
    /// A server answered, and trying again would not help.
    case refused(String)
    /// It broke off too often without anything new; what came is kept.
    case brokeOff(String, received: Int)
    /// What came is another file, and was removed.
    case wrongFile(String)
    /// The archive is the right one by its digest, and is none that can be unpacked.
    case archive(TarReader.Failure)
    case missingMember(String)
    /// A file in the model directory; the system's error number.
    case system(path: String, code: Int32)
    /// What came is kept.
    case interrupted(received: Int, total: Int?)
}

/// What happens while a network is fetched.
public enum DownloadEvent: Sendable {
    /// - Parameter resumed: bytes that an earlier run left.
    case began(url: String, path: String, total: Int?, resumed: Int)
    case progress(done: Int, total: Int?)
    /// Another try begins after so many seconds.
    case retrying(reason: String, seconds: Double)
    /// Another process is at it.
    case waiting(directory: String)
    /// The digest is right, the graph is in its place.
    case finished(path: String, bytes: Int)
    case warning(String)
}
