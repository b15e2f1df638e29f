#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A file that one process at a time holds locked, and that is gone when nobody does.
///
/// A program that inherits `descriptor` holds it too: should this process be killed, the lock lasts until the `curl` it leaves behind ends.
struct FolderLock: ~Copyable {
    private let path: String
    let descriptor: Int32

    /// - Parameter isWaiting: asked while another holds it, ten times a second; false gives up.
    /// - Returns: nil where it gave up.
    static func acquire(_ path: String, isWaiting: () -> Bool) throws(SystemError) -> FolderLock? {
        while true {
            let descriptor = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o666)
            guard descriptor >= 0 else { throw SystemError(code: errno) }
            while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
                let code = errno
                // Some shared disks know no locks. What two processes then make of one file has the wrong digest, and is fetched again.
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
            // Its last holder may have removed the file before we had it.
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
