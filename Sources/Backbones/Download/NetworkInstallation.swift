import SystemFiles
import TensorGraph

/// Downloads a network's archive and installs its graph in the model directory atomically.
///
///     try NetworkInstallation(.known["inception_v3"]!, in: "/data/inception").run()
///
/// Received bytes are kept beside the graph as `inception-2015-12-05.tgz.partial`, and the next run continues
/// from there; the digest is verified at the end. Only one process downloads into a directory at a time;
/// others wait and then find the graph.
package struct NetworkInstallation {
    private let archive: NetworkArchive
    private let directory: String
    private let policy: DownloadPolicy

    /// - Parameter directory: An existing directory.
    package init(_ archive: NetworkArchive, in directory: String, policy: DownloadPolicy = DownloadPolicy()) {
        (self.archive, self.policy) = (archive, policy)
        self.directory = directory.isEmpty ? "./" : directory.hasSuffix("/") ? directory : directory + "/"
    }

    package var graphPath: String { directory + archive.graph.name }
    private var wholePath: String { directory + archive.name }
    private var partialPath: String { wholePath + ".partial" }

    /// Installs the graph unless it exists.
    ///
    /// - Parameters:
    ///   - isInterrupted: Called ten times a second.
    ///   - report: Called on the calling thread.
    package func run(isInterrupted: () -> Bool = { false }, report: (DownloadEvent) -> Void = { _ in })
        throws(DownloadError)
    {
        let lock = try lock(isInterrupted, report)
        if FileSize.of(graphPath) != nil { return }
        if FileSize.of(wholePath) != nil {
            // The archive was left by retrain.py or put there manually.
            let file = try map(wholePath)
            guard let digest = archive.digest, !digest.matches(file) else { return try unpack(file, report) }
            report(
                .warning(
                    "\(wholePath) is not whole, or another file (\(digest.computed(of: file))); downloading it anew"
                ))
        }
        var information = stat()
        if FilePath(partialPath).withCString({ lstat($0, &information) }) == 0,
            information.st_mode & S_IFMT != S_IFREG
        {
            // A symbolic link is removed, because writing would follow it.
            remove(partialPath)
        }
        if archive.digest == nil {
            report(
                .warning(
                    "the digest of \(archive.url) is not known here: what comes from there is not verified"))
        }
        try fetch(holding: lock, isInterrupted, report)
        try unpack(map(partialPath), report)
        remove(partialPath)
    }

    private func lock(_ isInterrupted: () -> Bool, _ report: (DownloadEvent) -> Void) throws(DownloadError)
        -> FolderLock
    {
        let path = "\(directory).\(archive.name).lock"
        var isTold = false
        do throws(SystemError) {
            let lock = try FolderLock.acquire(path) {
                if !isTold { report(.waiting(directory: directory)) }
                isTold = true
                return !isInterrupted()
            }
            if let lock { return lock }
        } catch { throw .system(path: path, code: error.code) }
        throw interruption
    }

    private func unpack(_ file: ByteRegion, _ report: (DownloadEvent) -> Void) throws(DownloadError) {
        try ArchiveUnpacking(archive: archive, directory: directory).run(file)
        report(.finished(path: graphPath, bytes: FileSize.of(graphPath) ?? 0))
    }

    private func remove(_ path: String) { _ = FilePath(path).withCString { unlink($0) } }

    private func map(_ path: String) throws(DownloadError) -> ByteRegion {
        do throws(MappingError) { return try ByteRegion(mapping: path) } catch {
            throw .system(path: path, code: error.errno)
        }
    }

    private var interruption: DownloadError {
        .interrupted(received: FileSize.of(partialPath) ?? 0, total: archive.size)
    }

    // MARK: - Fetching

    /// Downloads the archive to `partialPath` and verifies its digest.
    private func fetch(
        holding lock: borrowing FolderLock, _ isInterrupted: () -> Bool, _ report: (DownloadEvent) -> Void
    ) throws(DownloadError) {
        let url = archive.url
        if let size = archive.size, let there = FileSize.of(partialPath), there > size { remove(partialPath) }
        report(
            .began(url: url, path: partialPath, total: archive.size, resumed: FileSize.of(partialPath) ?? 0))
        var failures = 0, isAnswered = false
        /// Whether the file contains bytes from an earlier run, which may belong to another file.
        var hasRemains = (FileSize.of(partialPath) ?? 0) > 0
        while true {
            let offset = FileSize.of(partialPath) ?? 0
            var outcome = CurlTransfer.Outcome.complete
            if archive.size == nil || offset < archive.size! {
                let transfer = CurlTransfer(
                    url: url, path: partialPath, offset: offset, size: archive.size, policy: policy,
                    lock: lock.descriptor)
                let answer: Bool
                (outcome, answer) = transfer.run(isInterrupted: isInterrupted) {
                    report(.progress(done: $0, total: $1))
                }
                isAnswered = isAnswered || answer
            }
            let received = FileSize.of(partialPath) ?? 0
            if outcome == .complete, let size = archive.size, received < size {
                outcome = .brokeOff("the connection closed after \(received) of \(size) bytes")
            }
            switch outcome {
            case .complete:
                let file = try map(partialPath)
                guard let digest = archive.digest, !digest.matches(file) else { return }
                let computed = digest.computed(of: file)
                remove(partialPath)
                guard hasRemains else {
                    throw .wrongFile("its \(file.count) bytes have \(computed), not \(digest)")
                }
                hasRemains = false
                report(.retrying(reason: "what an earlier run left does not fit", seconds: 0))
            case .cannotResume(let reason):
                remove(partialPath)
                hasRemains = false
                report(.retrying(reason: "beginning anew: \(reason)", seconds: 0))
            case .brokeOff(let reason):
                failures = received > offset ? 0 : failures + 1
                if failures >= (isAnswered ? policy.attempts : policy.unansweredAttempts) {
                    throw isAnswered ? .brokeOff(reason, received: received) : .unreachable(reason)
                }
                let delay = min(
                    policy.longestDelay, policy.firstDelay * Double(1 << max(0, min(failures - 1, 16))))
                report(.retrying(reason: reason, seconds: delay))
                try pause(delay, isInterrupted)
            case .otherSize(let size):
                if !hasRemains { remove(partialPath) }
                throw .wrongFile("it has \(size) bytes, not \(archive.size ?? 0)")
            case .interrupted: throw interruption
            case .noCurl: throw .noCurl
            case .system(let code): throw .system(path: partialPath, code: code)
            case .refused(let reason): throw isAnswered ? .refused(reason) : .unreachable(reason)
            }
        }
    }

    private func pause(_ seconds: Double, _ isInterrupted: () -> Bool) throws(DownloadError) {
        var left = seconds
        while left > 0 {
            if isInterrupted() { throw interruption }
            usleep(UInt32(min(left, 0.05) * 1e6))
            left -= 0.05
        }
        if isInterrupted() { throw interruption }
    }
}
