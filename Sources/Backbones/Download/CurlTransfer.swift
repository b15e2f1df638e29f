import SystemFiles

/// One run of the system's `curl`, which handles proxies, redirections and certificates; it fetches a file or
/// the rest of it.
struct CurlTransfer {
    let url: String
    /// The file to which the bytes are appended from `offset` on.
    let path: String
    let offset: Int
    /// The expected size of the whole file; nil if it is unknown.
    let size: Int?
    let policy: DownloadPolicy
    let lock: Int32

    /// The maximum size in bytes of an archive whose size is unknown.
    private static let largest = 1 << 32

    enum Outcome: Equatable {
        /// Everything that the server has was received.
        case complete
        case interrupted
        case noCurl
        case system(code: Int32)
        /// The server's file has a different size.
        case otherSize(Int)
        /// The server cannot resume, or the local part exceeds its file.
        case cannotResume(String)
        /// The transfer failed, but another attempt may succeed.
        case brokeOff(String)
        case refused(String)
    }

    /// Runs curl.
    ///
    /// - Parameters:
    ///   - isInterrupted: Called ten times a second.
    ///   - progress: Called ten times a second with the bytes received and the total, if it is known.
    /// - Returns: The outcome, and whether a server answered.
    func run(isInterrupted: () -> Bool, progress: (Int, Int?) -> Void) -> (outcome: Outcome, isAnswered: Bool)
    {
        var curl: ChildProcess
        do throws(SystemError) { curl = try ChildProcess([policy.curl] + arguments, inheriting: lock) } catch
        {
            return (error.code == ENOENT || error.code == EACCES ? .noCurl : .system(code: error.code), false)
        }
        var reason: Outcome?
        var end: ChildProcess.End?
        // curl's own stall limit averages over several seconds; this one is exact.
        let clock = ContinuousClock()
        var (news, newsTime) = (-1, clock.now)
        while end == nil {
            end = curl.gather(milliseconds: 100)
            if reason != nil { continue }
            let reply = HTTPReply(curl.output), there = FileSize.of(path) ?? 0
            let declared = reply.size(from: offset)
            if there + curl.output.utf8.count != news {
                (news, newsTime) = (there + curl.output.utf8.count, clock.now)
            }
            if isInterrupted() {
                reason = .interrupted
            } else if let size, let declared, declared != size {
                reason = .otherSize(declared)
            } else if let size, there > size {
                reason = .otherSize(there)
            } else if size == nil, max(there, declared ?? 0) > Self.largest {
                reason = .refused("it has more than \(Self.largest) bytes")
            } else if clock.now - newsTime > .seconds(policy.stallSeconds) {
                reason = .brokeOff("nothing came for \(policy.stallSeconds) s")
            }
            if reason != nil { curl.terminate() } else { progress(there, size ?? declared) }
        }
        let reply = HTTPReply(curl.output)
        let declared = reply.size(from: offset) ?? (isLocal && end == .exited(0) ? FileSize.of(path) : nil)
        if reason == nil, let size, let declared, declared != size { reason = .otherSize(declared) }
        return (reason ?? outcome(end, reply, curl.errors, isInterrupted()), reply.status != nil || isLocal)
    }

    /// Whether the URL refers to a local file, which has no headers.
    private var isLocal: Bool { url.lowercased().hasPrefix("file:") }

    private var arguments: [String] {
        let resumption = offset > 0 ? ["--continue-at", "\(offset)"] : []
        return [
            // This ignores the user's ~/.curlrc and must be the first argument.
            "--disable",
            "--silent", "--show-error", "--fail", "--globoff", "--location", "--max-redirs", "10", "--proto",
            "=http,https,file",
            "--proto-redir", "=http,https", "--connect-timeout", "\(policy.connectSeconds)", "--dump-header",
            "-", "--output", path,
            // The bytes received so far are in the file however curl ends.
            "--no-buffer",
        ] + resumption + ["--url", url]
    }

    /// Interprets curl's exit code.
    ///
    /// - Source: curl(1), "EXIT CODES"
    private func outcome(
        _ end: ChildProcess.End?, _ reply: HTTPReply, _ errors: String, _ isInterrupted: Bool
    ) -> Outcome {
        if end == .exited(0) { return .complete }
        // Ctrl-C may reach curl before this process has noticed it.
        if isInterrupted { return .interrupted }
        guard case .exited(let code) = end else { return .refused("curl was ended from outside") }
        let words = Self.words(errors, code)
        switch code {
        case 22 where [408, 425, 429, 500, 502, 503, 504].contains(reply.status ?? 0):
            return .brokeOff("HTTP status \(reply.status ?? 0)")
        // Status 416 is Range Not Satisfiable.
        case 22 where reply.status == 416, 33, 36: return offset > 0 ? .cannotResume(words) : .refused(words)
        case 22: return .refused("HTTP status \(reply.status.map(String.init) ?? "unknown")")
        case 23: return .system(code: writeFailure)
        case 5, 6, 7, 16, 18, 28, 35, 52, 55, 56, 92, 95, 96: return .brokeOff(words)
        default: return .refused(words)
        }
    }

    /// The error number of writing: that of an attempt to open the file, or else ENOSPC.
    private var writeFailure: Int32 {
        let descriptor = FilePath(path).withCString {
            open($0, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0o666)
        }
        guard descriptor >= 0 else { return errno }
        close(descriptor)
        return ENOSPC
    }

    /// Returns curl's message without the prefix `curl: (7) `.
    private static func words(_ errors: String, _ code: Int32) -> String {
        let line = errors.split(whereSeparator: \.isNewline).last { $0.hasPrefix("curl: (") }
        return line?.split(separator: ") ", maxSplits: 1).last.map(String.init) ?? "curl's exit code \(code)"
    }
}

/// The HTTP headers received so far; of several replies (redirections, a proxy's) the last one counts.
struct HTTPReply {
    private(set) var status: Int?
    private var length: Int?
    /// The size of the whole file, declared in a partial reply.
    private var total: Int?

    init(_ headers: String) {
        for line in headers.split(whereSeparator: \.isNewline) {
            if line.hasPrefix("HTTP/") {
                self = HTTPReply(status: line.split(separator: " ").dropFirst().first.flatMap { Int($0) })
                continue
            }
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            switch line[..<colon].lowercased() {
            case "content-length": length = Int(value)
            case "content-range": total = value.split(separator: "/").last.flatMap { Int($0) }
            default: break
            }
        }
    }

    private init(status: Int?) { self.status = status }

    /// Returns the size of the whole file, if it was declared.
    func size(from offset: Int) -> Int? {
        switch status {
        case 200: length
        case 206: total ?? length.map { $0 + offset }
        default: nil
        }
    }
}

enum FileSize {
    /// Returns the size of a file in bytes; nil if it does not exist.
    static func of(_ path: String) -> Int? {
        var information = stat()
        return FilePath(path).withCString { stat($0, &information) } == 0 ? Int(information.st_size) : nil
    }
}
