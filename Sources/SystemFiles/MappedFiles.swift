import Synchronization

/// The files that are mapped into memory, so that the handler of a fault in a truncated file can name it.
package enum MappedFiles {
    private struct Range {
        let begin, end: UInt
        let path: FilePath
    }
    private static let ranges = Mutex<[Range]>([])

    package static func add(_ base: UnsafeMutableRawPointer, count: Int, path: FilePath) {
        let begin = UInt(bitPattern: base)
        ranges.withLock { $0.append(Range(begin: begin, end: begin + UInt(count), path: path)) }
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
}
