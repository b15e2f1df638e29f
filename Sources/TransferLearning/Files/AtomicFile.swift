#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A file that appears under its name whole or not at all: written beside it under a temporary name, then renamed.
///
/// Opening one early proves that the output can be written before minutes of work are spent on it. What is not
/// committed is removed, and a file that stood under the name before stays as it was.
package final class AtomicFile {
    package let path: FilePath
    /// Where the file ends up: `path`, with symbolic links followed.
    private let target: FilePath
    /// nil: a device or pipe, which is written to as it is.
    private let temporary: FilePath?
    private var descriptor: Int32

    /// - Throws: `FileError` where the folder is missing, read-only, or `path` is a folder.
    package init(_ path: FilePath) throws(FileError) {
        self.path = path
        let kind = try? FileSystem.kind(of: path)
        if kind == .directory { throw FileError(path, errno: EISDIR) }
        target = FileSystem.resolved(path)
        temporary = kind == .other ? nil : FilePath(bytes: target.bytes + Array(".\(getpid()).partial".utf8))
        descriptor = (temporary ?? target).withCString {
            open($0, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        }
        guard descriptor >= 0 else { throw FileError(path, errno: errno) }
    }

    package func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
        var written = 0
        while written < bytes.count {
            #if canImport(Darwin)
            let count = Darwin.write(descriptor, bytes.baseAddress! + written, bytes.count - written)
            #elseif canImport(Musl)
            let count = Musl.write(descriptor, bytes.baseAddress! + written, bytes.count - written)
            #else
            let count = Glibc.write(descriptor, bytes.baseAddress! + written, bytes.count - written)
            #endif
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw FileError(path, errno: count < 0 ? errno : EIO) }
            written += count
        }
    }

    /// Lets `body` write to the open file.
    package func withDescriptor<Failure: Error>(_ body: (Int32) throws(Failure) -> Void) throws(Failure) {
        try body(descriptor)
    }

    package func write(_ bytes: [UInt8]) throws(FileError) {
        let result = bytes.withUnsafeBytes { buffer in Result { () throws(FileError) in try write(buffer) } }
        try result.get()
    }

    /// Puts the file under its name, with its bytes on the disk first.
    package func commit() throws(FileError) {
        guard fsync(descriptor) == 0 || errno == EINVAL || errno == EROFS else {
            throw FileError(path, errno: errno)
        }
        guard close(descriptor) == 0 else { descriptor = -1; throw FileError(path, errno: errno) }
        descriptor = -1
        guard let temporary else { return }
        let renamed = temporary.withCString { from in target.withCString { to in rename(from, to) } }
        guard renamed == 0 else { throw FileError(path, errno: errno) }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
        _ = temporary?.withCString { unlink($0) }
    }
}
