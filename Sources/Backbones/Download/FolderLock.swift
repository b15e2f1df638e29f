#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A lock file that one process at a time holds; it is removed when it is released.
///
/// A child that inherits `descriptor` holds the lock too: if this process is killed, the lock persists until
/// its `curl` ends.
struct FolderLock: ~Copyable {
    private let path: String
    let descriptor: Int32

    /// Acquires the lock.
    ///
    /// - Parameters:
    ///   - path: The path of the lock file.
    ///   - isWaiting: Called ten times a second while another process holds the lock; false gives up.
    /// - Returns: The lock, or nil after giving up.
    /// - Throws: `SystemError` if the file cannot be opened or locked.
    static func acquire(_ path: String, isWaiting: () -> Bool) throws(SystemError) -> FolderLock? {
        while true {
            let descriptor = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o666)
            guard descriptor >= 0 else { throw SystemError(code: errno) }
            while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
                let code = errno
                // Some network file systems do not support locks. If two processes then write to one file,
                // its digest is wrong and it is downloaded again.
                if [ENOLCK, ENOSYS, EOPNOTSUPP].contains(code) { break }
                guard code == EWOULDBLOCK || code == EINTR else {
                    close(descriptor)
                    throw SystemError(code: code)
                }
                guard isWaiting() else {
                    close(descriptor)
                    return nil
                }
                usleep(100_000)
            }
            // The last holder may have removed the file before this process locked it.
            var (held, named) = (stat(), stat())
            if fstat(descriptor, &held) == 0, stat(path, &named) == 0, held.st_ino == named.st_ino,
                held.st_dev == named.st_dev
            {
                return FolderLock(path: path, descriptor: descriptor)
            }
            close(descriptor)
        }
    }

    private init(path: String, descriptor: Int32) { (self.path, self.descriptor) = (path, descriptor) }

    deinit {
        unlink(path)
        close(descriptor)
    }
}
