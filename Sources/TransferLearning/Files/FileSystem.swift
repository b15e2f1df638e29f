#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A call to the system that failed.
public struct FileError: Error, Equatable, Sendable, CustomStringConvertible {
    public let path: FilePath
    public let errno: Int32

    package init(_ path: FilePath, errno: Int32) { (self.path, self.errno) = (path, errno) }

    /// The system's words for `errno`.
    public var reason: String { String(cString: strerror(errno)) }
    public var description: String { "\(path): \(reason)" }
    public var isDiskFull: Bool { errno == ENOSPC || errno == EDQUOT || errno == EFBIG }
    public var isMissing: Bool { errno == ENOENT || errno == ENOTDIR }
}

/// The few calls the workflow needs, on byte paths and with the system's own error numbers.
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

    /// The path with symbolic links followed; the same where there is nothing yet.
    package static func resolved(_ path: FilePath) -> FilePath {
        guard let real = path.withCString({ realpath($0, nil) }) else { return path }
        defer { free(real) }
        return FilePath(String(cString: real))
    }

    package static func exists(_ path: FilePath) -> Bool { path.withCString { access($0, F_OK) } == 0 }

    /// Whether both paths are one file.
    package static func areSame(_ first: FilePath, _ second: FilePath) -> Bool {
        var (a, b) = (stat(), stat())
        guard first.withCString({ stat($0, &a) }) == 0, second.withCString({ stat($0, &b) }) == 0 else {
            return false
        }
        return a.st_ino == b.st_ino && a.st_dev == b.st_dev
    }

    /// Names in a folder, sorted by their bytes, without `.` and `..`.
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

    /// The whole of a regular file. Read and not mapped: a picture that shrinks under a mapping would kill the process.
    package static func read(_ path: FilePath) throws(FileError) -> [UInt8] {
        let file = path.withCString { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
        guard file >= 0 else { throw FileError(path, errno: errno) }
        defer { close(file) }
        var information = stat()
        guard fstat(file, &information) == 0 else { throw FileError(path, errno: errno) }
        guard information.st_mode & S_IFMT == S_IFREG else {
            throw FileError(path, errno: information.st_mode & S_IFMT == S_IFDIR ? EISDIR : EINVAL)
        }
        let size = Int(information.st_size)
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: max(size, 1)) { buffer, initialized in
            while initialized < size {
                #if canImport(Darwin)
                let count = Darwin.read(file, buffer.baseAddress! + initialized, size - initialized)
                #elseif canImport(Musl)
                let count = Musl.read(file, buffer.baseAddress! + initialized, size - initialized)
                #else
                let count = Glibc.read(file, buffer.baseAddress! + initialized, size - initialized)
                #endif
                if count > 0 {
                    initialized += count
                } else if count < 0 && errno == EINTR {
                    continue
                } else {
                    if count < 0 { failure = errno }
                    return
                }
            }
        }
        guard failure == 0 else { throw FileError(path, errno: failure) }
        return bytes
    }

    /// Makes a folder and those above it.
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
