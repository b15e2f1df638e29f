import Synchronization
import SystemFiles
import TensorGraph

/// The contents of pipes from which networks are read: a pipe gives its bytes once, and a file is looked into more than
/// once.
package enum PipedFiles {
    private static let contents = Mutex<[String: ByteRegion]>([:])

    /// Maps a file, or returns the content of a pipe, which the first call reads.
    ///
    /// - Throws: `MappingError` with the system's `errno`.
    package static func region(_ path: String) throws(MappingError) -> ByteRegion {
        guard (try? FileSystem.kind(of: FilePath(path))) == .other else {
            return try ByteRegion(mapping: path)
        }
        if let known = contents.withLock({ $0[path] }) { return known }
        let region = try ByteRegion(mapping: path)
        contents.withLock { $0[path] = region }
        return region
    }
}
