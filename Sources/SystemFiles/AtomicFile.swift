/// A file that appears under its name whole or not at all: written beside it under a temporary name, then renamed.
///
/// Opening one early proves that the output can be written before minutes of work are spent on it. What is not
/// committed is removed, and a file that stood under the name before stays as it was. Symbolic links are followed,
/// also to what is not there yet. Pipes and devices are written to as they are; so is, at the end, a file that cannot
/// be replaced because it is a mount of its own or its folder is read-only.
package final class AtomicFile {
    private enum Destination {
        /// Renamed at the end.
        case renamed
        /// Copied into the target at the end.
        case copied
        /// A pipe, a device, a descriptor of this process: written to at once.
        case direct
    }

    package let path: FilePath
    /// Where the file ends up: `path`, with symbolic links followed.
    private let target: FilePath
    private let destination: Destination
    /// nil: nothing has to be removed.
    private let temporary: FilePath?
    private var descriptor: Int32

    /// Whether other files can stand beside this one: it is no pipe, device or descriptor.
    package var isReplaceable: Bool { destination != .direct }

    /// Where the bytes are until they are committed.
    package var temporaryPath: FilePath { temporary ?? target }

    /// - Throws: `FileError` where the folder is missing, read-only, or `path` is a folder.
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
            // A single writable file in a folder that is not: filled at the end, from a file elsewhere.
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
            // The lock tells the living from the dead; a sweep that came before it has removed the file.
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

    /// A file that is replaced keeps its permissions.
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

    /// Lets `body` write to the open file.
    package func withDescriptor<Failure: Error>(_ body: (Int32) throws(Failure) -> Void) throws(Failure) {
        try body(descriptor)
    }

    /// What was written so far, in pieces; nothing of what went into a pipe.
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

    /// Puts the file under its name, with its bytes on the disk first.
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

    /// Fills the target in place: a mount of a single file can be written but not replaced.
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
