import Synchronization

/// The files that are mapped into memory, so that the handler of a fault in a truncated file can name it, and
/// so that nothing is written from a file that was overwritten meanwhile.
package enum MappedFiles {
    /// The `State` of a file is what changes when it is written to in place.
    package struct State: Equatable, Sendable {
        let device, inode: UInt64
        let size: Int64
        let seconds, nanoseconds: Int

        package init(_ information: stat) {
            #if canImport(Darwin)
            let time = information.st_mtimespec
            #else
            let time = information.st_mtim
            #endif
            device = UInt64(truncatingIfNeeded: information.st_dev)
            inode = UInt64(truncatingIfNeeded: information.st_ino)
            (size, seconds, nanoseconds) = (Int64(information.st_size), Int(time.tv_sec), Int(time.tv_nsec))
        }

        /// Returns whether the file was written to since; one that was replaced by another was not.
        func isOverwritten(at path: FilePath) -> Bool {
            var information = stat()
            guard path.withCString({ stat($0, &information) }) == 0 else { return false }
            let now = State(information)
            return now.device == device && now.inode == inode && now != self
        }
    }

    private struct Range {
        let begin, end: UInt
        let path: FilePath
        let state: State
    }
    private static let ranges = Mutex<[Range]>([])

    /// - Parameter state: The file's state before it was mapped.
    package static func add(_ base: UnsafeMutableRawPointer, count: Int, path: FilePath, state: State) {
        let begin = UInt(bitPattern: base)
        ranges.withLock {
            $0.append(Range(begin: begin, end: begin + UInt(count), path: path, state: state))
        }
    }

    package static func remove(_ base: UnsafeMutableRawPointer) {
        ranges.withLock { ranges in ranges.removeAll { $0.begin == UInt(bitPattern: base) } }
    }

    /// Returns the file that is mapped at an address.
    ///
    /// - Parameter address: The address, which may lie beyond the file's end in its last page.
    package static func path(at address: UInt) -> FilePath? {
        ranges.withLock { $0.first { ($0.begin..<$0.end + 65_536).contains(address) }?.path }
    }

    /// Returns a mapped file that was written to since it was mapped.
    package static func overwritten() -> FilePath? {
        ranges.withLock { $0.first { $0.state.isOverwritten(at: $0.path) }?.path }
    }
}
