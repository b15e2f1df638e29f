import Synchronization
import SystemFiles
import TensorGraph

/// The contents of pipes from which networks and labels are read: a pipe gives its bytes once, and a file is looked into
/// more than once.
package enum PipedFiles {
    private static let contents = Mutex<[FilePath: ByteRegion]>([:])

    /// Maps a file, or returns the content of a pipe, which the first call reads.
    ///
    /// - Parameter limit: The maximum number of bytes of a pipe.
    /// - Throws: `FileError` with the system's `errno`, `EFBIG` beyond the limit.
    package static func region(_ path: FilePath, limit: Int = 1 << 31) throws(FileError) -> ByteRegion {
        guard (try? FileSystem.kind(of: path)) == .other else {
            do { return try ByteRegion(mapping: path.description) } catch {
                throw FileError(path, errno: error.errno)
            }
        }
        if let known = contents.withLock({ $0[path] }) { return known }
        let region = ByteRegion(try FileSystem.read(path, limit: limit))
        contents.withLock { $0[path] = region }
        return region
    }
}
