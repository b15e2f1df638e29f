/// A file that is replaced atomically: it is written under a temporary name beside the target and then
/// renamed.
///
/// Creating one early verifies that the output can be written before minutes of work are spent on it. Without
/// a commit, the temporary file is removed and an existing target stays unchanged. Symbolic links are
/// followed, even to missing targets. Pipes and devices are written directly. A file that cannot be replaced,
/// because it is a mount point or its folder is read-only, is overwritten at the end.
package final class AtomicFile {
    private enum Destination {
        /// The file is renamed at the end.
        case renamed
        /// The contents are copied into the target at the end.
        case copied
        /// The target is a pipe, a device or a descriptor of this process, which is written directly.
        case direct
    }

    package let path: FilePath
    /// The final location: `path` with symbolic links resolved.
    private let target: FilePath
    private let destination: Destination
    /// The temporary file; nil if there is none to remove.
    private let temporary: FilePath?
    private var descriptor: Int32

    /// Whether the target is a regular file, beside which other files can be created; not a pipe, device or
    /// descriptor.
    package var isReplaceable: Bool { destination != .direct }

    /// The location of the bytes before they are committed.
    package var temporaryPath: FilePath { temporary ?? target }

    /// - Throws: `FileError` if the folder is missing or read-only, or if `path` is a folder.
    package init(_ path: FilePath) throws(FileError) {
        self.path = path
        if let number = FileSystem.descriptor(named: path) {
            descriptor = fcntl(number, F_DUPFD_CLOEXEC, 3)
            guard descriptor >= 0 else { throw FileError(path, errno: errno) }
            (target, destination, temporary) = (path, .direct, nil)
            return
        }
        target = FileSystem.destination(of: path)
        let kind = try? FileSystem.kind(of: target)
        if kind == .directory { throw FileError(path, errno: EISDIR) }
        if kind == .other {
            descriptor = target.withCString { open($0, O_WRONLY | O_CLOEXEC) }
            guard descriptor >= 0 else { throw FileError(path, errno: errno) }
            (destination, temporary) = (.direct, nil)
            return
        }
        TemporaryFiles.sweep(beside: target)
        do throws(FileError) {
            let (file, name) = try Self.create(beside: target)
            (descriptor, temporary, destination) = (file, name, .renamed)
        } catch {
            // A writable file in a read-only folder is filled at the end from a file elsewhere.
            guard kind == .file, [EACCES, EROFS, EPERM].contains(error.errno),
                target.withCString({ access($0, W_OK) }) == 0
            else { throw FileError(path, errno: error.errno) }
            let elsewhere = getenv("TMPDIR").map { FilePath(cString: $0) } ?? "/tmp"
            let (file, name) = try Self.create(beside: elsewhere.appending("cartoonctl"))
            (descriptor, temporary, destination) = (file, name, .copied)
        }
        keepMode()
    }

    private static func create(beside target: FilePath) throws(FileError) -> (Int32, FilePath) {
        while true {
            let name = TemporaryFiles.name(for: target)
            let file = name.withCString {
                open($0, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o666)
            }
            if file < 0 && errno == EEXIST { continue }
            guard file >= 0 else { throw FileError(target, errno: errno) }
            var information = stat()
            // The lock marks the file as in use; a sweep that came first has already removed it.
            if flock(file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK
                || fstat(file, &information) == 0 && information.st_nlink == 0
            {
                close(file)
                continue
            }
            TemporaryFiles.add(name)
            return (file, name)
        }
    }

    /// Gives the new file the permissions of the file that it replaces.
    private func keepMode() {
        var information = stat()
        guard target.withCString({ stat($0, &information) }) == 0 else { return }
        _ = fchmod(descriptor, information.st_mode & 0o777)
    }

    package func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
        let failure = Descriptors.writeAll(descriptor, bytes)
        if failure != 0 { throw FileError(path, errno: failure) }
    }

    package func write(_ bytes: [UInt8]) throws(FileError) {
        let failure = Descriptors.writeAll(descriptor, bytes)
        if failure != 0 { throw FileError(path, errno: failure) }
    }

    /// Overwrites the first bytes of a file that is not committed yet, such as a header with a count that is
    /// known only at the end.
    package func replaceStart(with bytes: [UInt8]) throws(FileError) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                pwrite(descriptor, $0.baseAddress! + done, bytes.count - done, off_t(done))
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw FileError(path, errno: count < 0 ? errno : EIO) }
            done += count
        }
    }

    /// Calls `body` with the descriptor of the open file, to write to it.
    package func withDescriptor<Failure: Error>(_ body: (Int32) throws(Failure) -> Void) throws(Failure) {
        try body(descriptor)
    }

    /// Passes the bytes written so far to `body` in pieces; for a pipe there are none.
    package func forEachPiece(_ body: (UnsafeRawBufferPointer) -> Void) throws(FileError) {
        guard destination != .direct else { return }
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
        defer { room.deallocate() }
        var offset: off_t = 0
        while true {
            let count = pread(descriptor, room.baseAddress!, room.count, offset)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw FileError(path, errno: errno) }
            if count == 0 { return }
            body(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(room).prefix(count)))
            offset += off_t(count)
        }
    }

    /// Flushes the bytes to disk and moves the file to its final name.
    package func commit() throws(FileError) {
        guard fsync(descriptor) == 0 || [EINVAL, EROFS, ENOTSUP].contains(errno) else {
            throw FileError(path, errno: errno)
        }
        if let temporary {
            let isRenamed =
                destination == .renamed
                && temporary.withCString { from in target.withCString { to in rename(from, to) } } == 0
            if !isRenamed {
                guard destination == .copied || errno == EBUSY || errno == EXDEV else {
                    throw FileError(path, errno: errno)
                }
                try copy()
                _ = temporary.withCString { unlink($0) }
            }
            TemporaryFiles.remove(temporary)
        }
        let file = descriptor
        descriptor = -1
        guard close(file) == 0 || errno == EINTR else { throw FileError(path, errno: errno) }
        TemporaryFiles.commit(path)
    }

    /// Overwrites the target in place, because a mounted file can be written but not replaced.
    private func copy() throws(FileError) {
        let file = target.withCString { open($0, O_WRONLY | O_TRUNC | O_CLOEXEC) }
        guard file >= 0 else { throw FileError(path, errno: errno) }
        defer { close(file) }
        var failure: Int32 = 0
        try forEachPiece { piece in
            if failure == 0 { failure = Descriptors.writeAll(file, piece) }
        }
        guard failure == 0 else { throw FileError(path, errno: failure) }
        guard fsync(file) == 0 || errno == EINVAL else { throw FileError(path, errno: errno) }
    }

    deinit {
        guard descriptor >= 0 else { return }
        close(descriptor)
        guard let temporary else { return }
        _ = temporary.withCString { unlink($0) }
        TemporaryFiles.remove(temporary)
    }
}
