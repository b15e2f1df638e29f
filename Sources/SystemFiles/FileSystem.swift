/// A failed system call.
public struct FileError: Error, Equatable, Sendable, CustomStringConvertible {
    public let path: FilePath
    /// The system's number, or 0 for a pipe, socket or device where a file is expected.
    public let errno: Int32

    package init(_ path: FilePath, errno: Int32) { (self.path, self.errno) = (path, errno) }

    /// The system's description of `errno`.
    public var reason: String {
        errno == 0
            ? "is a pipe, socket or device, not a file" : String(cString: strerror(errno)) + (remedy ?? "")
    }
    /// What raises the limit of the system that the call met; nil where it met none.
    private var remedy: String? {
        switch errno {
        case EMFILE, ENFILE: "; 'ulimit -n 1024' raises the limit"
        case ENOMEM: "; 'ulimit -v unlimited' lifts the limit, if there is one"
        default: nil
        }
    }
    public var description: String { "\(path): \(reason)" }
    public var isDiskFull: Bool { errno == ENOSPC || errno == EDQUOT || errno == EFBIG }
    /// Whether the system refuses what it gives other programs: more open files, or memory.
    package var isRefused: Bool { remedy != nil }
    public var isMissing: Bool { errno == ENOENT || errno == ENOTDIR }
}

/// File system calls on byte paths with the system's error numbers.
package enum FileSystem {
    package enum Kind { case file, directory, other }

    package static func kind(of path: FilePath) throws(FileError) -> Kind {
        var information = stat()
        guard path.withCString({ stat($0, &information) }) == 0 else { throw FileError(path, errno: errno) }
        switch information.st_mode & S_IFMT {
        case S_IFREG: return .file
        case S_IFDIR: return .directory
        default: return .other
        }
    }

    /// The identity of a file, which may have several names.
    package struct Identity: Hashable, Sendable {
        package let device, inode: UInt64
    }

    /// - Returns: The identity, or nil if the file does not exist.
    package static func identity(of path: FilePath) -> Identity? {
        var information = stat()
        guard path.withCString({ stat($0, &information) }) == 0 else { return nil }
        return Identity(
            device: UInt64(truncatingIfNeeded: information.st_dev),
            inode: UInt64(truncatingIfNeeded: information.st_ino))
    }

    /// Returns the path with symbolic links resolved, even if the target does not exist yet.
    package static func destination(of path: FilePath) -> FilePath {
        var path = path
        // Linux follows at most 40 links (path_resolution(7)).
        for _ in 0..<40 {
            if let real = path.withCString({ realpath($0, nil) }) {
                defer { free(real) }
                return FilePath(cString: real)
            }
            guard let next = link(path) else { break }
            path = path.parent.appending(next)
        }
        guard let folder = path.parent.withCString({ realpath($0, nil) }) else { return path }
        defer { free(folder) }
        return FilePath(cString: folder).appending(path.lastComponent)
    }

    /// Returns the target of a symbolic link; nil for everything else.
    private static func link(_ path: FilePath) -> FilePath? {
        var room = [UInt8](repeating: 0, count: 4096)
        let count = path.withCString { name in
            room.withUnsafeMutableBufferPointer { buffer in
                buffer.withMemoryRebound(to: CChar.self) { readlink(name, $0.baseAddress!, $0.count) }
            }
        }
        return count > 0 && count < room.count ? FilePath(bytes: room[..<count]) : nil
    }

    /// Returns whether two outputs would overwrite each other; pipes and devices may take several outputs.
    package static func areOneOutput(_ first: FilePath, _ second: FilePath) -> Bool {
        let (a, b) = (destination(of: first), destination(of: second))
        if let kind = try? kind(of: a), kind == .other { return false }
        if a == b { return true }
        guard let one = identity(of: a), let other = identity(of: b) else { return false }
        return one == other
    }

    /// Returns the descriptor that a path names: `/dev/stdout`, `/dev/fd/N` or a link to one.
    package static func descriptor(named path: FilePath) -> Int32? {
        let name = path.description
        switch name {
        case "/dev/stdin": return 0
        case "/dev/stdout": return 1
        case "/dev/stderr": return 2
        default: break
        }
        for folder in ["/dev/fd/", "/proc/self/fd/"] where name.hasPrefix(folder) {
            return Int32(name.dropFirst(folder.count))
        }
        return nil
    }

    package static func exists(_ path: FilePath) -> Bool { path.withCString { access($0, F_OK) } == 0 }

    /// Returns the names in a folder in byte order, without `.` and `..`.
    package static func names(in directory: FilePath) throws(FileError) -> [FilePath] {
        guard let stream = directory.withCString({ opendir($0) }) else {
            throw FileError(directory, errno: errno)
        }
        defer { closedir(stream) }
        var names: [FilePath] = []
        errno = 0
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: UInt8.self, capacity: 256) { start in
                    FilePath(
                        bytes: UnsafeBufferPointer(
                            start: start,
                            count: strlen(UnsafeRawPointer(start).assumingMemoryBound(to: CChar.self))))
                }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        guard errno == 0 else { throw FileError(directory, errno: errno) }
        return names.sorted()
    }

    /// Returns the contents of a file, or of a pipe up to its end.
    ///
    /// The file is read, not mapped, because a file that shrinks under a mapping would kill the process.
    ///
    /// - Parameter limit: The maximum number of bytes from a source of unknown length.
    package static func read(_ path: FilePath, limit: Int = 1 << 31) throws(FileError) -> [UInt8] {
        // The descriptor is duplicated, because opening it again would start at the file's beginning and
        // fails for sockets.
        let file =
            descriptor(named: path).map { fcntl($0, F_DUPFD_CLOEXEC, 3) }
            ?? path.withCString { open($0, O_RDONLY | O_CLOEXEC) }
        guard file >= 0 else { throw FileError(path, errno: errno) }
        defer { close(file) }
        var information = stat()
        guard fstat(file, &information) == 0 else { throw FileError(path, errno: errno) }
        let kind = information.st_mode & S_IFMT
        guard kind == S_IFREG || kind == S_IFIFO || kind == S_IFSOCK || kind == S_IFCHR && endsByItself(file)
        else { throw FileError(path, errno: kind == S_IFDIR ? EISDIR : 0) }
        let size = kind == S_IFREG ? Int(information.st_size) : 0
        switch Descriptors.readAll(file, expected: size, limit: kind == S_IFREG ? .max : limit) {
        case .success(let bytes): return bytes
        case .failure(let error): throw FileError(path, errno: error.code)
        }
    }

    /// Returns whether a character device is a terminal or `/dev/null`; others, such as `/dev/zero`, may never end.
    private static func endsByItself(_ device: Int32) -> Bool {
        var one = stat(), null = stat()
        return isatty(device) == 1
            || fstat(device, &one) == 0 && stat("/dev/null", &null) == 0 && one.st_rdev == null.st_rdev
    }

    /// Creates a folder and its missing parents.
    package static func makeDirectory(_ path: FilePath) throws(FileError) {
        if path.withCString({ mkdir($0, 0o777) }) == 0 { return }
        let failure = errno
        switch failure {
        case EEXIST where (try? kind(of: path)) == .directory: return
        case EEXIST: throw FileError(path, errno: ENOTDIR)
        case ENOENT where path.parent != path:
            try makeDirectory(path.parent)
            guard path.withCString({ mkdir($0, 0o777) }) == 0 || errno == EEXIST else {
                throw FileError(path, errno: errno)
            }
        default: throw FileError(path, errno: failure)
        }
    }
}
